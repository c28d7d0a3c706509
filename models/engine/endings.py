"""How a text that follows a grammar can be brought to an end soon.

No library tells the shortest ending, so one is searched for, byte by byte, in a parser of the same
grammar. First straight ahead, always with the byte that most likely closes something; where that
leads nowhere (`(ab)*c` could go on for ever), among all bytes that make a difference: after few
choices first, and where something may follow that could not before. What is found is an ending; it
need not be the shortest.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import count

from llguidance import LLMatcher, LLTokenizer, TokenizerWrapper

SOON = 60
"""Choices after which going straight ahead gives way to a search."""
LATE = 1000
"""Choices after which nothing is left to try."""
STEPS = 300
"""Places in the grammar that a search looks at."""
END = 256
"""The end token of the byte vocabulary."""
CLOSING = b"}]),:"
"""Bytes that lead to the end of a value soonest, outside free text; then come digits, a quote."""
DIGITS = b"9876543210"
"""They take turns in coming first, or `multipleOf` would never be met."""
FREE = frozenset(b"abcdefghijklmnopqrstuvwxyz ")
"""Where all of these may come, a text is under way, and a quote closes it."""


class ByteVocabulary:
    """Every byte is a token; this is what llguidance wants to see of a tokenizer."""

    eos_token_id = END
    bos_token_id = None
    tokens: Sequence[bytes] = (*(bytes([i]) for i in range(END)), b"<end>")
    special_token_ids = (END,)

    def __call__(self, text: bytes) -> list[int]:
        return list(text)


def byte_tokenizer() -> LLTokenizer:
    """The tokenizer of the parsers in which endings are searched."""
    return LLTokenizer(TokenizerWrapper(ByteVocabulary()))


def ends_with(parser: LLMatcher, text: bytes) -> bool:
    """Whether the grammar may end after `text`."""
    return bool(parser.validate_tokens([*text, END]) == len(text) + 1)


def find_ending(parser: LLMatcher, spelt: bytes = b"") -> bytes | None:
    """A short text after which the grammar may end, or None when none is found.

    Args:
        parser: of the byte vocabulary, at the point from which to go on; it is not changed.
        spelt: bytes that the grammar may spell out, such as a pattern's own.
    """
    letters = frozenset(spelt)
    ending = _straight(parser, letters, SOON)
    if ending is None:
        ending = _search(parser, letters)
    return _straight(parser, letters, LATE) if ending is None else ending


def _straight(parser: LLMatcher, spelt: frozenset[int], choices: int) -> bytes | None:
    parser, text = parser.deep_copy(), b""
    for _ in range(choices):
        step = parser.compute_ff_bytes()
        parser.consume_tokens(list(step))
        text += step
        if parser.is_accepting():
            return text
        step = _likeliest(parser, list(_choices(parser, spelt, len(text))))
        parser.consume_tokens(list(step))
        text += step
    return None


def _likeliest(parser: LLMatcher, steps: list[bytes]) -> bytes:
    """The first step that closes something or lets the next do so, or just the first."""
    for step in steps:
        closed = step in CLOSING
        if closed or any(parser.validate_tokens([*step, c]) == 2 for c in (*CLOSING, END)):
            return step
    return steps[0] if steps else b""


def _search(parser: LLMatcher, spelt: frozenset[int]) -> bytes | None:
    order = count()
    alike: Counter[bytes] = Counter()
    found = [(0, 0, next(order), b"", parser.deep_copy())]
    for _ in range(STEPS):
        if not found:
            return None
        _, choices, _, text, parser = heapq.heappop(found)
        if parser.is_accepting():
            return text
        for step, after in _different(parser, spelt, len(text)):
            mask = after.compute_bitmask()
            alike[mask] += 1
            cost = choices + 1 + alike[mask]
            heapq.heappush(found, (cost, choices + 1, next(order), text + step, after))
    return None


def _different(
    parser: LLMatcher, spelt: frozenset[int], turn: int
) -> Iterator[tuple[bytes, LLMatcher]]:
    """Steps that may lead on differently: of bytes not `spelt` after which the same may come, one.

    What must follow a byte belongs to its step.
    """
    seen = set()
    for byte in _choices(parser, spelt, turn):
        after = parser.deep_copy()
        after.consume_tokens(list(byte))
        mask = after.compute_bitmask()
        if byte[0] in spelt or mask not in seen:
            seen.add(mask)
            forced = after.compute_ff_bytes()
            after.consume_tokens(list(forced))
            yield byte + forced, after


def _choices(parser: LLMatcher, spelt: frozenset[int], turn: int) -> Iterator[bytes]:
    """The bytes that may come, likely ends first; beyond ASCII only what is spelt, or must be."""
    mask = int.from_bytes(parser.compute_bitmask(), "little")
    allowed = [b for b in range(END) if mask >> b & 1]
    digits = DIGITS[turn % 10 :] + DIGITS[: turn % 10]
    first = b'"' if set(allowed) >= FREE else CLOSING + digits + b'"'
    likely = [b for b in first if b in allowed]
    others = [b for b in allowed if (b < 128 or b in spelt) and b not in likely]
    for byte in likely + others or allowed:
        yield bytes([byte])
