from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symposia.episodes import Episode, Tokens, Turn
from symposia.training import moved, pair, rows, samples


def turn(
    id: str, prompt: tuple[int, ...], completion: tuple[int, ...], agent: str = "actor", **more: str
) -> Turn:
    logprobs = tuple(-token / 10 for token in completion)
    tokens = Tokens(prompt, completion, logprobs)
    return Turn(id, agent, (), {}, tokens=tokens, model="tiny", **more)


def episode(*turns: Turn) -> Episode:
    return Episode("run", "task", turns=turns)


FIRST = turn("a", (1, 2), (3, 4))
GOES_ON = turn("b", (1, 2, 3, 4, 9), (5,))
REWRITTEN = turn("c", (1, 2, 7, 9), (6, 8))


def test_a_turn_is_a_row_of_the_ids_that_were_read_and_sampled() -> None:
    (row,) = samples(episode(FIRST), {"a": 0.5})
    assert row.ids == (1, 2, 3, 4)
    assert row.loss_mask == (False, False, True, True)
    assert row.advantages == (0, 0, 0.5, 0.5)
    assert row.old_logprobs == (0, 0, -0.3, -0.4)
    assert row.off_policy == (False,) * 4
    assert row.reference_logprobs is None
    assert (row.agent, row.policy, row.group) == ("actor", "tiny", "task")
    assert (row.episode, row.turns, row.trained) == ("run/task/0", ("a",), 2)


def test_credit_may_differ_from_token_to_token() -> None:
    (row,) = samples(episode(FIRST), {"a": [0.1, -0.2]})
    assert row.advantages == (0, 0, 0.1, -0.2)


def test_turns_stand_in_one_row_where_a_prompt_goes_on_from_the_tokens_before() -> None:
    joined, apart = samples(
        episode(FIRST, GOES_ON, REWRITTEN), {"a": 1, "b": -1, "c": 2}, join=True
    )
    assert joined.ids == (1, 2, 3, 4, 9, 5)
    assert joined.loss_mask == (False, False, True, True, False, True)
    assert joined.advantages == (0, 0, 1, 1, 0, -1)
    assert joined.old_logprobs == (0, 0, -0.3, -0.4, 0, -0.5)
    assert joined.turns == ("a", "b")
    assert apart.ids == (1, 2, 7, 9, 6, 8)


def test_a_turn_without_credit_is_context_in_a_joined_row() -> None:
    last = turn("d", (1, 2, 3, 4, 9, 5, 9), (6,))
    (row,) = samples(episode(FIRST, GOES_ON, last), {"a": 1, "d": 1}, join=True)
    assert row.ids == (1, 2, 3, 4, 9, 5, 9, 6)
    assert row.loss_mask == (False, False, True, True, False, False, False, True)


def test_turns_of_different_agents_or_policies_never_share_a_row() -> None:
    critic = turn("b", (1, 2, 3, 4, 9), (5,), agent="critic")
    assert len(samples(episode(FIRST, critic), {"a": 1, "b": 1}, join=True)) == 2
    by_id = samples(
        episode(FIRST, GOES_ON), {"a": 1, "b": 1}, join=True, policy=lambda turn: turn.id
    )
    assert [row.policy for row in by_id] == ["a", "b"]


def test_where_a_search_branches_each_turn_is_trained_once() -> None:
    left = turn("l", (1, 2, 3, 4, 9), (5,), branch="0")
    right = turn("r", (1, 2, 3, 4, 9), (6,), branch="1")
    below = turn("x", (1, 2, 3, 4, 9, 6, 9), (7,), branch="1")
    found = samples(episode(FIRST, left, right, below), dict.fromkeys("alrx", 1.0), join=True)
    assert [row.turns for row in found] == [("a", "l"), ("r", "x")]
    assert found[1].ids == (1, 2, 3, 4, 9, 6, 9, 7)
    assert found[1].loss_mask == (*[False] * 5, True, False, True)


