"""The recorder: writes down every model call, tool call and step of one episode.

It is a LangChain callback handler, so it works on any Runnable and any LangGraph graph, ours or
not: `graph.ainvoke(state, {"callbacks": [recorder]})`. While the graph runs it only keeps
references; `episode()` turns them into the record.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol
from uuid import UUID

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessage,
    HumanMessage,
    convert_to_openai_messages,
)
from langchain_core.messages.ai import UsageMetadata, add_usage
from langchain_core.outputs import (
    ChatGeneration,
    ChatGenerationChunk,
    GenerationChunk,
    LLMResult,
)
from langchain_core.runnables import RunnableConfig
from langchain_core.runnables.config import var_child_runnable_config

from .episode import Episode, Outcome
from .ledger import Budget, BudgetExceeded, Ledger, Usage
from .secrets import error_text
from .task import Task
from .turn import Step, Tokens, ToolCall, Turn
from .world import Observation, World

ROLES = {"human": "user", "ai": "assistant", "system": "system"}
"""LangChain's message types and the roles of OpenAI's format."""
TOKEN_CHARACTERS = 4
"""Characters in a token of English text, for providers that do not count."""
log = logging.getLogger(__name__)
_account: ContextVar[Ledger | None] = ContextVar("symposia_sub_budget", default=None)


Listener = Callable[[Episode], Awaitable[None]]
"""Hears of an episode that is over."""


class EpisodeName(NamedTuple):
    """Which episode it is, as records of memories know it."""

    run: str
    episode: str
    """`task/attempt`; empty outside of an episode."""

    def __str__(self) -> str:
        return f"{self.run}/{self.episode}" if self.run else self.episode


class Prices(Protocol):
    """Knows what models cost; `models.PriceTable` is one."""

    def cost(self, model: str, usage: Mapping[str, Any]) -> float | None:
        """US dollars for a call that used so much (LangChain's `UsageMetadata`), or None."""


@dataclass(slots=True)
class _Call:
    """A model call under way or done, as LangChain showed it."""

    id: str
    messages: list[BaseMessage]
    contents: list[Any]
    """The content of each message when the call began: a graph may change messages later."""
    metadata: dict[str, Any]
    model: str
    parent: str | None
    ledger: Ledger
    """The account that pays for it."""
    started: float
    seconds: float = 0.0
    booked: Usage | None = None
    """What the ledger has of it so far."""
    streamed: _Streamed | None = None
    cost: float | None = None
    """US dollars, where they are known."""
    reply: AIMessage | None = None
    finish: str = ""
    error: str = ""

    @property
    def agent(self) -> str:
        return _agent(self.metadata)

    @property
    def model_name(self) -> str:
        """What the model calls itself, else what it was called."""
        about = self.reply.response_metadata if self.reply else {}
        return str(about.get("model_name") or self.model)

    @property
    def branch(self) -> str:
        return str(self.metadata.get("branch", ""))


@dataclass(slots=True)
class _Streamed:
    """What has come of a reply, and what the provider has counted of it so far."""

    read: int
    """Tokens of the prompt, estimated."""
    pieces: int = 0
    characters: int = 0
    counted: UsageMetadata | None = None

    def add(self, message: AIMessage) -> None:
        said = _characters(message)
        self.pieces += said > 0
        self.characters += said
        if message.usage_metadata:
            self.counted = add_usage(self.counted, message.usage_metadata)

    @property
    def usage(self) -> UsageMetadata:
        """Estimates where nothing was counted yet; no piece of a reply is less than a token."""
        read, said = self.read, max(self.pieces, math.ceil(self.characters / TOKEN_CHARACTERS))
        if self.counted:
            read = self.counted["input_tokens"] or read
            said = max(said, self.counted["output_tokens"])
        return UsageMetadata(input_tokens=read, output_tokens=said, total_tokens=read + said)


@dataclass(slots=True)
class _Tool:
    ledger: Ledger
    name: str
    arguments: str
    after: str | None
    started: float
    agent: str


class Recorder(BaseCallbackHandler):
    """Records one episode, keeps its ledger, and stops it when its budget is spent.

    A call past the budget raises `BudgetExceeded` before the model is asked; a streamed call raises
    it as soon as its tokens go past. Tokens that a provider does not count are estimated from the
    text, in the ledger only.

    A call costs what the model says (`response_metadata["cost"]`), else what `prices` knows. A
    limit on money with a model whose cost is unknown raises `UnknownCostError` after its first
    call.

    Args:
        budget: limits of this episode.
        prices: what models cost, for example `PriceTable.load()`.
        within: the account that this episode is part of (a run's); its limits count as well.
    """

    raise_error = True
    run_inline = True
    ignore_chain = True
    ignore_retriever = True
    ignore_custom_event = True

    def __init__(
        self,
        budget: Budget | None = None,
        *,
        prices: Prices | None = None,
        within: Ledger | None = None,
    ) -> None:
        super().__init__()
        self.prices = prices
        self._ledger = Ledger(budget or Budget(), parent=within)
        self.began = time.time()
        self._zero = time.perf_counter()
        self._open: dict[UUID, _Call] = {}
        self._calls: list[_Call] = []
        self._last: dict[str, str] = {}
        self._said: dict[str, str] = {}
        """From the id of a reply to the call that made it."""
        self._latest: str | None = None
        self.actor = ""
        """The agent that spoke last: steps in the world are booked for it."""
        self._tools_open: dict[UUID, _Tool] = {}
        self._tools: list[ToolCall] = []
        self._steps: list[Step] = []
        self._listeners: list[Listener] = []

    @property
    def ledger(self) -> Ledger:
        """The account that pays now: the episode's, or that of the `sub_budget` around the
        caller."""
        inner = _account.get()
        return inner if inner is not None and inner.within(self._ledger) else self._ledger

    @property
    def steps(self) -> list[Step]:
        """The steps taken in the world so far, the reset included."""
        return self._steps

    def on_chat_model_start(
        self,
        serialized: dict[str, Any],
        messages: list[list[BaseMessage]],
        *,
        run_id: UUID,
        metadata: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        metadata = metadata or {}
        ledger = self.ledger
        ledger.start_call(_agent(metadata))
        branch = str(metadata.get("branch", ""))
        call = _Call(
            id=run_id.hex,
            messages=messages[0],
            contents=[message.content for message in messages[0]],
            metadata=metadata,
            model=str(metadata.get("ls_model_name") or metadata.get("ls_provider") or ""),
            parent=self._parent(messages[0], branch),
            ledger=ledger,
            started=time.perf_counter(),
        )
        self._open[run_id] = call
        self._calls.append(call)

    def on_llm_start(
        self, serialized: dict[str, Any], prompts: list[str], *, run_id: UUID, **kwargs: Any
    ) -> None:
        self.on_chat_model_start(serialized, [[HumanMessage(prompts[0])]], run_id=run_id, **kwargs)

    def on_llm_new_token(
        self,
        token: str | list[str | dict[str, Any]],
        *,
        chunk: GenerationChunk | ChatGenerationChunk | None = None,
        run_id: UUID,
        **kwargs: Any,
    ) -> None:
        message = chunk.message if isinstance(chunk, ChatGenerationChunk) else None
        if isinstance(message, AIMessageChunk):
            call = self._open[run_id]
            call.streamed = call.streamed or _Streamed(_tokens_read(call))
            call.streamed.add(message)
            self._book(call)
            call.ledger.check_stream(call.agent)

    def on_llm_end(self, response: LLMResult, *, run_id: UUID, **kwargs: Any) -> None:
        call = self._close(run_id)
        generation = response.generations[0][0]
        if isinstance(generation, ChatGeneration) and isinstance(generation.message, AIMessage):
            call.reply = generation.message
        else:
            call.reply = AIMessage(generation.text)
        if call.reply.id:
            self._said[call.reply.id] = call.id
        self._book(call)
        call.ledger.check_prices(call.agent)

    def on_llm_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> None:
        call = self._close(run_id)
        call.error = error_text(error)
        self._book(call)

    def on_tool_start(
        self,
        serialized: dict[str, Any],
        input_str: str,
        *,
        run_id: UUID,
        metadata: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        agent = _agent(metadata or {})
        ledger = self.ledger
        ledger.start_tool_call(agent)
        self._tools_open[run_id] = _Tool(
            ledger=ledger,
            name=(serialized or {}).get("name", ""),
            arguments=input_str,
            after=self._latest,
            started=time.perf_counter(),
            agent=agent,
        )

    def on_tool_end(self, output: Any, *, run_id: UUID, **kwargs: Any) -> None:
        result = output.text if isinstance(output, BaseMessage) else str(output)
        self._close_tool(run_id, result, "")

    def on_tool_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> None:
        from langgraph.errors import GraphBubbleUp

        if isinstance(error, GraphBubbleUp) and run_id in self._tools_open:
            # The graph pauses for a person; the tool runs anew, and counts, when it goes on.
            tool = self._tools_open.pop(run_id)
            tool.ledger.take_back_tool_call(tool.agent)
        else:
            self._close_tool(run_id, "", error_text(error))

    def on_step(self, action: str | None, seen: Observation, seconds: float) -> None:
        """Record a step in the world (or its reset, where `action` is None)."""
        self._steps.append(
            Step(
                action=action,
                text=seen.text,
                reward=seen.reward,
                done=seen.done,
                admissible=seen.admissible,
                after=self._latest,
                started=time.perf_counter() - seconds - self._zero,
                seconds=seconds,
                valid=bool(seen.info.get("valid", True)),
            )
        )
        if action is not None:
            self.ledger.add(self.actor, Usage(tool_calls=1))

    def at_end(self, listener: Listener) -> None:
        """Let `listener` hear how the episode ended; once, however often it asks."""
        if listener not in self._listeners:
            self._listeners.append(listener)

    async def tell(self, episode: Episode) -> None:
        """Let the listeners hear of the episode. One that fails is logged: the episode stands."""
        for listener in self._listeners:
            try:
                await listener(episode)
            except Exception as failure:
                log.warning("nobody noted how %s ended: %s", episode.task, error_text(failure))

    def episode(
        self,
        task: Task,
        outcome: Outcome,
        *,
        run: str,
        attempt: int = 0,
        team: str = "",
        seed: int = 0,
        answer: str = "",
    ) -> Episode:
        """The record of what happened so far. What is still under way is marked as cut off."""
        for run_id in list(self._open):
            call = self._close(run_id)
            call.error = "cut off"
            self._book(call)
        for tool in list(self._tools_open):
            self._close_tool(tool, "", "cut off")
        return Episode(
            run=run,
            task=task.id,
            attempt=attempt,
            kind=task.kind,
            team=team,
            seed=seed,
            prompt=task.prompt,
            answer=answer,
            turns=tuple(_turns(self._calls, self._zero)),
            steps=tuple(self._steps),
            tools=tuple(self._tools),
            usage=dict(self._ledger.by_agent),
            outcome=outcome,
            started=self.began,
            seconds=time.perf_counter() - self._zero,
        )

    def _parent(self, messages: list[BaseMessage], branch: str) -> str | None:
        """The call that made the last reply in `messages`; where a graph rewrites replies, the last
        of the branch. Branches that run side by side are told apart by what they read."""
        replies = (m.id for m in reversed(messages) if isinstance(m, AIMessage))
        return self._said.get(next(replies, None) or "") or self._last.get(branch, self._latest)

    def _close(self, run_id: UUID) -> _Call:
        call = self._open.pop(run_id)
        call.seconds = time.perf_counter() - call.started
        self._latest = self._last[call.branch] = call.id
        self.actor = call.agent
        return call

    def _book(self, call: _Call) -> None:
        """Bring the ledger up to what is known of `call`."""
        usage = self._usage(call)
        new = usage - call.booked if call.booked else usage
        call.ledger.add(call.agent, new, call.model_name)
        call.booked = usage

    def _usage(self, call: _Call) -> Usage:
        usage = call.reply.usage_metadata if call.reply else None
        known = usage["total_tokens"] if usage else 0
        if usage is None and call.reply and not call.streamed:
            call.streamed = _Streamed(_tokens_read(call))
            call.streamed.add(call.reply)
        if usage is None and call.streamed:
            usage = call.streamed.usage
            known = call.streamed.counted["total_tokens"] if call.streamed.counted else 0
        if usage is None:  # it failed before it said anything
            return Usage(calls=1, seconds=call.seconds)
        call.cost = self._cost(call, usage)
        return Usage(
            calls=1,
            prompt_tokens=usage["input_tokens"],
            completion_tokens=usage["output_tokens"],
            seconds=call.seconds,
            cost=call.cost or 0.0,
            unpriced=int(call.cost is None),
            estimated=max(usage["input_tokens"] + usage["output_tokens"] - known, 0),
        )

    def _cost(self, call: _Call, usage: UsageMetadata) -> float | None:
        """US dollars, where `response_metadata` says it as a number, or the prices know it."""
        about = call.reply.response_metadata if call.reply else {}
        said = about.get("cost")
        if isinstance(said, (int, float)) and math.isfinite(said) and said >= 0:
            return float(said)
        names = dict.fromkeys((call.model_name, call.model))
        costs = (self.prices.cost(name, usage) for name in names) if self.prices else ()
        return next((cost for cost in costs if cost is not None), None)

    def _close_tool(self, run_id: UUID, result: str, error: str) -> None:
        tool = self._tools_open.pop(run_id, None)
        if tool is None:  # it was given up before, and has come to an end all the same
            return
        seconds = time.perf_counter() - tool.started
        self._tools.append(
            ToolCall(
                name=tool.name,
                arguments=tool.arguments,
                result=result,
                after=tool.after,
                started=tool.started - self._zero,
                seconds=seconds,
                error=error,
            )
        )
        tool.ledger.add(tool.agent, Usage(tool_calls=1))


def _turns(calls: list[_Call], zero: float) -> Iterator[Turn]:
    """The record of `calls`. A conversation repeats its messages at every turn: the longest run
    that a call shares with the one before it is taken over as it is, and so is a known message."""
    known: dict[int, tuple[Any, dict[str, Any]]] = {}
    before: tuple[list[BaseMessage], list[Any], tuple[dict[str, Any], ...]] = ([], [], ())

    def written(message: BaseMessage, content: Any) -> dict[str, Any]:
        held = known.get(id(message))
        if held is None or held[0] is not content:
            held = known[id(message)] = (content, _openai(message, content))
        return held[1]

    for call in calls:
        shared = len(before[0])
        if call.messages[:shared] != before[0] or call.contents[:shared] != before[1]:
            shared = 0
        messages = before[2][:shared] + tuple(
            map(written, call.messages[shared:], call.contents[shared:])
        )
        before = (call.messages, call.contents, messages)
        yield _turn(call, messages, zero)


def _turn(call: _Call, messages: tuple[dict[str, Any], ...], zero: float) -> Turn:
    reply = call.reply
    about = reply.response_metadata if reply else {}
    usage = reply.usage_metadata if reply else None
    wanted = "parsed" in about
    return Turn(
        id=call.id,
        parent=call.parent,
        agent=call.agent,
        node=str(call.metadata.get("langgraph_node", "")),
        step=int(call.metadata.get("langgraph_step", 0)),
        branch=call.branch,
        model=call.model_name,
        messages=messages,
        reply=_openai(reply, reply.content) if reply else None,
        parsed=about.get("parsed"),
        unreadable=wanted and about["parsed"] is None,
        tokens=_tokens(about),
        prompt_tokens=usage["input_tokens"] if usage else 0,
        completion_tokens=usage["output_tokens"] if usage else 0,
        cost=call.cost or 0.0,
        started=call.started - zero,
        seconds=call.seconds,
        finish=str(about.get("finish_reason", "")),
        error=call.error,
    )


def _openai(message: BaseMessage, content: Any) -> dict[str, Any]:
    """`message` in OpenAI's format, with the content that it had."""
    plain = isinstance(content, str) and not getattr(message, "tool_calls", None)
    role = ROLES.get(message.type)
    if plain and role and message.name is None:
        return {"role": role, "content": content}
    converted = convert_to_openai_messages(message.model_copy(update={"content": content}))
    assert isinstance(converted, dict)
    return converted


def _tokens(about: dict[str, Any]) -> Tokens | None:
    """The exact tokens that a local engine or server put into `response_metadata["tokens"]`. Other
    providers keep other things under that name; those are not tokens."""
    held = about.get("tokens")
    if not isinstance(held, dict):
        return None
    try:
        return Tokens(**{name: tuple(ids) for name, ids in held.items()})
    except (TypeError, ValueError):
        return None


def _agent(metadata: Mapping[str, Any]) -> str:
    return str(metadata.get("agent") or metadata.get("langgraph_node") or "")


def _tokens_read(call: _Call) -> int:
    """The tokens of a call's prompt, estimated."""
    return math.ceil(sum(map(_characters, call.messages)) / TOKEN_CHARACTERS)


def _characters(message: BaseMessage) -> int:
    if isinstance(message, AIMessageChunk):
        calls = sum(len(call["args"] or "") for call in message.tool_call_chunks)
    else:
        calls = sum(len(str(call["args"])) for call in getattr(message, "tool_calls", ()))
    return len(message.text) + calls


def current_recorder(config: RunnableConfig | None = None) -> Recorder | None:
    """The recorder of the graph that runs around the caller, or that of `config`, if there is
    one."""
    callbacks = (config or var_child_runnable_config.get() or {}).get("callbacks")
    handlers = callbacks if isinstance(callbacks, list) else getattr(callbacks, "handlers", ())
    return next((h for h in handlers if isinstance(h, Recorder)), None)


def current_episode(config: RunnableConfig | None = None) -> EpisodeName:
    """The name of the episode that runs around the caller, or that of `config`; an empty one
    outside. A config that `play` did not make says it as `{"metadata": {"episode": "run/name"}}`.
    """
    metadata = (config or var_child_runnable_config.get() or {}).get("metadata") or {}
    run, playing = metadata.get("run"), metadata.get("episode")
    if not isinstance(playing, str):
        return EpisodeName("", "")
    if not isinstance(run, str):
        first, _, rest = playing.partition("/")
        return EpisodeName(first, rest) if rest else EpisodeName("", first)
    # The last part of `playing` tells one playing of the same attempt from another.
    return EpisodeName(run, playing.removeprefix(f"{run}/").rpartition("/")[0])


@contextmanager
def sub_budget(budget: Budget, name: str = "sub-team") -> Iterator[Ledger]:
    """Limit what the calls within may spend, on top of the episode's own budget.

    Use it in a node, around a nested team. Its agents finalise when it is spent, as they do on an
    episode's budget; a team that does not is left at once, and the code after the block goes on.
    What was spent is in the account that the block gets, why it ended in `account.exceeded`.

        with sub_budget(Budget(calls=6), "panel") as account:
            update = await panel.ainvoke(state)

    Args:
        budget: limits of this block; time counts from its beginning.
        name: whose budget it is, in messages.

    Raises:
        RuntimeError: no recorder is attached around the caller, so nothing would be counted.
    """
    recorder = current_recorder()
    if recorder is None:
        raise RuntimeError(
            f"a budget for {name!r} needs a Recorder around it: run the team with `play` or "
            '`evaluate`, or pass {"callbacks": [Recorder()]} as its config'
        )
    account = Ledger(budget, parent=recorder.ledger, owner=f"{name}'s")
    token = _account.set(account)
    try:
        yield account
    except BudgetExceeded as spent:
        if spent.ledger is not account:
            raise
    finally:
        _account.reset(token)


@dataclass(slots=True)
class RecordedWorld:
    """A world whose steps are written to a recorder, and paid from its budget."""

    world: World
    recorder: Recorder
    last: Observation | None = None
    """What the world showed last."""

    @property
    def instructions(self) -> str:
        return self.world.instructions

    async def reset(self) -> Observation:
        began = time.perf_counter()
        self.last = seen = await self.world.reset()
        self.recorder.on_step(None, seen, time.perf_counter() - began)
        return seen

    async def step(self, action: str) -> Observation:
        self.recorder.ledger.start_tool_call(self.recorder.actor)
        return await self._taken(action)

    async def submit(self, answer: str) -> Observation:
        """Take `answer` as the only action. It is free: a spent budget still gets its answer in."""
        await self.reset()
        return await self._taken(answer)

    async def _taken(self, action: str) -> Observation:
        began = time.perf_counter()
        self.last = seen = await self.world.step(action)
        self.recorder.on_step(action, seen, time.perf_counter() - began)
        return seen
