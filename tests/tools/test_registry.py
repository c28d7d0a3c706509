from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_core.tools import BaseTool, StructuredTool, ToolException, tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.types import Command
from pydantic import BaseModel, ValidationError

from symposia.episodes import Budget, Outcome, Recorder, Task
from symposia.tools import Fault, ToolPolicy, ToolRegistry, ToolResult


async def called(registry: ToolRegistry, name: str, /, **arguments: Any) -> ToolResult:
    return await registry.call({"name": name, "args": arguments, "id": "1"})


async def result_of(function: Any, policy: ToolPolicy | None = None, /, **arguments: Any) -> Any:
    return await called(ToolRegistry([function], policy=policy), function.__name__, **arguments)


def weather(city: str, days: int = 1) -> dict[str, Any]:
    """The weather in a city.

    Args:
        city: its name
        days: how many days ahead
    """
    return {"city": city, "days": days}


# What tools are made of


def test_a_function_becomes_a_tool_with_its_docstring() -> None:
    (made,) = ToolRegistry([weather])
    assert (made.name, made.description) == ("weather", "The weather in a city.")
    assert made.args["city"]["description"] == "its name"
    assert made.args["days"]["default"] == 1


def test_what_is_no_tool_is_refused_with_the_mend() -> None:
    def silent(x: int) -> int:
        return x

    def untrue(x: int) -> int:
        """Do.

        Args:
            y: not there
        """
        return x

    def strange_näme() -> None:
        """Do."""

    with pytest.raises(ValueError, match="the tool silent needs a docstring"):
        ToolRegistry([silent])
    with pytest.raises(ValueError, match=r"untrue cannot become a tool: Arg y in docstring"):
        ToolRegistry([untrue])
    with pytest.raises(ValueError, match="'strange_näme' cannot be the name of a tool"):
        ToolRegistry([strange_näme])
    with pytest.raises(TypeError, match="a tool is a LangChain tool or a function, not 3"):
        ToolRegistry([3])  # type: ignore[list-item]


def test_five_thousand_tools_of_one_name_are_one_clear_error() -> None:
    same = StructuredTool.from_function(weather)
    with pytest.raises(ValueError, match=r"held more than once: weather \(5000 times\)$"):
        ToolRegistry([same] * 5_000)
    registry = ToolRegistry([weather])
    with pytest.raises(ValueError, match="held more than once: weather"):
        registry.add(same)
    with pytest.raises(ValueError, match="held more than once: search_tools"):
        ToolRegistry([same.model_copy(update={"name": "search_tools"})], show=3)


def test_settings_for_tools_that_are_not_there_are_refused() -> None:
    with pytest.raises(ValueError, match="policies for wether, which are not among the tools"):
        ToolRegistry([weather], policies={"wether": ToolPolicy()})
    with pytest.raises(ValueError, match="pinned, but not there: wether; There are: weather"):
        ToolRegistry([weather], pinned=["wether"])
    with pytest.raises(ValueError, match="show=2 leaves no room"):
        ToolRegistry([weather], pinned=["weather"], show=2)
    for wrong in ({"timeout": 0}, {"retries": -1}, {"cap": 0}, {"cost": float("nan")}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            ToolPolicy(**wrong)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="unknown permission 'maybe'; choose one of allow, ask"):
        ToolPolicy(permission="maybe")  # type: ignore[arg-type]


async def test_tools_can_be_removed() -> None:
    registry = ToolRegistry([weather])
    registry.remove("weather")
    assert (len(registry), registry.search("weather")) == (0, [])
    with pytest.raises(KeyError, match="there is no tool 'weather'; There are: none"):
        registry.remove("weather")
    registry.add(weather)
    assert [found.name for found in registry.search("weather")] == ["weather"]


# What comes back


@dataclass
class Point:
    x: int


class Place(BaseModel):
    name: str


