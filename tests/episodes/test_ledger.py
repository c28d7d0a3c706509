from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import RunnableLambda
from langgraph.graph import END, START, MessagesState, StateGraph
from worlds import Counter

from symposia.agents import Actor, Critic, TeamState, ToolAgent
from symposia.benchmarks import evaluate, play
from symposia.episodes import (
    Budget,
    BudgetExceeded,
    EpisodeStore,
    Ledger,
    Outcome,
    Recorder,
    Task,
    UnknownCostError,
    Usage,
    sub_budget,
)
from symposia.graphs import act, answer, refine
from symposia.models import ScriptedModel
from symposia.models.prices import Price, PriceTable

UP = "<action>up</action>"
counts = st.integers(0, 10**6)
usages = st.builds(
    Usage,
    calls=counts,
    prompt_tokens=counts,
    completion_tokens=counts,
    seconds=counts.map(float),
    tool_calls=counts,
    cost=counts.map(float),
    unpriced=counts,
    estimated=counts,
)
bookings = st.lists(st.tuples(st.sampled_from(["actor", "critic", ""]), usages), max_size=20)


@given(a=usages, b=usages, c=usages)
def test_usage_adds_and_takes_away_like_numbers(a: Usage, b: Usage, c: Usage) -> None:
    assert (a + b) + c == a + (b + c)
    assert a + b == b + a
    assert (a + b) - b == a
    assert a + Usage() == a
    summed = a + Usage()
    summed += b
    assert summed == a + b


@given(episodes=st.lists(bookings, max_size=5))
def test_a_run_holds_what_its_episodes_hold(episodes: list[list[tuple[str, Usage]]]) -> None:
    run = Ledger(Budget(agents={"critic": Budget()}))
    parts = []
    for booked in episodes:
        ledger = Ledger(parent=run)
        inner = Ledger(parent=ledger)
        for i, (agent, usage) in enumerate(booked):
            (inner if i % 2 else ledger).add(agent, usage)
        parts.append(ledger)
        assert ledger.total == sum(ledger.by_agent.values(), Usage())
    assert run.total == sum((part.total for part in parts), Usage())
    critic = sum((part.by_agent["critic"] for part in parts), Usage())
    assert run.by_agent["critic"] == run.agents["critic"].total == critic


@given(limits=st.lists(st.integers(0, 6), min_size=1, max_size=4))
def test_nested_accounts_allow_as_many_calls_as_the_smallest(limits: list[int]) -> None:
    ledger: Ledger | None = None
    for limit in limits:
        ledger = Ledger(Budget(calls=limit), parent=ledger)
    assert ledger is not None
    for _ in range(min(limits)):
        ledger.start_call()
    with pytest.raises(BudgetExceeded):
        ledger.start_call()


@given(spent=st.lists(st.integers(1, 50), max_size=30), limit=st.integers(0, 200))
def test_only_the_last_call_goes_past_a_token_budget(spent: list[int], limit: int) -> None:
    ledger = Ledger(Budget(tokens=limit))
    booked = []
    for tokens in spent:
        try:
            ledger.start_call()
        except BudgetExceeded:
            break
        ledger.add("", Usage(completion_tokens=tokens))
        booked.append(tokens)
    assert sum(booked[:-1]) < limit or not booked


@given(before=bookings, limit=st.integers(1, 5))
def test_what_was_spent_before_counts_against_the_budget(before: Any, limit: int) -> None:
    earlier = Ledger()
    for agent, usage in before:
        earlier.add(agent, usage)
    resumed = Ledger(Budget(calls=limit))
    resumed.resume(earlier.by_agent)
    assert resumed.total == earlier.total
    assert bool(resumed.closed()) == (earlier.total.calls >= limit)


@pytest.mark.parametrize("name", ["calls", "tokens", "seconds", "tool_calls", "cost"])
@pytest.mark.parametrize("limit", [-1, float("nan")])
def test_a_limit_that_is_none_is_refused(name: str, limit: float) -> None:
    with pytest.raises(ValueError, match=f"{name}={limit}"):
        Budget(**{name: limit})


def test_every_limit_but_those_of_agents_is_checked() -> None:
    names = {f.name for f in fields(Budget)} - {"agents"}
    for name in names:
        ledger = Ledger(Budget(**{name: 0}))
        assert "budget of" in ledger.closed(), name


