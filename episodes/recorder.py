"""The recorder: writes down every model call, tool call and step of one episode.

It is a LangChain callback handler, so it works on any Runnable and any LangGraph graph, ours or
not: `graph.ainvoke(state, {"callbacks": [recorder]})`. While the graph runs it only keeps
references; `episode()` turns them into the record.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    HumanMessage,
    convert_to_openai_messages,
)
from langchain_core.outputs import ChatGeneration, LLMResult
from langchain_core.runnables.config import var_child_runnable_config

from .episode import Episode, Outcome
from .ledger import Budget, Ledger, Usage
from .secrets import error_text
from .task import Task
from .turn import Step, Tokens, ToolCall, Turn
from .world import Observation, World

ROLES = {"human": "user", "ai": "assistant", "system": "system"}
"""LangChain's message types and the roles of OpenAI's format."""


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
    started: float
    seconds: float = 0.0
    reply: AIMessage | None = None
    finish: str = ""
    error: str = ""

    @property
    def agent(self) -> str:
        return str(self.metadata.get("agent") or self.metadata.get("langgraph_node") or "")

    @property
    def branch(self) -> str:
        return str(self.metadata.get("branch", ""))


@dataclass(slots=True)
class _Tool:
    name: str
    arguments: str
    after: str | None
    started: float
    agent: str


class Recorder(BaseCallbackHandler):
    """Records one episode, keeps its ledger, and stops it when its budget is spent.

    A call past the budget raises `BudgetExceeded` before the model is asked.
    """

    raise_error = True
    run_inline = True
    ignore_chain = True
    ignore_retriever = True
    ignore_custom_event = True

    def __init__(self, budget: Budget | None = None) -> None:
        super().__init__()
        self.ledger = Ledger(budget or Budget())
        self.began = time.time()
        self._zero = time.perf_counter()
        self._open: dict[UUID, _Call] = {}
        self._calls: list[_Call] = []
        self._last: dict[str, str] = {}
        self._said: dict[str, str] = {}
        """From the id of a reply to the call that made it."""
        self._latest: str | None = None
        self._actor = ""
        self._tools_open: dict[UUID, _Tool] = {}
        self._tools: list[ToolCall] = []
        self._steps: list[Step] = []

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
        self.ledger.start_call()
        metadata = metadata or {}
        branch = str(metadata.get("branch", ""))
        call = _Call(
            id=run_id.hex,
            messages=messages[0],
            contents=[message.content for message in messages[0]],
            metadata=metadata,
            model=str(metadata.get("ls_model_name") or metadata.get("ls_provider") or ""),
            parent=self._parent(messages[0], branch),
            started=time.perf_counter(),
        )
        self._open[run_id] = call
        self._calls.append(call)

    def on_llm_start(
        self, serialized: dict[str, Any], prompts: list[str], *, run_id: UUID, **kwargs: Any
    ) -> None:
        self.on_chat_model_start(serialized, [[HumanMessage(prompts[0])]], run_id=run_id, **kwargs)

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
        self.ledger.start_tool_call()
        metadata = metadata or {}
        self._tools_open[run_id] = _Tool(
            name=(serialized or {}).get("name", ""),
            arguments=input_str,
            after=self._latest,
            started=time.perf_counter(),
            agent=str(metadata.get("agent") or metadata.get("langgraph_node") or ""),
        )

    def on_tool_end(self, output: Any, *, run_id: UUID, **kwargs: Any) -> None:
        result = output.text if isinstance(output, BaseMessage) else str(output)
        self._close_tool(run_id, result, "")

    def on_tool_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> None:
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
            )
        )
        if action is not None:
            self.ledger.add(self._actor, Usage(tool_calls=1))

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
            usage=dict(self.ledger.by_agent),
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
        self._actor = call.agent
        return call

    def _book(self, call: _Call) -> None:
        usage = call.reply.usage_metadata if call.reply else None
        cost = _cost(call.reply.response_metadata) if call.reply else 0.0
        self.ledger.add(
            call.agent,
            Usage(
                calls=1,
                prompt_tokens=usage["input_tokens"] if usage else 0,
                completion_tokens=usage["output_tokens"] if usage else 0,
                seconds=call.seconds,
                cost=cost,
            ),
        )

    def _close_tool(self, run_id: UUID, result: str, error: str) -> None:
        tool = self._tools_open.pop(run_id)
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
        self.ledger.add(tool.agent, Usage(tool_calls=1))


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
        model=str(about.get("model_name") or call.model),
        messages=messages,
        reply=_openai(reply, reply.content) if reply else None,
        parsed=about.get("parsed"),
        unreadable=wanted and about["parsed"] is None,
        tokens=_tokens(about),
        prompt_tokens=usage["input_tokens"] if usage else 0,
        completion_tokens=usage["output_tokens"] if usage else 0,
        cost=_cost(about),
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


def _cost(about: dict[str, Any]) -> float:
    """US dollars, where `response_metadata` says it as a number."""
    cost = about.get("cost")
    return float(cost) if isinstance(cost, (int, float)) else 0.0


def current_recorder() -> Recorder | None:
    """The recorder of the graph that runs around the caller, if one is attached."""
    callbacks = (var_child_runnable_config.get() or {}).get("callbacks")
    handlers = callbacks if isinstance(callbacks, list) else getattr(callbacks, "handlers", ())
    return next((h for h in handlers if isinstance(h, Recorder)), None)


@dataclass(slots=True)
class RecordedWorld:
    """A world whose steps are written to a recorder, and paid from its budget."""

    world: World
    recorder: Recorder

    @property
    def instructions(self) -> str:
        return self.world.instructions

    async def reset(self) -> Observation:
        began = time.perf_counter()
        seen = await self.world.reset()
        self.recorder.on_step(None, seen, time.perf_counter() - began)
        return seen

    async def step(self, action: str) -> Observation:
        self.recorder.ledger.start_tool_call()
        return await self._taken(action)

    async def submit(self, answer: str) -> Observation:
        """Take `answer` as the only action. It is free: a spent budget still gets its answer in."""
        await self.reset()
        return await self._taken(answer)

    async def _taken(self, action: str) -> Observation:
        began = time.perf_counter()
        seen = await self.world.step(action)
        self.recorder.on_step(action, seen, time.perf_counter() - began)
        return seen