@pytest.mark.parametrize(
    ("value", "content", "data"),
    [
        ("plain", "plain", None),
        ("", "(no output)", None),
        (None, "(no output)", None),
        ({"ä": 1}, '{"ä": 1}', {"ä": 1}),
        ([1, 2], "[1, 2]", [1, 2]),
        (2.5, "2.5", 2.5),
        (Point(1), '{"x": 1}', {"x": 1}),
        ([Place(name="here")], '[{"name": "here"}]', [Place(name="here")]),
        ({1, 2}, '"{1, 2}"', {1, 2}),
        ({(1, 2): 3}, "{(1, 2): 3}", {(1, 2): 3}),
        (b"text", "text", b"text"),
        (b"\xff\x00\x01", "[3 bytes of binary data]", b"\xff\x00\x01"),
        ("half \ud800 pair", "half ? pair", None),
        ([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}], "a\nb", None),
        (
            [{"type": "image", "base64": "AA==", "mime_type": "image/png"}],
            "[image/png]",
            [{"type": "image", "base64": "AA==", "mime_type": "image/png"}],
        ),
    ],
)
async def test_text_for_the_model_and_data_beside_it(value: Any, content: str, data: Any) -> None:
    def give() -> Any:
        """Give it."""
        return value

    result = await result_of(give)
    assert (result.ok, result.content, result.data) == (True, content, data)
    message = result.message("7")
    assert (message.text, message.artifact, message.tool_call_id) == (content, data, "7")


async def test_values_in_circles_do_not_break_it() -> None:
    def give() -> Any:
        """Give it."""
        circle: list[Any] = []
        circle.append(circle)
        return circle

    assert (await result_of(give)).content == "[[...]]"


async def test_langchain_tools_of_every_kind_are_called() -> None:
    @tool(response_format="content_and_artifact")
    def pair(x: int) -> tuple[str, list[int]]:
        """Give a pair."""
        return f"{x}!", [x]

    @tool
    async def gentle(x: int) -> str:
        """Wait a little."""
        await asyncio.sleep(0)
        return str(x)

    class Own(BaseTool):
        name: str = "own"
        description: str = "A class of its own."

        def _run(self, x: int) -> dict[str, int]:
            return {"x": x}

    registry = ToolRegistry([pair, gentle, Own()])
    results = [await called(registry, name, x=3) for name in ("pair", "gentle", "own")]
    assert [r.content for r in results] == ["3!", "3", '{"x": 3}']
    assert results[0].data == [3]


async def test_a_gigabyte_of_text_is_cut_before_anybody_reads_it() -> None:
    def flood() -> str:
        """Say too much."""
        return "begin " + "x" * 200_000_000 + " end"

    recorder = Recorder()
    registry = ToolRegistry([flood])
    result = await registry.call(
        {"name": "flood", "args": {}, "id": "1"}, config={"callbacks": [recorder]}
    )
    assert len(result.content) <= 20_000
    assert result.content.startswith("begin xxx") and result.content.endswith("xxx end")
    assert "characters left out" in result.content
    assert result.truncated == 200_000_010 - len(result.content)
    (record,) = recorder.episode(Task("t", "p"), Outcome(), run="r").tools
    assert record.result == result.content


@given(st.integers(1, 300), st.text(max_size=500))
def test_head_and_tail_never_passes_the_cap(cap: int, text: str) -> None:
    from symposia.tools.condense import condensed, head_and_tail

    short = asyncio.run(condensed(text, cap, head_and_tail))
    assert len(short) <= cap if len(text) > cap else short == text


