"""Debate: speakers answer, read each other, and answer again.

In turns, each speaker has read everything that was said before, in this round too; together, all
speak at once and have read the rounds before. What a speaker reads is its view of what was said: by
default its own words as its own and, after each, what the others answered. A moderator, where
there is one, reads every round and may end the debate by settling on a draft or on a winner; when
it never does, and the rounds are over, the chooser decides: a selector among everybody's last
words, or a judge who may read the whole debate (`state["said"]`). A speaker that fails or cannot be
read is silent in that round.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Literal

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import END, START
from langgraph.types import Command, Overwrite, Send

from ..agents import Candidate, Proposal, TeamState
from ..tools.condense import cut
from .branches import Gathering, add_branches, apart, gathered, gathering, limit_of
from .choosing import Chooser, choose, chosen
from .quoting import LONGEST, quoted
from .selectors import majority
from .team import Member, Team, settled, work

View = Callable[[Sequence[Candidate], int], Sequence[BaseMessage]]
"""What speaker `number` reads of what was said so far, in the order in which it came to it: of
what was said together, its own words come first. See `speaker_of` for whose words they are."""
OTHERS = "The others replied:\n\n{said}\n\nWeigh what they say, then give your own answer."
NOBODY = "Nobody else gave a readable reply. Give your answer again."
SILENT = "(I gave no readable reply.)"


def debate(
    speakers: Sequence[Member],
    *,
    rounds: int = 2,
    order: Literal["turns", "together"] = "together",
    view: View | None = None,
    moderator: Member | None = None,
    settle: Chooser = majority,
    name: str = "debate",
    checkpointer: BaseCheckpointSaver[Any] | None = None,
) -> Team:
    """A team of speakers who settle on one answer.

    Args:
        speakers: who speaks, in this order.
        rounds: times that everybody speaks, at most.
        order: `turns`, one after the other, or `together`.
        view: what a speaker reads of what was said; by default `exchange`.
        moderator: after each round, sees `state["said"]` and everybody's last words as
            `state["candidates"]`; a draft that it writes, or a verdict with a winner and the
            decision `accept`, ends the debate.
        settle: decides after the last round.

    Raises:
        ValueError: there are fewer than two speakers, no round, or the order is unknown.
    """
    if len(speakers) < 2 or rounds < 1:
        raise ValueError(
            f"{len(speakers)} speakers, rounds={rounds}: a debate needs two speakers and a round"
        )
    if order not in ("turns", "together"):
        raise ValueError(f"order={order!r}: choose turns or together")
    shown = view or exchange
    everybody = range(len(speakers))
    moderated = moderator is not None

    def outlook(state: TeamState, number: int) -> TeamState:
        said = state.get("said") or []
        if order == "together":
            said = sorted(said, key=lambda each: (each.round, speaker_of(each) != number))
        messages = [*(state.get("messages") or ()), *shown(said, number)]
        return {**apart(state), "said": [], "messages": messages}

    async def begin(state: TeamState) -> dict[str, Any]:
        return {"gathered": Overwrite([]), "said": [], "round": 1, "stop": ""}

    async def heard(state: Gathering) -> Command[Any]:
        new = [replace(each, round=state["round"]) for each in state["gathered"]]
        said = [*state["said"], *new]
        update: dict[str, Any] = {"gathered": Overwrite([]), "said": said}
        now: Any = {**state, "said": said}
        spoken = said[len(everybody) * (state["round"] - 1) :]
        if stop := limit_of(new):
            return Command(update={**update, "stop": stop}, goto="settle")
        if len(spoken) < len(everybody):
            return Command(update=update, goto=branches(now, [len(spoken)]))
        gathered(spoken)
        return Command(update=update, goto="moderate" if moderated else onwards(now, update))

    def onwards(state: TeamState, update: dict[str, Any]) -> Any:
        if state["round"] >= rounds:
            return "settle"
        update["round"] = state["round"] + 1
        return first(state)

    def first(state: TeamState) -> list[Send]:
        return branches(state, everybody if order == "together" else [0])

    async def opening(state: TeamState) -> list[Send]:
        return first(state)

    async def moderate(state: TeamState) -> Command[Any]:
        assert moderator is not None
        last = last_words(state["said"])
        seen: Any = {**apart(state), "said": state["said"], "candidates": last}
        ruled = await work(moderator, seen)
        verdict = ruled.get("verdict")
        update: dict[str, Any] = {"verdict": verdict}
        draft = ruled.get("draft")
        if not isinstance(draft, Proposal):
            place = chosen(verdict, last) if accepts(verdict) else None
            draft = None if place is None else last[place].draft
        if draft is not None:
            return Command(update=settled(draft, candidates=last, verdict=verdict), goto=END)
        if stop := ruled.get("stop"):
            return Command(update={**update, "stop": stop}, goto="settle")
        return Command(goto=onwards(state, update), update=update)

    async def close(state: TeamState) -> dict[str, Any]:
        return await choose(settle, state, last_words(state["said"]))

    graph = gathering()
    branches = add_branches(graph, "speak", speakers, then="hear", outlook=outlook)
    nodes = tuple(dict.fromkeys(branches.nodes))
    graph.add_node("begin", begin)
    graph.add_node(
        "hear",
        heard,
        destinations=(*nodes, "moderate", "settle") if moderator else (*nodes, "settle"),
    )
    graph.add_node("settle", close)
    if moderator:
        graph.add_node("moderate", moderate, destinations=(*nodes, "settle", END))
    graph.add_edge(START, "begin")
    graph.add_conditional_edges("begin", opening, [*nodes])
    graph.add_edge("settle", END)
    return graph.compile(name=name, checkpointer=checkpointer)


def accepts(verdict: Any) -> bool:
    """Whether a verdict, readable or not, accepts."""
    return getattr(verdict, "decision", None) == "accept"


def speaker_of(said: Candidate) -> int:
    """The number of the speaker who said it."""
    return int(said.branch.rpartition("/")[2])


def last_words(said: Sequence[Candidate]) -> list[Candidate]:
    """What each speaker said last that could be read, by their numbers; their silence where there
    was nothing."""
    latest: dict[int, Candidate] = {}
    for each in said:
        number = speaker_of(each)
        if each.draft is not None or number not in latest:
            latest[number] = each
    return [latest[number] for number in sorted(latest)]


def exchange(said: Sequence[Candidate], number: int) -> list[BaseMessage]:
    """A speaker's own words as its own, and after each what the others have said since."""
    messages: list[BaseMessage] = []
    others: list[str] = []
    for each in said:
        if speaker_of(each) != number:
            others += [quoted(each.by, words(each))] if each.draft else []
            continue
        if others:
            messages.append(heard_from(others))
        messages.append(AIMessage(cut(words(each), LONGEST) or SILENT))
        others = []
    return [*messages, heard_from(others)] if said else []


def heard_from(others: Sequence[str]) -> HumanMessage:
    """What others said, as one message; that they said nothing, where they did not."""
    return HumanMessage(OTHERS.format(said="\n\n".join(others)) if others else NOBODY)


def words(said: Candidate) -> str:
    """What was said, as it was written, else the bare answer."""
    return said.text or said.value
