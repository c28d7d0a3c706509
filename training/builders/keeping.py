"""Which items of a collection become rows: each function says of every one whether it is kept.

Items are episodes, candidates or rows; what is compared are plain values beside them, as in
`advantages.filters`:

    kept = capped([each.task for each in episodes], 2, worth=scores)
    episodes = list(compress(episodes, kept))
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from ..checks import require_as_many, require_finite

MOST = 64
"""Items of one group that `filled` takes at most; B-STaR's (arXiv 2412.17256)."""


def above(worth: Sequence[float], threshold: float) -> list[bool]:
    """Keep what is worth more than a threshold.

    Raises:
        ValueError: a number is not finite.
    """
    require_finite("threshold", [threshold])
    require_finite("worth", worth)
    return [each > threshold for each in worth]


def distinct(keys: Sequence[Hashable]) -> list[bool]:
    """Keep the first item of each key: a prompt with its reply, say."""
    seen: set[Hashable] = set()
    kept = []
    for key in keys:
        kept.append(key not in seen)
        seen.add(key)
    return kept


def capped(
    groups: Sequence[Hashable], cap: int, worth: Sequence[float] | None = None
) -> list[bool]:
    """Keep at most so many items of each group (a task, an agent): the first ones, or those that
    are worth most, the earlier between equals.

    Raises:
        ValueError: the cap is below 1, there are not as many worths as items, or one is not finite.
    """
    if cap < 1:
        raise ValueError(f"cap={cap}: it must be at least 1")
    return [rank < cap for rank in _ranks(groups, worth)]


def filled(
    groups: Sequence[Hashable],
    target: int,
    worth: Sequence[float] | None = None,
    *,
    most: int = MOST,
) -> list[bool]:
    """Keep as few items of each group as make up a target: the cap of `capped` rises from 1 until
    so many are kept, or all are, or it stands at `most`.

    So many groups with few good items are not drowned by few groups with many (B-STaR, arXiv
    2412.17256).

    Raises:
        ValueError: `target` or `most` is below 1, there are not as many worths as items, or one is
            not finite.
    """
    if target < 1 or most < 1:
        raise ValueError(f"target={target}, most={most}: both must be at least 1")
    ranks = _ranks(groups, worth)
    cap = 1
    while cap < most and sum(rank < cap for rank in ranks) < min(target, len(ranks)):
        cap += 1
    return [rank < cap for rank in ranks]


def _ranks(groups: Sequence[Hashable], worth: Sequence[float] | None) -> list[int]:
    """The place of each item in its group, from 0, best first."""
    order = list(range(len(groups)))
    if worth is not None:
        require_as_many("worths", worth, "items", groups)
        require_finite("worth", worth)
        order.sort(key=lambda place: -worth[place])
    ranks = [0] * len(groups)
    taken: dict[Hashable, int] = {}
    for place in order:
        ranks[place] = taken.get(groups[place], 0)
        taken[groups[place]] = ranks[place] + 1
    return ranks
