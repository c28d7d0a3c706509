"""A perplexity filter: what reads unlike honest records is not shown.

Detectors of this kind score a text with a language model (Alon and Kamfonas 2023, arXiv 2308.14132)
and refuse what is too surprising. The model here is one of characters, fitted on honest records of
other scenes of the same domain: with the very style of the memory at hand, it is at its best. Its
n-grams are interpolated as Witten and Bell (1991) do.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from math import exp, log

ORDER = 5
"""Characters that the longest n-gram has."""
ALPHABET = 256
"""Characters that may come when nothing is known."""
START = "\x02"


class CharacterModel:
    """How surprising texts are after those that it was fitted on.

    Args:
        texts: to fit on.
        order: characters of the longest n-gram.

    Raises:
        ValueError: there is no text, or the order is below 1.
    """

    def __init__(self, texts: Sequence[str], order: int = ORDER) -> None:
        if not texts or order < 1:
            raise ValueError(f"{len(texts)} texts and order {order}: both are 1 at least")
        self.order = order
        self._after: dict[str, Counter[str]] = defaultdict(Counter)
        for text in texts:
            for context, character in self._grams(text):
                for length in range(len(context) + 1):
                    self._after[context[len(context) - length :]][character] += 1

    def perplexity(self, text: str) -> float:
        """Of one character on average; 1 is no surprise at all. An empty text has none.

        Raises:
            ValueError: the text is empty.
        """
        if not text:
            raise ValueError("an empty text has no perplexity")
        surprise = [-log(self._chance(*gram)) for gram in self._grams(text)]
        return exp(sum(surprise) / len(surprise))

    def _chance(self, context: str, character: str) -> float:
        """Longer contexts first; how many kinds follow a context is how open it is."""
        chance = 1 / ALPHABET
        for length in range(len(context) + 1):
            after = self._after.get(context[len(context) - length :])
            if after:
                kinds, seen = len(after), after.total()
                chance = (after[character] + kinds * chance) / (seen + kinds)
        return chance

    def _grams(self, text: str) -> Iterable[tuple[str, str]]:
        reach = self.order - 1
        padded = START * reach + text
        for end in range(reach, len(padded)):
            yield padded[end - reach : end], padded[end]


def threshold(model: CharacterModel, texts: Sequence[str], kept: float) -> float:
    """The perplexity that a share `kept` of honest texts, not those fitted on, stays below."""
    scores = sorted(map(model.perplexity, texts))
    return scores[min(len(scores) - 1, int(kept * len(scores)))]