def test_the_refusal_says_whose_budget_it_was() -> None:
    run = Ledger(Budget(calls=1), owner="the run's")
    one, other = Ledger(parent=run), Ledger(parent=run)
    one.start_call()
    with pytest.raises(BudgetExceeded, match="the run's budget of 1 model calls is spent") as spent:
        other.start_call()
    assert spent.value.ledger is run
    assert other.exceeded == run.exceeded == str(spent.value)
    assert one.exceeded == ""


async def test_an_agent_has_a_budget_of_its_own() -> None:
    drafts = ScriptedModel(lambda messages: "<answer>1</answer>")
    reviews = ScriptedModel(
        lambda messages: "<verdict>incorrect</verdict><suggestion>x</suggestion>"
    )
    team = refine(Actor(drafts), Critic(reviews), rounds=5)
    budget = Budget(agents={"critic": Budget(calls=2)})
    episode = await play(team, Task("t", "?"), budget=budget)
    assert (episode.usage["actor"].calls, episode.usage["critic"].calls) == (3, 2)
    assert (episode.answer, episode.outcome.stop) == (
        "1",
        "critic's budget of 2 model calls is spent",
    )


async def test_a_sub_team_ends_with_its_budget_and_the_episode_goes_on() -> None:
    words = ScriptedModel(lambda messages: "<answer>draft</answer>")
    panel = refine(Actor(words), Critic(words), rounds=5)
    accounts = []

    async def consult(state: TeamState) -> dict[str, Any]:
        with sub_budget(Budget(calls=3), "panel") as account:
            update = await panel.ainvoke(state)
        accounts.append(account)
        return {"messages": [AIMessage(update["answer"])]}

    async def conclude(state: TeamState) -> dict[str, Any]:
        return {"messages": [await ScriptedModel(["done"]).ainvoke(state["messages"])]}

    graph = StateGraph(MessagesState)
    graph.add_node("consult", consult)
    graph.add_node("conclude", conclude)
    graph.add_edge(START, "consult")
    graph.add_edge("consult", "conclude")
    graph.add_edge("conclude", END)
    episode = await play(graph.compile(), Task("t", "?"), budget=Budget(calls=10))
    assert [turn.agent for turn in episode.turns] == ["actor", "critic", "actor", "conclude"]
    assert (episode.answer, episode.outcome.error, episode.total.calls) == ("done", "", 4)
    assert accounts[0].exceeded == "panel's budget of 3 model calls is spent"
    assert accounts[0].total.calls == 3


async def test_a_foreign_sub_team_is_left_when_its_budget_is_spent() -> None:
    model = ScriptedModel(lambda messages: "word")

    async def talk(state: Any) -> dict[str, Any]:
        said = []
        with sub_budget(Budget(calls=2), "inner"):
            while True:
                said.append((await model.ainvoke("go on")).text)
        return {"answer": " ".join(said)}

    async def outer(state: Any) -> dict[str, Any]:
        with sub_budget(Budget(calls=9), "outer"), sub_budget(Budget(calls=99), "inner"):
            while True:
                await model.ainvoke("go on")
        return {"answer": "left"}

    assert (await play(RunnableLambda(talk), Task("t", "?"))).answer == "word word"
    assert (await play(RunnableLambda(outer), Task("t", "?"))).answer == "left"
    episode = await play(RunnableLambda(outer), Task("t", "?"), budget=Budget(calls=3))
    assert episode.outcome.stop == "budget of 3 model calls is spent"
    with pytest.raises(RuntimeError, match="needs a Recorder around it"):
        await outer({})


class Streaming(BaseChatModel):
    """Ten words, one a chunk; says what it counts at the beginning and the end, or never."""

    counts: bool = True
    sent: list[str] = []

    @property
    def _llm_type(self) -> str:
        return "streaming"

    def _generate(self, messages: Any, *args: Any, **kwargs: Any) -> ChatResult:
        return ChatResult(generations=[ChatGeneration(message=AIMessage("word" * 10))])

    def _stream(self, messages: Any, *args: Any, **kwargs: Any) -> Iterator[ChatGenerationChunk]:
        if self.counts:
            yield self.counted(5, 0)
        for _ in range(10):
            self.sent.append("word")
            yield ChatGenerationChunk(message=AIMessageChunk("word"))
        if self.counts:
            yield self.counted(0, 11)

    async def _astream(self, messages: Any, *args: Any, **kw: Any) -> AsyncIterator[Any]:
        for chunk in self._stream(messages):
            yield chunk

    @staticmethod
    def counted(read: int, said: int) -> ChatGenerationChunk:
        usage = {"input_tokens": read, "output_tokens": said, "total_tokens": read + said}
        return ChatGenerationChunk(message=AIMessageChunk("", usage_metadata=usage))


