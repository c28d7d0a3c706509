from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from rollouts import small_adapters

from symposia import make_environment
from symposia.episodes import Episode, EpisodeStore, Task, Tokens, Turn
from symposia.training import Row, Sample
from symposia.training.builders import critiques_of
from symposia.training.loop import Stage, train
from symposia.training.recipes.refcritic import RefCritic

IMITATE, JUDGE, HELP = 0, 1, 2


async def truth(task: str, answer: str) -> float:
    return float(answer == "4")


def stage(iteration: int, attempts: int = 2) -> Stage:
    return Stage(iteration, 10, [Task("t", "2 + 2?", reference="4")], attempts, 0, score=truth)


def turn(id: str, agent: str, branch: str, **parsed: str) -> Turn:
    tokens = Tokens((1, 2), (3, 4), (-0.5, -0.5))
    return Turn(id, agent, (), {}, branch=branch, parsed=parsed or None, tokens=tokens)


def solved(first: str, *reviews: tuple[str, str]) -> Episode:
    """A solution, and critiques of it: a verdict, and the answers that were made from it."""
    turns = [turn("s", "actor", "0", answer=first)]
    for number, (verdict, mended) in enumerate(reviews):
        turns.append(turn(f"c{number}", "critic", f"0/{number}", verdict=verdict))
        turns += [
            turn(f"r{number}{k}", "reviser", f"0/{number}/{k}", answer=answer)
            for k, answer in enumerate(mended)
        ]
    return Episode("run", "t", turns=tuple(turns))


async def earned(episode: Episode, iteration: int, **options: Any) -> list[float]:
    recipe = RefCritic(judge_from=1, help_from=2, **options)
    return [
        await recipe.reward(episode, *reviewed, stage(iteration))
        for reviewed in critiques_of(episode)
    ]


async def test_the_success_of_refinements_is_mixed_with_the_verdict() -> None:
    episode = solved("5", ("incorrect", "4454"), ("incorrect", "5555"), ("correct", ""))
    assert await earned(episode, HELP) == [0.875, 0.5, 0]
    assert await earned(episode, HELP, weight=0) == [1, 1, 0]
    assert await earned(episode, JUDGE) == [1, 1, 0]


async def test_a_right_solution_has_nothing_to_mend() -> None:
    episode = solved("4", ("correct", ""), ("incorrect", "4444"))
    assert await earned(episode, HELP) == [1, 0]


async def test_at_first_true_verdicts_are_imitated_and_others_are_left_out() -> None:
    recipe = RefCritic()
    episode = solved("5", ("incorrect", ""), ("correct", ""))
    (row,) = await recipe.rows([episode], stage(IMITATE))
    assert isinstance(row, Row) and (row.turns, row.policy) == (("c0",), "critic")
    compared = await recipe.rows([episode], stage(JUDGE))
    assert all(isinstance(row, Sample) for row in compared)
    assert [row.advantages[-1] > 0 for row in compared if isinstance(row, Sample)] == [True, False]


def test_settings_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match="every stage needs an iteration"):
        RefCritic(judge_from=5, help_from=5)
    with pytest.raises(ValueError, match="refinements=0"):
        RefCritic(refinements=0)
    with pytest.raises(ValueError, match="ask for 2 attempts at least"):
        RefCritic().collection(stage(0, attempts=1))


async def test_it_goes_from_imitation_to_refinements(tmp_path: Path) -> None:
    plan = small_adapters(iterations=3, tasks=2, attempts=2, test_tasks=1)
    recipe = RefCritic(judge_from=1, help_from=2, refinements=2, votes=2)
    outcome = await train(recipe, make_environment("arithmetic", size=8), plan, tmp_path)
    assert outcome.versions["critic"].name == "0003"
    assert outcome.versions["actor"].name == "0000"
    with EpisodeStore(tmp_path) as store:
        spoke = [
            {turn.agent for episode in store.episodes(f"collect-000{i}") for turn in episode.turns}
            for i in range(3)
        ]
    assert spoke == [{"actor", "critic"}] * 2 + [{"actor", "critic", "reviser"}]
