from __future__ import annotations

import json
import multiprocessing
import os
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symposia.tools import ToolRegistry
from symposia.tools.ready import Corpus, corpus_search
from symposia.tools.ready.corpus import PASSAGE, passages

ROWS = [
    {"id": "ulm", "title": "Ulm", "text": "Ulm lies on the Danube. Its minster is tall."},
    {"id": "bonn", "title": "Bonn", "text": "Bonn lies on the Rhine. Beethoven was born here."},
    {"id": "köln", "title": "Köln", "text": "Köln lies on the Rhine as well; its dome is tall."},
]


@pytest.fixture
def corpus(tmp_path: Path) -> Iterator[Corpus]:
    Corpus.build(tmp_path / "towns.corpus", ROWS, progress=False)
    with Corpus(tmp_path / "towns.corpus") as opened:
        yield opened


def test_passages_are_found_best_first_with_snippets(corpus: Corpus) -> None:
    assert (corpus.documents, corpus.passages) == (3, 3)
    best, *others = corpus.search("Who was born on the Rhine?")
    assert (best.id, best.title) == ("bonn#1", "Bonn")
    assert "[Rhine]" in best.snippet and "[born]" in best.snippet
    assert best.score > others[0].score > 0
    assert corpus.search("koln")[0].id == "köln#1"
    assert corpus.search("xyz") == [] == corpus.search("", 3) == corpus.search("ulm", 0)
    found = corpus.passage("ulm#1")
    assert found and found.text == ROWS[0]["text"]
    assert corpus.passage("ulm#2") is None


async def test_the_tool_gives_passages_as_text_and_as_data(corpus: Corpus) -> None:
    registry = ToolRegistry([corpus_search(corpus, k=1, name="towns")])
    result = await registry.call({"name": "towns", "args": {"query": "Beethoven"}, "id": "1"})
    assert result.content == f"[bonn#1] Bonn\n{ROWS[1]['text']}"
    assert result.data[0]["id"] == "bonn#1" and result.data[0]["score"] > 0
    nothing = await registry.call({"name": "towns", "args": {"query": "zebra"}, "id": "2"})
    assert (nothing.content, nothing.data) == ("Nothing was found. Try other words.", [])


def test_a_folder_is_read_at_any_depth(tmp_path: Path) -> None:
    folder = tmp_path / "texts"
    (folder / "deep").mkdir(parents=True)
    (folder / "a.md").write_text("# All about ants\n\nThey are small.")
    (folder / "deep" / "b.txt").write_text("Bees make honey.")
    (folder / "c.txt").write_bytes(b"\xff\xfe broken")
    (folder / "d.txt").write_text("  \n")
    (folder / "e.pdf").write_text("not read")
    built = Corpus.build(tmp_path / "c", folder, progress=False)
    assert (built.documents, built.skipped) == (2, 2)
    assert [problem.split(":")[0] for problem in built.problems] == ["c.txt", "d.txt"]
    with Corpus(tmp_path / "c") as corpus:
        (ants,) = corpus.search("ants")
        assert (ants.id, ants.title) == ("a.md#1", "All about ants")
        assert corpus.search("honey")[0].id == "deep/b.txt#1"


def test_bad_lines_are_named_skipped_and_counted(tmp_path: Path) -> None:
    lines = [
        json.dumps({"body": "good one", "nr": 7}),
        "{broken",
        json.dumps(["no", "mapping"]),
        "",
        json.dumps({"text": "wrong column"}),
        json.dumps({"body": None}),
        json.dumps({"body": "the same", "nr": 7}),
        json.dumps({"body": "no id"}),
        "[" * 100_000,
    ]
    file = tmp_path / "rows.jsonl"
    file.write_bytes("\n".join(lines).encode() + b"\n\xff\xfe\n")
    built = Corpus.build(tmp_path / "c", file, text="body", id="nr", progress=False)
    assert (built.documents, built.skipped) == (2, 7)
    assert built.problems[0].startswith("line 2: not JSON")
    assert built.problems[1] == "line 3: not a mapping but list"
    assert built.problems[2] == "line 5: no text in 'body' (it has text)"
    assert built.problems[4] == "id 7: another document has the same id"


def test_a_hugging_face_dataset_is_read(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    rows = datasets.Dataset.from_list(ROWS)
    assert Corpus.build(tmp_path / "c", rows, progress=False).documents == 3
    with Corpus(tmp_path / "c") as corpus:
        assert corpus.search("minster")[0].id == "ulm#1"


def test_an_interrupted_build_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "c"
    Corpus.build(path, ROWS, progress=False)

    def broken() -> Iterator[dict[str, str]]:
        yield {"text": "new"}
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Corpus.build(path, broken(), progress=False)
    assert os.listdir(tmp_path) == ["c"]
    with Corpus(path) as corpus:
        assert corpus.documents == 3
    Corpus.build(path, [{"text": "new"}], progress=False)
    with Corpus(path) as corpus:
        assert [p.id for p in corpus.search("new")] == ["1#1"]


def test_what_is_no_corpus_or_holds_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("hello")
    sqlite3.connect(tmp_path / "other.db").execute("CREATE TABLE t (x)").connection.close()
    for wrong in ("text", "other.db", "."):
        with pytest.raises(ValueError, match=r"is not a corpus|there is no corpus"):
            Corpus(tmp_path / wrong)
    with pytest.raises(ValueError, match=r"there is no corpus at .*: build one"):
        Corpus(tmp_path / "none")
    with pytest.raises(ValueError, match=r"neither a folder nor a \.jsonl file"):
        Corpus.build(tmp_path / "c", tmp_path / "text", progress=False)
    with pytest.raises(ValueError, match=r"no text for a corpus .*row 1: no text in 'text'"):
        Corpus.build(tmp_path / "c", [{"body": "x"}], progress=False)
    assert not (tmp_path / "c").exists()


def test_a_corpus_is_never_written_to(corpus: Corpus) -> None:
    before = corpus.path.read_bytes()
    with corpus._connection() as db, pytest.raises(sqlite3.OperationalError, match=r"readonly"):
        db.execute("INSERT INTO about VALUES (1, 1, 1)")
    corpus.search("Rhine")
    assert corpus.path.read_bytes() == before
    assert os.listdir(corpus.path.parent) == [corpus.path.name]


def _search(path: str) -> str:
    with Corpus(path) as corpus:
        return corpus.search("Beethoven")[0].id


def test_many_threads_and_processes_share_a_corpus(corpus: Corpus) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: corpus.search("Beethoven")[0].id, range(64)))
    assert found == ["bonn#1"] * 64
    with multiprocessing.get_context("spawn").Pool(2) as processes:
        assert processes.map(_search, [str(corpus.path)] * 2) == ["bonn#1"] * 2


@given(st.text(max_size=4_000) | st.lists(st.text(max_size=900)).map("\n\n".join))
def test_passages_are_short_and_lose_no_word(text: str) -> None:
    parts = list(passages(text))
    assert all(0 < len(part) <= PASSAGE for part in parts)
    assert "".join("".join(parts).split()) == "".join(text.split())


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Corpus]:
    path = tmp_path_factory.mktemp("shared") / "c"
    Corpus.build(path, ROWS, progress=False)
    with Corpus(path) as opened:
        yield opened


@given(query=st.text(max_size=100))
def test_any_text_is_a_query(shared: Corpus, query: str) -> None:
    assert len(shared.search(query)) <= 3
