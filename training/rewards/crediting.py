"""Credit to turns: from rewards to what `samples` takes, by turn id."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ...episodes import Episode, Turn
from ..advantages.tokens import returns


def everywhere(episode: Episode, value: float, agent: str | None = None) -> dict[str, float]:
    """One value for all turns of an episode, or for those of one agent. Failed calls have none."""
    return {
        turn.id: value
        for turn in episode.turns
        if not turn.error and (agent is None or turn.agent == agent)
    }


def per_turn(reward: Callable[[Turn], float | None]) -> Callable[[Episode], dict[str, float]]:
    """Each turn by itself; a turn for which the reward is None has no credit and is not trained."""

    def credit(episode: Episode) -> dict[str, float]:
        found = {turn.id: reward(turn) for turn in episode.turns if not turn.error}
        return {id: value for id, value in found.items() if value is not None}

    return credit


def to_come(episode: Episode, credit: Mapping[str, float], gamma: float = 1.0) -> dict[str, float]:
    """To each turn what its agent earns from there on, on its branch.

    With gamma 1 a turn answers for all that follows (ReSeek, arXiv 2510.00568), with gamma 0 for
    itself alone (SCoRe, 2409.12917).

    Args:
        credit: what each turn earned. One that is left out earns nothing and answers for nothing.
        gamma: the discount from turn to turn.

    Raises:
        ValueError: a turn is not in the episode, a value is not finite, or gamma does not lie in
            [0, 1].
    """
    unknown = set(credit) - {turn.id for turn in episode.turns}
    if unknown:
        raise ValueError(f"{episode.task} has no turn {', '.join(map(repr, sorted(unknown)))}")
    lines: dict[tuple[str, str], list[str]] = {}
    for turn in episode.turns:
        if turn.id in credit:
            lines.setdefault((turn.agent, turn.branch), []).append(turn.id)
    found: dict[str, float] = {}
    for line in lines.values():
        found.update(zip(line, returns([credit[id] for id in line], gamma), strict=True))
    return {turn.id: found[turn.id] for turn in episode.turns if turn.id in found}


def untruncated(episode: Episode, credit: Mapping[str, float]) -> dict[str, float]:
    """Credit without that of turns which were cut off at their length: CoMAS (arXiv 2510.08529),
    ReflexiCoder (2603.05863) and others do not train them."""
    cut = {turn.id for turn in episode.turns if turn.finish == "length"}
    return {id: value for id, value in credit.items() if id not in cut}
