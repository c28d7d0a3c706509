"""What a team of `review` said, put together again: solutions, their critiques, and revisions."""

from __future__ import annotations

from collections.abc import Sequence

from ...episodes import Episode, Turn

Reviewed = tuple[Turn, Turn, Sequence[Turn]]
"""A solution, a critique of it, and the solutions that were made from the critique."""


def critiques_of(
    episode: Episode, *, solver: str = "actor", critic: str = "critic", reviser: str = "reviser"
) -> list[Reviewed]:
    """The critiques of an episode, each with what it is about and what came of it.

    A call that failed is left out with what hangs on it.

    Args:
        solver: the agent that solved.
        critic: the one that read the solutions.
        reviser: the one that solved again.
    """

    def said(agent: str) -> dict[str, Turn]:
        return {
            turn.branch: turn for turn in episode.turns if turn.agent == agent and not turn.error
        }

    solutions, critiques, revisions = said(solver), said(critic), said(reviser)
    return [
        (
            solutions[above(branch)],
            critique,
            [turn for place, turn in revisions.items() if above(place) == branch],
        )
        for branch, critique in critiques.items()
        if above(branch) in solutions
    ]


def found_right(critique: Turn) -> bool | None:
    """Whether a critique finds the solution right; None where it cannot be read."""
    return None if critique.parsed is None else critique.parsed["verdict"] == "correct"


def above(branch: str) -> str:
    """The branch around a branch."""
    return branch.rpartition("/")[0]