@pytest.mark.parametrize("counts", [True, False])
async def test_a_token_budget_stops_a_stream(counts: bool) -> None:
    model = Streaming(counts=counts, sent=[])
    recorder = Recorder(Budget(tokens=10))
    with pytest.raises(BudgetExceeded, match="budget of 10 tokens"):
        async for _ in model.astream("say ten words, now", {"callbacks": [recorder]}):
            pass
    assert len(model.sent) == 6  # the prompt has 5 tokens, counted or estimated
    assert recorder.ledger.total.tokens == 11
    (turn,) = recorder.episode(Task("t", "?"), Outcome(), run="r").turns
    assert turn.error == "BudgetExceeded: budget of 10 tokens is spent"


def test_a_stream_that_is_not_async_stops_as_well() -> None:
    model = Streaming(sent=[])
    with pytest.raises(BudgetExceeded):
        list(model.stream("say ten words, now", {"callbacks": [Recorder(Budget(tokens=10))]}))
    assert len(model.sent) == 6


async def test_what_the_provider_counts_takes_the_place_of_the_estimate() -> None:
    recorder = Recorder(Budget(tokens=100))
    async for _ in Streaming().astream("say ten words, now", {"callbacks": [recorder]}):
        pass
    total = recorder.ledger.total
    assert (total.prompt_tokens, total.completion_tokens, total.calls) == (5, 11, 1)
    assert total.estimated == 0


async def test_tokens_that_nobody_counted_are_estimated_and_said_to_be() -> None:
    recorder = Recorder(Budget(tokens=20))
    model = Streaming(counts=False)
    await model.ainvoke("say ten words, now", {"callbacks": [recorder]}, stream=False)
    assert (recorder.ledger.total.tokens, recorder.ledger.total.estimated) == (15, 15)
    await model.ainvoke("say ten words, now", {"callbacks": [recorder]}, stream=False)
    with pytest.raises(BudgetExceeded):
        await model.ainvoke("say ten words, now", {"callbacks": [recorder]}, stream=False)


PRICES = PriceTable({"scripted": Price(input=0, output=1_000_000)})
"""A dollar a word."""


async def test_a_limit_on_money_ends_an_episode() -> None:
    model = ScriptedModel(lambda messages: UP)
    world = Counter(goal=9)
    (task, *_) = world.tasks("all")
    episode = await play(
        act(ToolAgent(model)), task, Async(world, task), budget=Budget(cost=2), prices=PRICES
    )
    assert episode.outcome.stop == "budget of $2 is spent"
    assert episode.total.total_cost == episode.turns[0].cost * 2 == 2


async def test_what_the_model_says_it_costs_comes_first() -> None:
    reply = AIMessage("hi", response_metadata={"cost": 0.25})
    recorder = Recorder(prices=PRICES)
    await ScriptedModel([reply]).ainvoke("x", {"callbacks": [recorder]})
    assert recorder.ledger.total.total_cost == 0.25


@pytest.mark.parametrize("cost", [float("nan"), -1.0, "a lot", None])
async def test_a_cost_that_is_none_is_unknown(cost: Any) -> None:
    recorder = Recorder()
    reply = AIMessage("hi", response_metadata={"cost": cost})
    await ScriptedModel([reply]).ainvoke("x", {"callbacks": [recorder]})
    assert recorder.ledger.total.total_cost is None
    assert recorder.ledger.total.cost == 0


async def test_money_cannot_be_limited_where_costs_are_unknown() -> None:
    asked = []
    model = ScriptedModel(lambda messages: asked.append(1) or UP, name="mystery")
    with pytest.raises(UnknownCostError, match=r"budget is \$5, but the cost of 'mystery'.*prices"):
        await play(act(ToolAgent(model)), Task("t", "?"), Async(Counter()), budget=Budget(cost=5))
    assert len(asked) == 1
    for budgets in ({"budget": Budget(cost=5)}, {"run_budget": Budget(cost=5)}):
        asked.clear()
        with pytest.raises(UnknownCostError, match="'mystery'"):
            await evaluate(
                act(ToolAgent(model)),
                Counter(episodes=50),
                concurrency=2,
                progress=False,
                **budgets,
            )
        assert len(asked) <= 2


