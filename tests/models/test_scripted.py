from __future__ import annotations

from pathlib import Path

import pytest
from langchain_core.messages import AIMessage
from langchain_core.tools import tool

from symposia.agents import Actor, Answer, ToolAgent
from symposia.benchmarks import play
from symposia.episodes import Task
from symposia.graphs import Team, answer
from symposia.models import ScriptedModel, ScriptExhaustedError


async def test_it_answers_in_order_and_fails_loudly_when_dry() -> None:
    model = ScriptedModel(["one", "two"])
    assert [model.invoke("a").text, (await model.ainvoke("b")).text] == ["one", "two"]
    with pytest.raises(ScriptExhaustedError, match="2 replies and was asked for one more"):
        model.invoke("the last words")


async def test_a_function_may_be_async() -> None:
    async def echo(messages: list) -> str:
        return messages[-1].text.upper()

    assert (await ScriptedModel(echo).ainvoke("hi")).text == "HI"
    with pytest.raises(TypeError, match="ainvoke"):
        ScriptedModel(echo).invoke("hi")


def test_structured_output_and_errors() -> None:
    model = ScriptedModel([Answer(answer="4"), "not json", ConnectionError("down")])
    typed = model.with_structured_output(Answer)
    assert typed.invoke("2 + 2?") == Answer(answer="4")
    raw = model.with_structured_output(Answer, include_raw=True).invoke("again")
    assert raw["parsed"] is None
    assert raw["parsing_error"] is not None
    with pytest.raises(ConnectionError):
        model.invoke("x")


def test_only_bound_tools_can_be_called() -> None:
    @tool
    def look() -> str:
        """Look."""
        return "a room"

    call = {"name": "look", "args": {}, "id": "1", "type": "tool_call"}
    reply = AIMessage("", tool_calls=[call])
    model = ScriptedModel([reply, reply])
    assert model.bind_tools([look]).invoke("x").tool_calls[0]["name"] == "look"
    with pytest.raises(ValueError, match="only \\[\\] are bound"):
        model.invoke("x")


def test_stop_strings_cut_the_reply() -> None:
    model = ScriptedModel(["go on. stop here", "go on"])
    cut, whole = (model.invoke("x", stop=["here", "stop"]) for _ in range(2))
    assert (cut.text, cut.response_metadata["stop_reason"]) == ("go on. ", "stop")
    assert (whole.text, whole.response_metadata["stop_reason"]) == ("go on", None)


def test_scripts_from_files(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('["one", "two"]')
    (tmp_path / "a.jsonl").write_text('"one"\n"two"\n')
    (tmp_path / "a.txt").write_text("one\ntwo\n")
    for name in ("a.json", "a.jsonl", "a.txt"):
        assert ScriptedModel.from_file(tmp_path / name).script == ["one", "two"]
    (tmp_path / "bad.json").write_text('{"not": "a list"}')
    for name in ("bad.json", "missing.txt"):
        with pytest.raises(ValueError, match="no script in"):
            ScriptedModel.from_file(tmp_path / name)


async def test_an_episode_can_be_replayed() -> None:
    team = answer(Actor(ScriptedModel(["<answer>4</answer>"])))
    first = await play(team, Task("t", "2 + 2?"))
    again = await play(answer(Actor(ScriptedModel.from_episode(first))), Task("t", "2 + 2?"))
    assert again.answer == first.answer == "4"


async def test_a_replay_calls_the_tools_that_were_called() -> None:
    @tool
    def add(a: int, b: int) -> int:
        """Add two numbers."""
        return a + b

    call = {"name": "add", "args": {"a": 2, "b": 2}, "id": "1", "type": "tool_call"}
    script = [AIMessage("I add.", tool_calls=[call]), "<action>say 4</action>"]

    def team(model: ScriptedModel) -> Team:
        return answer(ToolAgent(model, tools=[add]))

    first = await play(team(ScriptedModel(script)), Task("t", "2 + 2?"))
    again = await play(team(ScriptedModel.from_episode(first)), Task("t", "2 + 2?"))
    assert again.answer == first.answer == "say 4"
    assert [t.reply for t in again.turns] == [t.reply for t in first.turns]
    assert [t.result for t in again.tools] == ["4"]


async def test_a_replay_keeps_the_blocks_of_a_reply() -> None:
    blocks = [{"type": "text", "text": "<answer>4</answer>"}]
    first = await play(answer(Actor(ScriptedModel([AIMessage(blocks)]))), Task("t", "2 + 2?"))
    again = await play(answer(Actor(ScriptedModel.from_episode(first))), Task("t", "2 + 2?"))
    assert again.answer == "4"


def test_one_text_is_not_a_script() -> None:
    with pytest.raises(TypeError, match="not a text"):
        ScriptedModel("hello")
