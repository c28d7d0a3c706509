from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from langchain_core.messages import BaseMessage, HumanMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command

from symposia.agents import Actor, Candidate, Critic, Person, Ranker
from symposia.benchmarks import play
from symposia.episodes import Budget, Episode, Task, Turn
from symposia.graphs import refine, route
from symposia.graphs.drawing import to_mermaid
from symposia.models import ScriptedModel

TASK = Task("t", "2 + 2?")
STATE = {"task": TASK, "messages": [HumanMessage("2 + 2?")]}


def says(answer: object) -> str:
    return f"<answer>{answer}</answer>"


def peer(name: str, *replies: Any) -> Actor:
    return Actor(ScriptedModel([*replies]), name=name)


def fixed(*edges: tuple[Any, Any]) -> Callable[[Sequence[Candidate]], Any]:
    return lambda candidates: nx.DiGraph([*edges])


def turns_of(episode: Episode, agent: str) -> list[Turn]:
    return [turn for turn in episode.turns if turn.agent == agent]


def read(turn: Turn) -> str:
    return "\n\n".join(message["content"] for message in turn.messages)


def scripted(*steps: int) -> list[Actor]:
    """Three peers that answer 1, 2, 3, then 11, 12, 13, ..."""
    return [
        peer(name, *[says(10 * step + number) for step in range(*steps)])
        for number, name in enumerate(("ann", "ben", "cid"), 1)
    ]


async def test_peers_answer_alone_and_then_along_the_edges() -> None:
    episode = await play(route(scripted(3), fixed((0, 1), (1, 2))), TASK)
    assert [len(turns_of(episode, name)) for name in ("ann", "ben", "cid")] == [1, 2, 2]
    for name in ("ann", "ben", "cid"):
        assert len(turns_of(episode, name)[0].messages) == 2
    ben, cid = turns_of(episode, "ben")[1], turns_of(episode, "cid")[1]
    assert ben.messages[2] == {"role": "assistant", "content": says(2)}
    assert "ann 0:\n> <answer>1</answer>" in read(ben)
    assert "cid" not in read(ben)
    assert "ben 1:\n> <answer>12</answer>" in read(cid), "cid reads ben's answer of this round"
    assert "ann" not in read(cid)


async def test_peers_that_wait_for_nobody_else_answer_side_by_side() -> None:
    team = route(scripted(2), fixed((0, 1), (0, 2)))
    updates = [u async for u in team.astream(STATE, stream_mode="updates")]
    assert [next(iter(update)) for update in updates] == [
        "begin",
        *["answer.ann", "answer.ben", "answer.cid"],
        "hear",
        *["answer.ben", "answer.cid"],
        "hear",
        "settle",
    ]


async def test_a_new_graph_is_drawn_each_round_from_the_answers_of_the_last() -> None:
    met: list[list[str]] = []

    def router(candidates: Sequence[Candidate]) -> Any:
        met.append([each.value for each in candidates])
        return nx.DiGraph([(0, 1)] if len(met) == 1 else [(1, 0)])

    episode = await play(route(scripted(3)[:2], router, rounds=2), TASK)
    assert met == [["1", "2"], ["1", "12"]]
    assert episode.total.calls == 4


async def test_whoever_reads_nobody_keeps_its_answer() -> None:
    team = route([peer("ann", says(4)), peer("ben", says(4)), peer("cid", says(5))], fixed())
    episode = await play(team, TASK)
    assert (episode.answer, episode.total.calls) == ("4", 3)


async def test_without_rounds_there_is_only_the_vote() -> None:
    team = route(scripted(1), fixed((0, 1)), rounds=0)
    assert (await play(team, TASK)).total.calls == 3


