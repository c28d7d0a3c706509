"""A training run that is quick and always the same: for tests that kill it and go on.

As a program it makes such a run for each moment that is named, in a folder of that name: the run
kills itself at that moment, and another process goes on with it.

    python tests/training_runs.py FOLDER MOMENT...

`whole` is never killed. A moment is `ARROW:ITERATION` (as it is told of, before its file is there),
`episode:N` (after so many are stored), or `file:NAME` (before a file or folder of that name
appears).
"""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from symposia import make_environment
from symposia.agents import Actor
from symposia.episodes import Episode, EpisodeStore
from symposia.graphs import answer
from symposia.models.load import TINY
from symposia.training import Sample, samples
from symposia.training.loop import Outcome, Plan, Recipe, train_sync
from symposia.training.trainer import PolicyGradient, UpdateSettings
from symposia.training.trainer.policy import LoRA

POLICIES = ("solver", "other")


class Plainly(Recipe):
    """Two policies answer in turns; every second episode was good."""

    name: ClassVar[str] = "plainly"
    summary: ClassVar[str] = "for tests"
    policies: Sequence[str] = POLICIES

    def team(self, models: Any, stage: Any) -> Any:
        name = self.policies[stage.iteration % len(self.policies)]
        return answer(Actor(models[name], name=name))

    async def rows(self, episodes: Sequence[Episode], stage: Any) -> list[Sample]:
        stage.memory["seen"] = stage.memory.get("seen", 0) + len(episodes)
        name = self.policies[stage.iteration % len(self.policies)]
        return [
            row
            for place, episode in enumerate(sorted(episodes, key=lambda e: (e.task, e.attempt)))
            for row in samples(
                episode,
                {turn.id: (-1.0, 1.0)[place % 2] for turn in episode.turns},
                policy=lambda turn: name,
            )
        ]

    def objective(self, policy: str, stage: Any) -> PolicyGradient:
        return PolicyGradient(mean="token")


PLAN = Plan(
    base=TINY,
    iterations=2,
    tasks=2,
    attempts=2,
    lora=LoRA(rank=2),
    update=UpdateSettings(learning_rate=3e-3, batch=2, device="cpu"),
    test_tasks=1,
    max_tokens=5,
    concurrency=1,
)


def run(folder: Path, plan: Plan = PLAN, recipe: Recipe | None = None, **options: Any) -> Outcome:
    environment = make_environment("arithmetic", size=6)
    return train_sync(recipe or Plainly(), environment, plan, folder, **options)


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def keep_a_list(folder: Path, until: int | None) -> None:
    """Write down every episode that is stored, and die after so many."""
    plain, played = EpisodeStore.add, folder.with_suffix(".played")

    def add(self: Any, episode: Episode) -> bool:
        new = plain(self, episode)
        with played.open("a") as file:
            file.write(f"{episode.run}/{episode.task}/{episode.attempt}\n")
        if until is not None and len(played.read_text().splitlines()) == until:
            die()
        return new

    EpisodeStore.add = add  # type: ignore[method-assign]


def armed(moment: str) -> dict[str, Any]:
    """Options of a run that dies at a moment."""
    kind, _, at = moment.partition(":")
    if kind == "file":
        replaced = Path.replace

        def replace(self: Path, target: Any) -> Path:
            if str(target).endswith(at):
                die()
            return replaced(self, target)

        Path.replace = replace  # type: ignore[method-assign]
        return {}

    def heard(arrow: str, iteration: int, measures: Mapping[str, Any]) -> None:
        if (arrow, str(iteration)) == (kind, at):
            die()

    return {"heard": heard}


def apart(folder: Path, moment: str = "") -> int:
    """Run in a process of its own, and return how it ended."""
    if child := os.fork():
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    code = 1
    try:
        keep_a_list(folder, int(moment[8:]) if moment.startswith("episode:") else None)
        run(folder, **(armed(moment) if moment else {}))
        code = 0
    except BaseException:
        traceback.print_exc()
    os._exit(code)


if __name__ == "__main__":
    root, *moments = sys.argv[1:]
    import peft  # noqa: F401
    import transformers.models.llama.modeling_llama  # noqa: F401

    import symposia.models.engine.engine
    import symposia.training.trainer.launch  # noqa: F401

    for moment in moments:
        folder = Path(root) / moment.replace("/", "-")
        if moment != "whole":
            assert apart(folder, moment) == -signal.SIGKILL, moment
        assert apart(folder) == 0, moment
