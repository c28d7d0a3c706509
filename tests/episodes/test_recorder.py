from __future__ import annotations

import asyncio
import json
from typing import Any
from uuid import uuid4

import pytest
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.tools import tool
from langgraph.graph import END, START, MessagesState, StateGraph

from symposia.benchmarks import Name, play
from symposia.episodes import (
    Budget,
    BudgetExceeded,
    Episode,
    Outcome,
    Recorder,
    Task,
    current_episode,
    current_recorder,
)
from symposia.models import ScriptedModel


def foreign_graph(*models: ScriptedModel) -> Any:
    """A graph that knows nothing of Symposia: its models speak one after the other."""
    graph = StateGraph(MessagesState)
    names = []
    for i, model in enumerate(models):

        async def speak(state: MessagesState, model: ScriptedModel = model) -> MessagesState:
            return {"messages": [await model.ainvoke(state["messages"])]}

        names.append(f"speaker{i}")
        graph.add_node(names[-1], speak)
    for a, b in zip([START, *names], [*names, END], strict=True):
        graph.add_edge(a, b)
    return graph.compile()


async def test_a_foreign_graph_is_recorded_turn_by_turn() -> None:
    graph = foreign_graph(ScriptedModel(["one"]), ScriptedModel(["two"]))
    recorder = Recorder()
    await graph.ainvoke({"messages": [HumanMessage("go")]}, {"callbacks": [recorder]})
    episode = recorder.episode(Task("t", "go"), Outcome(), run="r")

    first, second = episode.turns
    assert (first.agent, first.node, second.node) == ("speaker0", "speaker0", "speaker1")
    assert first.messages == ({"role": "user", "content": "go"},)
    assert second.messages[-1] == first.reply == {"role": "assistant", "content": "one"}
    assert (first.parent, second.parent) == (None, first.id)
    assert episode.path(second) == [first, second]
    assert episode.total.calls == 2
    assert episode.usage["speaker0"].completion_tokens == 1


async def test_parallel_branches_share_their_parent() -> None:
    model = ScriptedModel(lambda messages: "x", latency=0.01)
    recorder = Recorder()
    config = {"callbacks": [recorder]}
    await model.ainvoke("root", config)
    await asyncio.gather(*(model.ainvoke(f"branch {i}", config) for i in range(3)))
    turns = recorder.episode(Task("t", "p"), Outcome(), run="r").turns
    assert [t.parent for t in turns] == [None, *[turns[0].id] * 3]


async def test_what_a_model_read_is_kept_even_if_the_graph_changes_the_message_later() -> None:
    message = HumanMessage("before")
    model = ScriptedModel(["a", "b"])
    recorder = Recorder()
    await model.ainvoke([message], {"callbacks": [recorder]})
    message.content = "after"
    await model.ainvoke([message], {"callbacks": [recorder]})
    turns = recorder.episode(Task("t", "p"), Outcome(), run="r").turns
    assert [t.messages[0]["content"] for t in turns] == ["before", "after"]


async def test_failed_calls_and_tools_are_turns_too() -> None:
    @tool
    def shout(text: str) -> str:
        """Say it loudly."""
        if not text:
            raise ValueError("nothing to shout")
        return text.upper()

    recorder = Recorder()
    config = {"callbacks": [recorder]}
    with pytest.raises(RuntimeError):
        await ScriptedModel([RuntimeError("no key sk-abcdefgh12345678")]).ainvoke("x", config)
    await shout.ainvoke({"text": "hi"}, config)
    with pytest.raises(ValueError, match="nothing"):
        await shout.ainvoke({"text": ""}, config)
    episode = recorder.episode(Task("t", "p"), Outcome(), run="r")
    assert episode.turns[0].reply is None
    assert episode.turns[0].error == "RuntimeError: no key [secret]"
    assert [(t.result, t.error) for t in episode.tools] == [
        ("HI", ""),
        ("", "ValueError: nothing to shout"),
    ]
    assert episode.total.tool_calls == 2


async def test_the_recorder_refuses_the_call_that_would_go_past_the_budget() -> None:
    recorder = Recorder(Budget(calls=1))
    model = ScriptedModel(["a", "b"])
    await model.ainvoke("x", {"callbacks": [recorder]})
    with pytest.raises(BudgetExceeded, match="1 model calls"):
        await model.ainvoke("x", {"callbacks": [recorder]})
    assert len(recorder.episode(Task("t", "p"), Outcome(), run="r").turns) == 1


async def test_a_foreign_graph_that_hits_its_budget_ends_with_what_it_had() -> None:
    graph = foreign_graph(ScriptedModel(["first"]), ScriptedModel(["second"]))
    episode = await play(graph, Task("t", "go"), budget=Budget(calls=1))
    assert episode.answer == "first"
    assert episode.outcome.stop == "budget of 1 model calls is spent"
    assert episode.outcome.error == ""


