"""Segment: a reply that is paused while it is written, looked at, and gone on with as control says.

A piece is written up to a number of tokens or a stop string. Then control sees what there is, on
this path and on those beside it, and says how to go on: put in a text, go back to an earlier piece,
or end. Texts that were put in stand in the reply as if the model had written them, and do not count
as written. Several paths are written side by side and pause together; whichever has ended is final.
At the end each path is read as the agent's output, and one is chosen.

A local model goes on from exactly the tokens that it sampled. Any other model is given what is
written as the beginning of its reply (the last message, the assistant's) and has to go on from it.
Where pieces end at stop strings it has to tell which one did (`stop_reason` in its metadata, as
vLLM's server does): its own end is not to be told from them otherwise.
"""

from __future__ import annotations

import asyncio
import logging
import operator
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from inspect import isawaitable
from typing import Annotated, Any, TypedDict

from langchain_core.messages import AIMessage
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.errors import GraphBubbleUp
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command, Overwrite, Send

from ..agents import Agent, Candidate, Proposal, TeamContext, TeamState
from ..episodes import BudgetExceeded, error_text
from .branches import gathered, in_branch, measures_of
from .choosing import Chooser, choose
from .selectors import majority
from .team import Settled, Team

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a reply."""

    text: str
    written: int = 0
    """Tokens that the model wrote; 0 for a text that was put in."""
    ids: tuple[int, ...] = ()
    """The exact tokens, where a local model writes."""
    measures: Mapping[str, float] = field(default_factory=dict)
    injected: bool = False
    """Whether control put it in."""


@dataclass(frozen=True, slots=True)
class Writing:
    """A reply as far as it is written."""

    path: int = 0
    pieces: tuple[Piece, ...] = ()
    ended: bool = False
    """Whether the model ended it."""
    pauses: int = 0
    memo: Mapping[str, Any] = field(default_factory=dict)
    """What control has noted of this path."""
    stop: str = ""
    error: str = ""

    @property
    def text(self) -> str:
        """The whole reply so far."""
        return "".join(piece.text for piece in self.pieces)

    @property
    def written(self) -> int:
        """Tokens that the model wrote."""
        return sum(piece.written for piece in self.pieces)

    @property
    def final(self) -> bool:
        """Whether nothing more is written: it ended, failed, or ran into a limit."""
        return self.ended or bool(self.stop or self.error)


@dataclass(frozen=True, slots=True)
class Go:
    """How a path goes on."""

    inject: str = ""
    """A text to put in first. After the model's end, it takes that end back."""
    keep: int | None = None
    """Pieces to keep, from the first on; the others are dropped. None keeps all."""
    trim: int | None = None
    """Characters to keep of the last piece that is kept. What is left of it is put in anew, without
    its exact tokens."""
    max_tokens: int | None = None
    """Tokens of the next piece, at most; None leaves it to the model."""
    until: tuple[str, ...] = ()
    """Strings that end the next piece."""
    done: bool = False
    """The reply is taken as it is."""
    memo: Mapping[str, Any] | None = None
    """Replaces what was noted of the path."""


Control = Callable[[Writing, Sequence[Writing], TeamState], Go | Awaitable[Go]]
"""How a path goes on, from what is written on it and on all paths, and from the team's state. Asked
before the first piece and at each pause, also of a path that the model has just ended, once."""


class Segmenting(TeamState, total=False):
    """The state of segmented generation."""

    writings: list[Writing]
    written: Annotated[list[Writing], operator.add]
    """What the last pieces came to, in the order of the paths."""


class Writer(TypedDict):
    """What the writer of one piece is given."""

    writing: Writing
    go: Go
    state: TeamState


