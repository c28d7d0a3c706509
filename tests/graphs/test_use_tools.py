from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command

from symposia.agents import Answer, ToolAgent, ToolUser
from symposia.benchmarks import play
from symposia.episodes import Budget, Episode, Outcome, Recorder, Task
from symposia.graphs import use_tools
from symposia.models import ScriptedModel
from symposia.tools import ToolPolicy, ToolRegistry
from symposia.tools.ready import ask_user, calculator, submit

SEVEN = "<answer>7</answer>"
TASK = Task("t", "What is 3 + 4?")


def calls(*wanted: tuple[str, dict[str, Any]]) -> AIMessage:
    return AIMessage(
        "",
        tool_calls=[
            {"name": name, "args": arguments, "id": f"call-{number}"}
            for number, (name, arguments) in enumerate(wanted)
        ],
    )


def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


ADD = ("add", {"a": 3, "b": 4})


def team(*replies: Any, tools: Any = (add,), **options: Any) -> Any:
    return use_tools(ToolUser(ScriptedModel(list(replies))), tools, **options)


async def played(*replies: Any, budget: Budget | None = None, **options: Any) -> Episode:
    return await play(team(*replies, **options), TASK, budget=budget)


async def test_the_agent_calls_a_tool_reads_its_answer_and_replies() -> None:
    episode = await played(calls(ADD), SEVEN)
    assert (episode.answer, episode.outcome.stop) == ("7", "answered")
    assert [(t.name, t.result) for t in episode.tools] == [("add", "7")]
    assert episode.usage["agent"].tool_calls == 1
    assert episode.turns[1].messages[-1]["content"] == "7"
    assert episode.turns[1].parsed == {"reasoning": "", "answer": "7"}


async def test_submit_ends_the_task_with_a_typed_draft() -> None:
    graph = team(calls(ADD), calls(("submit", {"answer": "7"})), tools=[add, submit()])
    final = await graph.ainvoke({"messages": [HumanMessage("?")]})
    assert (final["answer"], final["draft"]) == ("7", Answer(answer="7"))
    typed = {"reasoning": "3 + 4", "answer": "7"}
    graph = team(calls(("submit", typed)), tools=[submit(Answer)])
    final = await graph.ainvoke({"messages": [HumanMessage("?")]})
    assert final["draft"] == Answer(reasoning="3 + 4", answer="7")


async def test_calls_of_one_message_are_answered_in_their_order_whatever_fails() -> None:
    async def slow(n: int) -> str:
        """Take long."""
        raise RuntimeError(f"no {n}")

    wanted = [("slow", {"n": 1}), ADD, ("nothing", {}), ("add", {"a": "x", "b": 1})]
    model = _Everything([calls(*wanted), SEVEN])
    final = await use_tools(ToolUser(model), [slow, add]).ainvoke({"messages": [HumanMessage("?")]})
    answers = [m for m in final["messages"] if isinstance(m, ToolMessage)]
    assert [m.tool_call_id for m in answers] == [f"call-{n}" for n in range(4)]
    assert [m.status for m in answers] == ["error", "success", "error", "error"]
    assert [m.response_metadata.get("error") for m in answers] == [
        "failed",
        None,
        "unknown",
        "arguments",
    ]
    assert final["answer"] == "7"


class _Everything(ScriptedModel):
    """Calls what it likes, bound or not, as a model may."""

    def bind_tools(self, tools: Any, **options: Any) -> Any:
        bound = super().bind_tools(tools, **options)
        bound.tools = [*bound.tools, "nothing"]
        return bound


async def test_calls_past_the_limit_are_refused_and_one_more_reply_is_asked_for() -> None:
    episode = await played(calls(ADD), calls(ADD, ADD), SEVEN, max_calls=2)
    assert (episode.answer, len(episode.tools)) == ("7", 2)
    refused = episode.turns[2].messages[-1]
    assert refused["content"] == "No tool call is left. Answer with what you know."
    episode = await played(calls(ADD), calls(ADD), calls(ADD), SEVEN, max_calls=1)
    assert (episode.outcome.stop, episode.answer, len(episode.turns)) == (
        "tool calls are spent",
        "",
        3,
    )


