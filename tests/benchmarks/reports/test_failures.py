from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reports import report, row
from worlds import Counter

from symposia.agents import ToolAgent
from symposia.benchmarks import Row, evaluate, make_environment
from symposia.benchmarks.reports import FAILURES
from symposia.episodes import Budget, EpisodeStore, Observation
from symposia.graphs import act
from symposia.models import ScriptedModel


async def played(reply: str, *, goal: int = 99, max_steps: int = 6, **options: Any) -> Row:
    world = options.pop("world", Counter)(episodes=1, goal=goal)
    world.max_steps = max_steps
    team = act(
        ToolAgent(ScriptedModel(lambda messages: reply)), loop_limit=options.pop("loop", None)
    )
    return (await evaluate(team, world, progress=False, **options)).rows[0]


class Strict(Counter):
    """Knows but one action, and answers others differently each time."""

    def step(self, action: str) -> Observation:
        self.tries = getattr(self, "tries", 0) + 1
        if action != "up":
            return Observation(f"What, for the {self.tries}th time?", info={"valid": False})
        return super().step(action)


async def test_each_way_to_fail_has_its_cause() -> None:
    up, down, jump = (f"<action>{action}</action>" for action in ("up", "down", "jump"))
    assert (await played(up, goal=2)).failure == ""
    assert (await played(up)).failure == "step limit"
    assert (await played(down)).failure == "loop"
    assert (await played(down, loop=3)).failure == "loop"
    assert (await played(jump, world=Strict)).failure == "invalid actions"
    assert (await played(up, budget=Budget(calls=3))).failure == "budget"
    assert (await played("no tags at all")).failure == "parse failure"
    assert (await played("<action>raise</action>")).failure == "error"


async def test_a_world_that_ends_without_success_was_not_solved() -> None:
    class Trap(Counter):
        def step(self, action: str) -> Observation:
            return Observation("You fell.", done=True)

    assert (await played("<action>up</action>", world=Trap)).failure == "not solved"


async def test_invalid_actions_are_counted_and_kept() -> None:
    row = await played("<action>jump</action>", world=Strict)
    assert (row.steps, row.invalid, row.repeated) == (6, 6, 0)


async def test_what_alfworld_does_not_understand_is_invalid(tmp_path: Any) -> None:
    pytest.importorskip("textworld")
    household = make_environment("alfworld", games=1, size="small", max_steps=4)
    replies = iter(["<action>dance</action>", "<action>look</action>"] * 2)
    team = act(ToolAgent(ScriptedModel(lambda messages: next(replies))))
    with EpisodeStore(tmp_path) as store:
        report = await evaluate(team, household, store=store, run="r", progress=False)
        (episode,) = store.episodes("r")
    assert [step.valid for step in episode.steps] == [True, False, True, False, True]
    assert (report.rows[0].invalid, report.rows[0].repeated) == (2, 2)


@given(
    st.lists(
        st.builds(
            row,
            success=st.booleans(),
            stop=st.sampled_from(["step limit", "loop", "error", "x is spent", "bought", ""]),
            error=st.sampled_from(["", "KeyError: x"]),
            steps=st.integers(0, 9),
            invalid=st.integers(0, 9),
            repeated=st.integers(0, 9),
        )
    )
)
def test_causes_add_up_to_all_failures(rows: list[Row]) -> None:
    made = report(rows=rows)
    assert sum(made.failures.values()) == sum(not row.success for row in rows)
    assert set(made.failures) <= set(FAILURES)


def test_a_task_that_cannot_be_set_up_is_no_error_of_the_team() -> None:
    assert row(success=False, stop="task error", error="bad file").failure == "task error"
