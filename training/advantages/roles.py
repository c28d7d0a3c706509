"""A moving baseline for each role: role-conditioned advantage estimation (RAE) of SPIRAL.

In self-play one policy plays every role, and roles differ in what they can expect. Each role of
each game keeps an exponential mean of its rewards, which is read before it is updated.

Paper: "SPIRAL: Self-Play on Zero-Sum Games Incentivizes Reasoning via Multi-Agent Multi-Turn
Reinforcement Learning", arXiv 2506.24119.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from ..checks import require_as_many, require_finite, require_share

DECAY = 0.95


@dataclass(slots=True)
class RoleBaselines:
    """What each role expects. `baselines` is all there is to save and to restore."""

    decay: float = DECAY
    """How much of the old mean stays at each reward."""
    baselines: dict[str, float] = field(default_factory=dict)
    """By role, for example `kuhn/first`; 0 for a role not seen before."""

    def __post_init__(self) -> None:
        """Raises ValueError when the decay does not lie in [0, 1]."""
        require_share("decay", self.decay)

    def advantages(self, rewards: Sequence[float], roles: Sequence[str]) -> list[float]:
        """Reward minus what the role expected, one after the other; then it expects otherwise.

        Raises:
            ValueError: there are not as many roles as rewards, or a reward is not finite; then no
                baseline has changed.
        """
        require_as_many("roles", roles, "rewards", rewards)
        require_finite("reward", rewards)
        found: list[float] = []
        for reward, role in zip(rewards, roles, strict=True):
            expected = self.baselines.get(role, 0.0)
            found.append(reward - expected)
            self.baselines[role] = self.decay * expected + (1 - self.decay) * reward
        return found


def towards_the_end(value: float, turns: int, gamma: float = 1.0) -> list[float]:
    """The advantage of a game at each own turn, gamma ** (turns to the end) of it (SPIRAL, arXiv
    2506.24119).

    Raises:
        ValueError: gamma does not lie in [0, 1], or the value is not finite.
    """
    require_share("gamma", gamma)
    require_finite("value", [value])
    return [value * gamma**left for left in reversed(range(turns))]
