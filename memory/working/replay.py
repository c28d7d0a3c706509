"""Spaced replay: meet an item in several views at once, then let it rest.

An epoch shows a V-th of the items, each in V views (paraphrases, rollouts) that stand together;
over V epochs every item comes once. The work is that of showing all items once an epoch, but an
item rests V times as long between its visits, which trains recall. The order is drawn anew every V
epochs. It follows from seed and epoch alone, so a run that was stopped goes on where it was.

Paper: "Do Your Best and Get Enough Rest for Continual Learning", arXiv 2503.18371, where an item is
an image, a view an augmentation, and V is 4. The paper's other part, a loss that pulls later views
to the first, belongs to training.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from ...episodes.paper import Paper

PAPER = Paper(
    title="Do Your Best and Get Enough Rest for Continual Learning",
    arxiv="2503.18371",
    kind="memory",
)
VIEWS = 4
"""Views of an item, as in the paper."""
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class View(Generic[T]):
    """One showing of an item."""

    item: T
    number: int
    """Which of the item's views, from 0."""


class SpacedReplay(Generic[T]):
    """Which items are shown in which epoch.

    Args:
        items: what is practised.
        views: showings of an item together, and the epochs over which all items come once.
        seed: of the order.

    Raises:
        ValueError: `views` is not positive, or more than there are items.
    """

    def __init__(self, items: Sequence[T], *, views: int = VIEWS, seed: int = 0) -> None:
        if views < 1:
            raise ValueError(f"views={views}: an item needs at least one view")
        if len(items) < views:
            raise ValueError(
                f"{len(items)} items are too few for views={views}: some epochs would be empty"
            )
        self._items = items
        self.views = views
        self.seed = seed

    def epoch(self, number: int) -> list[View[T]]:
        """What epoch `number`, from 0, shows: the views of an item one after the other.

        Raises:
            ValueError: the number is negative.
        """
        if number < 0:
            raise ValueError(f"epoch {number}: epochs are counted from 0")
        round_, part = divmod(number, self.views)
        count = len(self._items)
        order = random.Random(f"{self.seed}/{round_}").sample(range(count), count)
        block = order[part * count // self.views : (part + 1) * count // self.views]
        return [View(self._items[place], view) for place in block for view in range(self.views)]

    def batches(self, number: int, size: int) -> Iterator[list[View[T]]]:
        """Epoch `number` in batches of `size` views, the last one perhaps smaller.

        Raises:
            ValueError: a batch would part the views of an item.
        """
        if size < 1 or size % self.views:
            raise ValueError(
                f"size={size}: a batch holds whole items, so it must be a multiple of "
                f"views={self.views}"
            )
        shown = self.epoch(number)
        return (shown[start : start + size] for start in range(0, len(shown), size))
