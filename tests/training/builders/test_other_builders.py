from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage
from transformers import AutoTokenizer

from symposia.episodes import Tokens, Turn
from symposia.models.load import TINY
from symposia.training.builders import (
    Prefix,
    first_error,
    other_action,
    planted,
    prefix_values,
    relabelled,
    retold,
    windows,
    with_detour,
    written,
    wrong_number,
)


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    return AutoTokenizer.from_pretrained(TINY, local_files_only=True)


# What prefixes are worth.


def test_a_prefix_is_worth_the_mean_of_the_plays_that_share_it() -> None:
    values = prefix_values([("ab", 1.0), ("ac", 0.0), ("ad", 0.0), ("b", 0.0)])
    assert values[()] == Prefix(4, 0.25, 1.0)
    assert values["a",] == Prefix(3, 1 / 3, 1.0)
    assert values["a", "b"] == Prefix(1, 1.0, 1.0)
    assert values["b",].value == 0.0


def test_the_first_error_is_where_no_play_gets_home_any_more() -> None:
    values = prefix_values([("abc", 0.0), ("ad", 1.0)])
    assert first_error(values, "abc") == 1
    assert first_error(values, "ad") is None
    assert first_error(values, "ad", floor=1.0) == 0
    with pytest.raises(ValueError, match="no play began"):
        first_error(values, "x")
    with pytest.raises(ValueError, match="outcome 0 is nan"):
        prefix_values([("a", float("nan"))])


# The same words under another prompt.


def turn(text: str, tokens: Tokens | None = None, id: str = "a") -> Turn:
    reply = {"role": "assistant", "content": text}
    return Turn(id, "actor", (), reply, model="tiny", tokens=tokens)


def test_a_reply_keeps_its_sampled_tokens_under_another_prompt(tokenizer: Any) -> None:
    odd = tokenizer.encode("4", add_special_tokens=False) + tokenizer.encode(
        "2", add_special_tokens=False
    )
    sampled = Tokens((5, 6), tuple(odd), (-0.1,) * len(odd))
    (row,) = retold([turn("42", sampled)], [[HumanMessage("6 * 7?")]], tokenizer)
    learnt = [id for id, wanted in zip(row.ids, row.loss_mask, strict=True) if wanted]
    assert learnt == odd
    prompt = tokenizer.decode(row.ids[: -len(odd)])
    assert "6 * 7?" in prompt
    assert (row.turns, row.policy, row.agent) == (("a",), "tiny", "actor")


def test_retold_turns_share_a_row_where_the_conversation_goes_on(tokenizer: Any) -> None:
    start: list[BaseMessage] = [HumanMessage("Go.")]
    on = [*start, AIMessage("left"), HumanMessage("A wall.")]
    row, *more = retold([turn("left"), turn("right", id="b")], [start, on], tokenizer)
    assert not more
    assert row.turns == ("a", "b")
    (whole,) = written(tokenizer, [*on, AIMessage("right")], [False, True, False, True])
    assert (row.ids, row.loss_mask) == (whole.ids, whole.loss_mask)
    other = [HumanMessage("Elsewhere.")]
    assert len(retold([turn("left"), turn("right", id="b")], [start, other], tokenizer)) == 2


def test_what_was_never_said_cannot_be_retold(tokenizer: Any) -> None:
    failed = Turn("x", "actor", (), None, error="Timeout")
    with pytest.raises(ValueError, match=r"'x' of actor failed \(Timeout\)"):
        retold([failed], [[HumanMessage("Go.")]], tokenizer)
    with pytest.raises(ValueError, match="0 prompts for 1 turns"):
        retold([turn("left")], [], tokenizer)


def test_a_reply_put_right_stands_behind_the_prompt_that_was_read(tokenizer: Any) -> None:
    row = relabelled(turn("wrong", Tokens((5, 6), (7,), (-0.1,))), "right", tokenizer)
    assert row.ids[:2] == (5, 6)
    assert tokenizer.decode(row.ids[2:-1]) == "right"
    assert row.ids[-1] == tokenizer.eos_token_id
    assert row.loss_mask == (False, False, *[True] * (len(row.ids) - 2))
    bare = Turn("b", "judge", ({"role": "user", "content": "Grade."},), {"content": "?"})
    assert "Grade." in tokenizer.decode(relabelled(bare, "1", tokenizer).ids)


