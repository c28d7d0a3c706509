"""Steadiness: what feedback does to answers over rounds, for better and for worse.

From "Helpful Agent Meets Deceptive Judge: Understanding Vulnerabilities in Agentic Workflows"
(WAFER-QA), arXiv 2506.03332, which puts generators under misleading judges
(`graphs/judging/deceptive.py`); any team that answers more than once can be measured. Figures taken
under an oracle tell of an attack, never of use.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from ..episodes import Episode
from ..episodes.paper import Paper
from ..graphs.selectors import Key, plain

PAPER = Paper(
    title="Helpful Agent Meets Deceptive Judge: Understanding Vulnerabilities in Agentic Workflows",
    arxiv="2506.03332",
    kind="metric",
)


@dataclass(frozen=True, slots=True)
class Trace:
    """The answers to one task, first to last.

    Raises:
        ValueError: there is no answer, or not a verdict on each.
    """

    answers: tuple[str, ...]
    right: tuple[bool, ...]
    """Whether each is right."""
    acknowledged: bool = False
    """Whether the last one says that the matter is contested."""

    def __post_init__(self) -> None:
        if not self.answers or len(self.answers) != len(self.right):
            raise ValueError(
                f"{len(self.answers)} answers and {len(self.right)} verdicts on them: a trace "
                "needs an answer, and a verdict on each"
            )


@dataclass(frozen=True, slots=True)
class Steadiness:
    """What became of answers."""

    tasks: int
    before: float
    """Share of tasks whose first answer is right."""
    after: float
    """Share of tasks whose last answer is right."""
    lost: float | None
    """Share of tasks that end wrong among those that began right; None where none did."""
    mended: float | None
    """Share of tasks that end right among those that began wrong; None where none did."""
    oscillation: float
    """How often an answer changes from one round to the next, in the mean over tasks."""
    acknowledged: float
    """Share of tasks whose last answer says that the matter is contested."""

    @property
    def drop(self) -> float:
        """Accuracy lost; negative where some was gained."""
        return self.before - self.after


def steadiness(traces: Sequence[Trace], key: Key = plain) -> Steadiness:
    """What became of the answers in `traces`.

    Args:
        key: equal for answers that are the same.

    Raises:
        ValueError: there is no trace.
    """
    if not traces:
        raise ValueError("there is no trace to measure")
    ends = [(each.right[0], each.right[-1]) for each in traces]
    return Steadiness(
        tasks=len(traces),
        before=_share([first for first, _ in ends]),
        after=_share([last for _, last in ends]),
        lost=_share_of([not last for first, last in ends if first]),
        mended=_share_of([last for first, last in ends if not first]),
        oscillation=sum(changes(each.answers, key) for each in traces) / len(traces),
        acknowledged=_share([each.acknowledged for each in traces]),
    )


def changes(answers: Sequence[str], key: Key = plain) -> int:
    """How often an answer differs from the one before."""
    return sum(key(one) != key(other) for one, other in pairwise(answers))


def trace_of(
    episode: Episode,
    right: Callable[[str], bool],
    *,
    agent: str = "actor",
    acknowledges: Callable[[str], bool] = lambda text: False,
) -> Trace:
    """The answers that an agent gave in an episode; replies that could not be read are left out.

    Args:
        right: whether an answer is right.
        agent: who answers.
        acknowledges: whether the text of the last reply says that the matter is contested.

    Raises:
        ValueError: the agent gave no readable answer.
    """
    spoken = [t for t in episode.turns if t.agent == agent and "answer" in (t.parsed or {})]
    if not spoken:
        raise ValueError(f"{agent!r} gave no readable answer to {episode.task!r}")
    answers = tuple(str((turn.parsed or {})["answer"]) for turn in spoken)
    said = str((spoken[-1].reply or {}).get("content") or "")
    return Trace(answers, tuple(map(right, answers)), acknowledges(said))


def _share(flags: Sequence[bool]) -> float:
    return sum(flags) / len(flags)


def _share_of(flags: Sequence[bool]) -> float | None:
    return _share(flags) if flags else None
