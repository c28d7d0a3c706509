from __future__ import annotations

from pathlib import Path

import pytest
from rollouts import small_adapters

from symposia import make_environment
from symposia.episodes import Episode, EpisodeStore, Task, Tokens, Turn
from symposia.training.files import load_examples
from symposia.training.loop import Stage, train
from symposia.training.recipes.rise import RISE


async def truth(task: str, answer: str) -> float:
    return float(answer == "4")


def stage(attempts: int = 3) -> Stage:
    return Stage(0, 1, [Task("t", "2 + 2?", reference="4")], attempts, 0, score=truth)


def turn(agent: str, branch: str, **parsed: str) -> Turn:
    tokens = Tokens((1, 2), (3, 4), (-0.5, -0.5))
    return Turn(branch, agent, (), {}, branch=branch, parsed=parsed or None, tokens=tokens)


EPISODE = Episode(
    "run",
    "t",
    turns=(
        turn("actor", "0", answer="4"),
        turn("actor", "1", answer="5"),
        turn("actor", "2"),
        turn("critic", "0/0", verdict="correct"),
        turn("critic", "0/1", verdict="incorrect"),
        turn("critic", "1/0", verdict="incorrect"),
        turn("critic", "1/1", verdict="correct"),
        turn("critic", "1/2"),
    ),
)


async def test_a_verification_earns_by_naming_the_rating_that_the_solution_earned() -> None:
    assert await RISE().rewards(EPISODE, stage()) == {
        "t": {"0": 1, "1": -0.5, "2": -1},
        "t/0": {"0/0": 1, "0/1": -0.5},
        "t/1": {"1/0": 1, "1/1": -0.5, "1/2": -1},
    }


async def test_verifications_of_different_solutions_are_never_compared() -> None:
    rows = await RISE().rows([EPISODE], stage())
    found = {row.turns[0]: (row.group, row.advantages[-1]) for row in rows}
    assert found == {
        "0": ("t", 1.75),
        "1": ("t", -0.5),
        "2": ("t", -1.25),
        "0/0": ("t/0", 1.5),
        "0/1": ("t/0", -1.5),
        "1/0": ("t/1", 1.75),
        "1/1": ("t/1", -0.5),
        "1/2": ("t/1", -1.25),
    }
    assert {row.policy for row in rows} == {"policy"}


def test_settings_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match=r"verified=1.5: it must lie in \[0, 1\]"):
        RISE(verified=1.5)
    with pytest.raises(ValueError, match="ask for 2 attempts at least"):
        RISE().collection(stage(attempts=1))


async def test_one_update_mixes_solving_and_verifying(tmp_path: Path) -> None:
    plan = small_adapters(tasks=3)
    outcome = await train(
        RISE(verified=2 / 9), make_environment("arithmetic", size=8), plan, tmp_path
    )
    assert outcome.versions["policy"].name == "0001"
    with EpisodeStore(tmp_path) as store:
        episodes = list(store.episodes("collect-0000"))
    said = {e.task: [turn.agent for turn in e.turns] for e in episodes}
    assert [agents.count("actor") for agents in said.values()] == [3, 3, 3]
    assert sorted(agents.count("critic") for agents in said.values()) == [0, 3, 3]
    rows = load_examples(tmp_path / "iterations" / "0000" / "rows" / "policy.npz")
    assert {row.agent for row in rows} == {"actor", "critic"}
