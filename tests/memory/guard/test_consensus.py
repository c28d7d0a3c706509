from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st
from memory_models import Parts, record, verdicts

from symposia.memory.guard.consensus import Consensus, Judged, Jury
from symposia.models.lexical import LexicalEmbeddings

ENDS = ("a blood test", "total deletion", "one week of rest")


def majority(chains: dict[int, str]) -> str:
    """The verdicts of an honest auditor: right is what more than half of the chains say."""
    said = [*chains.values()]
    return verdicts({n: 2 * said.count(chain) > len(said) for n, chain in chains.items()})


def judged(by: Consensus, ends: list[int], suspects: set[int]) -> tuple[Judged, int]:
    """What comes of records that lead to these ends, and the calls that it took."""
    parts = Parts(majority, chains=lambda text: f"fever -calls for-> {ENDS[int(text[0])]}")
    jury = Jury(
        parts.model,
        parts.model,
        by,
        LexicalEmbeddings(),
        eps=0.5,
        concurrency=8,
        format="tags",
    )
    records = [record(str(n), f"{end} {n}") for n, end in enumerate(ends)]
    return asyncio.run(jury.judge("What now?", records, suspects)), len(parts.calls)


cases = st.lists(st.integers(0, 2), min_size=1, max_size=7).flatmap(
    lambda ends: st.tuples(st.just(ends), st.sets(st.integers(0, len(ends) - 1)))
)


@pytest.mark.parametrize("by", ["auditor", "clusters", "both"])
@given(cases)
def test_suspects_have_no_voice_and_stand_only_beside_those_that_do(
    by: Consensus, case: tuple[list[int], set[int]]
) -> None:
    ends, suspects = case
    voices = [n for n in range(len(ends)) if n not in suspects]
    alone, _ = judged(by, [ends[n] for n in voices], set())
    all_, calls = judged(by, ends, suspects)
    assert all_.stands - suspects == {voices[n] for n in alone.stands}
    agreed = {ends[n] for n in all_.stands - suspects}
    assert {ends[n] for n in all_.stands} == agreed  # no suspect stands for something else
    assert all_.calls == calls


@given(cases)
def test_what_stands_was_not_found_wrong_and_nothing_is_left_unsaid(
    case: tuple[list[int], set[int]],
) -> None:
    ends, suspects = case
    told, _ = judged("both", ends, suspects)
    assert not told.stands & told.wrong.keys()
    for n in range(len(ends)):
        assert n in told.stands or told.reason(n)
