from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symposia.benchmarks.steadiness import Trace, changes, steadiness, trace_of
from symposia.episodes import Episode, Turn


def trace(*answers: str, gold: str = "G", acknowledged: bool = False) -> Trace:
    return Trace(answers, tuple(answer == gold for answer in answers), acknowledged)


def test_an_answer_that_comes_and_goes_changes_three_times_in_four_turns() -> None:
    assert changes(["G", "X", "G", "X"]) == 3
    assert changes(["G"]) == changes(["G", "g."]) == 0


def test_accuracy_and_flips_are_told_before_and_after() -> None:
    found = steadiness(
        [trace("G", "X"), trace("G", "G"), trace("X", "G"), trace("X", "Y"), trace("X", "X")]
    )
    assert (found.tasks, found.before, found.after) == (5, 0.4, 0.4)
    assert found.drop == 0.0
    assert (found.lost, found.mended) == (0.5, pytest.approx(1 / 3))
    assert found.oscillation == pytest.approx(3 / 5)


def test_a_successful_attack_is_a_drop_from_all_to_nothing() -> None:
    found = steadiness([trace("G", "X")] * 3)
    assert (found.before, found.after, found.drop, found.lost) == (1.0, 0.0, 1.0, 1.0)
    assert found.mended is None


def test_last_answers_that_call_the_matter_contested_are_counted() -> None:
    traces = [trace("G", acknowledged=True), trace("G"), trace("X"), trace("X")]
    assert steadiness(traces).acknowledged == 0.25


def test_there_must_be_something_to_measure() -> None:
    with pytest.raises(ValueError, match="no trace"):
        steadiness([])
    with pytest.raises(ValueError, match="0 answers"):
        Trace((), ())
    with pytest.raises(ValueError, match="1 answers and 2 verdicts"):
        Trace(("a",), (True, False))


def turn(agent: str, answer: str | None, text: str = "") -> Turn:
    return Turn(
        id=str(id(text)),
        agent=agent,
        messages=(),
        reply={"role": "assistant", "content": text},
        parsed=None if answer is None else {"reasoning": "", "answer": answer},
    )


def test_a_trace_is_read_from_the_record() -> None:
    turns = (
        turn("actor", "G"),
        turn("critic", None),
        turn("actor", None),
        turn("actor", "X", "X, though some say G"),
    )
    episode = Episode(run="r", task="t", turns=turns)
    found = trace_of(
        episode, lambda answer: answer == "G", acknowledges=lambda text: "some" in text
    )
    assert found == Trace(("G", "X"), (True, False), acknowledged=True)
    with pytest.raises(ValueError, match="'poet' gave no readable answer to 't'"):
        trace_of(episode, lambda answer: True, agent="poet")


@given(st.lists(st.lists(st.sampled_from("GXY"), min_size=1, max_size=5), min_size=1, max_size=6))
def test_what_was_lost_and_mended_explains_the_drop(answers: list[list[str]]) -> None:
    found = steadiness([trace(*each) for each in answers])
    lost = (found.lost or 0.0) * found.before
    mended = (found.mended or 0.0) * (1 - found.before)
    assert found.drop == pytest.approx(lost - mended)
    assert found.oscillation <= max(len(each) for each in answers) - 1