async def test_a_condenser_of_ones_own_and_one_that_fails(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def talk() -> str:
        """Talk."""
        return "word " * 100

    async def count(text: str, cap: int) -> str:
        return f"{len(text.split())} words"

    async def fail(text: str, cap: int) -> str:
        raise RuntimeError("no")

    async def ramble(text: str, cap: int) -> str:
        return text * 2

    assert (await result_of(talk, ToolPolicy(cap=80, condense=count))).content == "100 words"
    for bad in (fail, ramble):
        result = await result_of(talk, ToolPolicy(cap=80, condense=bad))
        assert result.ok and len(result.content) <= 80
    assert "the condenser failed" in caplog.text


# Errors that an agent can act on


async def test_an_unknown_tool_names_the_closest() -> None:
    registry = ToolRegistry([weather])
    close = await called(registry, "wether")
    assert close.error and close.error.kind == Fault.UNKNOWN
    assert close.content == "There is no tool 'wether'. Did you mean weather?"
    far = await called(registry, "zzz")
    assert far.content == "There is no tool 'zzz'. There are: weather."


async def test_bad_arguments_say_which_and_what_was_expected() -> None:
    result = await called(ToolRegistry([weather]), "weather", town="Ulm", days="soon")
    assert result.error and result.error.kind == Fault.ARGUMENTS
    assert "there is no argument 'town'" in result.content
    assert "city: Field required" in result.content
    assert "days: Input should be a valid integer" in result.content
    assert result.content.endswith("weather takes: city: string, days: integer = 1.")
    assert result.attempts == 0
    assert (await called(ToolRegistry([weather]), "weather", city="Ulm", days="2")).ok


async def test_arguments_of_json_schemas_are_checked_too() -> None:
    schema = {
        "type": "object",
        "properties": {"mode": {"enum": ["a", "b"]}, "n": {"type": ["integer", "null"]}},
        "required": ["mode"],
    }

    async def run(**arguments: Any) -> str:
        return str(arguments)

    made = StructuredTool(name="t", description="d", args_schema=schema, coroutine=run)
    registry = ToolRegistry([made])
    assert (await called(registry, "t", mode="a")).content == "{'mode': 'a'}"
    wrong = await called(registry, "t", mode="c", m=1)
    assert "there is no argument 'm'" in wrong.content
    assert "'c' is not one of ['a', 'b']" in wrong.content
    assert wrong.content.endswith('t takes: mode: "a" or "b", n: integer or null = null.')


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)
NAMES = st.sampled_from(["city", "days", "self", "config", "args", "kwargs", "mode"])


@settings(max_examples=60)
@given(st.text(max_size=10) | st.just("weather"), st.dictionaries(NAMES | st.text(), JSON))
def test_any_call_has_a_result(name: str, arguments: dict[str, Any]) -> None:
    registry = ToolRegistry([weather])
    result = asyncio.run(registry.call({"name": name, "args": arguments, "id": None}))
    assert result.content and result.message(None).text == result.content
    if not result.ok:
        assert result.error and result.error.kind in (Fault.UNKNOWN, Fault.ARGUMENTS)


async def test_a_tool_that_fails_tells_why_without_secrets() -> None:
    def fetch() -> str:
        """Fetch."""
        raise ValueError("401 for Authorization: Bearer sk-proj-abc123def456ghi789")

    result = await result_of(fetch)
    assert result.error and result.error.kind == Fault.FAILED
    assert "ValueError: 401" in result.content and "sk-proj" not in result.content

    def shout() -> str:
        """Shout."""
        raise ToolException("x" * 100_000)

    assert len((await result_of(shout)).content) < 2_100


async def test_odd_ends_are_failures() -> None:
    def stop() -> str:
        """Stop."""
        raise StopIteration

    def leave() -> str:
        """Leave."""
        sys.exit(3)

    def command() -> Any:
        """Command."""
        return Command(goto="x")

    class Unspeakable:
        def __str__(self) -> str:
            raise RuntimeError("no words")

    def mute() -> Any:
        """Say something that cannot be said."""
        return Unspeakable()

    for odd in (stop, leave, command, mute):
        result = await result_of(odd)
        assert result.error and result.error.kind == Fault.FAILED


async def test_denied_tools_are_not_shown_found_or_run() -> None:
    registry = ToolRegistry([weather], policies={"weather": ToolPolicy(permission="deny")})
    assert registry.shown() == [] and registry.search("weather") == []
    result = await called(registry, "weather", city="Ulm")
    assert result.error and result.error.kind == Fault.DENIED


