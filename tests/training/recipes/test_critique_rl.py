from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from rollouts import small_adapters

from symposia import make_environment
from symposia.episodes import Episode, Task, Tokens, Turn
from symposia.training.advantages import rloo
from symposia.training.loop import Stage, train
from symposia.training.recipes.critique_rl import CritiqueRL
from symposia.training.trainer import PolicyGradient


async def truth(task: str, answer: str) -> float:
    return float(answer == "4")


def stage(iteration: int = 0, attempts: int = 4) -> Stage:
    tasks = [Task("t", "2 + 2?", reference="4")]
    return Stage(iteration, 10, tasks, attempts, 0, score=truth)


def turn(id: str, agent: str, branch: str, **parsed: str) -> Turn:
    tokens = Tokens((1, 2), (3, 4), (-0.5, -0.5))
    return Turn(id, agent, (), {}, branch=branch, parsed=parsed or None, tokens=tokens)


def solved(first: str, *reviews: tuple[str | None, str | None]) -> Episode:
    """A solution, and critiques of it: a verdict, and the solution that was made from it."""
    turns = [turn("s", "actor", "0", answer=first)]
    for number, (verdict, second) in enumerate(reviews):
        said = {} if verdict is None else {"verdict": verdict}
        turns.append(turn(f"c{number}", "critic", f"0/{number}", **said))
        if second is not None:
            turns.append(turn(f"r{number}", "reviser", f"0/{number}/0", answer=second))
    return Episode("run", "t", turns=tuple(turns))


async def earned(episode: Episode, iteration: int, **options: Any) -> list[float]:
    """What the critiques of an episode earn."""
    from symposia.training.builders import critiques_of

    recipe = CritiqueRL(help_from=1, **options)
    return [
        await recipe.reward(episode, *reviewed, stage(iteration))
        for reviewed in critiques_of(episode)
    ]


async def test_at_first_a_critique_earns_by_its_verdict_alone() -> None:
    wrong = solved("5", ("incorrect", None), ("correct", None), (None, None))
    assert await earned(wrong, 0) == [1, -1, -1]
    right = solved("4", ("incorrect", None), ("correct", None))
    assert await earned(right, 0) == [-1, 1]


async def test_then_it_earns_by_what_it_mends_and_never_against_its_judgement() -> None:
    wrong = solved("5", ("incorrect", "4"), ("correct", "4"), ("incorrect", "5"), (None, None))
    assert await earned(wrong, 1) == [1.2, -1, 0.2, -1]
    assert await earned(solved("4", ("correct", "4"), ("correct", "5")), 1) == [1.2, 0.2]


async def test_helpfulness_may_be_what_a_critique_changed() -> None:
    wrong, right = solved("5", ("incorrect", "4")), solved("4", ("correct", "4"), ("correct", "5"))
    assert await earned(wrong, 1, helpfulness="delta") == [1.2]
    assert await earned(right, 1, helpfulness="delta") == [0.2, -0.8]
    assert await earned(right, 1, helpfulness="correct") == [0.4, 0.2]


async def test_critiques_of_one_solution_are_compared_and_only_the_critic_is_trained() -> None:
    episode = solved("5", ("incorrect", "4"), ("incorrect", "4"), (None, None), ("incorrect", "5"))
    rows = await CritiqueRL(help_from=1).rows([episode], stage(1))
    assert [row.turns for row in rows] == [("c0",), ("c1",), ("c2",), ("c3",)]
    assert {row.policy for row in rows} == {"critic"} and {row.agent for row in rows} == {"critic"}
    advantages = [row.advantages[-1] for row in rows]
    assert advantages == rloo([1.2, 1.2, -1, 0.2])
    assert advantages[0] == pytest.approx(1.0667, abs=1e-4)


async def test_a_solution_that_cannot_be_read_has_no_critiques_and_no_rows() -> None:
    unread = Episode("run", "t", turns=(turn("s", "actor", "0"),))
    assert await CritiqueRL().rows([unread], stage()) == []


def test_the_second_stage_is_held_near_the_critic_that_began_it() -> None:
    recipe = CritiqueRL(help_from=3)
    assert [recipe.reference("critic", stage(i)) for i in (0, 2, 3, 7)] == [0, 0, 3, 3]
    assert recipe.objective("critic", stage()) == PolicyGradient(
        kl=0.01, kl_in="reward", estimator="k1"
    )
    assert not recipe.options.keys() - {"help_from", "helpfulness", "kl"}


def test_settings_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match="helpfulness='kind': there are refined, delta, correct"):
        CritiqueRL(helpfulness="kind")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="help_from=0"):
        CritiqueRL(help_from=0)
    with pytest.raises(ValueError, match="ask for 2 attempts at least"):
        CritiqueRL().collection(stage(attempts=1))


async def test_it_trains_the_critic_in_both_stages_and_leaves_the_actor(tmp_path: Path) -> None:
    plan = small_adapters(iterations=2, tasks=2)
    heard: list[tuple[str, dict[str, Any]]] = []
    outcome = await train(
        CritiqueRL(help_from=1),
        make_environment("arithmetic", size=8),
        plan,
        tmp_path,
        heard=lambda arrow, iteration, measures: heard.append((arrow, dict(measures))),
    )
    assert {policy: at.name for policy, at in outcome.versions.items()} == {
        "critic": "0002",
        "actor": "0000",
    }
    assert [set(told) for arrow, told in heard if arrow == "rows"] == [{"critic"}] * 2
    first, second = (told for arrow, told in heard if arrow == "update")
    assert first["kl"] == pytest.approx(0, abs=1e-3)
    assert second["kl"] == pytest.approx(0, abs=1e-3), "it is compared with what began the stage"
    assert second["mismatch"] < 1e-3