async def test_the_reference_never_enters_the_record() -> None:
    graph = foreign_graph(ScriptedModel(["a"]))
    task = Task("t", "go", reference="the gold answer")
    episode = await play(graph, task)
    assert "gold" not in repr(episode)
    assert "gold" not in repr(task)


async def test_tool_calls_of_a_message_are_recorded() -> None:
    call = {"name": "look", "args": {"at": "x"}, "id": "1", "type": "tool_call"}
    model = ScriptedModel([AIMessage("", tool_calls=[call])], tools=["look"])
    recorder = Recorder()
    await model.ainvoke("x", {"callbacks": [recorder]})
    (turn,) = recorder.episode(Task("t", "p"), Outcome(), run="r").turns
    assert turn.reply is not None
    function = turn.reply["tool_calls"][0]["function"]
    assert (function["name"], json.loads(function["arguments"])) == ("look", {"at": "x"})


async def test_parallel_branches_are_told_apart_by_what_they_read() -> None:
    model = ScriptedModel(lambda messages: "x", latency=0.01)
    recorder = Recorder()
    config = {"callbacks": [recorder]}

    async def branch(name: str) -> None:
        said: list[Any] = [HumanMessage(name)]
        for _ in range(2):
            said += [await model.ainvoke(said, config), HumanMessage("go on")]

    await asyncio.gather(branch("a"), branch("b"))
    turns = recorder.episode(Task("t", "p"), Outcome(), run="r").turns
    for turn in turns[2:]:
        (parent,) = [t for t in turns if t.id == turn.parent]
        assert parent.messages[0] == turn.messages[0]


@pytest.mark.parametrize(
    "metadata",
    [
        {"tokens": 12, "cost": None},
        {"tokens": {"prompt": 3}, "cost": "a lot"},
        {"tokens": {"prompt_ids": [1], "completion_ids": [1, 2], "logprobs": [0.0]}},
        {"tokens": {"prompt_ids": 1, "completion_ids": None, "logprobs": None}},
    ],
)
async def test_what_other_providers_call_tokens_and_cost_breaks_nothing(metadata: Any) -> None:
    model = ScriptedModel([AIMessage("hi", response_metadata=metadata)])
    episode = await play(foreign_graph(model), Task("t", "p"))
    assert (episode.outcome.error, episode.turns[0].tokens, episode.total.cost) == ("", None, 0)


async def test_a_tool_that_is_cut_off_is_on_record() -> None:
    @tool
    async def wait() -> str:
        """Wait."""
        await asyncio.sleep(30)
        return "done"

    recorder = Recorder()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await wait.ainvoke({}, {"callbacks": [recorder]})
    (call,) = recorder.episode(Task("t", "p"), Outcome(), run="r").tools
    assert call.name == "wait"
    assert call.error


async def test_a_tool_that_ends_after_it_was_given_up_is_recorded_once() -> None:
    recorder = Recorder()
    run = uuid4()
    recorder.on_tool_start({"name": "slow"}, "{}", run_id=run)
    recorder.on_tool_error(TimeoutError("too slow"), run_id=run)
    recorder.on_tool_end("late", run_id=run)
    (call,) = recorder.episode(Task("t", "p"), Outcome(), run="r").tools
    assert (call.error, call.result) == ("TimeoutError: too slow", "")


async def test_listeners_hear_once_how_an_episode_ended_and_their_faults_harm_nobody(
    caplog: pytest.LogCaptureFixture,
) -> None:
    heard: list[tuple[str, float]] = []

    async def listens(episode: Episode) -> None:
        heard.append((episode.task, episode.outcome.score))

    async def breaks(episode: Episode) -> None:
        raise RuntimeError("the disk is full")

    async def node(state: MessagesState) -> dict[str, Any]:
        recorder = current_recorder()
        for listener in (breaks, listens, listens):
            recorder.at_end(listener)
        return {"messages": [AIMessage(str(current_episode()))]}

    graph = StateGraph(MessagesState)
    graph.add_node("node", node)
    graph.add_edge(START, "node")
    episode = await play(graph.compile(), Task("a/b", "hi"), name=Name(run="r/s", attempt=2))
    assert episode.answer == "r/s/a/b/2"
    assert heard == [("a/b", 0.0)]
    assert "the disk is full" in caplog.text


def test_outside_of_an_episode_there_is_none() -> None:
    assert current_episode() == ("", "")
    assert current_episode({"metadata": {"episode": "of/my/own"}}) == ("of", "my/own")
    assert current_episode({"metadata": {"episode": "own"}}) == ("", "own")
