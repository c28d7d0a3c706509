"""What an answer earns by being right, wrong, or missing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from ..checks import require_finite


@dataclass(frozen=True, slots=True)
class Outcomes:
    """A table of rewards for an answer (or a verdict)."""

    right: float
    wrong: float
    missing: float
    """Where there is none, or it cannot be read."""

    def __post_init__(self) -> None:
        """Raises ValueError when a reward is not finite."""
        require_finite("reward", [self.right, self.wrong, self.missing])

    def __call__(self, right: bool | None) -> float:
        """The reward; None stands for a missing answer."""
        if right is None:
            return self.missing
        return self.right if right else self.wrong


PLAIN = Outcomes(1.0, 0.0, 0.0)
"""Verifiable rewards, and Critique-Coder's verdicts (arXiv 2509.22824)."""
RISE = Outcomes(1.0, -0.5, -1.0)
"""Of solutions and of ratings of them (arXiv 2505.13445)."""
CRITIQUE_RL = Outcomes(1.0, -1.0, -1.0)
"""Stage I: the critic's final verdict (arXiv 2510.24320)."""
COUNTDOWN = Outcomes(1.0, 0.1, 0.0)
"""Cognitive Behaviors (arXiv 2503.01307)."""
RELIFT = Outcomes(1.0, 0.0, -1.0)
"""Without the thinking format an answer is missing (arXiv 2506.07527)."""
CODE_RL: Mapping[str, float] = MappingProxyType(
    {"compile error": -1.0, "runtime error": -0.6, "failed": -0.3, "passed": 1.0}
)
"""What came of running a program (CodeRL, arXiv 2207.01780)."""


def code_rl(sampled: str, baseline: str) -> float:
    """What a sampled program did, against a greedy one: CodeRL's return (arXiv 2207.01780).

    Raises:
        ValueError: an outcome is not in `CODE_RL`.
    """
    for outcome in (sampled, baseline):
        if outcome not in CODE_RL:
            raise ValueError(f"outcome {outcome!r}: choose one of {', '.join(CODE_RL)}")
    return CODE_RL[sampled] - CODE_RL[baseline]


def passed_tests(passed: int, total: int, penalty: float = 0.0) -> float:
    """The share of unit tests that passed minus penalties, at least 0: LOOP's return (arXiv
    2502.01600).

    Raises:
        ValueError: more tests passed than there are, there are none, or the penalty is negative.
    """
    if not 0 <= passed <= total or total < 1:
        raise ValueError(f"{passed} of {total} tests passed: that cannot be")
    if not penalty >= 0:
        raise ValueError(f"penalty={penalty}: it must not be negative")
    return max(0.0, passed / total - penalty)
