"""Terms, index and ranking against what Lucene does."""

import hashlib
import random
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
    ],
)
def test_text_is_cut_into_terms_by_the_rules_of_unicode(text: str, expected: list[str]) -> None:
    assert analyze(text) == expected


def test_overlong_words_are_cut() -> None:
    assert [len(word) for word in words("x" * 600)] == [255, 255, 90]


@settings(max_examples=200, deadline=None)
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
