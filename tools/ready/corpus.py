"""Full-text search over a corpus on this machine: BM25 by SQLite's FTS5, in one file.

A corpus is built once, from a folder of texts, a JSON Lines file, or any rows (a Hugging Face
dataset, say), and opened read-only by as many sessions and processes as want it. Long texts are cut
into passages at the ends of their paragraphs. A build that is interrupted leaves nothing behind.
"""

from __future__ import annotations

import json
import os
import queue
import re
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from langchain_core.tools import BaseTool, StructuredTool
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from ..fulltext import TOKENIZER, Queries, indexable

SUFFIXES = (".txt", ".md", ".rst")
"""Files of a folder that are read."""
PASSAGE = 1_500
"""Characters of a passage, at most."""
SNIPPET = 40
"""Words of a snippet."""
FORMAT = 1
"""The version of the file's layout."""
NAMED = 20
"""Bad rows that a report names; the others are counted."""
BATCH = 1_000
Rows = Iterable[Mapping[str, Any]]
Source = str | Path | Rows
"""A folder, a `.jsonl` file, or rows with a text each."""


@dataclass(frozen=True, slots=True)
class Passage:
    """A part of a document that was found."""

    id: str
    """The document's id, and after `#` the number of the passage, from 1."""
    title: str
    text: str
    snippet: str
    """The words around what was found, which stands in brackets."""
    score: float
    """BM25; higher is better."""


@dataclass(slots=True)
class Build:
    """What became of a build."""

    path: Path
    documents: int = 0
    passages: int = 0
    skipped: int = 0
    """Rows or files that could not be used."""
    problems: list[str] = field(default_factory=list)
    """What was wrong with the first of them, each with its place."""

    def skip(self, place: str, why: str) -> None:
        self.skipped += 1
        if len(self.problems) < NAMED:
            self.problems.append(f"{place}: {why}")


@dataclass(frozen=True, slots=True)
class _Document:
    id: str
    title: str
    text: str


