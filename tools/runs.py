"""Running one tool within its limits: a slot, a clock, and another try where that may help.

Each attempt is one run of the LangChain tool, so the callbacks of the graph around it, and with
them the episode's recorder and budget, see every attempt. An attempt that is given up is reported
to them as a failed run.
"""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID, uuid4

from langchain_core.callbacks import AsyncCallbackManager
from langchain_core.callbacks.manager import AsyncCallbackManagerForToolRun
from langchain_core.messages import ToolCall
from langchain_core.runnables import RunnableConfig, ensure_config
from langchain_core.tools import BaseTool
from langgraph.errors import GraphBubbleUp
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt, wait_exponential

from ..episodes import BudgetExceeded, Usage, current_recorder
from .functions import given_up
from .policy import LONGEST_WAIT, ToolPolicy
from .slots import Slots


class TooSlowError(TimeoutError):
    """A tool took longer than its policy allows."""


class BusyError(Exception):
    """No slot was free in time."""


class Runs:
    """The runs of one tool, in all episodes."""

    def __init__(self, tool: BaseTool, policy: ToolPolicy) -> None:
        self._tool = tool
        self._policy = policy
        self._slots = Slots(policy.concurrency)

    async def run(self, call: ToolCall, config: RunnableConfig | None, attempts: list[int]) -> Any:
        """What the tool answers to `call`; `attempts` counts, in its only entry, the runs.

        Raises:
            TooSlowError: the last attempt took too long.
            BusyError: no slot was free in time.
            Exception: what the tool raised in the last attempt.
        """
        config = ensure_config(config)
        policy = self._policy
        if not policy.retries:
            return await self._attempt(call, config, attempts)
        patience = AsyncRetrying(
            retry=retry_if_exception_type(policy.retry_on),
            wait=wait_exponential(multiplier=policy.first_wait, max=LONGEST_WAIT),
            stop=stop_after_attempt(policy.retries + 1),
            reraise=True,
        )
        return await patience(self._attempt, call, config, attempts)

    async def _attempt(self, call: ToolCall, config: RunnableConfig, attempts: list[int]) -> Any:
        policy = self._policy
        try:
            slot = await self._slots.take(policy.timeout)
        except TimeoutError:
            raise BusyError(
                f"{call['name']} is busy: {policy.concurrency} at a time are allowed, and none "
                f"ended within {policy.timeout:g} s. Try later, or do something else."
            ) from None
        threads: list[asyncio.Future[None]] = []
        run_id = uuid4()
        token = given_up.set(threads)
        try:
            self._check_money(config)
            whole: ToolCall = {**call, "id": call["id"] or run_id.hex, "type": "tool_call"}
            task = asyncio.create_task(self._tool.ainvoke(whole, {**config, "run_id": run_id}))
        except BaseException:
            if slot is not None:
                slot.release()
            raise
        finally:
            given_up.reset(token)

        def ended(task: asyncio.Task[Any]) -> None:
            if not task.cancelled():
                task.exception()  # it was given up: nobody else will ask
            if slot is not None and threads:
                threads[0].add_done_callback(lambda _: slot.release())
            elif slot is not None:
                slot.release()

        task.add_done_callback(ended)
        try:
            await asyncio.wait({task}, timeout=policy.timeout)
        finally:
            if not task.done():
                task.cancel()
            if not _refused(task):
                attempts[0] += 1
                self._pay(config)
        if task.done():
            return task.result()
        slow = TooSlowError(
            f"{call['name']} did not answer within {policy.timeout:g} s and was given up. "
            "Ask it for less, or do it another way."
        )
        await _report(slow, run_id, config)
        raise slow

    def _check_money(self, config: RunnableConfig) -> None:
        recorder = current_recorder(config)
        if self._policy.cost and recorder is not None:
            recorder.ledger.check_money(_agent(config))

    def _pay(self, config: RunnableConfig) -> None:
        recorder = current_recorder(config)
        if self._policy.cost and recorder is not None:
            recorder.ledger.add(_agent(config), Usage(cost=self._policy.cost))


def _refused(task: asyncio.Task[Any]) -> bool:
    """Whether the run was over before it began: no tool call was left, or a person is asked."""
    return (
        task.done()
        and not task.cancelled()
        and isinstance(task.exception(), (BudgetExceeded, GraphBubbleUp))
    )


def _agent(config: RunnableConfig) -> str:
    """Who calls, as the recorder sees it."""
    about = config.get("metadata", {})
    return str(about.get("agent") or about.get("langgraph_node") or "")


async def _report(error: Exception, run_id: UUID, config: RunnableConfig) -> None:
    """Tell the callbacks that a run is over: LangChain tells them nothing of one that was
    cancelled."""
    manager = AsyncCallbackManager.configure(config.get("callbacks"))
    await AsyncCallbackManagerForToolRun(
        run_id=run_id,
        handlers=manager.handlers,
        inheritable_handlers=manager.inheritable_handlers,
    ).on_tool_error(error)
