"""Terms, index and ranking against what Lucene does."""

import hashlib
import json
import random
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symposia.benchmarks.webshop import Catalogue, GeneratedShop, WebShop, build_catalogue
from symposia.benchmarks.webshop import search as module
from symposia.benchmarks.webshop.search import LENGTHS, Index, IndexWriter
from symposia.benchmarks.webshop.stemmer import stem
from symposia.benchmarks.webshop.tokens import analyze, words

LUCENE_NORMS = "64e1c7964cbc82838b012b2f5dccc91334d90abacbfaa381af1e27e1853fef52"
"""SHA-256 of the length bytes in Lucene's own published index of the 1,000 products."""
LUCENE_TERMS = "02f68a18f7cd47bcdf0df72059f584d13d1a33312aa4bda68e5f76beba456044"
"""SHA-256 of the terms of that index, in order, with how many texts have each and how often."""
LUCENE_HITS = "2f8a521d78e9a0a8ece7cf9ae56d23768f8d3298efaa43af5f6cefc70baf148e"
"""SHA-256 of what Lucene (Anserini 0.22.1) finds for `queries` in that index, in order."""


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        # the examples of Porter's paper
        ("caresses", "caress"),
        ("ponies", "poni"),
        ("ties", "ti"),
        ("cats", "cat"),
        ("feed", "feed"),
        ("agreed", "agre"),
        ("plastered", "plaster"),
        ("bled", "bled"),
        ("motoring", "motor"),
        ("sing", "sing"),
        ("conflated", "conflat"),
        ("troubled", "troubl"),
        ("sized", "size"),
        ("hopping", "hop"),
        ("falling", "fall"),
        ("hissing", "hiss"),
        ("fizzed", "fizz"),
        ("failing", "fail"),
        ("filing", "file"),
        ("happy", "happi"),
        ("sky", "sky"),
        ("relational", "relat"),
        ("conditional", "condit"),
        ("digitizer", "digit"),
        ("operator", "oper"),
        ("sensitiviti", "sensit"),
        ("triplicate", "triplic"),
        ("electrical", "electr"),
        ("hopeful", "hope"),
        ("goodness", "good"),
        ("revival", "reviv"),
        ("adjustable", "adjust"),
        ("replacement", "replac"),
        ("adoption", "adopt"),
        ("effective", "effect"),
        ("probate", "probat"),
        ("rate", "rate"),
        ("cease", "ceas"),
        ("controll", "control"),
        ("roll", "roll"),
        # its author's amendments, and short words
        ("possibly", "possibl"),
        ("archaeology", "archaeolog"),
        ("is", "is"),
    ],
)
def test_words_are_stemmed_as_by_porter(word: str, expected: str) -> None:
    assert stem(word) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The Women's shoes", ["women", "shoe"]),
        ("can't stop", ["can't", "stop"]),
        ("3.5mm 1,000 a.b 3.x x_1", ["3.5mm", "1,000", "a.b", "3", "x", "x_1"]),
        ("size:red wi-fi", ["size:r", "wi", "fi"]),
        ("caf\u00e9 ma\u00f1ana", ["caf\u00e9", "ma\u00f1ana"]),
        ("\u6f22\u5b57\u304b \u30ab\u30bf", ["\u6f22", "\u5b57", "\u304b", "\u30ab\u30bf"]),
        ("\u2764\ufe0f \u2605\u2605 \u2606", ["\u2764\ufe0f", "\u2605", "\u2605"]),
        ("10\u00b2 \u00bd", ["10"]),
        ("_ - ' \"", []),
        ("(\uff65\uff9f\u0434\uff9f)", ["\u0434\uff9f"]),
        ("e\u0301a's_\u30a2 \u6f22\u3099", ["e\u0301a's_\u30a2", "\u6f22\u3099"]),
        ("\u2b06\u0366 \U0001f44b\U0001f3fd", ["\u2b06\u0366", "\U0001f44b\U0001f3fd"]),
    ],
)
def test_text_is_cut_into_terms_by_the_rules_of_unicode(text: str, expected: list[str]) -> None:
    assert analyze(text) == expected


def test_overlong_words_are_cut() -> None:
    assert [len(word) for word in words("x" * 600)] == [255, 255, 90]


