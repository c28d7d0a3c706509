"""The first whole path: a team plays real games in worker processes, every turn on record."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("textworld", reason="needs the alfworld extra")

from langchain_core.messages import BaseMessage

from symposia import EpisodeStore, ScriptedModel, ToolAgent, act, evaluate, make_environment
from symposia.benchmarks.alfworld import TASK_TYPES, ALFWorld, SearchExpert


def expert(messages: list[BaseMessage]) -> str:
    """What the expert would do, from nothing but the conversation that an agent sees."""
    _, opening, *rest = messages
    player = SearchExpert(opening.text.removeprefix(ALFWorld.instructions).strip())
    for said, heard in zip(rest[::2], rest[1::2], strict=True):
        player.observe(said.text.removeprefix("<action>").removesuffix("</action>"), heard.text)
    return f"<action>{player.next_action()}</action>"


async def test_a_team_that_knows_how_solves_every_type_of_task(tmp_path: Path) -> None:
    team = act(ToolAgent(ScriptedModel(expert)))
    world = make_environment("alfworld", games=6, size="small")
    with EpisodeStore(tmp_path) as store:
        report = await evaluate(team, world, store=store, run="r", progress=False)
        assert report.summary.successes == 6
        assert set(report.kinds) == set(TASK_TYPES)
        for episode in store.episodes("r"):
            actions = [step.action for step in episode.steps[1:]]
            assert actions == [(turn.parsed or {})["action"] for turn in episode.turns]
            assert episode.steps[-1].done
            assert episode.outcome.score == 1
            assert all(step.admissible for step in episode.steps)


async def test_the_step_limit_is_named_as_the_reason() -> None:
    idle: Any = act(ToolAgent(ScriptedModel(lambda messages: "<action>look</action>")))
    world = make_environment("alfworld", games=1, size="small", max_steps=3)
    report = await evaluate(idle, world, progress=False)
    assert report.stops == {"step limit": 1}
    assert report.manifest["config"]["options"]["max_steps"] == 3


async def test_a_truncated_game_fails_with_its_path_and_the_run_goes_on(tmp_path: Path) -> None:
    import json

    from symposia.benchmarks.alfworld import generate_game

    for name, text in {
        "whole": json.dumps(generate_game(3, size="small")),
        "truncated": json.dumps(generate_game(4, size="small"))[:500],
    }.items():
        folder = tmp_path / "json_2.1.1" / "valid_seen" / f"{TASK_TYPES[0]}-x-{name}" / "trial"
        folder.mkdir(parents=True)
        (folder / "game.tw-pddl").write_text(text)
    world = make_environment("alfworld", data=str(tmp_path))
    team = act(ToolAgent(ScriptedModel(expert)))
    report = await evaluate(team, world, split="valid_seen", progress=False)
    (broken,) = report.errors
    assert "truncated" in broken.error
    assert "game.tw-pddl" in broken.error
    assert [row.success for row in report.rows if not row.error] == [True]