def test_what_was_written_after_a_critique_stands_under_the_first_prompt_as_off_policy() -> None:
    row = moved(episode(FIRST, REWRITTEN), "c", under="a", credit=0.875)
    assert row.ids == (1, 2, 6, 8)
    assert row.off_policy == row.loss_mask == (False, False, True, True)
    assert row.advantages == (0, 0, 0.875, 0.875)
    assert row.old_logprobs == (0, 0, -0.6, -0.8)
    assert (row.turns, row.group) == (("c",), "task")
    with pytest.raises(ValueError, match="no turn 'q'; it has 'a'"):
        moved(episode(FIRST), "q", under="a", credit=1)


def test_supervised_rows_have_the_named_turns_as_targets() -> None:
    (row,) = rows(episode(FIRST, GOES_ON), {"b"}, join=True)
    assert row.ids == (1, 2, 3, 4, 9, 5)
    assert row.loss_mask == (*[False] * 5, True)
    assert [row.turns for row in rows(episode(FIRST, GOES_ON))] == [("a",), ("b",)]


def test_a_pair_shares_its_prompt() -> None:
    made = pair(FIRST, turn("z", (1, 2), (8,)), margin=0.3, group="task")
    assert (made.prompt_ids, made.chosen_ids, made.rejected_ids) == ((1, 2), (3, 4), (8,))
    assert (made.margin, made.policy, made.group) == (0.3, "tiny", "task")
    with pytest.raises(ValueError, match="'a' and 'b' answered different prompts"):
        pair(FIRST, GOES_ON)
    with pytest.raises(ValueError, match="the same tokens"):
        pair(FIRST, turn("z", (1, 2), (3, 4)))


def test_a_turn_without_tokens_is_refused_and_the_mend_named() -> None:
    silent = Turn("s", "actor", (), {}, model="hosted")
    with pytest.raises(
        ValueError, match="'s' of actor in run/task/0 has no tokens, because hosted"
    ):
        samples(episode(FIRST, silent), {"a": 1, "s": 1})
    assert len(samples(episode(FIRST, silent), {"a": 1})) == 1
    with pytest.raises(ValueError, match="sampled no token"):
        samples(episode(turn("e", (1,), ())), {"e": 1})
    failed = Turn("f", "actor", (), None, error="timeout")
    with pytest.raises(ValueError, match=r"failed \(timeout\)"):
        samples(episode(failed), {"f": 1})


@pytest.mark.parametrize(
    ("credit", "message"),
    [
        ({"a": math.nan}, "credit of turn 'a', token 0 is nan"),
        ({"a": [0.0, math.inf]}, "credit of turn 'a', token 1 is inf"),
        ({"a": [1.0]}, "1 values of credit for turn 'a', but 2 tokens"),
        ({"q": 1.0}, "run/task/0 has no turn 'q'; it has 'a'"),
    ],
)
def test_bad_credit_is_named(credit: dict[str, float | list[float]], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        samples(episode(FIRST), credit)


def test_without_credit_there_are_no_rows() -> None:
    assert samples(episode(FIRST), {}) == []
    assert samples(episode(), {}, join=True) == []


IDS = st.lists(st.integers(0, 3), min_size=1, max_size=4).map(tuple)


@given(st.lists(st.tuples(st.booleans(), IDS, IDS), min_size=1, max_size=8))
def test_every_trained_token_stands_after_exactly_what_was_read(
    drawn: list[tuple[bool, tuple[int, ...], tuple[int, ...]]],
) -> None:
    """Prompts that go on from the turn before, and such that do not, in any order."""
    turns: list[Turn] = []
    for goes_on, said, answer in drawn:
        before = turns[-1].tokens if turns else None
        read = before.prompt_ids + before.completion_ids + said if goes_on and before else said
        turns.append(turn(str(len(turns)), read, answer))
    made = samples(episode(*turns), {each.id: 1.0 for each in turns}, join=True)
    assert sorted(id for row in made for id in row.turns) == sorted(each.id for each in turns)
    assert sum(row.trained for row in made) == sum(len(each.tokens.logprobs) for each in turns)
    by_id = {each.id: each.tokens for each in turns}
    for row in made:
        for id in row.turns:
            start = len(by_id[id].prompt_ids)
            assert row.ids[:start] == by_id[id].prompt_ids
            assert row.ids[start:][: len(by_id[id].completion_ids)] == by_id[id].completion_ids
