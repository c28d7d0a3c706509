"""What losses eat: rows for policy gradients, supervised rows, and preference pairs.

A row holds the ids that a model read and sampled, and beside each id whether it is trained and what
it earned. `from_episodes` makes rows of what was recorded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .checks import require_as_many, require_finite


@dataclass(frozen=True, slots=True)
class Sample:
    """A row for policy gradients. All tuples have one entry for each token of the row."""

    ids: tuple[int, ...]
    loss_mask: tuple[bool, ...]
    """True where the token is trained: it was sampled, and has credit."""
    advantages: tuple[float, ...]
    """0 where the token is not trained."""
    old_logprobs: tuple[float, ...]
    """Log-probabilities under the distribution that the tokens were sampled from; 0 where the
    token is not trained."""
    off_policy: tuple[bool, ...]
    """True where another than the trained policy wrote the token: a teacher, a reference, itself
    under another prompt."""
    reference_logprobs: tuple[float, ...] | None = None
    """Log-probabilities under the reference model; None until they are computed."""
    agent: str = ""
    policy: str = ""
    """The weights that it trains."""
    group: str = ""
    """What it is compared with: rows of one group share a task."""
    episode: str = ""
    """The episode's name, as `run/task/attempt`."""
    turns: tuple[str, ...] = ()
    """The turns that are trained in it."""
    extras: Mapping[str, float] = field(default_factory=dict, hash=False)
    """Further numbers about it that an objective reads, by name."""

    def __post_init__(self) -> None:
        """Raises ValueError when a tuple has another length, a number is not finite, or nothing is
        trained."""
        _require_mask(self.loss_mask, self.ids)
        require_as_many("advantages", self.advantages, "tokens", self.ids)
        require_as_many("old log-probabilities", self.old_logprobs, "tokens", self.ids)
        require_as_many("off-policy marks", self.off_policy, "tokens", self.ids)
        require_finite("advantage", self.advantages)
        require_finite("old log-probability", self.old_logprobs)
        if self.reference_logprobs is not None:
            require_as_many(
                "reference log-probabilities", self.reference_logprobs, "tokens", self.ids
            )
            require_finite("reference log-probability", self.reference_logprobs)

    @property
    def trained(self) -> int:
        """Tokens that are trained."""
        return sum(self.loss_mask)


@dataclass(frozen=True, slots=True)
class Row:
    """A supervised row."""

    ids: tuple[int, ...]
    loss_mask: tuple[bool, ...]
    """True where the token is a target."""
    agent: str = ""
    policy: str = ""
    episode: str = ""
    turns: tuple[str, ...] = ()
    """The turns that are targets."""
    extras: Mapping[str, float] = field(default_factory=dict, hash=False)
    """Further numbers about it that an objective reads, by name."""

    def __post_init__(self) -> None:
        """Raises ValueError when the mask has another length, or nothing is a target."""
        _require_mask(self.loss_mask, self.ids)


@dataclass(frozen=True, slots=True)
class PreferencePair:
    """Two completions of one prompt, the better one and the worse one."""

    prompt_ids: tuple[int, ...]
    chosen_ids: tuple[int, ...]
    rejected_ids: tuple[int, ...]
    chosen_reference: tuple[float, ...] | None = None
    """Log-probability of each chosen token under the reference model; None until computed."""
    rejected_reference: tuple[float, ...] | None = None
    margin: float | None = None
    """How much better the chosen one was; None where only the order is known."""
    agent: str = ""
    policy: str = ""
    group: str = ""
    extras: Mapping[str, float] = field(default_factory=dict, hash=False)
    """Further numbers about it that an objective reads, by name."""

    def __post_init__(self) -> None:
        """Raises ValueError when a completion is empty, both are the same, or a reference has
        another length."""
        for what, ids, reference in (
            ("chosen", self.chosen_ids, self.chosen_reference),
            ("rejected", self.rejected_ids, self.rejected_reference),
        ):
            if not ids:
                raise ValueError(f"the {what} completion has no tokens")
            if reference is not None:
                require_as_many(f"{what} log-probabilities", reference, "tokens", ids)
                require_finite(f"{what} log-probability", reference)
        if self.chosen_ids == self.rejected_ids:
            raise ValueError("the chosen and the rejected completion are the same tokens")
        if self.margin is not None:
            require_finite("margin", [self.margin])


Example = Sample | Row | PreferencePair
"""What a policy is trained on, of one kind or another."""


def _require_mask(mask: tuple[bool, ...], ids: tuple[int, ...]) -> None:
    require_as_many("marks in the loss mask", mask, "tokens", ids)
    if not any(mask):
        raise ValueError("the loss mask leaves nothing to train")
