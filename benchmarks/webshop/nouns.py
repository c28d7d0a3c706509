"""The nouns of a product title.

The reward is defined with spaCy's small English model. Where that is not installed, `guess_nouns`
stands in: product titles are strings of names and nouns in title case, which the model mostly tags
as proper nouns, so every word counts that is not a function word, a number or, in lower case, of an
adjective's, adverb's or verb's shape. The two differ, so rewards with the guess are approximate.
"""

from __future__ import annotations

import re
from functools import lru_cache
from threading import Lock
from typing import Any

MODEL = "en_core_web_sm"
_FUNCTION_WORDS = frozenset(
    """
    a about above after all also an and any are as at be been before below between both but by
    can could do does down each either every few for from had has have he her his how i if in
    into is it its just many may me more most much must my no nor not of off on one only or
    other our out over own per plus she should so some such than that the their them then there
    these they this those through to too under until up us very via was we were what when where
    which while who will with within without you your
    """.split()  # noqa: SIM905
)
_ADJECTIVES = frozenset(
    """
    adjustable big black blue bright casual cheap classic clean clear cool cute dark deep dry
    easy extra fast fine firm fit flat free fresh full good gray great green grey handmade hard
    healthy heavy high hot large lightweight little long loose low mini modern natural new nice
    old organic perfect pink portable premium pure quick red rich round safe sexy sharp short
    simple slim small smart smooth soft solid stretchy strong stylish sweet thick thin tight
    tiny unscented vintage warm waterproof wet white wide wild yellow young
    """.split()  # noqa: SIM905
)
_OTHER_ENDINGS = ("able", "ible", "ful", "less", "ous", "ive", "ly", "ed")
_ONE_AT_A_TIME = Lock()
"""spaCy does not promise that threads can share a model."""
_TOKEN = re.compile(r"[^\W\d_]+(?:'s\b)?|\d[\w.]*")


@lru_cache(maxsize=65536)
def tagged_nouns(title: str) -> tuple[str, ...]:
    """The nouns and names of a title by spaCy's model, lower-cased, with repeats.

    Raises:
        ImportError: spaCy or its model is missing; the message says how to install it.
    """
    kinds = ("NOUN", "PROPN")
    with _ONE_AT_A_TIME:
        return tuple(token.text.lower() for token in _model()(title) if token.pos_ in kinds)


@lru_cache(maxsize=65536)
def guess_nouns(title: str) -> tuple[str, ...]:
    """The nouns and names of a title by the shape of its words, lower-cased, with repeats."""
    return tuple(word.lower() for word in _TOKEN.findall(title) if _looks_like_a_noun(word))


def has_model() -> bool:
    """Whether spaCy's model is installed. Cheap: nothing is loaded."""
    from importlib.util import find_spec

    return find_spec("spacy") is not None and find_spec(MODEL) is not None


def require_model() -> None:
    """Make sure that spaCy's model is installed.

    Raises:
        ImportError: it is not; the message says how to install it.
    """
    if not has_model():
        raise ImportError(
            'official rewards need spaCy and its model: pip install "symposia[webshop]", then '
            f"python -m spacy download {MODEL}; or choose rewards=approximate"
        )


@lru_cache(maxsize=1)
def _model() -> Any:
    require_model()
    import spacy

    return spacy.load(MODEL)


def _looks_like_a_noun(word: str) -> bool:
    lower = word.lower()
    if not word[0].isalpha() or lower in _FUNCTION_WORDS:
        return False
    if word[0].isupper():
        return True
    return lower not in _ADJECTIVES and not lower.endswith(_OTHER_ENDINGS)
