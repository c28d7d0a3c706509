"""GRPO's reward, and methods that put another in its place."""

from __future__ import annotations

from rollouts import answered, stage

from symposia.training.recipes.grpo import GRPO


def group(*scores: float, task: str = "sum") -> list:
    return [answered(task, at, "7", score=score) for at, score in enumerate(scores)]


async def test_an_episode_earns_its_score() -> None:
    rows = await GRPO(advantage="mean").rows([*group(1, 0), *group(1, 1, task="easy")], stage())
    assert [(row.group, row.advantages[-1]) for row in rows] == [("sum", 0.5), ("sum", -0.5)]


async def test_what_earns_nothing_known_is_left_out() -> None:
    class FirstThree(GRPO):
        async def rewards(self, episodes, stage):
            return [each.outcome.score if each.attempt < 3 else None for each in episodes]

    rows = await FirstThree(advantage="mean").rows(group(1, 0, 0.5, 1), stage())
    assert [row.advantages[-1] for row in rows] == [0.5, -0.5, 0.0]
