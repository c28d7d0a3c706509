from __future__ import annotations

from forks import TASK, Fork

from symposia.agents import ToolAgent
from symposia.benchmarks import play
from symposia.benchmarks.sessions import Sessions
from symposia.episodes import Episode
from symposia.graphs.acting import gui_critic
from symposia.graphs.acting.gui_critic import PreCritic
from symposia.models import ScriptedModel

WRONG = "<observation>at the start</observation><score>Incorrect</score>"
WRONG += "<suggestion>go left</suggestion>"
RIGHT = "<score>Correct</score>"


async def run(actions: list[str], reviews: list[str]) -> Episode:
    agent = ToolAgent(ScriptedModel([f"<action>{action}</action>" for action in actions]))
    critic = PreCritic(ScriptedModel(reviews))
    async with Sessions(Fork({"l": 1.0})) as sessions, sessions.world(TASK) as world:
        return await play(gui_critic(agent, critic), TASK, world)


async def test_an_incorrect_action_is_not_taken_and_the_suggestion_is_read() -> None:
    episode = await run(["right", "left"], [WRONG, RIGHT])
    assert [step.action for step in episode.steps] == [None, "left"]
    assert "go left" in episode.turns[2].messages[-1]["content"]
    assert episode.outcome.success


async def test_a_missing_score_counts_as_incorrect() -> None:
    episode = await run(["left", "left"], ["<critique>looks fine</critique>", RIGHT])
    assert len(episode.turns) == 4
    assert episode.turns[1].unreadable


async def test_the_fields_come_in_the_order_of_looking_before_leaping() -> None:
    episode = await run(["left"], [RIGHT])
    told = episode.turns[1].messages[0]["content"]
    order = ["<observation>", "<result>", "<critique>", "<score>", "<suggestion>"]
    assert [told.index(tag) for tag in order] == sorted(told.index(tag) for tag in order)
