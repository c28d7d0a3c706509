"""All attacks against all defences, on the same seeded scenes, each with its benign twin."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence

from langchain_core.language_models import BaseChatModel

from .attacks import ATTACKS, Attack
from .domains import DOMAINS, scene
from .guarded import DEFENCES
from .trial import Job, Trial, run_trial

Models = Callable[[Attack, int], BaseChatModel]
"""The model of a trial, from its attack and number."""


def jobs(
    attacks: Sequence[str], defences: Sequence[str], episodes: int, seed: int
) -> Iterator[Job]:
    """The trials of a run: scene by scene, so that one that is stopped has some of everything.

    Raises:
        ValueError: an attack or a defence does not exist, or `episodes` is below 1.
    """
    for names, known in ((attacks, ATTACKS), (defences, DEFENCES)):
        if unknown := [name for name in names if name not in known]:
            raise ValueError(f"unknown: {', '.join(unknown)}; there are: {', '.join(known)}")
    if episodes < 1:
        raise ValueError(f"episodes={episodes}: one at least")
    domains = list(DOMAINS.values())
    for number in range(episodes):
        domain = domains[number % len(domains)]
        for name in attacks:
            attack = ATTACKS[name]
            place = scene(domain, f"{seed} {number}", dial=attack.dial)
            for defence in defences:
                for twin in (False, True):
                    yield Job(place, attack, DEFENCES[defence], number, twin)


async def run(
    work: Sequence[Job],
    models: Models,
    *,
    concurrency: int = 8,
    format: str = "tags",
    done: Callable[[Trial], None] = lambda trial: None,
) -> list[Trial]:
    """Play trials, in the order of `work`.

    Args:
        models: gives the model of each trial.
        concurrency: trials at once; scripted models gain nothing by it.
        format: how outputs are written, `tags` or `json`.
        done: told of each trial as it ends.
    """
    gate = asyncio.Semaphore(concurrency)

    async def one(job: Job) -> Trial:
        async with gate:
            trial = await run_trial(job, models(job.attack, job.number), format)
        done(trial)
        return trial

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one(job)) for job in work]
    return [task.result() for task in tasks]
