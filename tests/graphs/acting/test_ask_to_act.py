from __future__ import annotations

from forks import Fork

from symposia.agents import Candidate
from symposia.benchmarks import play
from symposia.benchmarks.sessions import Sessions
from symposia.episodes import Task
from symposia.graphs.acting import ask_to_act
from symposia.graphs.acting.ask_to_act import clarified
from symposia.models import ScriptedModel

TASK = Task("fork:0", "Go where I want.", data={"user": "You want to go right."})


async def test_it_asks_and_then_acts_on_what_it_heard() -> None:
    moves = ["<question>Which way?</question>", "<action>right</action>"]
    user = ScriptedModel(["<answer>To the right.</answer>"])
    async with Sessions(Fork({"r": 1.0})) as sessions, sessions.world(TASK) as world:
        episode = await play(ask_to_act(ScriptedModel(moves), user), TASK, world)
    assert episode.outcome.success
    assert [turn.agent for turn in episode.turns] == ["agent", "user", "agent"]
    assert len(episode.steps) == 2


def test_recovery_counts_intents_and_efficiency_counts_questions() -> None:
    said = [Candidate("user", text="On Monday."), Candidate("user", text="I do not know.")]
    found = clarified(said, {"day": "monday", "seat": "aisle"})
    assert (found.recovered, found.efficiency) == (0.5, 0.5)
    nothing = clarified([], {})
    assert (nothing.recovered, nothing.efficiency) == (1.0, 0.0)
