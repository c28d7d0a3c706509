"""Whether what somebody answered within an episode is right; the episode's own score says so of its
last answer alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...episodes import Episode, Turn

if TYPE_CHECKING:
    from ..loop.recipe import Stage


async def right(episode: Episode, turn: Turn, stage: Stage) -> bool:
    """Whether a turn's answer to the episode's task is right; one that cannot be read is not.

    Raises:
        ValueError: the environment does not score answers.
    """
    if stage.score is None:
        raise ValueError("this recipe needs an environment that scores answers")
    if turn.parsed is None:
        return False
    return await stage.score(episode.task, str(turn.parsed["answer"])) == 1.0
