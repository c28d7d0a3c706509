"""Text embeddings with no model: hashed words, pairs of words, and pieces of words.

Each feature of a text is hashed to a place in the vector and a sign (feature hashing: Weinberger
et al., ICML 2009). Features are words, neighbouring pairs of words, and the three to five letter
pieces of each word (Bojanowski et al., TACL 2017), so that inflected and misspelt words stay near
each other. Texts are near each other when they share words: meaning is not known. The same text
has the same vector on every machine.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from functools import lru_cache
from hashlib import blake2b
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from langchain_core.embeddings import Embeddings

if TYPE_CHECKING:
    from numpy.typing import NDArray

WIDTH = 384
PIECES = (3, 4, 5)
"""Letters of a piece."""
WORD, PAIR, PIECE = 1.0, 0.25, 1.5
"""What a word, a pair, and all pieces of a word together weigh."""
COMMON = 0.3
"""What a function word weighs, of any other's weight."""
_FUNCTION_WORD = re.compile(
    "a|an|and|are|as|at|be|by|did|do|does|for|from|had|has|have|how|i|if|in|into|is|it|its|me|my|"
    "not|of|on|or|our|so|that|the|their|them|then|there|these|they|this|those|to|was|we|were|what|"
    "when|where|which|who|will|with|you|your"
)
LONGEST = 40
"""Letters of a word that count; what is longer is rarely a word."""
KEPT = 50_000
"""Words whose features are kept, at most."""
_WORD = re.compile(r"[^\W_]+")


class LexicalEmbeddings(Embeddings):
    """Vectors of length 1 from the words of a text; zeros for a text without any.

    Args:
        width: numbers in a vector. Fewer make more features share a place.

    Raises:
        ValueError: `width` is below 8.
    """

    def __init__(self, width: int = WIDTH) -> None:
        if width < 8:
            raise ValueError(f"a width of {width} keeps nothing apart: give 8 or more")
        self.width = width
        self._features = lru_cache(KEPT)(_features)

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """One vector a text, [texts, width]."""
        return [self.embed_query(text) for text in texts]

    def embed_query(self, text: str) -> list[float]:
        """The vector of one text, [width]."""
        import numpy as np

        words = words_of(text)
        hashes: list[int] = []
        weights: list[float] = []
        for word, count in Counter(words).items():
            often = 1 + math.log(count)
            common = COMMON if _FUNCTION_WORD.fullmatch(word) else 1.0
            own, pieces = self._features(word[:LONGEST])
            hashes.append(own)
            weights.append(often * common * WORD)
            hashes.extend(pieces)
            weights.extend([often * common * PIECE / math.sqrt(len(pieces))] * len(pieces))
        for pair, count in Counter(pairwise(words)).items():
            hashes.append(_hash("2 {} {}".format(*pair)))
            weights.append(PAIR * (1 + math.log(count)))
        if not hashes:
            return [0.0] * self.width
        found = np.array(hashes, np.int64)
        signs = np.where(found & 1, 1.0, -1.0)
        vector: NDArray[Any] = np.bincount((found >> 1) % self.width, signs * weights, self.width)
        made: list[float] = (vector / max(float(np.linalg.norm(vector)), 1e-12)).tolist()
        return made

    async def aembed_documents(self, texts: list[str]) -> list[list[float]]:
        """As `embed_documents`; quick enough to be done in place."""
        return self.embed_documents(texts)

    async def aembed_query(self, text: str) -> list[float]:
        """As `embed_query`."""
        return self.embed_query(text)


def words_of(text: str) -> list[str]:
    """The words of a text in lower case, without accents, styled letters as plain ones."""
    if text.isascii():
        return _WORD.findall(text.lower())
    folded = unicodedata.normalize("NFKD", text.encode(errors="replace").decode().casefold())
    return _WORD.findall("".join(c for c in folded if not unicodedata.combining(c)))


def _features(word: str) -> tuple[int, tuple[int, ...]]:
    """A word's hash and its pieces' hashes; `<` and `>` mark where the word begins and ends."""
    marked = f"<{word}>"
    pieces = [marked[i : i + n] for n in PIECES for i in range(len(marked) - n + 1)]
    return _hash(f"1 {word}"), tuple(_hash(f"3 {piece}") for piece in pieces)


def _hash(feature: str) -> int:
    return int.from_bytes(blake2b(feature.encode(), digest_size=7).digest())