class Corpus:
    """A corpus, opened read-only. Safe to use from many threads.

    Raises:
        ValueError: the file is missing, or is no corpus of this version.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path).resolve()
        self._idle: queue.LifoQueue[sqlite3.Connection] = queue.LifoQueue()
        self._queries = Queries("passages")
        if not self.path.is_file():
            raise ValueError(f"there is no corpus at {path}: build one with Corpus.build")
        try:
            with self._connection() as db:
                ((version, self.documents, self.passages),) = db.execute(
                    "SELECT format, documents, passages FROM about"
                ).fetchall()
        except (sqlite3.Error, ValueError) as error:
            raise ValueError(f"{path} is not a corpus: {error}") from error
        if version != FORMAT:
            raise ValueError(f"{path} has format {version}, not {FORMAT}: build it again")

    @classmethod
    def build(
        cls,
        path: str | Path,
        source: Source,
        *,
        text: str = "text",
        title: str = "title",
        id: str = "id",
        progress: bool = True,
    ) -> Build:
        """Build a corpus from `source` and write it to `path`, in the place of what was there.

        Args:
            source: a folder (its .txt, .md and .rst files, at any depth), a .jsonl file, or rows.
            text: the column of the text.
            title: the column of the title, if there is one.
            id: the column of the id; rows without one are numbered.
            progress: show how far it is, on stderr.

        Raises:
            ValueError: the source is not there, or no text at all is in it.
        """
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        report = Build(path)
        documents = _documents(source, (text, title, id), report)
        handle, unfinished = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        os.close(handle)
        try:
            with closing(sqlite3.connect(unfinished)) as db, _bar(path, progress) as shown:
                _fill(db, documents, report, shown)
            if not report.documents:
                why = "; ".join(report.problems) or "it is empty"
                raise ValueError(f"there is no text for a corpus in {source!s:.200}: {why}")
            os.replace(unfinished, path)
        except BaseException:
            Path(unfinished).unlink(missing_ok=True)
            raise
        return report

    def search(self, query: str, k: int = 5) -> list[Passage]:
        """The `k` best passages, best first; equals in the order of the corpus. Any text is a
        query, and a passage with any of its words is found."""
        if k < 1:
            return []
        with self._connection() as db:
            expression = self._queries.match(query, db, self.passages)
            if not expression:
                return []
            # The best are chosen by number first: reading every match would take most of the time.
            rows = db.execute(
                "SELECT id, title, text, snippet(passages, 2, '[', ']', '...', ?), -rank "
                "FROM passages WHERE passages MATCH ? AND rowid IN (SELECT rowid FROM passages "
                "WHERE passages MATCH ? ORDER BY rank, rowid LIMIT ?) ORDER BY rank, rowid",
                (SNIPPET, expression, expression, k),
            ).fetchall()
        return [Passage(*row) for row in rows]

    def passage(self, id: str) -> Passage | None:
        """The passage of that id; None when there is none."""
        with self._connection() as db:
            row = db.execute(
                "SELECT passages.id, title, text FROM ids JOIN passages "
                "ON passages.rowid = ids.row WHERE ids.id = ?",
                (indexable(id),),
            ).fetchone()
        return Passage(row[0], row[1], row[2], snippet="", score=0.0) if row else None

    def close(self) -> None:
        """Close the file. Safe to call twice; a later search opens it again."""
        while not self._idle.empty():
            self._idle.get().close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        """One that nobody else uses now."""
        try:
            db = self._idle.get_nowait()
        except queue.Empty:
            uri = f"{self.path.as_uri()}?mode=ro&immutable=1"
            db = sqlite3.connect(uri, uri=True, check_same_thread=False)
        try:
            yield db
        except BaseException:
            db.close()
            raise
        self._idle.put(db)


def corpus_search(corpus: Corpus, *, k: int = 5, name: str = "search") -> BaseTool:
    """A tool that searches `corpus`. Its data are the passages, as mappings.

    Args:
        k: passages that a search gives, at most.
        name: what the tool is called; several corpora need several names.
    """

    def find(query: str) -> tuple[str, list[dict[str, Any]]]:
        """Search the corpus for passages about something.

        Args:
            query: a few words that the passages should hold
        """
        found = corpus.search(query, k)
        lines = [f"[{one.id}] {one.title}\n{one.text}".replace("] \n", "]\n") for one in found]
        text = "\n\n".join(lines) or "Nothing was found. Try other words."
        return text, [asdict(one) for one in found]

    return StructuredTool.from_function(
        find, name=name, parse_docstring=True, response_format="content_and_artifact"
    )


def _documents(source: Source, columns: tuple[str, str, str], report: Build) -> Iterator[_Document]:
    if not isinstance(source, (str, Path)):
        return _from_rows(((f"row {n}", row) for n, row in enumerate(source, 1)), columns, report)
    path = Path(source)
    if path.is_dir():
        return _from_folder(path, report)
    if path.is_file() and path.suffix == ".jsonl":
        return _from_rows(_lines(path, report), columns, report)
    raise ValueError(f"{source} is neither a folder nor a .jsonl file")


def _from_folder(folder: Path, report: Build) -> Iterator[_Document]:
    for file in sorted(f for f in folder.rglob("*") if f.suffix.lower() in SUFFIXES):
        name = file.relative_to(folder).as_posix()
        try:
            text = file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            report.skip(name, str(error))
            continue
        if not text.strip():
            report.skip(name, "it is empty")
            continue
        heading = re.match(r"\s*#+ +(.+)", text)
        yield _Document(name, heading[1].strip() if heading else file.stem, text)


def _lines(path: Path, report: Build) -> Iterator[tuple[str, Any]]:
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                yield f"line {number}", json.loads(line)
            except (ValueError, RecursionError) as error:
                report.skip(f"line {number}", f"not JSON: {error}")


def _from_rows(
    rows: Iterable[tuple[str, Any]], columns: tuple[str, str, str], report: Build
) -> Iterator[_Document]:
    text_in, title_in, id_in = columns
    for number, (place, row) in enumerate(rows, 1):
        if not isinstance(row, Mapping):
            report.skip(place, f"not a mapping but {type(row).__name__}")
            continue
        text = row.get(text_in)
        if not isinstance(text, str) or not text.strip():
            held = ", ".join(map(str, row)) if text_in not in row else f"{text!r:.40}"
            report.skip(place, f"no text in {text_in!r} (it has {held})")
            continue
        known, title = row.get(id_in), row.get(title_in)
        yield _Document(
            str(number if known is None else known), str(title) if title is not None else "", text
        )


def _fill(
    db: sqlite3.Connection, documents: Iterator[_Document], report: Build, bar: Progress
) -> None:
    db.execute("PRAGMA journal_mode = OFF")
    db.execute("PRAGMA synchronous = OFF")
    db.execute(
        "CREATE VIRTUAL TABLE passages USING fts5"
        f"(id UNINDEXED, title, text, tokenize = '{TOKENIZER}')"
    )
    db.execute("INSERT INTO passages(passages, rank) VALUES ('rank', 'bm25(0, 2, 1)')")
    db.execute("CREATE TABLE ids (id TEXT PRIMARY KEY, row INTEGER) WITHOUT ROWID")
    db.execute("CREATE TABLE about (format INTEGER, documents INTEGER, passages INTEGER)")
    seen = bar.add_task("", done=0)
    for document in documents:
        name = indexable(document.id)
        if db.execute("SELECT 1 FROM ids WHERE id = ?", (f"{name}#1",)).fetchone():
            report.skip(f"id {name:.80}", "another document has the same id")
            continue
        for number, text in enumerate(passages(indexable(document.text)), 1):
            one = f"{name}#{number}"
            row = (one, indexable(document.title), text)
            cursor = db.execute("INSERT INTO passages VALUES (?, ?, ?)", row)
            db.execute("INSERT INTO ids VALUES (?, ?)", (one, cursor.lastrowid))
            report.passages += 1
        report.documents += 1
        if report.documents % BATCH == 0:
            bar.update(seen, done=report.documents)
    db.execute("INSERT INTO about VALUES (?, ?, ?)", (FORMAT, report.documents, report.passages))
    db.execute("INSERT INTO passages(passages) VALUES ('optimize')")
    db.commit()


def passages(text: str) -> Iterator[str]:
    """`text` in parts of `PASSAGE` characters at most, cut between paragraphs where it can be, else
    between lines or words."""
    held = ""
    for paragraph in re.split(r"\n\s*\n", text):
        for part in _parts(paragraph.strip()):
            if held and len(held) + len(part) + 2 > PASSAGE:
                yield held
                held = ""
            held = f"{held}\n\n{part}" if held else part
    if held:
        yield held


def _parts(paragraph: str) -> Iterator[str]:
    while len(paragraph) > PASSAGE:
        cut = max(paragraph.rfind("\n", 0, PASSAGE), paragraph.rfind(" ", 0, PASSAGE))
        cut = cut if cut > 0 else PASSAGE
        yield paragraph[:cut].rstrip()
        paragraph = paragraph[cut:].lstrip()
    if paragraph:
        yield paragraph


def _bar(path: Path, shown: bool) -> Progress:
    return Progress(
        SpinnerColumn(),
        TextColumn(f"building {path.name}", markup=False),
        TextColumn("{task.fields[done]:,} documents"),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        disable=not shown,
    )
