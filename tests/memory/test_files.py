"""Export and import, retention, outcomes, and the key that seals."""

from __future__ import annotations

import json
import multiprocessing
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from symposia.memory import Imported, MemoryRecord, MemoryStore, Provenance, Retention, memory_key
from symposia.memory.keys import VARIABLE

KEY = b"a key of thirty-two bytes length"


def memory(*namespace: str, key: bytes = KEY) -> Any:
    from langgraph.store.memory import InMemoryStore

    return MemoryStore(InMemoryStore(), key=key).memory(*(namespace or ("team",)))


async def filled() -> Any:
    source = memory()
    writer = source.writer("solver", run="r", episode="t/0", trust=0.9)
    await writer.write("open the door \ud800\0", action="open it", data={"x": [1.5, None]})
    await writer.write("doubtful", key="k")
    await source.mark("k", "quarantined", reason="odd", by="guard")
    await source.settle("t/0", 0.75, run="r", by="scorer")
    return source


async def test_what_was_exported_comes_in_as_it_was(tmp_path: Path) -> None:
    source = await filled()
    path = tmp_path / "deep" / "memory.jsonl"
    assert await source.export(path) == 2
    target = memory()
    assert await target.bring_in(path, by="Ada") == Imported(2, 0, 0)
    assert await target.records() == await source.records()
    assert len(await target.search("door")) == 1
    assert [(e.deed, e.by) for e in await target.audit()] == [("import", "Ada")] * 2
    assert await target.bring_in(path, by="Ada") == Imported(0, 0, 2)
    assert len(await target.audit()) == 2


@pytest.mark.parametrize("way", ["another key", "another namespace", "edited"])
async def test_what_has_no_seal_that_holds_here_comes_in_quarantined(
    way: str, tmp_path: Path
) -> None:
    path = tmp_path / "memory.jsonl"
    await (await filled()).export(path)
    if way == "edited":
        path.write_text(path.read_text().replace("solver", "admin!"))
    target = {
        "another key": memory(key=b"another key of thirty-two bytes."),
        "another namespace": memory("team", "solver"),
        "edited": memory(),
    }[way]
    assert await target.bring_in(path, by="Ada") == Imported(0, 2, 0)
    for record in await target.records():
        assert (record.status, record.provenance.writer) == ("quarantined", "Ada")
        assert (record.provenance.trust, record.provenance.outcome) == (0.0, None)
        assert record.reason == "imported from memory.jsonl, without a seal that holds here"
    assert {r.text for r in await target.records()} == {"open the door \ud800\0", "doubtful"}
    assert await target.search("door") == []
    approved = await target.mark("k", "active", reason="read it", by="Ada")
    assert [f.record for f in await target.search("doubtful")] == [approved]


async def test_plain_lines_come_in_quarantined_and_replace_nothing(tmp_path: Path) -> None:
    path = tmp_path / "plain.jsonl"
    lines = [{"text": "a", "action": "b", "data": {"c": 1}}, {"text": "stolen", "key": "k"}]
    path.write_text("\n\n".join(map(json.dumps, lines)))
    target = await filled()
    assert await target.bring_in(path, by="Ada") == Imported(0, 1, 1)
    assert (await target.get("k")).text == "doubtful"
    (new,) = [r for r in await target.records() if r.text == "a"]
    assert (new.action, new.data, new.status) == ("b", {"c": 1}, "quarantined")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("nonsense", "bad.jsonl:2: no JSON"),
        ("[1]", "bad.jsonl:2: a record is a JSON object, not '\\[1\\]'"),
        ('{"text": " "}', "bad.jsonl:2: text: ' ' says nothing"),
        ('{"text": "a", "key": ""}', "bad.jsonl:2: a key is 1 to 200"),
        ("[" * 100_000, "bad.jsonl:2: no JSON"),
    ],
)
async def test_a_line_that_is_no_record_is_named(line: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_text(f'{{"text": "good"}}\n{line}\n')
    with pytest.raises(ValueError, match=words):
        await memory().bring_in(path, by="Ada")


async def test_outcomes_are_settled_and_taken_back() -> None:
    held = memory()
    for episode in ("t/0", "t/1"):
        await held.writer("w", episode=episode).write("note")
    keys = await held.settle("t/1", 1.0, by="scorer")
    outcomes = {r.provenance.episode: r.provenance.outcome for r in await held.records()}
    assert outcomes == {"t/0": None, "t/1": 1.0}
    assert await held.settle("t/1", None, by="guard") == keys
    assert {r.provenance.outcome for r in await held.records()} == {None}
    assert [e.reason for e in await held.audit()] == ["episode t/1: 1", "episode t/1: unknown"]
    with pytest.raises(ValueError, match="outcome 2"):
        await held.settle("t/1", 2, by="scorer")


def record(key: str, **origin: Any) -> MemoryRecord:
    return MemoryRecord(key, key, Provenance("w", **origin))


def test_the_old_go_first_and_then_the_least_useful() -> None:
    records = [
        record("old", time=0, trust=1.0),
        record("failed", time=90, trust=0.9, outcome=0.0),
        record("unknown", time=91, trust=0.9),
        record("solved", time=92, trust=0.9, outcome=1.0),
        record("distrusted", time=93, trust=0.1, outcome=1.0),
    ]
    gone = Retention(seconds=50, records=2).forgotten(records, now=100)
    assert list(gone) == ["old", "failed", "distrusted"]
    assert gone["old"] == "100 s old, of 50 s at most"
    assert gone["failed"] == "least useful (0) of more than 2"
    newest = Retention(records=1, useful=lambda one: 0.0).forgotten(records, now=100)
    assert "distrusted" not in newest
    assert Retention(records=5).forgotten(records, now=100) == {}


@pytest.mark.parametrize(
    "limits", [{}, {"seconds": -1}, {"records": -1}, {"seconds": float("nan")}]
)
def test_a_retention_that_limits_nothing_is_refused(limits: Any) -> None:
    with pytest.raises(ValueError, match="limit"):
        Retention(**limits)


async def test_what_is_forgotten_is_gone_and_audited(opened, place, team) -> None:
    async with opened(place) as store:
        held = store.memory(team)
        for i in range(5):
            await held.writer("w").write(f"note {i}", key=str(i))
        await held.search("note")
        gone = await held.forget(Retention(records=2), by="me")
        assert set(gone) == {"0", "1", "2"}
        assert {r.key for r in await held.records()} == {"3", "4"}
        assert {f.record.key for f in await held.search("note")} == {"3", "4"}
        assert {(e.deed, e.key, e.by) for e in await held.audit()} == {
            ("forget", key, "me") for key in gone
        }


def test_the_users_key_is_made_once_and_is_theirs_alone(tmp_path, monkeypatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        keys = pool.map(memory_key, [None] * 4)
    assert len({memory_key(), *keys}) == 1
    path = tmp_path / "symposia" / "memory.key"
    assert os.listdir(path.parent) == ["memory.key"]
    if os.name == "posix":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    monkeypatch.setenv(VARIABLE, "ab" * 32)
    assert memory_key() == b"\xab" * 32
    monkeypatch.setenv(VARIABLE, "abc")
    with pytest.raises(ValueError, match=r"\$SYMPOSIA_MEMORY_KEY holds no key"):
        memory_key()
    path.write_text("short")
    with pytest.raises(ValueError, match=r"memory\.key holds no key: give 64 hexadecimal"):
        memory_key(path)
