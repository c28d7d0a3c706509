"""Evaluate a team on an environment: many episodes at once, each stored as it ends, resumable."""

from __future__ import annotations

import asyncio
import gc
import hashlib
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any, Protocol

from ..episodes import (
    Budget,
    Episode,
    EpisodeStore,
    Ledger,
    Outcome,
    Prices,
    Recorder,
    Task,
    UnknownCostError,
    error_text,
    manifest,
    scrub,
)
from ..models.turnstile import one_turn, taking_turns
from .environment import Environment
from .progress import ProgressBar
from .reports import Report, Row
from .rollout import AnyTeam, Name, play, team_name
from .sessions import Sessions
from .shards import SHARD, Shard

log = logging.getLogger(__name__)
RUN = "the run's"
"""Whose budget it is, in the stop of an episode that was cut short by it."""
GC_THRESHOLDS = (1_000_000, 20, 20)
"""Python's garbage collector while a run is on; see `gc.set_threshold`."""


class Listener(Protocol):
    """Hears of each episode as it ends."""

    def __call__(self, episode: Row) -> None: ...


async def evaluate(
    team: AnyTeam,
    environment: Environment,
    *,
    split: str | None = None,
    tasks: Sequence[Task] | None = None,
    limit: int | None = None,
    shard: Shard | None = None,
    attempts: int = 1,
    seed: int = 0,
    budget: Budget | None = None,
    run_budget: Budget | None = None,
    prices: Prices | None = None,
    concurrency: int = 32,
    workers: int | None = None,
    store: EpisodeStore | None = None,
    run: str | None = None,
    name: str | None = None,
    config: Mapping[str, Any] | None = None,
    progress: bool | Listener = True,
) -> Report:
    """Play the tasks and report.

    Each episode has a seed of its own, made from `seed`, the task and the attempt, so an episode
    comes out the same whatever runs beside it. With a store, each episode is written as it ends,
    and a run that was killed goes on where it stopped when it is started again under its name;
    episodes that ended in an error (a lost connection, say) are played again.

    When the run's own budget is spent, the episodes under way end with their best answer so far
    and no more are begun; the report's manifest says why (`stopped`). Started again with a larger
    `run_budget`, which what was spent before counts against, the run goes on: those episodes are
    played again, and then the rest.

    Args:
        team: a LangGraph graph (ours or yours) or any Runnable; see `play`.
        environment: where the tasks come from; see `make_environment`.
        split: the split to play; by default the environment's own choice.
        tasks: the tasks themselves, instead of a split.
        limit: play only the first so many.
        shard: play only this part of the tasks, as a run of its own; see `merge`.
        attempts: episodes per task.
        budget: limits for each episode.
        run_budget: limits for all episodes together; its seconds count from this start.
        prices: what models cost, where they do not say so themselves.
        concurrency: episodes at once.
        workers: processes for environments that want them; by default one per core.
        store: where episodes go; without one they are kept in memory only as report rows.
        run: the run's name in the store; by default made from team, environment and seed.
        name: the team's name in records; by default the graph's.
        config: further settings for the manifest (the model's spec, say).
        progress: show a live bar with success so far; or who is told of each episode instead.

    Raises:
        ValueError: an argument is out of range, or the run was begun with another config.
        UnknownCostError: a budget limits money, and the cost of a model is unknown. What was
            played stays in the store.
    """
    for what, value in {"attempts": attempts, "concurrency": concurrency, "limit": limit}.items():
        if value is not None and value < 1:
            raise ValueError(f"{what}={value}: it must be at least 1")
    if tasks is not None and split is not None:
        raise ValueError(f"give tasks or a split, not both (split={split!r})")
    called = name or team_name(team)
    split = split or environment.default_split
    chosen = list(tasks if tasks is not None else environment.tasks(split))[:limit]
    if not chosen:
        raise ValueError(f"{environment.name} has no tasks to play in split {split!r}")
    if len({task.id for task in chosen}) < len(chosen):
        raise ValueError("two tasks have the same id; a run needs one id a task")
    run = run or f"{environment.name}-{called}-{seed}"
    settings = {
        **(config or {}),
        "team": called,
        "environment": environment.name,
        "options": environment.options,
        "split": split if tasks is None else "tasks",
        "seed": seed,
        "budget": repr(budget),
    }
    if shard is not None:
        settings[SHARD] = shard.config(run, chosen)
        run, chosen = shard.run(run), shard.take(chosen)
    about = manifest(settings)
    sessions = Sessions(environment, workers)
    wanted = [(task, attempt) for task in chosen for attempt in range(attempts)]
    order = {(task.id, attempt): i for i, (task, attempt) in enumerate(wanted)}
    account = Ledger(run_budget or Budget(), owner=RUN)
    unpriced: list[UnknownCostError] = []
    rows: list[Row] = []
    again: dict[tuple[str, int], Row] = {}
    if store is not None:
        about = store.begin(run, about)
        for earlier in store.episodes(run):
            account.resume(earlier.usage)
            row = Row.of(earlier)
            if (row.task, row.attempt) not in order:
                continue
            if row.stop == "error" or row.stop.startswith(RUN):
                again[row.task, row.attempt] = row
            else:
                rows.append(row)
    account.check_prices()
    done = {(row.task, row.attempt) for row in rows}
    waiting = [(task, n) for task, n in wanted if (task.id, n) not in done]
    queue = iter(waiting)

    async def work(heard: Listener) -> None:
        for task, attempt in queue:
            if unpriced or account.closed():
                return
            if store is not None and (task.id, attempt) in again:
                del again[task.id, attempt]
                store.remove(run, task.id, attempt)
            place = Name(run, attempt, called, episode_seed(seed, task.id, attempt))
            await one_turn()
            episode: Episode | None = None
            try:
                async with sessions.world(task) as world:
                    episode = await play(
                        team,
                        task,
                        world,
                        budget=budget,
                        prices=prices,
                        within=account,
                        name=place,
                    )
            except UnknownCostError as problem:
                unpriced.append(problem)
                return
            except Exception as failure:  # a world that breaks outside its steps is one episode's
                log.warning("%s: the world failed: %s", task.id, scrub(str(failure)))
                episode = episode or _failed(task, place, failure)
            if store is not None and not await asyncio.to_thread(store.add, episode):
                episode = store.episode(run, task.id, attempt)  # another process was first
            row = Row.of(episode)
            rows.append(row)
            heard(row)

    bar = (
        ProgressBar(called, total=len(wanted), done=rows)
        if progress is True
        else nullcontext(progress or _deaf)
    )
    async with sessions:
        with bar as heard, _fewer_collections(), taking_turns():
            async with asyncio.TaskGroup() as group:
                for _ in range(min(concurrency, len(waiting))):
                    group.create_task(work(heard))
    if unpriced:
        raise unpriced[0]
    rows.extend(again.values())
    if account.exceeded:
        about = {**about, "stopped": account.exceeded}
        log.warning("%s: %s after %d of %d episodes", run, account.exceeded, len(rows), len(wanted))
    rows.sort(key=lambda row: order[row.task, row.attempt])
    return Report(run=run, team=called, environment=environment.name, rows=rows, manifest=about)