# Time


async def test_a_tool_that_hangs_is_given_up_and_is_on_record() -> None:
    cancelled: list[bool] = []

    async def hang() -> str:
        """Hang."""
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.append(True)
            raise
        return ""

    recorder = Recorder()
    registry = ToolRegistry([hang], policy=ToolPolicy(timeout=0.05))
    result = await registry.call(
        {"name": "hang", "args": {}, "id": "1"}, config={"callbacks": [recorder]}
    )
    assert result.error and result.error.kind == Fault.TIMEOUT
    assert "did not answer within 0.05 s" in result.content
    await asyncio.sleep(0)
    assert cancelled == [True]
    episode = recorder.episode(Task("t", "p"), Outcome(), run="r")
    (record,) = episode.tools
    assert "did not answer within 0.05 s" in record.error and record.seconds < 5
    assert episode.total.tool_calls == 1


async def test_a_tool_that_ignores_cancellation_is_left_to_itself() -> None:
    ended = asyncio.Event()

    async def stubborn() -> str:
        """Ignore it."""
        for _ in range(3):
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(0.1)
        ended.set()
        return "late"

    recorder = Recorder()
    registry = ToolRegistry([stubborn], policy=ToolPolicy(timeout=0.02))
    result = await registry.call(
        {"name": "stubborn", "args": {}, "id": "1"}, config={"callbacks": [recorder]}
    )
    assert result.error and result.error.kind == Fault.TIMEOUT and result.seconds < 0.1
    await ended.wait()
    await asyncio.sleep(0.01)
    assert len(recorder.episode(Task("t", "p"), Outcome(), run="r").tools) == 1


async def test_a_function_that_hangs_keeps_its_slot_but_holds_up_nobody_else() -> None:
    release = threading.Event()

    def hang() -> str:
        """Hang in a thread."""
        release.wait()
        return "late"

    registry = ToolRegistry(
        [hang, weather], policies={"hang": ToolPolicy(timeout=0.05, concurrency=1)}
    )
    first = await called(registry, "hang")
    assert first.error and first.error.kind == Fault.TIMEOUT
    second = await called(registry, "hang")
    assert second.error and second.error.kind == Fault.BUSY
    assert "1 at a time are allowed" in second.content
    assert (await called(registry, "weather", city="Ulm")).ok
    release.set()
    assert (await called(registry, "hang")).content == "late"


