"""When two wordings count as the same: the fuzzy matching of the official reward.

`token_set_ratio` of the package thefuzz, with Python's difflib underneath as in its version 0.19.
"""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from functools import lru_cache

THRESHOLD = 85
"""Two wordings are alike when their score, in percent, is above."""
COLOURS = tuple(
    """
    alabaster apricot aqua ash asphalt azure banana beige black blue blush bordeaux bronze brown
    burgundy camel camo caramel champagne charcoal cheetah chestnut chocolate christmas coffee
    cognac copper coral cranberry cream crystal dark denim eggplant elephant espresso fuchsia
    gold granite grape graphite grass gray green grey heather indigo ivory ivy khaki lavender
    lemon leopard light lilac lime magenta maroon mauve merlot midnight mint mocha multicolor
    mushroom mustard natural navy nude olive orange peach pewter pink plum purple rainbow red
    rose royal rust sand sapphire seashell silver skull slate steel stone stonewash sunflower
    tan taupe teal tiger turquoise violet walnut wheat white wine yellow
    """.split()  # noqa: SIM905
)
"""The words that stand for a whole option, in the order in which they are tried."""

_LATIN_1 = dict.fromkeys(range(128, 256))
_SEPARATOR = re.compile(r"\W")


@lru_cache(maxsize=65536)
def alike(one: str, other: str) -> bool:
    """Whether two wordings score above `THRESHOLD`, as when all words of one are in the other."""
    first, second = words_of(one), words_of(other)
    if not first or not second:
        return False
    shared = " ".join(sorted(first & second))
    left = f"{shared} {' '.join(sorted(first - second))}".strip()
    right = f"{shared} {' '.join(sorted(second - first))}".strip()
    return any(
        _score(*pair) > THRESHOLD for pair in ((shared, left), (shared, right), (left, right))
    )


def words_of(text: str) -> frozenset[str]:
    """The words that the matching compares: lower-cased, split at anything but letters, digits
    and underscores, and without the upper half of Latin-1."""
    return frozenset(_SEPARATOR.sub(" ", text.translate(_LATIN_1)).lower().split())


def _score(one: str, other: str) -> int:
    if one == other:
        return 100
    matcher = SequenceMatcher(None, one, other)
    if matcher.real_quick_ratio() * 100 <= THRESHOLD or matcher.quick_ratio() * 100 <= THRESHOLD:
        return 0
    return round(100 * matcher.ratio())