def evaluate_sync(team: AnyTeam, environment: Environment, **options: Any) -> Report:
    """`evaluate` for code that is not async; takes the same arguments."""
    return asyncio.run(evaluate(team, environment, **options))


def episode_seed(seed: int, task: str, attempt: int) -> int:
    """The seed of one episode: a 31-bit hash of the run's seed, the task and the attempt."""
    digest = hashlib.sha256(f"{seed}/{task}/{attempt}".encode()).digest()
    return int.from_bytes(digest[:4], "big") >> 1


def _failed(task: Task, place: Name, failure: Exception) -> Episode:
    """The record of an episode whose world broke before the team could play."""
    return Recorder().episode(
        task,
        Outcome(stop="error", error=error_text(failure)),
        run=place.run,
        attempt=place.attempt,
        team=place.team,
        seed=place.seed,
    )


@contextmanager
def _fewer_collections() -> Iterator[None]:
    """Let Python look for garbage less often: hundreds of live graphs make each look expensive.

    At 500 episodes the default thresholds cost a third of all CPU time, and 100,000 new objects
    between looks still 4 %; nearly all of them go when their episode does, without a look
    (`benchmarks/perf/concurrency.py`).
    """
    before = gc.get_threshold()
    if before == GC_THRESHOLDS:  # a run beside this one has set them, and resets them
        yield
        return
    gc.set_threshold(*GC_THRESHOLDS)
    try:
        yield
    finally:
        gc.set_threshold(*before)


def _deaf(episode: Row) -> None:
    """Hears nothing."""