@pytest.mark.parametrize("calls", [1, 3])
async def test_the_refusal_of_an_unknown_cost_is_raised_and_not_logged(
    calls: int, caplog: pytest.LogCaptureFixture
) -> None:
    model = ScriptedModel(lambda messages: "<verdict>incorrect</verdict>", name="mystery")
    team = answer(Actor(model)) if calls == 1 else refine(Actor(model), Critic(model), rounds=9)
    with pytest.raises(UnknownCostError, match="'mystery'"):
        await play(team, Task("t", "?"), budget=Budget(cost=5))
    assert not caplog.records


async def test_a_failed_call_does_not_make_the_cost_unknown() -> None:
    recorder = Recorder(Budget(cost=5), prices=PRICES)
    model = ScriptedModel([RuntimeError("no route"), "hi"])
    with pytest.raises(RuntimeError):
        await model.ainvoke("x", {"callbacks": [recorder]})
    await model.ainvoke("x", {"callbacks": [recorder]})
    assert recorder.ledger.total.total_cost == 1


class Async:
    """A world in this process."""

    instructions = ""

    def __init__(self, inner: Counter, task: Task | None = None) -> None:
        self.inner = inner
        self.task = task or inner.tasks("all")[0]

    async def reset(self) -> Any:
        return self.inner.reset(self.task)

    async def step(self, action: str) -> Any:
        return self.inner.step(action)


def counting() -> tuple[list[int], Any]:
    asked: list[int] = []

    async def up(messages: Any) -> str:
        asked.append(1)
        await asyncio.sleep(0.001)
        return UP

    return asked, act(ToolAgent(ScriptedModel(up)), name="act")


@pytest.mark.parametrize("limit", [{"calls": 7}, {"cost": 7}, {"tool_calls": 7}])
async def test_a_run_ends_in_order_when_its_budget_is_spent_and_goes_on_with_a_larger_one(
    tmp_path: Path, limit: dict[str, int]
) -> None:
    options: Any = {"concurrency": 1, "prices": PRICES, "run": "r", "progress": False}
    asked, team = counting()
    with EpisodeStore(tmp_path) as store:
        report = await evaluate(
            team, Counter(episodes=8), store=store, run_budget=Budget(**limit), **options
        )
        reason = report.manifest["stopped"]
        assert reason.startswith("the run's budget of")
        assert [row.success for row in report.rows] == [True, True, True, False]
        assert report.rows[-1].stop == reason
        same = await evaluate(
            team, Counter(episodes=8), store=store, run_budget=Budget(**limit), **options
        )
        assert same.rows == report.rows
        before = len(asked)
        assert before == 7 + ("tool_calls" in limit)
        full = await evaluate(
            team, Counter(episodes=8), store=store, run_budget=Budget(cost=1000), **options
        )
    assert [row.success for row in full.rows] == [True] * 8
    assert "stopped" not in full.manifest
    assert len(asked) - before == 10, "only what was cut short and what is left is played"


async def test_episodes_under_way_end_with_their_best_answer_when_the_run_is_spent() -> None:
    asked, team = counting()
    report = await evaluate(
        team, Counter(episodes=40, goal=9), run_budget=Budget(calls=20), progress=False
    )
    assert len(asked) == 20
    assert all(row.error == "" for row in report.rows)
    assert report.stops == {"the run's budget of 20 model calls is spent": len(report.rows)}


async def test_the_time_of_a_run_is_over_for_an_episode_that_hangs() -> None:
    async def hang(messages: Any) -> str:
        await asyncio.sleep(60)
        return UP

    began = time.monotonic()
    report = await evaluate(
        act(ToolAgent(ScriptedModel(hang))),
        Counter(episodes=3),
        concurrency=1,
        run_budget=Budget(seconds=0.5),
        budget=Budget(seconds=50),
        progress=False,
    )
    assert time.monotonic() - began < 20
    assert report.stops == {"the run's budget of 0.5 seconds is spent": 1}


def test_what_costs_money_besides_models_is_refused_when_none_is_left() -> None:
    ledger = Ledger(Budget(cost=1.0))
    ledger.check_money("agent")
    ledger.add("agent", Usage(cost=1.0))
    with pytest.raises(BudgetExceeded, match=r"budget of \$1 is spent"):
        ledger.check_money("agent")
    ledger.start_tool_call("agent")
