from __future__ import annotations

import pytest
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, StateGraph
from langgraph.types import interrupt
from worlds import Counter

from symposia.agents import (
    Action,
    Actor,
    Agent,
    Answer,
    Critic,
    Critique,
    Judge,
    TeamState,
    ToolAgent,
    Verdict,
)
from symposia.benchmarks import Sessions, play
from symposia.episodes import Task, current_episode
from symposia.graphs import answer
from symposia.memory import MemoryStore
from symposia.models import ScriptedModel

QUESTION = {"messages": [HumanMessage("2 + 2?")]}


async def test_an_agent_is_a_node_from_state_to_update() -> None:
    actor = Actor(ScriptedModel(["<answer>4</answer>"]))
    assert await actor(QUESTION) == {"draft": Answer(answer="4")}


async def test_each_role_writes_its_typed_output() -> None:
    state = {**QUESTION, "draft": Answer(answer="5")}
    critic = Critic(ScriptedModel(["<verdict>incorrect</verdict>"]))
    judge = Judge(ScriptedModel(["<decision>revise</decision>"]))
    agent = ToolAgent(ScriptedModel(["<action>look</action>"]))
    assert await critic(state) == {"critique": Critique(verdict="incorrect")}
    assert await judge(state) == {"verdict": Verdict(decision="revise")}
    assert await agent(state) == {"draft": Action(action="look")}


async def test_garbage_is_none_and_counted_in_the_record() -> None:
    episode = await play(answer(Actor(ScriptedModel(["dunno"]))), Task("t", "2 + 2?"))
    assert episode.turns[0].unreadable
    assert episode.turns[0].parsed is None
    assert episode.outcome.stop == "no readable reply"


def test_who_reads_what() -> None:
    model = ScriptedModel([])
    draft = Answer(answer="5")
    critique = Critique(verdict="incorrect", suggestion="4")
    state = {**QUESTION, "draft": draft, "critique": critique}

    (_, first) = Actor(model).messages(QUESTION)
    assert first.content == "2 + 2?"
    (_, question, own, review) = Actor(model).messages(state)
    assert (question.content, own.content) == ("2 + 2?", "<answer>5</answer>")
    assert "<suggestion>4</suggestion>" in review.text
    (_, shown) = Critic(model).messages(state)
    assert shown.text.endswith("Proposed reply:\n<answer>5</answer>")
    assert "<verdict>incorrect</verdict>" in Judge(model).messages(state)[-1].text


def test_neighbouring_human_messages_become_one_turn() -> None:
    state = {"messages": [HumanMessage("a"), HumanMessage("b"), AIMessage("c"), HumanMessage("d")]}
    roles = [m.type for m in Actor(ScriptedModel([])).messages(state)]
    assert roles == ["system", "human", "ai", "human"]


def test_prompt_output_and_format_can_be_replaced() -> None:
    agent = Agent(
        ScriptedModel([]), name="poet", instructions="Rhyme.", output=Answer, format="json"
    )
    assert agent.system.text.startswith("Rhyme.\nReply with one JSON object only")
    with pytest.raises(ValueError, match="unknown output format 'xml'"):
        Actor(ScriptedModel([]), format="xml")


@tool
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


def calls(name: str, **arguments: int) -> AIMessage:
    return AIMessage("", tool_calls=[{"name": name, "args": arguments, "id": "1"}])


async def test_a_tool_agent_calls_its_tools_and_then_acts() -> None:
    seen: list[str] = []

    def reply(messages: list) -> AIMessage | str:
        seen.append(messages[-1].text)
        return calls("add", a=2, b=3) if len(seen) == 1 else f"<action>say {seen[-1]}</action>"

    agent = ToolAgent(ScriptedModel(reply), tools=[add])
    assert (await agent(QUESTION))["draft"] == Action(action="say 5")


async def test_a_tool_agent_that_never_stops_calling_is_cut_off() -> None:
    rounds = [calls("add", a=1, b=1)] * 2
    model = ScriptedModel([*rounds, "<action>stop</action>"])
    agent = ToolAgent(model, tools=[add], tool_rounds=2)
    assert (await agent(QUESTION))["draft"] == Action(action="stop")


async def test_a_tool_that_fails_tells_the_model_why() -> None:
    heard: list[str] = []

    def reply(messages: list) -> AIMessage | str:
        heard.append(messages[-1].text)
        return calls("divide", a=1, b=0) if len(heard) == 1 else "<action>stop</action>"

    @tool
    def divide(a: int, b: int) -> float:
        """Divide a by b."""
        return a / b

    agent = ToolAgent(ScriptedModel(reply), tools=[divide])
    assert (await agent(QUESTION))["draft"] == Action(action="stop")
    assert heard[-1] == "ZeroDivisionError: division by zero"


async def test_keys_in_a_tools_error_are_blanked_and_questions_to_people_pass() -> None:
    heard: list[str] = []

    def reply(messages: list) -> AIMessage | str:
        heard.append(messages[-1].text)
        return calls("fetch") if len(heard) == 1 else "<action>stop</action>"

    @tool
    def fetch() -> str:
        """Fetch it."""
        raise ValueError("401 for Authorization: Bearer sk-proj-abc123def456ghi789")

    @tool
    def confirm() -> str:
        """Ask a person."""
        return str(interrupt("ok?"))

    await ToolAgent(ScriptedModel(reply), tools=[fetch])(QUESTION)
    assert "sk-proj" not in heard[-1] and "401" in heard[-1]

    graph = StateGraph(TeamState)
    graph.add_node("agent", ToolAgent(ScriptedModel([calls("confirm")]), tools=[confirm]))
    graph.add_edge(START, "agent")
    team = graph.compile(checkpointer=InMemorySaver())
    final = await team.ainvoke(QUESTION, {"configurable": {"thread_id": "1"}})
    assert final["__interrupt__"][0].value == "ok?"


async def test_what_is_written_in_an_episode_gets_its_outcome_in_a_memory_without_a_guard() -> None:
    store = MemoryStore()
    memory = store.memory("team")
    await memory.writer("solver").write("2 + 2 is 4", key="old")

    class Writes(Actor):
        async def __call__(self, state: TeamState) -> dict:
            update = await super().__call__(state)
            run, episode = current_episode()
            await memory.writer("solver", run=run, episode=episode).write("it went", key="new")
            return update

    class Scored(Counter):
        instructions = ""

    async with Sessions(Scored(goal=1)) as sessions, sessions.world(Task("t", "2 + 2?")) as world:
        actor = Writes(ScriptedModel(["<answer>up</answer>"]), memory=memory)
        episode = await play(answer(actor), Task("t", "2 + 2?"), world)
    assert episode.outcome.score == 1.0
    assert '- "2 + 2 is 4"' in episode.turns[0].messages[-1]["content"]
    records = await memory.records()
    assert {each.key: each.provenance.outcome for each in records} == {"old": None, "new": 1.0}