async def test_a_spent_budget_of_tool_calls_lets_the_agent_answer() -> None:
    episode = await played(calls(ADD), calls(ADD), SEVEN, budget=Budget(tool_calls=1))
    assert (episode.answer, len(episode.tools)) == ("7", 1)
    assert "budget of 1 tool calls is spent" in str(episode.turns[2].messages[-1]["content"])
    assert episode.outcome.stop == "budget of 1 tool calls is spent"


async def test_a_spent_budget_of_model_calls_stops_the_team() -> None:
    episode = await played(calls(ADD), SEVEN, budget=Budget(calls=1))
    assert (episode.answer, episode.outcome.stop) == ("", "budget of 1 model calls is spent")


async def test_what_tools_cost_is_booked_and_limited() -> None:
    paid = ToolRegistry([add], policy=ToolPolicy(cost=0.25))
    graph = team(calls(ADD), calls(ADD), SEVEN, tools=paid)
    recorder = Recorder(Budget(cost=0.25))
    await graph.ainvoke({"messages": [HumanMessage("?")]}, {"callbacks": [Recorder()]})
    free = ScriptedModel(
        [
            m.model_copy(update={"response_metadata": {"cost": 0.0}})
            for m in (calls(ADD), calls(ADD), AIMessage(SEVEN))
        ]
    )
    final = await use_tools(ToolUser(free), paid).ainvoke(
        {"messages": [HumanMessage("?")]}, {"callbacks": [recorder]}
    )
    assert recorder.ledger.total.cost == 0.25
    assert final["stop"] == "budget of $0.25 is spent"


async def test_replies_that_are_neither_answer_nor_call_end_with_a_reason() -> None:
    episode = await played("hm", "hm", SEVEN)
    assert episode.answer == "7"
    episode = await played("hm", "hm", "hm")
    assert (episode.outcome.stop, len(episode.turns)) == ("unreadable replies", 3)


async def test_a_call_that_cannot_be_read_is_answered() -> None:
    broken = AIMessage(
        "",
        invalid_tool_calls=[
            {
                "type": "invalid_tool_call",
                "name": "add",
                "args": "{a: 3",
                "id": "1",
                "error": "not JSON",
            }
        ],
    )
    final = await team(broken, SEVEN).ainvoke({"messages": [HumanMessage("?")]})
    assert final["messages"][-2].text == "This call could not be read: not JSON"
    assert final["messages"][-2].tool_call_id == "1"
    assert final["answer"] == "7"


async def test_a_person_decides_about_single_calls_and_no_other_is_repeated() -> None:
    ran: list[str] = []

    def pay(amount: int) -> str:
        """Pay."""
        ran.append(f"pay {amount}")
        return f"paid {amount}"

    def look() -> str:
        """Look."""
        ran.append("look")
        return "seen"

    registry = ToolRegistry([pay, look], policies={"pay": ToolPolicy(permission="ask")})
    wanted = calls(
        ("look", {}), ("pay", {"amount": 5}), ("pay", {"amount": 6}), ("pay", {"amount": 7})
    )
    graph = team(wanted, SEVEN, tools=registry, checkpointer=InMemorySaver())
    config = {"configurable": {"thread_id": "1"}}
    paused = await graph.ainvoke({"messages": [HumanMessage("?")]}, config)
    asked = paused["__interrupt__"]
    assert [a.value["arguments"] for a in asked] == [{"amount": n} for n in (5, 6, 7)]
    assert ran == ["look"]
    said = {
        asked[0].id: "approve",
        asked[1].id: {"decision": "edit", "arguments": {"amount": 1}},
        asked[2].id: {"decision": "reject", "reason": "too dear"},
    }
    final = await graph.ainvoke(Command(resume=said), config)
    assert sorted(ran) == ["look", "pay 1", "pay 5"]
    assert [m.text for m in final["messages"] if isinstance(m, ToolMessage)] == [
        "seen",
        "paid 5",
        "paid 1",
        "A person decided against pay: too dear",
    ]
    assert final["answer"] == "7"


async def test_the_user_is_asked_and_answers() -> None:
    ask = calls(("ask_user", {"question": "Which year?"}))
    graph = team(ask, SEVEN, tools=[ask_user()], checkpointer=InMemorySaver())
    config = {"configurable": {"thread_id": "1"}}
    paused = await graph.ainvoke({"messages": [HumanMessage("?")]}, config)
    assert paused["__interrupt__"][0].value == {"question": "Which year?"}
    final = await graph.ainvoke(Command(resume="1999"), config)
    assert final["messages"][-2].text == "1999"
    episode = await played(ask, SEVEN, tools=[ask_user(lambda question: f"{question} 1999")])
    assert episode.tools[0].result == "Which year? 1999"