# Windows.


def conversation(turns: int) -> tuple[list[BaseMessage], list[bool]]:
    said: list[BaseMessage] = [SystemMessage("Act."), HumanMessage("Start.")]
    for number in range(turns):
        said += [AIMessage(f"a{number}"), HumanMessage(f"o{number}")]
    return said, [each.type == "ai" for each in said]


def test_a_long_conversation_is_cut_to_windows_that_each_begin_with_the_head() -> None:
    first, second = windows(*conversation(3), turns=2, overlap=1)
    assert [m.text for m in first.messages] == ["Act.", "Start.", "a0", "o0", "a1", "o1"]
    assert [m.text for m in second.messages] == ["Act.", "Start.", "a1", "o1", "a2", "o2"]
    assert first.trained == (False, False, True, False, True, False)
    assert second.trained == (False, False, False, False, True, False)


def test_a_short_conversation_stays_whole() -> None:
    messages, trained = conversation(2)
    (window,) = windows(messages, trained, turns=5)
    assert (window.messages, window.trained) == (tuple(messages), tuple(trained))


@given(st.integers(1, 12), st.integers(1, 5), st.integers(0, 4), st.randoms())
def test_what_is_trained_is_a_target_once(
    turns: int, size: int, overlap: int, rng: random.Random
) -> None:
    overlap = min(overlap, size - 1)
    messages, trained = conversation(turns)
    trained = [mark and rng.random() < 0.7 for mark in trained]
    learnt = [
        message.text
        for window in windows(messages, trained, size, overlap=overlap)
        for message, mark in zip(window.messages, window.trained, strict=True)
        if mark
    ]
    assert learnt == [m.text for m, mark in zip(messages, trained, strict=True) if mark]


def test_a_window_that_would_not_move_on_is_refused() -> None:
    with pytest.raises(ValueError, match="turns=2, overlap=2"):
        windows(*conversation(3), turns=2, overlap=2)


# Planted errors.


def test_a_planted_solution_ends_with_its_error() -> None:
    steps = ["2 + 3 = 5", "so it is done", "5 * 2 = 10"]
    for seed in range(20):
        made = planted(steps, wrong_number, random.Random(seed))
        assert made.at in (0, 2)
        assert made.steps[: made.at] == tuple(steps[: made.at])
        assert made.right == steps[made.at] != made.steps[-1]
    assert planted(steps, wrong_number, random.Random(3)) == planted(
        steps, wrong_number, random.Random(3)
    )
    with pytest.raises(ValueError, match="none of 1 steps"):
        planted(["no number"], wrong_number, random.Random(0))


@given(st.integers(0, 10**6), st.randoms())
def test_a_wrong_number_is_near_and_never_negative(number: int, rng: random.Random) -> None:
    spoilt = wrong_number(f"7 + {number} apples", rng)
    assert spoilt is not None
    assert spoilt.startswith("7 + ") and spoilt.endswith(" apples")
    off = abs(int(spoilt.split()[2]) - number)
    assert 1 <= off <= 9


def test_another_action_is_an_admissible_one() -> None:
    rng = random.Random(0)
    assert {other_action("a", ["a", "b", "c"], rng) for _ in range(20)} == {"b", "c"}
    assert other_action("a", ["a"], rng) is None


def test_a_detour_is_read_and_never_trained() -> None:
    messages, trained = with_detour(*conversation(2), 4, "oops", "Nothing happens.")
    assert [m.text for m in messages[3:7]] == ["o0", "oops", "Nothing happens.", "a1"]
    assert trained == [False, False, True, False, False, False, True, False]
    with pytest.raises(ValueError, match="message 3 of 6 is not an assistant's"):
        with_detour(*conversation(2), 3, "oops", "")
