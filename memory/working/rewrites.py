"""Rewrites learnt from sessions: what people say after something did not work.

A user whom the system did not understand says it another way. Sessions are pooled into an absorbing
Markov chain: what was said leads to what was said next, and the last of a session to success or
failure. For each saying, the one is looked up through which it most probably ends well; if that
beats its own chance by a margin, the saying is rewritten to it before anything else happens. A
table holds the rewrites, compares how rewritten sayings fare with those that were left alone, and
drops a rewrite that loses.

With `same`, sayings that mean the same share a state (domain, intent and slots, in the paper). For
agents a saying is a query, a command or a tool call, and success comes from the benchmark.

Paper: "Feedback-Based Self-Learning in Large-Scale Conversational AI Agents", arXiv 1911.02557. Its
defect scorer is a model of its own; here sessions come labelled. No code was published.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ...episodes.paper import Paper
from .chain import Chain
from .tried import plain

if TYPE_CHECKING:
    from numpy.typing import NDArray

PAPER = Paper(
    title="Feedback-Based Self-Learning in Large-Scale Conversational AI Agents",
    arxiv="1911.02557",
    kind="memory",
)
MARGIN = 0.05
"""By how much a rewrite must beat the chance of what it replaces; an assumption."""
TRIALS = 20
"""Outcomes with and without a rewrite before it is judged; an assumption."""


@dataclass(frozen=True, slots=True)
class Session:
    """What one user said in a row, and whether it ended well."""

    said: tuple[str, ...]
    success: bool


def chain_of(
    sessions: Iterable[Session],
    *,
    same: Callable[[str], Hashable] = plain,
    min_count: int = 1,
) -> Chain:
    """The chain of many sessions. A state is called by what was said most in it.

    Args:
        same: gives equal keys for sayings that share a state.
        min_count: transitions seen less often are left out, and so is what leads nowhere then.

    Raises:
        ValueError: a session is empty, `min_count` is not positive, or nothing is left.
    """
    import numpy as np

    if min_count < 1:
        raise ValueError(f"min_count={min_count}: it must be at least 1")
    steps: Counter[tuple[Hashable, Hashable | bool]] = Counter()
    names: dict[Hashable, Counter[str]] = {}
    for number, session in enumerate(sessions):
        if not session.said:
            raise ValueError(f"session {number} is empty: nothing was said in it")
        keys = [(same(text), "said") for text in session.said]
        for key, text in zip(keys, session.said, strict=True):
            names.setdefault(key, Counter())[text] += 1
        steps.update(zip(keys, [*keys[1:], session.success], strict=True))
    kept = {step: count for step, count in steps.items() if count >= min_count}
    ending = _ending(kept)
    states = [key for key in names if key in ending]
    if not states:
        raise ValueError(f"no transition was seen min_count={min_count} times: give more sessions")
    place = {key: number for number, key in enumerate(states)}
    counts = np.zeros((len(states), len(states) + 2))
    for (source, target), count in kept.items():
        if source in place and (target in place or isinstance(target, bool)):
            column = len(states) + (not target) if isinstance(target, bool) else place[target]
            counts[place[source], column] += count
    shares = counts / counts.sum(axis=1, keepdims=True)
    said = tuple(names[key].most_common(1)[0][0] for key in states)
    return Chain(said, shares[:, : len(states)], shares[:, len(states) :])


def _ending(steps: Iterable[tuple[Hashable, Hashable | bool]]) -> set[Hashable]:
    """The states from which an end can be reached."""
    before: dict[Hashable, list[Hashable]] = {}
    for source, target in steps:
        before.setdefault(target, []).append(source)
    found: set[Hashable] = set()
    waiting = [*before.get(True, ()), *before.get(False, ())]
    while waiting:
        state = waiting.pop()
        if state not in found:
            found.add(state)
            waiting += before.get(state, ())
    return found


def best_rewrite(chain: Chain, said: str, *, margin: float = MARGIN) -> str | None:
    """The state through which `said` most probably ends well, if that beats its own chance of
    ending well at once by more than `margin`; the earlier state between equals.

    Raises:
        KeyError: `said` is no state of the chain.
        ValueError: the margin is not between 0 and 1.
    """
    if not 0 <= margin <= 1:
        raise ValueError(f"margin={margin}: a margin of probabilities is between 0 and 1")
    here = chain.place(said)
    through: NDArray[Any] = chain.reach[here] * chain.ends[:, 0]
    own, through[here] = float(chain.ends[here, 0]), -1.0
    best = int(through.argmax())
    return chain.states[best] if through[best] > own + margin else None


@dataclass(slots=True)
class Record:
    """How often something was done, and ended well."""

    trials: int = 0
    wins: int = 0

    @property
    def rate(self) -> float:
        return self.wins / self.trials if self.trials else 0.0


@dataclass(slots=True)
class Rewrite:
    """One pair of the table."""

    said: str
    better: str
    rewritten: Record = field(default_factory=Record)
    """How it went when the saying was rewritten."""
    alone: Record = field(default_factory=Record)
    """How it went when the saying was left alone."""
    removed: bool = False


class RewriteTable:
    """Rewrites to look up, watched while they are in use.

    Args:
        chain: where they come from.
        margin: see `best_rewrite`.
        same: gives equal keys for sayings that share a rewrite; that of `chain_of`.
        trials: outcomes with and without a rewrite, before it is judged.

    Raises:
        ValueError: `trials` is not positive, or the margin is not between 0 and 1.
    """

    def __init__(
        self,
        chain: Chain,
        *,
        margin: float = MARGIN,
        same: Callable[[str], Hashable] = plain,
        trials: int = TRIALS,
    ) -> None:
        if trials < 1:
            raise ValueError(f"trials={trials}: it must be at least 1")
        self._same = same
        self._trials = trials
        self._pairs: dict[Hashable, Rewrite] = {}
        for state in chain.states:
            if (better := best_rewrite(chain, state, margin=margin)) is not None:
                self._pairs[same(state)] = Rewrite(state, better)

    @property
    def pairs(self) -> tuple[Rewrite, ...]:
        """All pairs, those that were removed among them."""
        return tuple(self._pairs.values())

    def rewrite(self, said: str) -> str | None:
        """What to take `said` for; None to leave it as it is."""
        pair = self._pairs.get(self._same(said))
        return pair.better if pair and not pair.removed else None

    def record(self, said: str, *, rewritten: bool, success: bool) -> None:
        """Note how `said` ended, rewritten or left alone. A rewrite after which less ends well
        than without it is removed, once both were seen often enough.

        Raises:
            KeyError: there is no rewrite of it.
        """
        pair = self._pairs.get(self._same(said))
        if pair is None:
            raise KeyError(f"there is no rewrite of {said[:80]!r}")
        arm = pair.rewritten if rewritten else pair.alone
        arm.trials += 1
        arm.wins += bool(success)
        judged = min(pair.rewritten.trials, pair.alone.trials) >= self._trials
        pair.removed = pair.removed or (judged and pair.rewritten.rate < pair.alone.rate)
