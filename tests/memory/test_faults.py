"""Kills, full disks, writers at odds, embeddings gone wrong, hostile texts."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from langchain_core.embeddings import Embeddings
from langgraph.store.memory import InMemoryStore

from symposia.memory import EmbeddingError, MemoryStore
from symposia.memory.writer import LONGEST_TEXT

KEY = b"a key of thirty-two bytes length"
WRITER = """
    import asyncio, sys
    from symposia.memory import MemoryStore

    async def main(place, name, count):
        async with MemoryStore.open(place, key=b"a key of thirty-two bytes length") as store:
            writer = store.memory("shared").writer(name)
            for i in range(int(count)):
                record = await writer.write(f"{name} wrote number{i}", action=f"write {name}{i}")
                print(record.key, flush=True)

    asyncio.run(main(*sys.argv[1:]))
"""


def start(place: Any, name: str, count: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", textwrap.dedent(WRITER), str(place), name, str(count)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
async def test_a_killed_writer_loses_nothing_and_leaves_nothing_half_written(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path, opened
) -> None:
    place = tmp_path if kind == "sqlite" else request.getfixturevalue("server")
    name = f"{kind}-{tmp_path.name}"
    process = start(place, name, 10**6)
    assert process.stdout is not None
    told = [process.stdout.readline().strip() for _ in range(25)]
    time.sleep(0.013)
    process.send_signal(signal.SIGKILL)
    told += process.stdout.read().split("\n")[:-1]  # a line cut short was not told
    process.wait()
    process.stdout.close()
    async with opened(place) as store:
        memory = store.memory("shared")
        held = {
            r.key: r for r in await memory.records() if r.provenance.writer in (name, "unknown")
        }
        assert set(told) - {""} <= set(held)
        assert len(held) <= len(told) + 1
        for record in held.values():  # each is whole: sealed, found by words, and by its action
            assert record.provenance.writer == name
            number = record.text.split()[-1]
            found = await memory.search(f"{name} {number}", k=3)
            assert record in [f.record for f in found]
            (nearest,) = await memory.similar_actions(record.action, k=1)
            assert nearest.score == pytest.approx(1, abs=1e-5)
        await memory.writer("after").write("the next writer goes on")


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
async def test_processes_that_write_at_once_lose_nothing_and_are_seen(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path, opened
) -> None:
    place = tmp_path if kind == "sqlite" else request.getfixturevalue("server")
    names = [f"{tmp_path.name}{i}" for i in range(3)]
    async with opened(place) as store:
        memory = store.memory("shared")
        await memory.search("anything")
        writers = [start(place, name, 30) for name in names]
        own = memory.writer("own")
        for i in range(30):
            await own.write(f"own {tmp_path.name} number{i}")
            await memory.search(f"{names[0]} number{i}")
        for process in writers:
            process.communicate(timeout=120)
            assert process.returncode == 0
        held = await memory.records()
        for name in (*names, "own"):
            assert sum(r.provenance.writer == name for r in held) >= 30
        for name in names:  # by the index that was open all the while
            (found,) = await memory.search(f"{name} number29", k=1)
            assert found.record.text == f"{name} wrote number29"


def test_threads_with_event_loops_of_their_own_share_a_store() -> None:
    store = MemoryStore(InMemoryStore(), key=KEY)
    memory = store.memory("shared")

    async def write(name: str) -> None:
        writer = memory.writer(name)
        await store.memory(name).writer(name).write("a namespace of its own")
        for i in range(50):
            await writer.write(f"{name} number{i}")
            await memory.search(f"number{i}", k=2)

    threads = [threading.Thread(target=asyncio.run, args=(write(f"t{i}"),)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    records = asyncio.run(memory.records())
    assert len(records) == 200


async def test_a_change_never_undoes_another(opened, place, team) -> None:
    async with opened(place) as store:
        memory = store.memory(team)
        writer = memory.writer("w", episode="t/0")
        records = [await writer.write(f"note {i}") for i in range(10)]
        await memory.search("note")
        marks = [memory.mark(r.key, "quarantined", reason="odd", by="guard") for r in records]
        await asyncio.gather(*marks, memory.settle("t/0", 0.25, by="scorer"))
        for record in await memory.records():
            assert (record.status, record.provenance.outcome) == ("quarantined", 0.25)
        assert len(await memory.audit()) == 20


async def test_being_cancelled_at_any_moment_leaves_a_file_in_use(opened, tmp_path: Path) -> None:
    async with opened(tmp_path) as store, opened(tmp_path) as other:
        memory, theirs = store.memory("a"), other.memory("a")
        writer = memory.writer("w")
        await writer.write("first")
        done = 0
        for i in range(120):
            await theirs.writer("x").write(f"news {i}")
            task = asyncio.create_task(
                memory.search("news") if i % 3 else writer.write(f"ours {i}")
            )
            await asyncio.sleep(i * 2e-5)
            task.cancel()
            done += isinstance((await asyncio.gather(task, return_exceptions=True))[0], Exception)
        assert done == 0  # found, or cancelled; nothing failed
        await writer.write("last words")
        assert (await memory.search("last words", k=1))[0].record.text == "last words"
        for i in range(120):  # what was heard of by a search that was cancelled is found by others
            assert (await memory.search(f"news {i}", k=1))[0].record.text == f"news {i}"
        assert len([r for r in await memory.records() if r.text.startswith("news")]) == 120


class Broken(Embeddings):
    """Gives what it is told to for texts with "bad" in them."""

    def __init__(self, bad: Any) -> None:
        self.bad = bad

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        if self.bad == "fewer":
            return []
        return [self.embed_query(text) for text in texts]

    def embed_query(self, text: str) -> list[float]:
        return self.bad if "bad" in text else [1.0, float(len(text)), 0.5]


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ([1.0, 2.0], "vector of 2 numbers after ones of 3; the text began 'bad text'"),
        ([1.0, float("nan"), 0.0], "number 1 of 3 in a vector is nan; the text began 'bad text'"),
        ([float("-inf"), 0.0, 0.0], "number 0 of 3 in a vector is -inf"),
        ([], "flat list of numbers"),
        ([[1.0]], "flat list of numbers"),
        ("fewer", "gave 0 vectors for 1 texts"),
    ],
)
async def test_a_broken_vector_is_refused_and_nothing_written(bad: Any, words: str) -> None:
    embeddings = Broken([1.0, 1.0, 1.0])
    memory = MemoryStore(embeddings=embeddings).memory("a")
    one = await memory.writer("w").write("good text", action="go")
    embeddings.bad = bad
    for arguments in ({"text": "bad text"}, {"text": "fine", "action": "bad text"}):
        with pytest.raises(EmbeddingError, match=words):
            await memory.writer("w").write(**arguments)
    if bad != "fewer":
        with pytest.raises(EmbeddingError, match=words):
            await memory.search("bad text")
    assert await memory.records() == [one]
    assert [f.record for f in await memory.search("good", k=5)] == [one]


FULL = """
    import asyncio, resource, signal, sqlite3, sys
    from symposia.memory import MemoryStore

    async def main(place, limit):
        async with MemoryStore.open(place, key=b"a key of thirty-two bytes length") as store:
            memory = store.memory("shared")
            writer = memory.writer("w")
            for i in range(20):
                await writer.write(f"early number{i}")
            await memory.search("early")
            if limit == "pages":
                db = store._base.store.conn
                async with db.execute("PRAGMA page_count") as cursor:
                    (pages,) = await cursor.fetchone()
                await db.execute(f"PRAGMA max_page_count = {pages + 20}")
            else:  # no file of this process may grow past it: what a full disk does
                signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
                resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), resource.RLIM_INFINITY))
            kept = 0
            for i in range(200):
                try:
                    await writer.write(f"late number{i} " + "x" * 2000)
                    kept += 1
                except sqlite3.OperationalError as error:
                    print(error)
                    break
            found = await memory.search(f"late number{i}", k=1)
            assert not found[0].record.text.startswith(f"late number{i} ")
            if limit == "pages":
                await db.execute("PRAGMA max_page_count = 100000")
            else:
                resource.setrlimit(
                    resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
                )
            await writer.write("after the disk was cleared")
            print(kept)

    asyncio.run(main(*sys.argv[1:]))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="limits of files are POSIX")
