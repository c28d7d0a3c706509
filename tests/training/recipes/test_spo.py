"""SPO: win rates as rewards, and an iteration on `tiny`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from langchain_core.messages import BaseMessage
from rollouts import answered, small, stage, turn

from symposia import ScriptedModel, make_environment
from symposia.episodes import EpisodeStore
from symposia.training.files import load_examples
from symposia.training.loop import train
from symposia.training.recipes.spo import SPO


def compared(*preferences: list[float]):
    """An episode with a table of preferences."""
    turns = [turn(f"t{at}", branch=f"answer/{at}") for at in range(len(preferences))]
    raters = [turn("rater", None, agent="ranker", branch="pair/0")]
    episode = answered("sum", 0, "7", *turns, *raters)
    return replace(episode, findings={"preferences": [*preferences]})


async def test_rock_paper_scissors_teaches_nothing() -> None:
    assert await SPO().rows([compared([0.5, 0, 1], [1, 0.5, 0], [0, 1, 0.5])], stage()) == []


async def test_a_condorcet_winner_earns_most() -> None:
    table = [[0.5, 1, 1, 1], [0, 0.5, 1, 0], [0, 0, 0.5, 1], [0, 1, 0, 0.5]]
    rows = await SPO().rows([compared(*table)], stage())
    found = {row.turns[0]: row.advantages[-1] for row in rows}
    assert found["t0"] == pytest.approx(1.0 - 0.5)
    assert sum(found.values()) == pytest.approx(0)
    assert "rater" not in found


async def test_a_rater_that_prefers_what_stands_first_teaches_nothing() -> None:
    assert await SPO().rows([compared([0.5, 1], [1, 0.5])], stage()) == []


async def test_an_episode_that_broke_off_is_left_out() -> None:
    assert await SPO().rows([answered("sum", 0, "")], stage()) == []


def test_a_group_needs_two_answers_and_a_rater() -> None:
    with pytest.raises(ValueError, match="attempts=1"):
        SPO().collection(stage(attempts=1))
    assert SPO().earlier(stage()) == {"rater": ("policy", 0)}
    assert SPO(rater=ScriptedModel([], name="big")).options["rater"] == "big"


async def test_an_iteration_trains_on_what_a_rater_prefers(tmp_path: Path) -> None:
    """A script prefers the smaller number."""

    def reply(messages: list[BaseMessage]) -> str:
        shown = messages[-1].text.split("<answer>")[1:]
        first, second = (part.split("</answer>")[0] for part in shown)
        return f"<decision>accept</decision><winner>{int(len(second) < len(first))}</winner>"

    recipe = SPO(rater=ScriptedModel(reply, name="brief"))
    plan = small(attempts=3, temperature=1.5)
    out = await train(recipe, make_environment("arithmetic", size=8), plan, tmp_path)
    with EpisodeStore(tmp_path) as store:
        played = list(store.episodes("collect-0000"))
    assert all(len(each.findings["preferences"]) == 3 for each in played)
    rows = load_examples(tmp_path / "iterations/0000/rows/policy.npz")
    assert {row.agent for row in rows} == {"actor"}
    assert out.versions["policy"].name == "0001"
