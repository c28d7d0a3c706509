"""Episodes made by hand, and plans small enough for a test."""

from __future__ import annotations

from typing import Any

from symposia.episodes import Episode, Outcome, Task, Tokens, Turn
from symposia.models.load import TINY
from symposia.training.loop import Plan, Stage
from symposia.training.trainer import UpdateSettings
from symposia.training.trainer.policy import LoRA


def turn(id: str, answer: str | None = "7", **more: Any) -> Turn:
    """A model call of two prompt tokens and two sampled ones; without an answer, unreadable."""
    return Turn(
        id,
        more.pop("agent", "actor"),
        (),
        {},
        parsed=None if answer is None else {"answer": answer},
        tokens=Tokens((1, 2), (3, 4), (-0.5, -0.5)),
        model="tiny",
        **more,
    )


def answered(task: str, attempt: int, answer: str, *turns: Turn, score: float = 0.0) -> Episode:
    """An episode that gave an answer."""
    outcome = Outcome(score=score, success=score == 1)
    held = turns or (turn(f"{task}/{attempt}", answer or None),)
    return Episode("run", task, attempt, answer=answer, turns=held, outcome=outcome)


def stage(*tasks: Task, **about: Any) -> Stage:
    """The first iteration of one."""
    given = {"iteration": 0, "iterations": 1, "attempts": 4, "seed": 0}
    return Stage(tasks=tasks, **{**given, **about})


def small(**chosen: Any) -> Plan:
    """One short iteration of `tiny`, all weights."""
    given: dict[str, Any] = {
        "base": TINY,
        "iterations": 1,
        "tasks": 4,
        "attempts": 4,
        "lora": None,
        "update": UpdateSettings(learning_rate=1e-4, device="cpu"),
        "test_tasks": 2,
        "evaluate_every": 0,
        "max_tokens": 64,
    }
    return Plan(**{**given, **chosen})


def small_adapters(**chosen: Any) -> Plan:
    """As `small`, of adapters that move faster."""
    given: dict[str, Any] = {
        "attempts": 3,
        "lora": LoRA(rank=4),
        "update": UpdateSettings(learning_rate=1e-3, device="cpu"),
    }
    return small(**{**given, **chosen})
