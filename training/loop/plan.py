"""What a user chooses of a training run."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from ...benchmarks import Environment
from ...episodes import Budget
from ..trainer.policy import LoRA
from ..trainer.settings import UpdateSettings


@dataclass(frozen=True, slots=True)
class Plan:
    """A training run, apart from recipe and environment."""

    base: Path
    """The Hugging Face folder that training starts from."""
    iterations: int = 10
    tasks: int = 16
    """Tasks played in an iteration; the split is gone through in an order of the seed's, again and
    again."""
    attempts: int = 8
    """Episodes a task, for recipes that compare them."""
    lora: LoRA | None = field(default_factory=LoRA)
    """Train adapters on one base; None trains all weights, one model a policy."""
    update: UpdateSettings = field(default_factory=UpdateSettings)
    train_split: str | None = None
    """Where the episodes that are learnt from are played: by default what the environment learns
    from when no split is named."""
    test_split: str | None = None
    """Where it is measured what was learnt: by default what the environment plays when no split is
    named."""
    test_tasks: int = 64
    test_attempts: int = 1
    evaluate_every: int = 1
    """Iterations between evaluations; 0 evaluates at the start and at the end alone."""
    promote: Literal["always", "better"] = "always"
    """`better` goes back to the versions of the best evaluation when a mean score is lower."""
    patience: int | None = None
    """Evaluations without a new best score after which the run ends."""
    temperature: float = 1.0
    """Of the episodes that are learnt from; the trainer takes log-probabilities at it too."""
    test_temperature: float = 0.0
    max_tokens: int = 256
    """Of one reply."""
    budget: Budget | None = None
    """Limits of each episode."""
    concurrency: int = 32
    workers: int | None = None
    """Processes for environments that want them."""
    seed: int = 0

    def __post_init__(self) -> None:
        """Raises ValueError when a number is out of range or a setting cannot take effect."""
        for name in ("iterations", "tasks", "attempts", "test_tasks", "test_attempts"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}={getattr(self, name)}: it must be at least 1")
        if self.temperature <= 0:
            raise ValueError(
                f"temperature={self.temperature}: episodes to learn from have to be sampled"
            )
        if self.update.temperature not in (1.0, self.temperature):
            raise ValueError(
                f"update.temperature={self.update.temperature}: updates are made at the plan's own "
                f"temperature, {self.temperature}; set that one"
            )
        if self.promote not in ("always", "better"):
            raise ValueError(f"promote={self.promote!r}: there are always and better")
        if self.evaluate_every < 0 or (self.patience is not None and self.patience < 1):
            raise ValueError("evaluate_every must not be negative, and patience is at least 1")
        if not self.evaluate_every and (self.patience or self.promote == "better"):
            raise ValueError("patience and promote='better' need evaluations: see evaluate_every")

    def splits(self, environment: Environment, test: Environment) -> tuple[str, str]:
        """The splits to learn from and to be tested on.

        Raises:
            ValueError: there is no such split; the message lists those that exist.
        """
        train = self.train_split or environment.training_split
        environment.require_split(train)
        tested = self.test_split or test.default_split
        test.require_split(tested)
        return train, tested

    @property
    def settings(self) -> UpdateSettings:
        """How updates are made, at the temperature that was sampled at."""
        return replace(self.update, temperature=self.temperature)

    def as_json(self) -> dict[str, Any]:
        """What decides the result, as JSON values."""
        kept = asdict(self) | {"base": str(self.base), "budget": repr(self.budget)}
        for name in ("iterations", "patience", "concurrency", "workers"):
            del kept[name]
        return kept