@settings(max_examples=200)
@given(st.text(max_size=300))
def test_any_text_has_terms(text: str) -> None:
    assert all(analyze(text))


def test_lengths_are_rounded_as_by_lucene() -> None:
    assert LENGTHS[:40] == list(range(40))
    assert LENGTHS[40:50] == [40, 42, 44, 46, 48, 50, 52, 54, 56, 60]
    assert sorted(set(LENGTHS)) == LENGTHS


def test_the_lengths_of_the_official_products_are_those_of_the_published_index(
    official: Path,
) -> None:
    folder = WebShop(data=official).catalogue.folder
    import numpy as np

    assert hashlib.sha256(np.load(folder / "norms.npy").tobytes()).hexdigest() == LUCENE_NORMS


def terms(folder: Path) -> Iterator[tuple[str, int, int]]:
    """The terms of an index, with how many texts have each and how often."""
    import numpy as np

    names = ("words", "word_starts", "starts", "counts")
    words, ends, starts, counts = (np.load(folder / f"{name}.npy") for name in names)
    for word, postings in zip(pairwise(ends), pairwise(starts)):
        held = counts[slice(*postings)]
        yield bytes(words[slice(*word)]).decode(), len(held), int(held.sum())


def test_the_terms_of_the_official_products_are_those_of_the_published_index(
    official: Path,
) -> None:
    found = terms(WebShop(data=official).catalogue.folder)
    assert hashlib.sha256(json.dumps(list(found)).encode()).hexdigest() == LUCENE_TERMS


def queries(catalogue: Catalogue) -> Iterator[str]:
    rng = random.Random(5)
    for _ in range(500):
        product = catalogue.product(rng.randrange(len(catalogue)))
        words = " ".join(rng.choices(product.contents.split(), k=rng.randint(1, 12)))
        yield rng.choice([product.title, product.query, words, product.description[:200]]).lower()


def test_the_official_products_are_ranked_as_by_lucene(official: Path) -> None:
    catalogue = WebShop(data=official).catalogue
    found = [
        [catalogue.product(number).asin for number in catalogue.search(query)]
        for query in queries(catalogue)
    ]
    assert hashlib.sha256(json.dumps(found).encode()).hexdigest() == LUCENE_HITS


def index_of(texts: list[str], folder: Path, names: list[str] | None = None) -> Index:
    writer = IndexWriter(folder)
    for text in texts:
        writer.add(text)
    writer.finish(names or [str(number) for number in range(len(texts))])
    return Index(folder)


def test_scores_follow_the_formula(tmp_path: Path) -> None:
    texts = ["red shoe", "red red shoe box box", "blue hat", "shoe"]
    index = index_of(texts, tmp_path)
    assert index.search("red shoes") == [1, 0, 3]
    assert index.search("hat") == [2]
    assert index.search("hat red red red") == [1, 0, 2]
    assert index.search("nothing here") == []
    assert index.search("") == []


def test_equal_scores_rank_by_name(tmp_path: Path) -> None:
    index = index_of(["red"] * 4, tmp_path, ["D", "B", "A", "C"])
    assert index.search("red") == [2, 1, 3, 0]
    assert index.search("red", hits=2) == [2, 1]


def test_an_empty_index_finds_nothing(tmp_path: Path) -> None:
    assert index_of([], tmp_path).search("red") == []


def test_an_index_built_in_runs_is_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = random.Random(0)
    texts = [
        " ".join(rng.choices(["red", "blue", "shoe", "hat", "box", "a9"], k=5)) for _ in range(60)
    ]
    folders = [tmp_path / "whole", tmp_path / "runs"]
    for folder, most in zip(folders, (10**6, 7)):
        folder.mkdir()
        monkeypatch.setattr(module, "_SPILL", most)
        index_of(texts, folder)
    files = [{file.name: file.read_bytes() for file in folder.iterdir()} for folder in folders]
    assert files[0] == files[1]


def test_a_catalogue_finds_each_product_by_its_title(cache: Path) -> None:
    catalogue = Catalogue(build_catalogue(GeneratedShop(120, seed=3), cache / "titles"))
    first = [catalogue.search(catalogue.product(n).title)[0] for n in range(len(catalogue))]
    assert sum(n == found for n, found in enumerate(first)) > 110
