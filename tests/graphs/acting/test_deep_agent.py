from __future__ import annotations

import json
from typing import Any

import pytest
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage

from symposia import ScriptedModel, Task, ToolUser, play
from symposia.episodes import Budget
from symposia.graphs.acting.deep_agent import deep_agent
from symposia.memory.working import check_calls
from symposia.tools import ToolRegistry
from symposia.tools.ready import submit

DONE = "<answer>in the vase</answer>"
MEMORIES = {
    "episodic": "<task_description>find the key</task_description>",
    "working": "<immediate_goal>look on</immediate_goal>",
    "tool": "<tools_used><tool>look</tool></tools_used>",
}


def writers() -> ScriptedModel:
    def reply(messages: list[BaseMessage]) -> str:
        return next(
            text for kind, text in MEMORIES.items() if f"the {kind} mem" in messages[0].text
        )

    return ScriptedModel(reply)


def call(*wanted: tuple[str, dict[str, Any]]) -> AIMessage:
    calls = [{"name": n, "args": a, "id": str(i)} for i, (n, a) in enumerate(wanted)]
    return AIMessage("", tool_calls=calls)


FOLD = ("fold_memory", {})


class Rooms:
    """A tool, and how often it was run."""

    def __init__(self) -> None:
        self.runs: list[str] = []

    def tool(self) -> Any:
        def look(place: str) -> str:
            """Look somewhere."""
            self.runs.append(place)
            return f"a long list of spoons in the {place}"

        return look


async def deep(
    *replies: Any, writer: ScriptedModel | None = None, tools: Any = None, **options: Any
) -> tuple[Any, list[list[BaseMessage]], Rooms]:
    """The final state, what the agent read before each reply, and the rooms."""
    read: list[list[BaseMessage]] = []
    script = iter(replies)

    def reply(messages: list[BaseMessage]) -> Any:
        read.append(messages)
        return next(script)

    rooms = Rooms()
    team = deep_agent(
        ToolUser(ScriptedModel(reply)),
        [rooms.tool()] if tools is None else tools,
        writer=writer or writers(),
        **options,
    )
    final = await team.ainvoke({"messages": [HumanMessage("Find the key.")]})
    return final, read, rooms


def look(place: str) -> tuple[str, dict[str, Any]]:
    return ("look", {"place": place})


async def test_after_a_fold_the_prompt_is_the_original_one_and_three_memories() -> None:
    final, read, _ = await deep(call(look("desk")), call(look("shelf")), call(FOLD), DONE)
    assert final["answer"] == "in the vase"
    assert final["folds"] == 1
    assert any("spoons" in message.text for message in read[2])
    system, prompt = read[3]
    assert (system, prompt.type) == (read[0][0], "human")
    first, *lines = prompt.text.split("\n")
    assert first == read[0][1].text == "Find the key."
    blocks = [json.loads(line.split(" memory: ")[1]) for line in lines if " memory: " in line]
    assert [next(iter(block)) for block in blocks] == [
        "task_description",
        "immediate_goal",
        "tools_used",
    ]
    assert "spoons" not in prompt.text


async def test_a_later_fold_reads_the_earlier_memories_once_and_what_came_since() -> None:
    seen: list[str] = []
    plain = writers()

    def reply(messages: list[BaseMessage]) -> Any:
        seen.append(messages[1].text)
        return plain.script(messages)

    said = [call(look("desk")), call(FOLD), call(look("shelf")), call(FOLD), DONE]
    final, _, _ = await deep(*said, writer=ScriptedModel(reply))
    assert (final["folds"], len(seen)) == (2, 6)
    for text in seen[3:]:
        assert text.count("Episodic memory:") == 1
        assert "spoons in the shelf" in text
        assert "spoons in the desk" not in text
    assert dict(final["folded"].runs)["look"].total == 2


async def test_the_fourth_fold_is_refused() -> None:
    final, read, _ = await deep(*[call(FOLD)] * 4, DONE)
    assert (final["answer"], final["folds"]) == ("in the vase", 3)
    notice = read[4][-1]
    assert isinstance(notice, ToolMessage)
    assert notice.text.startswith("Your thoughts were folded 3 times, which is the most")
    assert len(read) == 5
    none, read, _ = await deep(call(FOLD), DONE, max_folds=0)
    assert none["folds"] == 0
    assert "folded 0 times" in read[1][-1].text


async def test_the_same_call_twice_runs_the_tool_once() -> None:
    final, read, rooms = await deep(call(look("desk")), call(look("desk")), DONE)
    assert rooms.runs == ["desk"]
    assert "with these arguments before" in read[2][-1].text
    assert final["answer"] == "in the vase"


