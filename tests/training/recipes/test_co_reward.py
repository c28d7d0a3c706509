"""Co-Reward: labels from the other wording, groups by side, and an iteration on `tiny`."""

from __future__ import annotations

from pathlib import Path

import pytest
from langchain_core.messages import BaseMessage
from rollouts import answered, small, stage, turn

from symposia import ScriptedModel, make_environment
from symposia.episodes import EpisodeStore
from symposia.training.files import load_examples
from symposia.training.loop import train
from symposia.training.recipes.co_reward import CoReward

NAMES = {"Ada": "Ben", "Ben": "Ada"}


def asked(original: str, rewritten: str):
    """An episode whose answers are given letter by letter; `-` cannot be read."""
    turns = [
        turn(f"{view}/{at}", None if letter == "-" else letter, branch=f"{view}/{at}")
        for view, letters in (("original", original), ("rewritten", rewritten))
        for at, letter in enumerate(letters)
    ]
    return answered("sum", 0, "a", turn("paraphrase", None, agent="rewriter"), *turns)


async def test_each_side_is_scored_by_the_majority_of_the_other() -> None:
    rows = await CoReward().rows([asked("aab", "bbb")], stage())
    # original 0 0 1; rewritten 0 0 0, a side on which nothing differs and nothing is trained
    assert [row.turns for row in rows] == [(f"original/{at}",) for at in range(3)]
    low, same, high = [row.advantages[-1] for row in rows]
    assert low == same < 0 < high
    assert low == pytest.approx(-1 / 3 / (3**-0.5 + 1e-4))


async def test_sides_are_groups_of_their_own() -> None:
    rows = await CoReward().rows([asked("aab", "aaab")], stage())
    assert {row.group for row in rows} == {"sum/original", "sum/rewritten"}
    assert sum(row.advantages[-1] for row in rows[:3]) == pytest.approx(0)
    assert sum(row.advantages[-1] for row in rows[3:]) == pytest.approx(0)
    assert {row.policy for row in rows} == {"policy"}
    assert all("paraphrase" not in row.turns for row in rows)


@pytest.mark.parametrize(("original", "rewritten"), [("aab", "---"), ("---", "aab"), ("aab", "")])
async def test_a_side_without_answers_labels_nothing(original: str, rewritten: str) -> None:
    assert await CoReward().rows([asked(original, rewritten)], stage()) == []


def test_a_side_needs_answers_to_compare() -> None:
    with pytest.raises(ValueError, match="attempts=1"):
        CoReward().collection(stage(attempts=1))


def test_the_rewriter_is_the_start_unless_another_is_given() -> None:
    assert CoReward().earlier(stage()) == {"rewriter": ("policy", 0)}
    other = CoReward(rewriter=ScriptedModel([], name="big"))
    assert other.earlier(stage()) == {}
    assert other.options["rewriter"] == "big"


async def test_an_iteration_trains_on_both_wordings(tmp_path: Path) -> None:
    """A script swaps the names, for `tiny` cannot paraphrase."""

    def swap(messages: list[BaseMessage]) -> str:
        words = messages[-1].text.split(" ")
        return f"<question>{' '.join(NAMES.get(word, word) for word in words)}</question>"

    recipe = CoReward(rewriter=ScriptedModel(swap, name="swap"))
    environment = make_environment("arithmetic", size=8)
    out = await train(recipe, environment, small(), tmp_path)
    assert out.versions["policy"].name == "0001"
    with EpisodeStore(tmp_path) as store:
        played = list(store.episodes("collect-0000"))
    assert len(played) == 4
    assert all(len(each.turns) == 1 + 4 + 4 for each in played)
    rows = load_examples(tmp_path / "iterations/0000/rows/policy.npz")
    assert {row.agent for row in rows} == {"actor"}
