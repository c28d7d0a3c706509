"""Train: collect, build, update, evaluate, promote, as often as the plan says.

Each arrow leaves its result on disk before the next begins, and takes all it needs from there, so a
run that is killed goes on to the same end: what is done is not done again, and what was cut off is
done again from its start. Playing goes through a runner, by default `evaluate`, which stores every
episode as it ends.
"""

from __future__ import annotations

import asyncio
import json
import logging
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol

from ...benchmarks import Environment, Report, compare, evaluate
from ...benchmarks.reports import Comparison
from ...benchmarks.sessions import Sessions
from ...episodes import EpisodeStore, Task
from ...graphs.team import Team
from ..sample import Example
from .journal import Journal
from .plan import Plan
from .recipe import Models, Recipe, Runner, Stage
from .serving import LocalServing, Serving

if TYPE_CHECKING:
    from ..trainer import Updater

log = logging.getLogger(__name__)
EVALUATED, FINAL = "evaluate-{:04d}", "final-{:04d}"
"""Runs in the store: versions on the test tasks after so many iterations."""
Versions = Mapping[str, int]
"""By policy, the number of a version."""


class Listener(Protocol):
    """Hears what a run does: an arrow, and what came of it."""

    def __call__(self, arrow: str, iteration: int, measures: Mapping[str, Any]) -> None: ...


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended."""

    folder: Path
    versions: dict[str, Path]
    """By policy, the folder of the last promoted version."""
    scores: list[tuple[int, float]]
    """Mean score on the test tasks after so many iterations."""
    before: Report
    after: Report
    comparison: Comparison
    """After against before, on the same tasks and attempts."""
    stopped: str = ""
    """Why the run ended before its last iteration, if it did."""


async def train(
    recipe: Recipe,
    environment: Environment,
    plan: Plan,
    folder: Path,
    *,
    test: Environment | None = None,
    serving: Serving | None = None,
    updater: Updater | None = None,
    runner: Runner = evaluate,
    heard: Listener = lambda arrow, iteration, measures: None,
) -> Outcome:
    """Run a recipe to its end, or go on with a run that was begun in `folder`.

    Args:
        recipe: the method.
        environment: where the episodes that are learnt from are played.
        plan: what the user chose.
        folder: keeps everything; see `journal`.
        test: where it is measured what was learnt; by default the same environment, on
            `plan.test_split`.
        serving: how new weights come to answer; by default in this process.
        updater: where updates are made; by default in this process, else see `Launched`.
        runner: plays episodes.
        heard: hears of each arrow as it ends.

    Raises:
        ValueError: the folder holds a run that was begun otherwise, or rows do not suit.
        MismatchError: the trainer's log-probabilities are not those recorded.
        OSError: something could not be written. What was done stays, and the run can go on.
    """
    run = _Run(
        recipe, environment, plan, folder, test or environment, serving, updater, runner, heard
    )
    with EpisodeStore(folder) as run.store:
        return await run.to_the_end()


@dataclass(slots=True)
class _Run:
    recipe: Recipe
    environment: Environment
    plan: Plan
    folder: Path
    test: Environment
    given: Serving | None
    updater: Updater | None
    runner: Runner
    heard: Listener
    store: EpisodeStore = field(init=False)
    journal: Journal = field(init=False)
    serving: Serving = field(init=False)
    train_split: str = field(init=False)
    test_split: str = field(init=False)
    _tasks: list[Task] = field(init=False)
    """In the order in which they are played."""
    _tokenizer: Any = field(init=False)

    async def to_the_end(self) -> Outcome:
        plan, recipe = self.plan, self.recipe
        self.train_split, self.test_split = plan.splits(self.environment, self.test)
        if plan.workers and not any(e.worker_processes for e in (self.environment, self.test)):
            raise ValueError(
                f"workers={plan.workers}: {self.environment.name} runs in this process"
            )
        self.journal = Journal(
            self.folder,
            {
                "recipe": recipe.name,
                "options": recipe.options,
                "environment": [self.environment.name, self.environment.options, self.train_split],
                "test": [self.test.name, self.test.options, self.test_split],
                **plan.as_json(),
            },
        )
        self._tasks = list(self.environment.tasks(self.train_split))
        if not self._tasks:
            raise ValueError(f"{self.environment.name} has no tasks in split {self.train_split!r}")
        random.Random(plan.seed).shuffle(self._tasks)
        self.serving = self.given or LocalServing(
            plan.base, plan.lora is not None, plan.update.device or "cpu"
        )
        await asyncio.to_thread(self._begin)
        versions: Versions = dict.fromkeys(recipe.policies, 0)
        best_versions = versions
        memory: dict[str, Any] = {}
        scores: list[tuple[int, float]] = []
        best = await self._evaluated(versions, 0)
        scores.append((0, best))
        since, played, stopped = 0, 0, ""
        for iteration in range(plan.iterations):
            stage = self._stage(iteration, memory, versions)
            made = await self._iteration(stage, versions)
            candidate, memory = made["versions"], made["memory"]
            score = None
            if plan.evaluate_every and (iteration + 1) % plan.evaluate_every == 0:
                score = await self._evaluated(candidate, iteration + 1)
                scores.append((iteration + 1, score))
                since = 0 if score > best else since + 1
            back = plan.promote == "better" and score is not None and score < best
            versions = best_versions if back else candidate
            if score is not None and score >= best:
                best, best_versions = score, versions
            played = iteration + 1
            self._promoted(iteration, versions, back)
            self._forget_moments(iteration + 1, (versions, best_versions))
            await self.serving.release(self._folders(versions))
            if plan.patience is not None and since >= plan.patience:
                stopped = f"no better score in {since} evaluations"
                break
        return await self._compared(versions, played, scores, stopped)

    async def _iteration(self, stage: Stage, versions: Versions) -> dict[str, Any]:
        """Collect, build and update: the candidate versions and the recipe's memory."""
        iteration, recipe = stage.iteration, self.recipe
        done = self.journal.read("update", iteration)
        if done is None:
            built = self.journal.read("rows", iteration)
            if built is None:
                built = await self._build(stage, versions)
            stage.memory = built["memory"]
            candidate = dict(versions)
            measures = {}
            for number, policy in enumerate(recipe.policies):
                rows = self.journal.rows(iteration, policy)
                if not rows:
                    continue
                measures[policy] = await self._update(stage, policy, versions[policy], rows, number)
                candidate[policy] = iteration + 1
            done = {"versions": candidate, "memory": built["memory"], "measures": measures}
            for policy, measured in measures.items():
                self._tell("update", iteration, policy=policy, **measured)
            done = self.journal.write("update", done, iteration)
        return dict(done)

    async def _build(self, stage: Stage, versions: Versions) -> dict[str, Any]:
        iteration, recipe, plan = stage.iteration, self.recipe, self.plan
        collection = recipe.collection(stage)
        run = f"collect-{iteration:04d}"
        models = await self._models(versions, plan.temperature, recipe.earlier(stage))
        report = await self._play(
            recipe.team(models, stage),
            self.environment,
            run,
            recipe.runner(models, stage),
            tasks=collection.tasks,
            attempts=collection.attempts,
            seed=stage.seed,
        )
        self._tell("collect", iteration, score=report.summary.score, episodes=len(report.rows))
        async with Sessions(self.environment, **self._workers(self.environment)) as sessions:
            stage.score = _Scorer(sessions, stage).score
            rows = await recipe.rows(list(self.store.episodes(run)), stage)
        trained = [policy for policy in recipe.policies if policy not in recipe.frozen]
        by_policy: dict[str, list[Example]] = {policy: [] for policy in trained}
        for row in rows:
            if row.policy not in trained:
                raise ValueError(
                    f"{recipe.name} made a row for policy {row.policy!r}; it trains "
                    f"{', '.join(trained)}"
                )
            by_policy[row.policy].append(row)
        counts = {policy: len(held) for policy, held in by_policy.items()}
        for policy, held in by_policy.items():
            if held:
                self.journal.save_rows(iteration, policy, held)
            else:
                log.warning("iteration %d: no rows for %s: it stays as it is", iteration, policy)
        built = {"counts": counts, "memory": stage.memory, "score": report.summary.score}
        try:
            json.dumps(stage.memory)
        except TypeError as error:
            raise ValueError(f"the memory of {recipe.name} is to be JSON: {error}") from error
        self._tell("rows", iteration, **counts)
        return dict(self.journal.write("rows", built, iteration))

    async def _update(
        self, stage: Stage, policy: str, version: int, rows: Sequence[Example], number: int
    ) -> dict[str, float]:
        from ..trainer.launch import InProcess, Job

        self.updater = self.updater or InProcess()
        job = Job(
            base=self.plan.base,
            lora=self.plan.lora,
            start=self.journal.version(policy, version),
            examples=rows,
            objective=self.recipe.objective(policy, stage),
            out=self.journal.version(policy, stage.iteration + 1),
            seed=stage.seed + number,
            settings=self.recipe.settings(self.plan.settings, stage),
            reference=self._reference(policy, stage),
        )
        return await asyncio.to_thread(self.updater, job)

    def _reference(self, policy: str, stage: Stage) -> Path | None:
        """The version that the recipe has an update compared with, if it says so."""
        if (begun := self.recipe.reference(policy, stage)) is None:
            return None
        if not 0 <= begun <= stage.iteration:
            raise ValueError(
                f"{self.recipe.name} compares {policy} with what it was when iteration {begun} "
                f"began, in iteration {stage.iteration}"
            )
        before = self.journal.read("promote", begun - 1) if begun else None
        return self.journal.version(policy, before["versions"][policy] if before else 0)

    async def _evaluated(self, versions: Versions, after: int) -> float:
        """The mean score of versions on the test tasks."""
        done = self.journal.read("evaluate", after)
        if done is None:
            report = await self._tested(EVALUATED.format(after), versions, self.plan.seed)
            done = {"score": report.summary.score, "versions": versions}
            self._tell("evaluate", after, score=report.summary.score, success=report.summary.rate)
            self.journal.write("evaluate", done, after)
        return float(done["score"])

    async def _compared(
        self, versions: Versions, played: int, scores: list[tuple[int, float]], stopped: str
    ) -> Outcome:
        """The last versions against the first, on episodes that chose nothing: where evaluations
        chose versions or the end, on new ones."""
        start = dict.fromkeys(self.recipe.policies, 0)
        chosen = self.plan.promote == "better" or self.plan.patience is not None
        runs, seed = (FINAL, self.plan.seed + 1) if chosen else (EVALUATED, self.plan.seed)
        before = await self._tested(runs.format(0), start, seed)
        after = await self._tested(runs.format(played), versions, seed)
        before, after = replace(before, team="before"), replace(after, team="after")
        await self.serving.release(self._folders(versions))
        comparison = compare([before, after])
        self._tell("final", played, before=before.summary.score, after=after.summary.score)
        return Outcome(
            folder=self.folder,
            versions=self._folders(versions),
            scores=scores,
            before=before,
            after=after,
            comparison=comparison,
            stopped=stopped,
        )

    async def _tested(self, run: str, versions: Versions, seed: int) -> Report:
        plan = self.plan
        models = await self._models(versions, plan.test_temperature)
        return await self._play(
            self.recipe.tested(models),
            self.test,
            run,
            split=self.test_split,
            limit=plan.test_tasks,
            attempts=plan.test_attempts,
            seed=seed,
        )

    async def _play(
        self,
        team: Team,
        environment: Environment,
        run: str,
        runner: Runner | None = None,
        **what: Any,
    ) -> Report:
        return await (runner or self.runner)(
            team,
            environment,
            budget=self.plan.budget,
            concurrency=self.plan.concurrency,
            store=self.store,
            run=run,
            name=run,
            progress=False,
            **self._workers(environment),
            **what,
        )

    async def _models(
        self,
        versions: Versions,
        temperature: float,
        earlier: Mapping[str, tuple[str, int]] = MappingProxyType({}),
    ) -> Models:
        folders = self._folders(versions)
        for name, (policy, number) in earlier.items():
            folder = self.journal.version(policy, number)
            if name in folders or not folder.is_dir():
                raise ValueError(
                    f"{self.recipe.name} asks for version {number} of {policy!r} as {name!r}: "
                    f"there is {'a model of that name' if name in folders else 'no such version'}"
                )
            folders[name] = folder
        return await self.serving.serve(
            folders, temperature=temperature, max_tokens=self.plan.max_tokens
        )

    def _promoted(self, iteration: int, versions: Versions, back: bool) -> None:
        if self.journal.read("promote", iteration) is None:
            self._tell("promote", iteration, back=back)
            self.journal.write("promote", {"versions": versions, "back": back}, iteration)

    def _forget_moments(self, made: int, needed: Sequence[Versions]) -> None:
        """Delete the optimizer's moments of versions up to `made` that no update begins from."""
        from ..trainer.policy import OPTIMIZER

        for policy in self.recipe.policies:
            kept = {versions[policy] for versions in needed}
            for number in set(range(made + 1)) - kept:
                (self.journal.version(policy, number) / OPTIMIZER).unlink(missing_ok=True)

    def _stage(self, iteration: int, memory: dict[str, Any], versions: Versions) -> Stage:
        plan = self.plan
        tasks = self._tasks
        start = iteration * plan.tasks
        count = min(plan.tasks, len(tasks))
        return Stage(
            iteration=iteration,
            iterations=plan.iterations,
            tasks=[tasks[(start + place) % len(tasks)] for place in range(count)],
            attempts=plan.attempts,
            seed=random.Random(f"{plan.seed}/{iteration}").getrandbits(31),
            memory=dict(memory),
            tokenizer=self._tokenizer,
            versions=versions,
            past=self.journal.rows,
        )

    def _begin(self) -> None:
        """Load the tokenizer, and write the first version of each policy unless it is there."""
        from transformers import AutoTokenizer

        self._tokenizer = AutoTokenizer.from_pretrained(self.plan.base, local_files_only=True)
        wanted = {
            self.journal.version(policy, 0): self.plan.seed + number
            for number, policy in enumerate(self.recipe.policies)
        }
        if lacking := {out: seed for out, seed in wanted.items() if not out.is_dir()}:
            from ..trainer.policy import Policy

            first = Policy(self.plan.base, self.plan.lora)
            for out, seed in lacking.items():
                first.begin(out, seed)

    def _folders(self, versions: Versions) -> dict[str, Path]:
        return {policy: self.journal.version(policy, at) for policy, at in versions.items()}

    def _workers(self, environment: Environment) -> dict[str, Any]:
        return {"workers": self.plan.workers} if environment.worker_processes else {}

    def _tell(self, arrow: str, iteration: int, **measures: Any) -> None:
        self.journal.note(arrow=arrow, iteration=iteration, **measures)
        self.heard(arrow, iteration, measures)


@dataclass(slots=True)
class _Scorer:
    """Scores answers to tasks as the environment does, each answer once."""

    sessions: Sessions
    stage: Stage
    known: dict[tuple[str, str], float] = field(default_factory=dict)

    async def score(self, task: str, answer: str) -> float:
        if (task, answer) not in self.known:
            self.known[task, answer] = await self._ask(self.stage.task(task), answer)
        return self.known[task, answer]

    async def _ask(self, task: Task, answer: str) -> float:
        async with self.sessions.world(task) as world:
            await world.reset()
            return (await world.step(answer)).reward


def train_sync(*arguments: Any, **options: Any) -> Outcome:
    """`train` for code that is not async; takes the same arguments."""
    return asyncio.run(train(*arguments, **options))