def segment(
    agent: Agent,
    control: Control,
    *,
    paths: int = 1,
    max_pauses: int = 32,
    select: Chooser = majority,
    name: str = "segment",
    checkpointer: BaseCheckpointSaver[Any] | None = None,
) -> Team:
    """A team of one agent whose reply is written in pieces.

    Args:
        agent: whose messages, model and output are used.
        control: says how each path goes on.
        paths: replies written side by side.
        max_pauses: pauses of a path, at most; then its reply is taken as it is.
        select: chooses among the paths' outputs.

    While it runs it raises TypeError when control returns anything but a `Go`.

    Raises:
        TypeError: `agent` is no agent: a team's reply cannot be paused from outside.
        ValueError: a number is not positive.
    """
    if not isinstance(agent, Agent):
        raise TypeError(f"{type(agent).__name__} is no agent: only an agent's reply can be paused")
    for number, given in {"paths": paths, "max_pauses": max_pauses}.items():
        if given < 1:
            raise ValueError(f"{number}={given}: it must be at least 1")

    async def begin(state: TeamState) -> dict[str, Any]:
        writings = [Writing(path) for path in range(paths)]
        return {"writings": writings, "written": Overwrite([]), "stop": ""}

    async def pause(state: Segmenting) -> Command[Any]:
        fresh = {writing.path: writing for writing in state["written"]}
        writings = [fresh.get(each.path, each) for each in state["writings"]]
        paused = tuple(writings)
        sends, update = [], {"written": Overwrite([]), "writings": writings}
        for place, each in enumerate(writings):
            if each.stop or each.error or (each.ended and each.path not in fresh):
                continue
            going = control(each, paused, state)
            go = await going if isawaitable(going) else going
            if not isinstance(go, Go):
                raise TypeError(
                    f"control returned {go!r}: it has to return a `Go`, and `Go(done=True)` to end"
                )
            now = steered(each, go)
            if go.done or each.pauses >= max_pauses:
                now = replace(now, ended=True)
            elif not now.ended:
                sends.append((place, go))
            writings[place] = now
        if not sends:
            return Command(update=update, goto="settle")
        return Command(
            update=update,
            goto=[
                Send("write", Writer(writing=writings[place], go=go, state=state))
                for place, go in sends
            ],
        )

    async def write(task: Writer) -> dict[str, list[Writing]]:
        writing, go = task["writing"], task["go"]
        with in_branch(str(writing.path)) as path:
            try:
                piece, ended = await written_on(agent, task["state"], writing, go)
                writing = replace(writing, pieces=(*writing.pieces, piece), ended=ended)
            except BudgetExceeded as spent:
                writing = replace(writing, stop=str(spent))
            except (GraphBubbleUp, asyncio.CancelledError):
                raise
            except Exception as failure:
                writing = replace(writing, error=error_text(failure))
                log.warning("path %s failed: %s", path, writing.error)
        return {"written": [replace(writing, pauses=writing.pauses + 1)]}

    async def close(state: Segmenting) -> dict[str, Any]:
        candidates, stop = gathered([as_candidate(agent, each) for each in state["writings"]])
        update = await choose(select, state, candidates)
        return {**update, "stop": update.get("stop") or stop}

    graph: StateGraph[Any, TeamContext, Any, Any] = StateGraph(
        Segmenting, context_schema=TeamContext, input_schema=TeamState, output_schema=Settled
    )
    graph.add_node("begin", begin)
    graph.add_node("pause", pause, destinations=("write", "settle"))
    writer: Any = write
    graph.add_node("write", writer, input_schema=Writer)
    graph.add_node("settle", close)
    graph.add_edge(START, "begin")
    graph.add_edge("begin", "pause")
    graph.add_edge("write", "pause")
    graph.add_edge("settle", END)
    return graph.compile(name=name, checkpointer=checkpointer)


def steered(writing: Writing, go: Go) -> Writing:
    """The writing after what `go` drops and puts in."""
    pieces = writing.pieces if go.keep is None else writing.pieces[: go.keep]
    if go.trim is not None and pieces:
        *before, last = pieces
        pieces = (*before, Piece(last.text[: go.trim], last.written, injected=last.injected))
    ended = writing.ended and pieces == writing.pieces and not go.inject
    if go.inject:
        if writing.ended and pieces and pieces[-1].ids:
            *before, last = pieces
            pieces = (*before, replace(last, ids=last.ids[:-1]))
        pieces = (*pieces, Piece(go.inject, injected=True))
    memo = writing.memo if go.memo is None else go.memo
    return replace(writing, pieces=pieces, ended=ended, memo=memo)


async def written_on(
    agent: Agent, state: TeamState, writing: Writing, go: Go
) -> tuple[Piece, bool]:
    """The next piece, and whether the model ended the reply with it.

    Raises:
        ValueError: the model wrote nothing and did not end, or does not tell what ended the piece.
    """
    options: dict[str, Any] = {"max_tokens": go.max_tokens} if go.max_tokens else {}
    messages = agent.messages(state)
    if _is_local(agent.model):
        from ..models.draft import Draft

        draft = Draft(agent.model, messages, agent.config)  # type: ignore[arg-type]
        for piece in writing.pieces:
            draft.ids += piece.ids or draft.encoded(piece.text)
        start = len(draft.ids)
        reply = await draft.write(stop=go.until, **options)
        ids, ended = tuple(draft.ids[start:]), draft.ended
        text = draft.text_of(ids)
    else:
        given = [AIMessage(writing.text)] if writing.text else []
        reply = await agent.model.ainvoke(
            [*messages, *given], agent.config, stop=list(go.until) or None, **options
        )
        ids, text = (), reply.text
        about = reply.response_metadata
        if go.until and about.get("finish_reason") == "stop" and "stop_reason" not in about:
            raise ValueError(
                "the model does not tell whether its reply ended or met a stop string "
                "(`stop_reason`): choose a local model, or one that vLLM serves"
            )
        cut = about.get("stop_reason")
        text += cut if cut in go.until else ""
        ended = about.get("finish_reason") != "length" and cut not in go.until
    usage = reply.usage_metadata
    count = len(ids) if ids else (usage["output_tokens"] if usage else len(text.split()))
    if not count and not ended:
        raise ValueError("the model wrote nothing and did not end its reply")
    return Piece(text, count, ids, measures_of(reply)), ended


def as_candidate(agent: Agent, writing: Writing) -> Candidate:
    """A path as what it came to."""
    draft = agent.format.parse(writing.text, agent.output)
    measured = [piece for piece in writing.pieces if piece.measures]
    total = sum(piece.written for piece in measured)
    names = {name for piece in measured for name in piece.measures}
    return Candidate(
        by=agent.name,
        branch=str(writing.path),
        draft=draft if isinstance(draft, Proposal) else None,
        text=writing.text,
        measures={
            name: sum(p.measures.get(name, 0.0) * p.written for p in measured) / total
            for name in sorted(names)
        },
        stop=writing.stop,
        error=writing.error,
    )


def _is_local(model: Any) -> bool:
    """Whether `model` goes on from exact tokens. It is not imported to find out: it needs torch."""
    return getattr(model, "_llm_type", "") == "local"
