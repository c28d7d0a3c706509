from __future__ import annotations

import pytest
from langchain_core.messages import HumanMessage, SystemMessage
from transformers import AutoTokenizer

from symposia.episodes import Episode, Tokens, Turn
from symposia.models.load import TINY
from symposia.training.builders import refinement_pairs, two_turn_pairs


def episode(first: tuple[int, ...] = (3, 4), second: tuple[int, ...] = (5,)) -> Episode:
    turns = (
        Turn("a", "actor", (), {}, model="m", tokens=Tokens((1, 2), first, (-0.1,) * len(first))),
        Turn("b", "actor", (), {}, tokens=Tokens((1, 2, 3, 4, 9), second, (-0.1,) * len(second))),
    )
    return Episode("run", "task", turns=turns)


@pytest.mark.parametrize(
    ("rewards", "chosen", "rejected"), [((1, 0), (3, 4), (5,)), ((0, 1), (5,), (3, 4))]
)
def test_where_attempts_disagree_the_right_one_is_chosen_under_the_first_prompt(
    rewards: tuple[float, float], chosen: tuple[int, ...], rejected: tuple[int, ...]
) -> None:
    (made,) = two_turn_pairs(episode(), "a", "b", rewards, policy=lambda turn: "policy")
    assert (made.prompt_ids, made.chosen_ids, made.rejected_ids) == ((1, 2), chosen, rejected)
    assert (made.margin, made.group, made.policy) == (1, "task", "policy")


def test_attempts_that_agree_or_are_the_same_make_no_pair() -> None:
    assert two_turn_pairs(episode(), "a", "b", (1, 1)) == []
    assert two_turn_pairs(episode(), "a", "b", (0, 0)) == []
    assert two_turn_pairs(episode(second=(3, 4)), "a", "b", (0, 1)) == []


def test_a_turn_that_is_not_there_is_named() -> None:
    with pytest.raises(ValueError, match="task has no turn 'q'; it has a, b"):
        two_turn_pairs(episode(), "a", "q", (0, 1))


def test_a_preference_is_one_for_the_question_and_one_for_the_mending() -> None:
    tokenizer = AutoTokenizer.from_pretrained(TINY)
    asked = [SystemMessage("Solve."), HumanMessage("2 + 2?")]
    direct, mended = refinement_pairs(
        tokenizer, asked, "4", "5", "Improve it.", policy="p", group="t"
    )
    assert (direct.chosen_ids, direct.rejected_ids) == (mended.chosen_ids, mended.rejected_ids)
    assert tokenizer.decode(direct.chosen_ids) == "4<|end|>"
    before = len(direct.prompt_ids) + len(direct.rejected_ids)
    assert mended.prompt_ids[:before] == direct.prompt_ids + direct.rejected_ids
    assert "Improve it." in tokenizer.decode(mended.prompt_ids[before:])
    assert (mended.policy, mended.group) == ("p", "t")
    with pytest.raises(ValueError, match="the same tokens"):
        refinement_pairs(tokenizer, asked, "4", "4", "Improve it.")
