"""BM25 over texts that come and go."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symposia.memory import words
from symposia.memory.words import WordIndex

WORDS = ["mug", "mugs", "cabinet", "fridge", "the", "Äpfel"]
STEMS = {"mugs": "mug", "Äpfel": "apfel"}
TEXTS = st.lists(st.sampled_from(WORDS), max_size=6)
STEPS = st.lists(
    st.tuples(st.sampled_from([f"k{i}" for i in range(9)]), st.one_of(st.none(), TEXTS)),
    max_size=50,
)


def bm25(texts: dict[str, list[str]], query: list[str]) -> dict[str, float]:
    """The formula, text by text (Robertson and Zaragoza, 2009, equation 3.15)."""
    stems = {key: [STEMS.get(w, w) for w in text] for key, text in texts.items()}
    average = sum(map(len, stems.values())) / max(1, len(stems))
    scores = dict.fromkeys(texts, 0.0)
    for stem in {STEMS.get(word, word) for word in query}:
        holding = sum(stem in text for text in stems.values())
        weight = math.log(1 + (len(texts) - holding + 0.5) / (holding + 0.5))
        for key, text in stems.items():
            if stem in text:
                count = text.count(stem)
                norm = 1.2 * (1 - 0.75 + 0.75 * len(text) / average)
                scores[key] += weight * count / (count + norm)
    return {key: score for key, score in scores.items() if score > 0}


@given(STEPS, TEXTS, st.integers(0, 12))
@settings(max_examples=200)
def test_texts_are_ranked_by_bm25_after_any_changes(steps, query, k) -> None:
    previous, words.CAPACITY = words.CAPACITY, 4  # so that tidying happens
    try:
        index = WordIndex()
        held: dict[str, list[str]] = {}
        for key, text in steps:
            if text is None:
                index.remove(key)
                held.pop(key, None)
            else:
                index.add(key, " ".join(text))
                held[key] = text
        found = index.search(" ".join(query), k)
    finally:
        words.CAPACITY = previous
    scores = bm25(held, query)
    best = sorted(scores.values(), reverse=True)[:k]
    assert len(index) == len(held)
    assert [scores[key] for key in found] == pytest.approx(best, rel=1e-4)
    assert len(set(found)) == len(found)


def test_equals_come_in_the_order_of_adding() -> None:
    index = WordIndex()
    for key in ("c", "a", "b"):
        index.add(key, "the same words")
    assert index.search("same", 2) == ["c", "a"]


def test_an_index_tidies_up_after_itself() -> None:
    index = WordIndex()
    for i in range(20_000):
        index.add("one", f"text number {i}")
    assert index.search("19999", 5) == ["one"]
    assert index.search("19998", 5) == []
    assert len(index._texts) <= 2 * words.CAPACITY
