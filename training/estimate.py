"""What a run would cost, before it is begun: a few episodes are played, nothing is trained."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from langchain_core.language_models import BaseChatModel

from ..benchmarks import Environment, Report, evaluate
from ..episodes import EpisodeStore, Task
from ..graphs.team import Team
from .loop import Plan, Recipe, Stage
from .trainer.policy import trained_parameters

PROBES = 4
"""Episodes that are played of each team to see what one takes."""
WEIGHT, MOMENTS = 4, 8
"""Bytes of a parameter in a version, and of its optimizer's moments."""


@dataclass(frozen=True, slots=True)
class Played:
    """Episodes of one team."""

    episodes: int
    """In the whole run."""
    calls: float
    """Of the model, in an episode; like the other means, of the episodes that were played."""
    prompt_tokens: float
    completion_tokens: float
    steps: float
    """In the world."""
    bytes: float
    """In the record."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """The cost of a run."""

    learnt_from: Played
    """As the first iteration collects; a recipe may want more or less of it later."""
    tests: Played
    policies: int
    updates: int
    """At most: a policy without rows is left as it is."""
    parameters: int
    """That are trained, of each policy."""
    version_bytes: int
    """Of one version of one policy, the optimizer's moments with it."""
    probes: int
    """Episodes of each team that were played to see what one takes."""

    @property
    def disk(self) -> int:
        """Bytes of the whole run, at most; rows are not counted, which are small beside it."""
        versions = (self.updates + self.policies) * self.version_bytes
        return round(versions + sum(p.episodes * p.bytes for p in (self.learnt_from, self.tests)))

    def to_dict(self) -> dict[str, Any]:
        """Everything, for JSON."""
        return {**asdict(self), "disk": self.disk}


async def estimate(
    recipe: Recipe,
    environment: Environment,
    plan: Plan,
    model: BaseChatModel,
    *,
    test: Environment | None = None,
    probes: int = PROBES,
) -> Estimate:
    """What `train` would cost with the same arguments.

    Args:
        model: answers for all policies.
        test: where it is tested; by default the same environment.
        probes: episodes to play of each team.

    Raises:
        ValueError: the plan does not suit the environment.
    """
    test = test or environment
    train_split, test_split = plan.splits(environment, test)
    test_tasks = test.tasks(test_split)[: plan.test_tasks]
    stage = Stage(
        iteration=0,
        iterations=plan.iterations,
        tasks=environment.tasks(train_split)[: plan.tasks],
        attempts=plan.attempts,
        seed=plan.seed,
    )
    collection = recipe.collection(stage)
    tests = 3 + (plan.iterations // plan.evaluate_every if plan.evaluate_every else 0)
    models = dict.fromkeys([*recipe.policies, *recipe.earlier(stage)], model)

    trained = [policy for policy in recipe.policies if policy not in recipe.frozen]
    parameters = trained_parameters(plan.base, plan.lora)
    moments = MOMENTS if plan.update.keep_optimizer else 0
    return Estimate(
        learnt_from=await _played(
            recipe.team(models, stage),
            environment,
            plan,
            collection.tasks[:probes],
            plan.iterations * len(collection.tasks) * collection.attempts,
        ),
        tests=await _played(
            recipe.tested(models),
            test,
            plan,
            test_tasks[:probes],
            tests * len(test_tasks) * plan.test_attempts,
        ),
        policies=len(recipe.policies),
        updates=len(trained) * plan.iterations,
        parameters=parameters,
        version_bytes=parameters * (WEIGHT + moments),
        probes=probes,
    )


async def _played(
    team: Team, environment: Environment, plan: Plan, tasks: Sequence[Task], episodes: int
) -> Played:
    with tempfile.TemporaryDirectory() as folder:
        with EpisodeStore(folder) as store:
            report = await evaluate(
                team,
                environment,
                tasks=tasks,
                budget=plan.budget,
                workers=plan.workers if environment.worker_processes else None,
                store=store,
                run="probe",
                progress=False,
            )
        size = sum(file.stat().st_size for file in Path(folder).iterdir())
    if report.errors:
        raise ValueError(f"an episode ended in an error: {report.errors[0].error}")
    return Played(episodes, **_means(report), bytes=size / len(report.rows))


def _means(report: Report) -> Mapping[str, float]:
    names = ("calls", "prompt_tokens", "completion_tokens", "steps")
    return {
        name: sum(getattr(row, name) for row in report.rows) / len(report.rows) for name in names
    }