@pytest.mark.parametrize(
    ("edges", "message"),
    [
        ([(0, 1), (1, 2), (2, 0)], "the router's graph has a cycle: "),
        ([(1, 1)], "the router's graph has a cycle: "),
        ([(0, 3)], r"the router names \[3\]; peers are 0 to 2"),
        ([(-1, 0)], r"the router names \[-1\]"),
        ([("ann", 0)], r"the router names \['ann'\]"),
    ],
)
async def test_a_router_with_a_cycle_or_a_stranger_is_an_error_that_says_so(
    edges: Any, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        await route(scripted(2), fixed(*edges)).ainvoke(STATE)
    episode = await play(route(scripted(2), fixed(*edges)), TASK)
    assert episode.outcome.stop == "error"
    assert "the router" in episode.outcome.error


@pytest.mark.parametrize("drawn", [None, {0: [1]}, nx.Graph([(0, 1)])])
async def test_a_router_that_draws_no_directed_graph_is_an_error_that_says_so(drawn: Any) -> None:
    with pytest.raises(TypeError, match=r"it has to return a networkx\.DiGraph"):
        await route(scripted(2), lambda candidates: drawn).ainvoke(STATE)


async def test_a_peer_that_fails_or_mumbles_keeps_what_it_said_before() -> None:
    team = route(
        [
            peer("ann", says(4)),
            peer("ben", says(5), RuntimeError("away")),
            peer("cid", says(6), "hm"),
        ],
        fixed((0, 1), (0, 2)),
    )
    state = await team.ainvoke(STATE)
    assert [each.value for each in state["candidates"]] == ["4", "5", "6"]
    assert [each.error for each in state["said"]] == ["", "", "", "RuntimeError: away", ""]


async def test_what_a_silent_peer_wrote_reaches_nobody_and_it_may_still_be_won_over() -> None:
    team = route([peer("ann", "REFUSED", says(4)), peer("ben", says(4), says(4))], fixed((1, 0)))
    assert (await play(team, TASK)).answer == "4"
    silent = [peer("ann", "REFUSED"), peer("ben", says(4), says(4))]
    heard = turns_of(await play(route(silent, fixed((0, 1))), TASK), "ben")[1]
    assert "REFUSED" not in read(heard)
    assert heard.messages[-1]["role"] == "user"


async def test_when_every_peer_fails_at_first_the_exchange_fails() -> None:
    team = route([peer(name, RuntimeError(f"{name} is away")) for name in ("ann", "ben")], fixed())
    episode = await play(team, TASK)
    assert "ann is away" in episode.outcome.error


@pytest.mark.parametrize(("calls", "answer"), [(0, ""), (1, "1"), (3, "1"), (4, "1"), (5, "1")])
async def test_a_budget_that_ends_in_mid_exchange_leaves_the_best_so_far(
    calls: int, answer: str
) -> None:
    team = route(scripted(5), fixed((0, 1), (1, 2)), rounds=3)
    episode = await play(team, TASK, budget=Budget(calls=calls))
    assert episode.outcome.stop == f"budget of {calls} model calls is spent"
    assert (episode.answer, episode.total.calls) == (answer, calls)


async def test_a_judge_may_choose_among_the_last_answers() -> None:
    judge = Ranker(ScriptedModel(["<decision>accept</decision><winner>2</winner>"]), name="judge")
    episode = await play(route(scripted(2), fixed((0, 2)), settle=judge), TASK)
    assert episode.answer == "13"
    assert "Proposed reply 2:\n<answer>13</answer>" in read(turns_of(episode, "judge")[0])


async def test_what_a_peer_reads_can_be_chosen() -> None:
    def bare(own: Candidate, upstream: Sequence[Candidate]) -> list[BaseMessage]:
        return [HumanMessage(f"You said {own.value}, others {[e.value for e in upstream]}.")]

    team = route(scripted(2), fixed((1, 0), (2, 0)), hearing=bare)
    episode = await play(team, TASK)
    assert "You said 1, others ['2', '3']." in read(turns_of(episode, "ann")[1])


async def test_a_person_may_be_a_peer_and_the_others_are_asked_once() -> None:
    asked: list[int] = []

    def reply(messages: list[BaseMessage]) -> str:
        asked.append(len(messages))
        return says(4)

    guest = Person("guest", output=Actor.output, writes="draft", question="What do you say?")
    team = route(
        [Actor(ScriptedModel(reply), name="ann"), guest],
        fixed((0, 1)),
        settle=lambda held: 1,
        checkpointer=InMemorySaver(),
    )
    config = {"configurable": {"thread_id": "1"}}
    paused = await team.ainvoke(STATE, config)
    assert paused["__interrupt__"][0].value["person"] == "guest"
    again = await team.ainvoke(Command(resume={"answer": "5"}), config)
    assert "__interrupt__" in again
    done = await team.ainvoke(Command(resume={"answer": "6"}), config)
    assert (done["answer"], len(asked)) == ("6", 1)


def test_the_drawing_shows_peers_and_nested_teams() -> None:
    model = ScriptedModel([])
    pair = refine(Actor(model), Critic(model), name="pair")
    text = to_mermaid(route([pair, Actor(model, name="ben")], fixed()))
    assert "subgraph answer.pair" in text and "ben" in text


@pytest.mark.parametrize(("peers", "rounds"), [(1, 1), (2, -1)])
def test_what_is_no_exchange_is_refused(peers: int, rounds: int) -> None:
    with pytest.raises(ValueError, match=f"{peers} peers, rounds={rounds}"):
        route(scripted(1)[:peers], fixed(), rounds=rounds)


pairs = st.tuples(st.integers(0, 3), st.integers(0, 3)).filter(lambda pair: pair[0] < pair[1])


@settings(max_examples=40)
@given(
    drawings=st.lists(st.lists(pairs, max_size=6, unique=True), min_size=3, max_size=3),
    rounds=st.integers(0, 3),
    calls=st.integers(0, 20),
)
async def test_each_peer_that_reads_somebody_is_asked_once_a_round(
    drawings: list[Any], rounds: int, calls: int
) -> None:
    left = iter(drawings)

    def reply(messages: list[BaseMessage]) -> str:
        return says(len(messages))

    peers = [Actor(ScriptedModel(reply), name=f"p{number}") for number in range(4)]
    team = route(peers, lambda candidates: nx.DiGraph(next(left)), rounds=rounds)
    readers = sum(len({b for _, b in edges}) for edges in drawings[:rounds])
    episode = await play(team, TASK, budget=Budget(calls=calls))
    assert episode.outcome.error == ""
    assert episode.total.calls == min(calls, 4 + readers)