async def test_a_question_to_a_person_counts_once() -> None:
    ask = calls(("ask_user", {"question": "Which year?"}))
    graph = team(ask, SEVEN, tools=[ask_user()], checkpointer=InMemorySaver())
    recorder = Recorder(Budget(tool_calls=1))
    config = {"configurable": {"thread_id": "1"}, "callbacks": [recorder]}
    await graph.ainvoke({"messages": [HumanMessage("?")]}, config)
    assert recorder.ledger.total.tool_calls == 0
    final = await graph.ainvoke(Command(resume="1999"), config)
    assert (final["messages"][-2].text, final["answer"]) == ("1999", "7")
    (record,) = recorder.episode(TASK, Outcome(), run="r").tools
    assert (record.result, record.error) == ("1999", "")


async def test_an_agent_finds_its_tools_by_search() -> None:
    def make(number: int) -> Any:
        def tool() -> int:
            return number

        tool.__name__, tool.__doc__ = f"gadget_{number}", f"Turn gadget number {number}."
        return tool

    bound: list[list[str]] = []

    class Watching(ScriptedModel):
        def bind_tools(self, tools: Any, **options: Any) -> Any:
            bound.append([tool.name for tool in tools])
            return super().bind_tools(tools, **options)

    registry = ToolRegistry([*map(make, range(100)), add, submit()], show=6)
    script = [
        calls(("search_tools", {"query": "gadget number 73"})),
        calls(("gadget_73", {})),
        calls(("search_tools", {"remove": ["gadget_73"]})),
        SEVEN,
    ]
    final = await use_tools(ToolUser(Watching(script)), registry).ainvoke(
        {"messages": [HumanMessage("Please add two numbers.")]}
    )
    assert bound[0][:2] == ["submit", "search_tools"] and "add" in bound[0]
    assert "gadget_73" in bound[1] and "gadget_73" not in bound[2]
    assert all(len(names) <= 6 for names in bound)
    assert final["answer"] == "7"


def test_limits_and_doubled_tools_are_refused() -> None:
    with pytest.raises(ValueError, match="max_calls=0: it must be at least 1"):
        team(max_calls=0)
    with pytest.raises(ValueError, match="agent calls its own tools"):
        use_tools(ToolAgent(ScriptedModel([]), tools=[add]), [add])


async def test_a_calculator_in_a_whole_team() -> None:
    wanted = calls(("calculator", {"expression": "(3 + 4) * 6"}))
    episode = await played(wanted, "<answer>42</answer>", tools=[calculator()])
    assert (episode.answer, episode.tools[0].result) == ("42", "42")


async def test_calls_of_a_local_model_are_followed_and_keep_their_tokens(tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="needs the local extra")
    from random_models import TEMPLATE, make_folder

    from symposia.models.engine import Grammar
    from symposia.models.local import LocalChatModel

    written = '<tool_call>{"name": "add", "arguments": {"a": 3, "b": 4}}</tool_call>'

    class Calling(LocalChatModel):
        """A random model, made to write the call."""

        def bind_tools(self, tools: Any, **options: Any) -> Any:
            grammar = Grammar.regex(re.escape(written))
            return super().bind_tools(tools, grammar=grammar, max_tokens=90, **options)

    template = "{% if tools %}{{ tools | tojson }}<tool_call>{% endif %}" + TEMPLATE
    model = Calling(path=make_folder(tmp_path, template=template, context=2048))
    episode = await play(use_tools(ToolUser(model), [add], max_calls=1), TASK)
    assert [(t.name, t.result) for t in episode.tools] == [("add", "7")]
    assert [m["role"] for m in episode.turns[1].messages][-2:] == ["assistant", "tool"]
    assert all(turn.tokens for turn in episode.turns)
    assert episode.outcome.stop == "tool calls are spent"


async def test_an_episode_says_that_it_ended_because_a_person_was_asked() -> None:
    tools = ToolRegistry([add], policy=ToolPolicy(permission="ask"))
    episode = await played(calls(ADD), SEVEN, tools=tools)
    assert episode.outcome.stop == "waits for a person, and nobody can be asked here"
    assert not episode.outcome.success
