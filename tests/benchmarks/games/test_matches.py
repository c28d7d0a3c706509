"""Many matches: who sits where, what is stored, and going on after a kill."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import BaseMessage

from symposia import EpisodeStore, ScriptedModel, ToolAgent, act, make_environment
from symposia.benchmarks.games import play_matches


def team(first: str, second: str, name: str = "act") -> Any:
    def reply(messages: list[BaseMessage]) -> str:
        possible = messages[-1].text.rpartition("Possible: ")[2]
        return f"<action>[{first if first in possible else second}]</action>"

    return act(ToolAgent(ScriptedModel(reply)), name=name)


BOLD, TIMID = team("bet", "call"), team("check", "fold", "timid")


def kuhn(**options: Any) -> Any:
    return make_environment("kuhn", **{"games": 4, "rules": {"rounds": 1}, **options})


async def test_a_team_that_plays_itself_leaves_both_sides(tmp_path: Path) -> None:
    with EpisodeStore(tmp_path) as store:
        report = await play_matches(BOLD, kuhn(), attempts=2, store=store, run="r", progress=False)
        kept = list(store.episodes("r"))
    assert len(report.rows) == len(kept) == 4 * 2 * 2
    payoffs: dict[Any, float] = {}
    for each in kept:
        game = each.task.partition("/")[0], each.attempt
        payoffs[game] = payoffs.get(game, 0) + each.outcome.measures["payoff"]
    assert set(payoffs.values()) == {0}
    assert report.summary.score == 0.5


async def test_an_opponent_takes_the_seats_that_the_task_leaves(tmp_path: Path) -> None:
    with EpisodeStore(tmp_path) as store:
        report = await play_matches(
            BOLD, kuhn(), opponent=TIMID, store=store, run="r", progress=False
        )
        kept = list(store.episodes("r"))
    assert [row.kind for row in report.rows] == ["player 0", "player 1"] * 2
    assert report.summary.score == 1.0  # who only checks and folds never wins a pot from a bet
    assert sorted(each.team for each in kept) == ["act"] * 4 + ["timid"] * 4


async def test_a_run_that_was_cut_off_goes_on(tmp_path: Path) -> None:
    settings: Any = {"run": "r", "progress": False}
    with EpisodeStore(tmp_path) as store:
        whole = await play_matches(BOLD, kuhn(), store=store, **settings)
        first, second = list(store.episodes("r"))[:2]
        store.remove("r", first.task)  # as if killed between the two writes of a match
        calls: list[int] = []

        def counted(messages: list[BaseMessage]) -> str:
            calls.append(1)
            return "<action>[bet]</action>" if len(calls) % 2 else "<action>[call]</action>"

        again = act(ToolAgent(ScriptedModel(counted)))
        resumed = await play_matches(again, kuhn(), store=store, **settings)
        assert store.episode("r", second.task).outcome == second.outcome
    assert len(calls) == 2
    assert [row.score for row in resumed.rows] == [row.score for row in whole.rows]


async def test_what_models_draw_depends_on_the_runs_seed(tmp_path: Path) -> None:
    seeds = []
    for seed in (1, 2):
        with EpisodeStore(tmp_path / str(seed)) as store:
            await play_matches(BOLD, kuhn(), seed=seed, store=store, run="r", progress=False)
            seeds.append({each.seed for each in store.episodes("r")})
    assert not seeds[0] & seeds[1]


async def test_what_cannot_be_played_is_refused() -> None:
    with pytest.raises(ValueError, match="arithmetic is no game for two"):
        await play_matches(BOLD, make_environment("arithmetic"))
    with pytest.raises(ValueError, match="attempts=0"):
        await play_matches(BOLD, kuhn(), attempts=0)
    tasks = [*kuhn(player="player 0").tasks("test"), *kuhn(player="player 1").tasks("test")]
    with pytest.raises(ValueError, match="two tasks deal the same game"):
        await play_matches(BOLD, kuhn(), tasks=tasks)
