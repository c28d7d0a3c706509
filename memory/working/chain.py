"""An absorbing Markov chain with two ends, success and failure.

With Q the chances to go on from state to state, and R those to end, the expected visits are
N = (I - Q)^-1 and the chances to end either way B = N R (Kemeny and Snell, Finite Markov Chains,
1960, chapter 3).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

TOLERANCE = 1e-9
"""By how much a row may miss 1."""


@dataclass(frozen=True, eq=False)
class Chain:
    """States, and where they lead.

    Raises:
        ValueError: the shapes do not fit, a state stands twice, a chance is not between 0 and 1, a
            row does not add up to 1, or a state never ends.
    """

    states: tuple[str, ...]
    onwards: NDArray[Any]
    """Q: the chance to go from state to state, [states, states]."""
    ends: NDArray[Any]
    """R: the chance to end at once in success and in failure, [states, 2]."""

    def __post_init__(self) -> None:
        import numpy as np

        onwards, ends = np.array(self.onwards, float), np.array(self.ends, float)
        count = len(self.states)
        if onwards.shape != (count, count) or ends.shape != (count, 2):
            raise ValueError(
                f"{count} states need chances of shapes {(count, count)} and {(count, 2)}, not "
                f"{onwards.shape} and {ends.shape}"
            )
        if len(set(self.states)) < count:
            twice = next(state for state in self.states if self.states.count(state) > 1)
            raise ValueError(f"the state {twice[:80]!r} stands more than once")
        for state, row in zip(self.states, np.hstack([onwards, ends]), strict=True):
            if not ((row >= 0) & (row <= 1)).all():
                raise ValueError(f"the chances from {state[:80]!r} are not all in [0, 1]: {row}")
            if abs(row.sum() - 1) > TOLERANCE:
                raise ValueError(f"the chances from {state[:80]!r} add up to {row.sum()}, not to 1")
        ending = ends.sum(axis=1) > 0
        while (wider := ending | (onwards @ ending > 0)).sum() > ending.sum():
            ending = wider
        if not ending.all():
            lost = self.states[int((~ending).argmax())]
            raise ValueError(f"the state {lost[:80]!r} never ends: no way leads to an end")
        object.__setattr__(self, "onwards", onwards)
        object.__setattr__(self, "ends", ends)

    def place(self, state: str) -> int:
        """Where a state stands.

        Raises:
            KeyError: there is none of that name.
        """
        if state not in self._places:
            raise KeyError(f"there is no state {state[:80]!r}")
        return self._places[state]

    @cached_property
    def _places(self) -> dict[str, int]:
        return {state: place for place, state in enumerate(self.states)}

    @cached_property
    def visits(self) -> NDArray[Any]:
        """N: expected visits to each state from each state, its own start among them."""
        import numpy as np

        count = len(self.states)
        return np.linalg.solve(np.eye(count) - self.onwards, np.eye(count))

    @cached_property
    def absorbed(self) -> NDArray[Any]:
        """B: the chance to end in success and in failure, from each state."""
        absorbed: NDArray[Any] = self.visits @ self.ends
        return absorbed

    @cached_property
    def reach(self) -> NDArray[Any]:
        """The chance to come to each state at all, from each state."""
        reach: NDArray[Any] = self.visits / self.visits.diagonal()
        return reach