@pytest.mark.parametrize(
    ("limit", "words"), [("pages", "disk is full"), ("300000", "I/O error"), ("1000000", "I/O")]
)
async def test_a_full_disk_is_told_and_costs_nothing_that_was_written(
    limit: str, words: str, tmp_path: Path, opened
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(FULL), str(tmp_path), limit],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    error, kept = done.stdout.splitlines()
    assert words in error
    async with opened(tmp_path) as store:
        memory = store.memory("shared")
        texts = [r.text.split()[0] for r in await memory.records()]
        assert (texts.count("early"), texts.count("late")) == (20, int(kept))
        assert texts.count("after") == 1
        assert {r.provenance.writer for r in await memory.records()} == {"w"}


HOSTILE = {
    "control characters": "mug \0\x1b[2J\x07\r\n\x7f\u202e cabinet",
    "surrogates": "mug \ud800 cabinet \udfff",
    "markup": "<|im_start|>system\nmug</s> cabinet [/INST] {{ x }} %s {0}",
    "query language": "mug\" OR * NEAR( cabinet'); DROP TABLE store; --",
    "json": '{"text": "mug"}\\u0000 cabinet"}]',
    "homoglyphs": "mug \u0441\u0430binet \uff43\uff41\uff42\uff49\uff4e\uff45\uff54",
    "astral": "mug \U0001f375\U000e0041 cabinet \ufffe\uffff",
    "long word": "mug cabinet " + "z" * 100_000,
    "no words": "\u2603 !!! ... ---",
    "a megabyte": "mug cabinet " * (LONGEST_TEXT // 12),
}


@pytest.mark.parametrize("name", HOSTILE)
async def test_hostile_texts_are_kept_as_they_are_and_break_nothing(
    name: str, opened, place, team
) -> None:
    text = HOSTILE[name]
    async with opened(place) as store:
        memory = store.memory(team)
        plain = await memory.writer("w").write("a fridge stands by the wall")
        hostile = await memory.writer("w").write(
            text, action=text[:5000], data={text[:99]: text[:99]}
        )
        assert hostile.text == text
        assert [f.record for f in await memory.search("fridge", k=1)] == [plain]
    async with opened(place) as store:
        memory = store.memory(team)
        assert await memory.get(hostile.key) == hostile
        if name != "no words":
            assert [f.record for f in await memory.search("mug cabinet", k=1)] == [hostile]
        assert (
            hostile in [f.record for f in await memory.similar_actions(text, k=1)]
            or name == "no words"
        )
        for query in (text, text[:1000]):  # any text is a query
            assert len(await memory.search(query)) <= 2
        await memory.mark(hostile.key, "retired", reason=text[:1000], by=text[:50])
        assert (await memory.audit())[0].reason == text[:1000]


@pytest.mark.parametrize("field", ["text", "action", "data"])
async def test_what_is_too_long_is_refused(field: str) -> None:
    memory = MemoryStore().memory("a")
    long = "x" * (LONGEST_TEXT + 1)
    given = {"text": "a", field: {"x": long} if field == "data" else long}
    with pytest.raises(ValueError, match=f"{field}: .*104858|{field}: .*1048576"):
        await memory.writer("w").write(**given)
    assert await memory.records() == []


async def test_a_file_that_is_no_database_is_said_to_be_none(tmp_path: Path, opened) -> None:
    (tmp_path / "memory.db").write_bytes(os.urandom(5000))
    with pytest.raises(ValueError, match="damaged, or no memory"):
        async with opened(tmp_path):
            pass
    with pytest.raises(FileNotFoundError, match="no memory at"):
        async with opened(tmp_path / "nowhere", create=False):
            pass
