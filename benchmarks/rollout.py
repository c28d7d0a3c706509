"""Play one episode: any Runnable that takes a task, its record, and how it ended."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from math import isfinite
from typing import Any
from uuid import uuid4

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langchain_core.runnables import Runnable, RunnableConfig

from ..agents import Proposal, TeamContext
from ..episodes import (
    Budget,
    BudgetExceeded,
    Episode,
    Ledger,
    Observation,
    Outcome,
    Prices,
    RecordedWorld,
    Recorder,
    Task,
    UnknownCostError,
    World,
    error_text,
    scrub,
)
from .environment import TaskError

AnyTeam = Runnable[Any, Any]
"""A LangGraph graph, ours or not, or any other Runnable from a state to a state."""
PAUSE = "__interrupt__"
"""The key under which LangGraph says that a graph waits for a person."""
WAITS = "waits for a person, and nobody can be asked here"
SOLVED = 1.0
"""The score from which an episode counts as a success."""


@dataclass(frozen=True, slots=True)
class Name:
    """Which episode of a run this is."""

    run: str = "run"
    attempt: int = 0
    team: str = ""
    seed: int = 0


async def play(
    team: AnyTeam,
    task: Task,
    world: World | None = None,
    *,
    budget: Budget | None = None,
    prices: Prices | None = None,
    within: Ledger | None = None,
    name: Name | None = None,
) -> Episode:
    """Let `team` work on `task` and return the episode. What goes wrong is in its outcome.

    The team gets `{"task": task, "messages": [the prompt]}`, the task without its reference, and,
    where there is a world, `TeamContext(world)`. A team that answers without having acted, even one
    whose budget is spent, has its answer submitted to the world as the only action. The outcome is
    what the world says, never what the team claims; its measures are the numbers in the `info` of
    the observation that ended it.

    Args:
        world: the world that the task is set in; without one nothing is scored.
        budget: limits of this episode; on a spent budget the best answer so far stands.
        prices: what models cost, where they do not say so themselves.
        within: the account of the run that the episode is part of; its limits count as well.
        name: the episode's place in a run.

    Raises:
        UnknownCostError: a budget limits money, and the cost of a model is unknown.
    """
    name = name or Name(team=team_name(team))
    recorder = Recorder(budget, prices=prices, within=within)
    recorded = RecordedWorld(world, recorder) if world else None
    watch = _Watch()
    seconds = recorder.ledger.seconds_left
    stop = error = ""
    try:
        clock = asyncio.timeout(seconds)
        try:
            async with clock:
                await watch.run(team, task, recorded, recorder, name)
                stop = str(watch.state.get("stop", ""))
        except BudgetExceeded as spent:
            stop = str(spent)
        except TimeoutError:
            if not clock.expired():
                raise
            stop = recorder.ledger.out_of_time()
        if recorded and not recorder.steps and watch.answer:
            async with asyncio.timeout(seconds):
                await recorded.submit(watch.answer)
        recorder.ledger.check_prices()
    except UnknownCostError:
        raise
    except TaskError as broken:
        stop, error = "task error", scrub(str(broken))
    except Exception as failure:  # an episode that fails is a result; the run goes on
        stop, error = "error", error_text(failure)
    episode = recorder.episode(
        task,
        replace(
            _outcome(recorder, stop, error, watch.answer),
            measures=_measures(recorded.last) if recorded else {},
        ),
        run=name.run,
        attempt=name.attempt,
        team=name.team,
        seed=name.seed,
        answer=watch.answer,
        findings=watch.state.get("findings"),
    )
    await recorder.tell(episode)
    return episode


class _Watch:
    """The latest state of a running team, so that a team that is stopped still has an answer."""

    def __init__(self) -> None:
        self.state: dict[str, Any] = {}

    async def run(
        self,
        team: AnyTeam,
        task: Task,
        world: RecordedWorld | None,
        recorder: Recorder,
        name: Name,
    ) -> None:
        state = {
            "task": replace(task, reference=None),
            "messages": [HumanMessage(task.prompt)],
        }
        episode = f"{name.run}/{task.id}/{name.attempt}/{uuid4().hex}"
        config: RunnableConfig = {
            "callbacks": [recorder],
            "metadata": {"seed": name.seed, "run": name.run, "episode": episode},
        }
        if getattr(team, "checkpointer", None):
            config["configurable"] = {"thread_id": episode}
        if hasattr(team, "stream_mode"):
            stream = team.astream(state, config, context=TeamContext(world), stream_mode="values")
            async for values in stream:
                if PAUSE in values:
                    self.state = {**self.state, "stop": WAITS}
                else:
                    self.state = values
        else:
            final = await team.ainvoke(state, config)
            self.state = final if isinstance(final, dict) else {"answer": _text(final)}

    @property
    def answer(self) -> str:
        """The final answer, else the best so far, else the last thing that the team said."""
        for key in ("answer", "best", "draft"):
            said = self.state.get(key)
            if said is not None and said != "":
                return said.value if isinstance(said, Proposal) else _text(said)
        messages = self.state.get("messages")
        for message in reversed(messages if isinstance(messages, list) else []):
            if isinstance(message, AIMessage):
                return message.text
            if isinstance(message, dict) and message.get("role") == "assistant":
                return str(message.get("content", ""))
        return ""


def _outcome(recorder: Recorder, stop: str, error: str, answer: str) -> Outcome:
    last = recorder.steps[-1] if recorder.steps else None
    score = min(max(last.reward, 0.0), 1.0) if last else 0.0
    success = score >= SOLVED
    if success:
        stop = "solved"
    elif recorder.ledger.exceeded:
        stop = recorder.ledger.exceeded
    elif stop == "done":
        stop = "not solved"
    elif not stop:
        stop = "answered" if answer else "no readable reply"
    return Outcome(score=score, success=success, stop=stop, error=error)


def _measures(seen: Observation | None) -> dict[str, float]:
    """The numbers that the world told with its last observation, in an episode that it ended."""
    if seen is None or not seen.done:
        return {}
    return {
        name: float(value)
        for name, value in seen.info.items()
        if isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)
    }


def team_name(team: AnyTeam) -> str:
    """What records call a team that was given no other name."""
    return str(getattr(team, "name", None) or type(team).__name__)


def _text(value: Any) -> str:
    return value.text if isinstance(value, BaseMessage) else str(value)
