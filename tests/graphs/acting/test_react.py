from __future__ import annotations

import pytest
from forks import TASK, Fork
from langchain_core.messages import AIMessage

from symposia.benchmarks import play
from symposia.benchmarks.sessions import Sessions
from symposia.episodes import Task
from symposia.graphs.acting import react
from symposia.models import ScriptedModel


async def test_thoughts_and_actions_stand_in_the_conversation() -> None:
    said = [f"<thought>Try {way}.</thought><action>{way}</action>" for way in ("left", "right")]
    async with Sessions(Fork({"lr": 1.0})) as sessions, sessions.world(TASK) as world:
        episode = await play(react(ScriptedModel(said)), TASK, world)
    assert episode.outcome.success
    second = episode.turns[1].messages
    assert second[-2]["content"] == "<thought>Try left.</thought>\n<action>left</action>"
    assert second[-1]["content"] == "You are at [l]."


async def test_with_tools_it_answers_a_question() -> None:
    def double(number: int) -> int:
        """Twice a number."""
        return 2 * number

    call = {"name": "double", "args": {"number": 4}, "id": "1"}
    model = ScriptedModel([AIMessage("", tool_calls=[call]), "<answer>8</answer>"])
    episode = await play(react(model, [double]), Task("t", "Twice 4?"))
    assert (episode.answer, episode.tools[0].result) == ("8", "8")


async def test_instructions_hold_with_tools_too_and_a_limit_has_to_be_positive() -> None:
    model = ScriptedModel(["<answer>8</answer>"])
    episode = await play(react(model, [], instructions="Be terse."), Task("t", "Twice 4?"))
    assert "Be terse." in episode.turns[0].messages[0]["content"]
    with pytest.raises(ValueError, match="max_steps=0"):
        react(model, [], max_steps=0)