def test_a_program_ends_although_a_function_hangs() -> None:
    code = """
import asyncio, threading
from symposia.tools import ToolPolicy, ToolRegistry
def hang() -> str:
    "Hang for ever."
    threading.Event().wait()
registry = ToolRegistry([hang], policy=ToolPolicy(timeout=0.05))
for _ in range(2):
    print(asyncio.run(registry.call({"name": "hang", "args": {}, "id": "1"})).error.kind)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert (done.stdout.split(), done.stderr) == (["timeout", "timeout"], "")


async def test_blocking_functions_run_beside_each_other() -> None:
    gate = threading.Barrier(8, timeout=20)

    def meet() -> str:
        """Wait for the others."""
        gate.wait()
        return "met"

    registry = ToolRegistry([meet])
    results = await asyncio.gather(*(called(registry, "meet") for _ in range(8)))
    assert [r.content for r in results] == ["met"] * 8


async def test_no_more_run_at_once_than_allowed() -> None:
    now, most = 0, 0

    async def work() -> str:
        """Work."""
        nonlocal now, most
        now, most = now + 1, max(most, now + 1)
        await asyncio.sleep(0.005)
        now -= 1
        return ""

    registry = ToolRegistry([work], policy=ToolPolicy(concurrency=3))
    await asyncio.gather(*(called(registry, "work") for _ in range(20)))
    assert most == 3


async def test_a_caller_that_is_cancelled_cancels_the_tool() -> None:
    cancelled = asyncio.Event()

    async def hang() -> str:
        """Hang."""
        try:
            await asyncio.sleep(60)
        finally:
            cancelled.set()
        return ""

    registry = ToolRegistry([hang], policy=ToolPolicy(concurrency=1))
    task = asyncio.create_task(called(registry, "hang"))
    await asyncio.sleep(0.02)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.wait_for(cancelled.wait(), 5)


# Another try


async def test_errors_that_may_pass_are_tried_again_and_each_run_counts() -> None:
    runs: list[float] = []

    def flaky() -> str:
        """Fail twice."""
        runs.append(time.monotonic())
        if len(runs) < 3:
            raise ConnectionError("reset")
        return "there"

    recorder = Recorder()
    registry = ToolRegistry([flaky], policy=ToolPolicy(retries=2, first_wait=0.01, cost=0.5))
    result = await registry.call(
        {"name": "flaky", "args": {}, "id": "1"}, config={"callbacks": [recorder]}
    )
    assert (result.content, result.attempts) == ("there", 3)
    episode = recorder.episode(Task("t", "p"), Outcome(), run="r")
    assert [bool(t.error) for t in episode.tools] == [True, True, False]
    assert (episode.total.tool_calls, episode.total.cost) == (3, 1.5)


async def test_other_errors_and_tools_without_retries_are_not_tried_again() -> None:
    runs: list[int] = []

    def wrong() -> str:
        """Fail."""
        runs.append(1)
        raise ValueError("no")

    policy = ToolPolicy(retries=5, first_wait=0.01)
    assert (await result_of(wrong, policy)).attempts == 1
    named = ToolPolicy(retries=1, first_wait=0.01, retry_on=(ValueError,))
    result = await result_of(wrong, named)
    assert (result.attempts, result.error.kind) == (2, Fault.FAILED)
    assert len(runs) == 3


async def test_a_budget_of_tool_calls_ends_retries() -> None:
    def down() -> str:
        """Be down."""
        raise ConnectionError("down")

    registry = ToolRegistry([down], policy=ToolPolicy(retries=9, first_wait=0.001))
    result = await registry.call(
        {"name": "down", "args": {}, "id": "1"},
        config={"callbacks": [Recorder(Budget(tool_calls=2))]},
    )
    assert result.error and result.error.kind == Fault.BUDGET
    assert "budget of 2 tool calls is spent" in result.content


async def test_runs_that_a_budget_refused_cost_nothing() -> None:
    registry = ToolRegistry([weather], policy=ToolPolicy(cost=1.0))
    recorder = Recorder(Budget(tool_calls=1))
    call: Any = {"name": "weather", "args": {"city": "Ulm"}, "id": "1"}
    results = [await registry.call(call, config={"callbacks": [recorder]}) for _ in range(2)]
    assert [(r.ok, r.attempts) for r in results] == [(True, 1), (False, 0)]
    assert recorder.ledger.total.cost == 1.0


# The same call again


def said(*calls: tuple[str, dict[str, Any]]) -> AIMessage:
    return AIMessage(
        "", tool_calls=[{"name": n, "args": a, "id": str(i)} for i, (n, a) in enumerate(calls)]
    )


async def test_a_call_that_was_answered_is_not_made_again_when_the_policy_says_so() -> None:
    registry = ToolRegistry([weather], policy=ToolPolicy(once=True))
    ulm, bonn = ("weather", {"city": "Ulm", "days": 2}), ("weather", {"city": "Bonn"})
    messages: list[Any] = [HumanMessage("?"), said(ulm)]
    messages += await registry.answer(messages)
    messages += [said(("weather", {"days": 2, "city": "Ulm"}), bonn, bonn)]
    again, fresh, twin = await registry.answer(messages)
    assert again.status == "error" and again.response_metadata["error"] == "duplicate"
    assert again.text.endswith('It answered:\n{"city": "Ulm", "days": 2}')
    assert fresh.status == "success"
    assert "is already being called" in twin.text
    free = ToolRegistry([weather])
    assert [m.status for m in await free.answer(messages)] == ["success"] * 3


async def test_a_call_that_failed_may_be_made_again() -> None:
    registry = ToolRegistry([weather], policy=ToolPolicy(once=True))
    failed = ToolMessage("no", tool_call_id="0", status="error")
    ulm = ("weather", {"city": "Ulm"})
    (answer,) = await registry.answer([said(ulm), failed, said(ulm)])
    assert answer.status == "success"


# A person decides


def asking(registry: ToolRegistry) -> Any:
    graph = StateGraph(MessagesState)
    graph.add_node("tools", registry.node)
    graph.add_edge(START, "tools")
    return graph.compile(checkpointer=InMemorySaver())


async def test_everything_is_asked_before_anything_runs() -> None:
    ran: list[str] = []

    def act(what: str) -> str:
        """Act."""
        ran.append(what)
        return f"did {what}"

    def look() -> str:
        """Look."""
        ran.append("look")
        return "seen"

    registry = ToolRegistry([act, look], policies={"act": ToolPolicy(permission="ask")})
    graph = asking(registry)
    config = {"configurable": {"thread_id": "1"}}
    wanted = said(("look", {}), ("act", {"what": "a"}), ("act", {"what": "b"}))
    paused = await graph.ainvoke({"messages": [wanted]}, config)
    assert paused["__interrupt__"][0].value == {
        "tool": "act",
        "arguments": {"what": "a"},
        "call": "1",
    }
    await graph.ainvoke(Command(resume="approve"), config)
    assert ran == []
    edit = {"decision": "edit", "arguments": {"what": "c"}}
    final = await graph.ainvoke(Command(resume=edit), config)
    assert sorted(ran) == ["a", "c", "look"]
    assert [m.text for m in final["messages"][1:]] == ["seen", "did a", "did c"]


async def test_a_decision_that_cannot_be_read_lets_nothing_through() -> None:
    ran: list[str] = []

    def act() -> str:
        """Act."""
        ran.append("act")
        return "done"

    graph = asking(ToolRegistry([act], policy=ToolPolicy(permission="ask")))
    config = {"configurable": {"thread_id": "1"}}
    await graph.ainvoke({"messages": [said(("act", {}))]}, config)
    for unclear in ("yes", {"decision": "edit"}, {"decision": "approve", "arguments": {}}, 1):
        with pytest.raises(ValidationError):
            await graph.ainvoke(Command(resume=unclear), config)
    assert ran == []
    final = await graph.ainvoke(Command(resume="approve"), config)
    assert (ran, final["messages"][-1].text) == (["act"], "done")


async def test_edited_arguments_are_checked_and_no_graph_means_no_leave() -> None:
    registry = ToolRegistry([weather], policy=ToolPolicy(permission="ask"))
    graph = asking(registry)
    config = {"configurable": {"thread_id": "1"}}
    await graph.ainvoke({"messages": [said(("weather", {"city": "Ulm"}))]}, config)
    edit = {"decision": "edit", "arguments": {"town": "Ulm"}}
    final = await graph.ainvoke(Command(resume=edit), config)
    assert "there is no argument 'town'" in final["messages"][-1].text
    alone = await called(registry, "weather", city="Ulm")
    assert alone.error and alone.error.kind == Fault.DENIED
    assert "nobody can be asked here" in alone.content


async def test_tools_that_call_models_are_recorded_as_a_whole() -> None:
    from symposia.models import ScriptedModel

    model = ScriptedModel(["four"])

    async def expert(question: str) -> str:
        """Ask an expert."""
        return (await model.ainvoke(question)).text

    recorder = Recorder()
    result = await ToolRegistry([expert]).call(
        {"name": "expert", "args": {"question": "2 + 2?"}, "id": "1"},
        config={"callbacks": [recorder]},
    )
    episode = recorder.episode(Task("t", "p"), Outcome(), run="r")
    assert (result.content, len(episode.turns), len(episode.tools)) == ("four", 1, 1)