async def test_what_was_called_beside_the_fold_is_run_and_folded() -> None:
    seen: list[str] = []
    plain = writers()

    def reply(messages: list[BaseMessage]) -> Any:
        seen.append(messages[1].text)
        return plain.script(messages)

    _, read, rooms = await deep(call(look("desk"), FOLD), DONE, writer=ScriptedModel(reply))
    assert rooms.runs == ["desk"]
    assert all("spoons in the desk" in text for text in seen)
    assert len(read[1]) == 2


async def test_a_refused_fold_leaves_the_other_answers_in_their_order() -> None:
    _, read, _ = await deep(call(FOLD, look("desk")), DONE, max_folds=0)
    assert [m.text[:8] for m in read[1][-2:]] == ["Your tho", "a long l"]
    check_calls(read[1])


async def test_a_fold_that_cannot_be_written_keeps_the_conversation_and_counts() -> None:
    final, read, _ = await deep(
        call(look("desk")), *[call(FOLD)] * 4, DONE, writer=ScriptedModel(lambda m: "garbage")
    )
    assert final["folds"] == 3
    assert "could not be folded" in read[2][-1].text
    assert any("spoons" in message.text for message in read[5])
    for each in read:
        check_calls(each)


async def test_folding_resets_the_count_of_words() -> None:
    calls = [call(look(f"place {n}")) for n in range(16)]  # nine words each
    final, read, _ = await deep(*calls[:8], call(FOLD), *calls[8:], DONE, max_words=130)
    assert (final["answer"], len(read)) == ("in the vase", 18)
    assert read[-1][-1].text != "Call no more tools. Answer now, with what you know."
    final, read, _ = await deep(*calls[:15], DONE, max_words=130)
    assert (final["answer"], len(read)) == ("in the vase", 16)
    assert "Answer now" in read[-1][-1].text


async def test_after_the_last_action_an_answer_is_demanded_without_tools() -> None:
    final, read, rooms = await deep(call(look("a")), call(look("b")), DONE, max_actions=2)
    assert (final["answer"], final["steps"], rooms.runs) == ("in the vase", 2, ["a", "b"])
    assert read[2][-1].text == "Call no more tools. Answer now, with what you know."
    final, _, _ = await deep(call(look("a")), "hm", max_actions=1)
    assert final["stop"] == "unreadable replies"


async def test_tools_among_many_are_found_by_search() -> None:
    rooms = Rooms()

    def make(number: int) -> Any:
        def tool() -> int:
            return number

        tool.__name__, tool.__doc__ = f"sensor_{number}", f"Read sensor number {number}."
        return tool

    registry = ToolRegistry([rooms.tool(), *map(make, range(100))], show=4)
    final, read, _ = await deep(
        call(("search_tools", {"query": "sensor 42"})),
        call(("sensor_42", {})),
        DONE,
        tools=registry,
    )
    assert read[2][-1].text == "42"
    assert final["answer"] == "in the vase"


async def test_a_spent_budget_stops_the_team_also_while_it_folds() -> None:
    agent = ToolUser(ScriptedModel([call(FOLD), DONE]))
    team = deep_agent(agent, [Rooms().tool()], writer=writers())
    episode = await play(team, Task("t", "Find the key."), budget=Budget(calls=2))
    assert episode.outcome.stop == "budget of 2 model calls is spent"
    assert {turn.agent for turn in episode.turns} <= {
        "agent",
        "episodic memory",
        "working memory",
        "tool memory",
    }


async def test_unreadable_replies_and_calls_end() -> None:
    final, read, _ = await deep("hm", "hm", "hm")
    assert (final["stop"], len(read)) == ("unreadable replies", 3)
    broken = AIMessage(
        "",
        invalid_tool_calls=[
            {"type": "invalid_tool_call", "name": "look", "args": "{", "id": "1", "error": "?"}
        ],
    )
    final, read, _ = await deep(broken, broken, DONE, max_actions=2)
    assert (final["answer"], len(read)) == ("in the vase", 3)


def test_settings_that_cannot_hold_are_refused() -> None:
    agent = ToolUser(ScriptedModel([]))
    for limit, value in {
        "max_folds": -1,
        "max_actions": 0,
        "max_words": 0,
        "unread_limit": 0,
    }.items():
        with pytest.raises(ValueError, match=f"{limit}={value}"):
            deep_agent(agent, [], **{limit: value})  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="submit ends a task"):
        deep_agent(agent, [submit()])

    def fold_memory() -> str:
        """Mine."""
        return ""

    with pytest.raises(ValueError, match="'fold_memory', which is taken"):
        deep_agent(agent, [fold_memory])
