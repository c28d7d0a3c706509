"""All attacks against all defences, on the same seeded scenes, each with its benign twin."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from langchain_core.language_models import BaseChatModel

from .attacks import ATTACKS, Attack
from .curve import WAYS, curve, curve_jobs
from .domains import DOMAINS, scene
from .guarded import DEFENCES
from .report import AttackReport
from .results import NONE
from .scripted import obedient
from .trial import Job, Trial, run_trial

Models = Callable[[Attack, int], BaseChatModel]
"""The model of a trial, from its attack and number."""
Told = Callable[[Trial], None]
EPISODES = 60


def jobs(
    attacks: Sequence[str], defences: Sequence[str], episodes: int, seed: int
) -> Iterator[Job]:
    """The trials of a run, scene by scene.

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
    concurrency: int = 1,
    format: str = "tags",
    done: Told = lambda trial: None,
) -> list[Trial]:
    """Play trials, in the order of `work`.

    Args:
        models: gives the model of each trial.
        concurrency: trials at once. Scripted models gain nothing by it, and their times blur.
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


class AttackRun:
    """A whole run: what is to be played, and the playing of it.

    Args:
        attacks: names; all when none are given.
        defences: names; all when none are given. Without `none` there is nothing to compare with.
        episodes: scenes for each pair of them, and for each point of the curve.
        seed: of the scenes and of the auditor's errors.
        model: plays all parts; else models that follow what they read (`obedient`).
        error: the chance that the scripted auditor errs, chain by chain.
        shares: whether the curve is measured as well, of the guard and of no defence.
        concurrency: trials at once.
        format: how outputs are written, `tags` or `json`.

    Raises:
        ValueError: an attack or a defence does not exist, or a number is out of range.

    Example:
        asyncio.run(AttackRun(["trigger"], episodes=6).play()).to_markdown()
    """

    def __init__(
        self,
        attacks: Sequence[str] = (),
        defences: Sequence[str] = (),
        *,
        episodes: int = EPISODES,
        seed: int = 0,
        model: BaseChatModel | None = None,
        error: float = 0.0,
        shares: bool = False,
        concurrency: int = 1,
        format: str = "tags",
    ) -> None:
        if model is not None and error:
            raise ValueError(f"error={error}: only the scripted auditor's errors can be chosen")
        if concurrency < 1:
            raise ValueError(f"concurrency={concurrency}: one at least")
        names = list(defences or DEFENCES)
        self._work = list(jobs(attacks or list(ATTACKS), names, episodes, seed))
        guards = [name for name in names if DEFENCES[name].guarded]
        compared = {ways: guards if ways > 1 else [NONE, *guards] for ways in WAYS if shares}
        self._curves = {
            ways: list(curve_jobs(compared[ways], episodes, seed, ways)) for ways in compared
        }
        models = _scripted(seed, error) if model is None else lambda attack, number: model
        self._run = partial(run, models=models, concurrency=concurrency, format=format)
        self._settings = {"episodes": episodes, "seed": seed, "auditor_error": error}

    @property
    def total(self) -> int:
        """Trials in all."""
        return len(self._work) + sum(map(len, self._curves.values()))

    async def play(self, done: Told = lambda trial: None) -> AttackReport:
        """Play all trials.

        Args:
            done: told of each as it ends.
        """
        trials = await self._run(self._work, done=done)
        points = []
        for ways, work in self._curves.items():
            points += curve(await self._run(work, done=done), ways)
        return AttackReport(trials, points, self._settings)


def _scripted(seed: int, error: float) -> Models:
    """Models that follow what they read; the auditor is the one that the attack is made for."""
    if not 0 <= error <= 1:
        raise ValueError(f"error={error}: a chance is in [0, 1]")
    return lambda attack, number: obedient(
        error=error, gullible=attack.gullible, seed=seed + number
    )
