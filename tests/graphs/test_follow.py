from __future__ import annotations

from typing import Any, ClassVar

from worlds import Counter

from symposia import evaluate
from symposia.episodes import Observation, Task
from symposia.graphs import follow
from symposia.graphs.follow import LOST


class Advised(Counter):
    """A counter whose expert knows the way for a while."""

    name: ClassVar[str] = "advised"
    experts: ClassVar[tuple[str, ...]] = ("expert",)

    def __init__(self, knows: int = 9, **options: Any) -> None:
        super().__init__(episodes=2, **options)
        self.knows = knows

    def told(self, seen: Observation) -> Observation:
        left = min(self.goal, self.knows) - self.at
        seen.info["expert_plan"] = ["up"] * left
        return seen

    def reset(self, task: Task) -> Observation:
        return self.told(super().reset(task))

    def step(self, action: str) -> Observation:
        return self.told(super().step(action))


async def test_the_team_does_what_the_expert_of_its_world_says() -> None:
    report = await evaluate(follow(), Advised(goal=3), progress=False)
    assert report.stops == {"solved": 2}
    assert [(row.steps, row.calls) for row in report.rows] == [(3, 0), (3, 0)]


async def test_the_team_stops_where_the_expert_is_lost() -> None:
    report = await evaluate(follow(), Advised(knows=1, goal=3), progress=False)
    assert report.stops == {LOST: 2}
    assert [row.steps for row in report.rows] == [1, 1]


async def test_a_world_that_tells_of_no_expert_is_an_error_that_names_the_remedy() -> None:
    report = await evaluate(follow(), Counter(episodes=1), progress=False)
    assert "make its environment with expert=NAME" in report.rows[0].error
