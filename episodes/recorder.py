"""The recorder: writes down every model call, tool call and step of one episode.

It is a LangChain callback handler, so it works on any Runnable and any LangGraph graph, ours or
not: `graph.ainvoke(state, {"callbacks": [recorder]})`. While the graph runs it only keeps
references; `episode()` turns them into the record.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, HumanMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, GenerationChunk, LLMResult

from .call import Call, Prices, Streamed, agent_of
from .episode import Episode, Outcome
from .facts import kept
from .ledger import Budget, Ledger, Usage
from .secrets import error_text
from .task import Task
from .transcript import turns
from .turn import Step, ToolCall
from .world import Observation

log = logging.getLogger(__name__)
inner_account: ContextVar[Ledger | None] = ContextVar("symposia_sub_budget", default=None)
"""The account of the `sub_budget` around the caller."""
Listener = Callable[[Episode], Awaitable[None]]
"""Hears of an episode that is over."""


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
    limit on money with a model whose cost is unknown raises `UnknownCostError` before the next
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
        self._open: dict[UUID, Call] = {}
        self._calls: list[Call] = []
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
        inner = inner_account.get()
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
        agent, branch = agent_of(metadata), str(metadata.get("branch", ""))
        ledger = self.ledger
        ledger.start_call(agent)
        call = Call(
            id=run_id.hex,
            agent=agent,
            branch=branch,
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
            call.streamed = call.streamed or Streamed(call.prompt_tokens())
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
        agent = agent_of(metadata or {})
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
                info=kept(seen.info),
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
        findings: dict[str, Any] | None = None,
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
            findings=dict(findings or {}),
            turns=tuple(turns(self._calls, self._zero)),
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

    def _close(self, run_id: UUID) -> Call:
        call = self._open.pop(run_id)
        call.seconds = time.perf_counter() - call.started
        self._latest = self._last[call.branch] = call.id
        self.actor = call.agent
        return call

    def _book(self, call: Call) -> None:
        """Bring the ledger up to what is known of `call`."""
        usage = call.usage(self.prices)
        new = usage - call.booked if call.booked else usage
        call.ledger.add(call.agent, new, call.model_name)
        call.booked = usage

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
