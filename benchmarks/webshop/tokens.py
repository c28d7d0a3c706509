"""From text to search terms, as Lucene's English analyzer does it for Anserini.

Words are split by the rules of Unicode annex 29, lose a possessive `'s`, and are stemmed; the 33
stop words are left out. Han and hiragana characters and emoji are terms of their own.
"""

from __future__ import annotations

import re
from functools import lru_cache

from .stemmer import stem

STOP_WORDS = frozenset(
    """
    a an and are as at be but by for if in into is it no not of on or such that the their then there
    these they this to was will with
    """.split()  # noqa: SIM905
)
"""Lucene's `EnglishAnalyzer.ENGLISH_STOP_WORDS_SET`."""
LONGEST = 255
"""Characters in a term, at most: longer words are cut into pieces of this length."""

_HAN = (
    r"\u2e80-\u2fd5\u3007\u3021-\u3029\u3038-\u303a\u3400-\u4dbf\u4e00-\u9fff"
    r"\uf900-\ufaff\U00020000-\U0003ffff"
)
_HIRAGANA = r"\u3041-\u3096\u309d-\u309f"
_KATAKANA = (
    r"\u3031-\u3035\u309b\u309c\u30a0-\u30fa\u30fc-\u30ff\u31f0-\u31ff\u32d0-\u32fe\u3300-\u3357"
    r"\uff66-\uff9d"
)
_NOT_WORDS = (
    r"\u00b2\u00b3\u00b9\u00bc-\u00be\u2070\u2074-\u2079\u2080-\u2089\u2150-\u215f\u2189\u2460-\u249b"
    r"\u24ea-\u24ff\u2776-\u2793\u3192-\u3195\u3220-\u3229\u3248-\u324f\u3251-\u325f\u3280-\u3289"
    r"\u3006\u31bb-\u31bf\u32b1-\u32bf\uff9e\uff9f"
)
"""What Python takes for letters or digits (superscripts, fractions, circled numbers, sound marks)
and the word rules of Unicode, in Lucene's version, do not."""
_LETTER = rf"(?:[^\W\d_{_NOT_WORDS}{_HAN}{_HIRAGANA}{_KATAKANA}]|[\u24b6-\u24e9])"
_MARK = (
    r"[\u00ad\u0300-\u036f\u0483-\u0489\u0591-\u05bd\u064b-\u065f\u200c-\u200f\u202a-\u202e"
    r"\u2060-\u2064\u2066-\u206f\u20d0-\u20f0\u302a-\u302f\u3099\u309a\U0001f3fb-\U0001f3ff"
    r"\ufe00-\ufe0f\ufe20-\ufe2f\ufeff\uff9e\uff9f]"
)
_BETWEEN_LETTERS = r"['.:\u00b7\u0387\u2018\u2019\u2024\u2027\ufe13\ufe52\ufe55\uff07\uff0e\uff1a]"
_BETWEEN_DIGITS = (
    r"['.,;\u037e\u0589\u060c\u060d\u066c\u2018\u2019\u2024\u2044\ufe10\ufe14\ufe50\ufe52\ufe54"
    r"\uff07\uff0c\uff0e\uff1b]"
)
_JOINER = r"[_\u203f\u2040\u2054\u202f\ufe33\ufe34\ufe4d-\ufe4f\uff3f]"
_EMOJI = (
    r"[\u00a9\u00ae\u203c\u2049\u2122\u2139\u2194-\u2199\u21a9\u21aa\u231a\u231b\u2328\u2388\u23cf"
    r"\u23e9-\u23f3\u23f8-\u23fa\u25aa\u25ab\u25b6\u25c0\u25fb-\u25fe\u2600-\u2605\u2607-\u2612"
    r"\u2614-\u2685\u2690-\u2705\u2708-\u2712\u2714\u2716\u271d\u2721\u2728\u2733\u2734\u2744\u2747"
    r"\u274c\u274e\u2753-\u2755\u2757\u2763-\u2767\u2795-\u2797\u27a1\u27b0\u27bf\u2934\u2935"
    r"\u2b05-\u2b07\u2b1b\u2b1c\u2b50\u2b55\u3030\u303d\u3297\u3299\U0001f000-\U0001f0ff"
    r"\U0001f10d-\U0001f10f\U0001f12f\U0001f16c-\U0001f171\U0001f17e\U0001f17f\U0001f18e"
    r"\U0001f191-\U0001f19a\U0001f1ad-\U0001f1e5\U0001f201-\U0001f20f\U0001f21a\U0001f22f"
    r"\U0001f232-\U0001f23a\U0001f23c-\U0001f23f\U0001f249-\U0001f53d"
    r"\U0001f546-\U0001f64f\U0001f680-\U0001f6ff\U0001f774-\U0001f77f\U0001f7d5-\U0001f7ff"
    r"\U0001f90c-\U0001f93a\U0001f93c-\U0001f945\U0001f947-\U0001fffd]"
)
"""Characters with Unicode's property Extended_Pictographic."""
_RUN = (
    rf"(?:(?:{_LETTER}|\d)(?:{_LETTER}|\d|{_MARK}"
    rf"|(?:(?<={_LETTER})|(?<={_MARK})){_BETWEEN_LETTERS}{_MARK}*(?={_LETTER})"
    rf"|(?:(?<=\d)|(?<={_MARK})){_BETWEEN_DIGITS}{_MARK}*(?=\d))*"
    rf"|[{_KATAKANA}](?:[{_KATAKANA}]|{_MARK})*)"
)
_WORD = re.compile(
    rf"(?:{_JOINER}{_MARK}*)*{_RUN}(?:{_JOINER}{_MARK}*{_RUN}?)*"
    rf"|[{_HAN}{_HIRAGANA}]{_MARK}*"
    rf"|[\U0001f1e6-\U0001f1ff]{{2}}{_MARK}*"
    rf"|{_EMOJI}{_MARK}*(?:(?<=\u200d){_EMOJI}{_MARK}*)*"
)


def analyze(text: str) -> list[str]:
    """The search terms of a text, in order and with repeats."""
    found = (_term(word) for word in words(text))
    return [term for term in found if term is not None]


def words(text: str) -> list[str]:
    """The words of a text, lower-cased, before stop words go and stems are cut."""
    split = _WORD.findall(text.lower())
    if all(len(word) <= LONGEST for word in split):
        return split
    return [word[at : at + LONGEST] for word in split for at in range(0, len(word), LONGEST)]


@lru_cache(maxsize=1 << 20)
def _term(word: str) -> str | None:
    """The term of one word; None for a stop word."""
    if len(word) > 2 and word[-1] == "s" and word[-2] in "'\u2019\uff07":
        word = word[:-2]
    return None if word in STOP_WORDS else stem(word)
