"""What is written is found, in every kind of store, by everyone who has it open."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from langchain_core.embeddings import DeterministicFakeEmbedding
from langgraph.store.memory import InMemoryStore
from langgraph.store.sqlite import SqliteStore

from symposia.memory import Draft, Layers, MemoryStore


async def test_a_record_is_found_by_its_words_and_by_words_like_them(opened, place, team) -> None:
    async with opened(place) as store:
        memory = store.memory(team, "solver")
        writer = memory.writer("solver", run="r", episode="t/0", trust=0.8)
        mugs = await writer.write("Mugs stand in the kitchen cabinet.", action="open the cabinet")
        await writer.write("The fridge cools apples.")
        for query in ("where is the mug?", "kitchn cabinets", "MÜG"):
            assert [found.record for found in await memory.search(query, k=1)] == [mugs]
        origin = mugs.provenance
    assert (origin.writer, origin.run, origin.episode, origin.trust) == ("solver", "r", "t/0", 0.8)


async def test_similar_actions_are_found_whatever_their_status(opened, place, team) -> None:
    async with opened(place) as store:
        memory = store.memory(team)
        writer = memory.writer("critic")
        one = await writer.write("It broke.", action="heat egg with microwave")
        await writer.write("Fine.", action="look")
        await writer.write("No action.")
        marked = await memory.mark(one.key, "quarantined", reason="suspect", by="guard")
        found = await memory.similar_actions("heat potato with microwave", k=1)
        assert [f.record for f in found] == [marked]
        assert (marked.status, marked.reason) == ("quarantined", "suspect")
        assert one.key not in [f.record.key for f in await memory.search("broke")]
        (entry,) = await memory.audit()
        assert (entry.deed, entry.key, entry.by) == ("mark", one.key, "guard")
        again = await memory.mark(one.key, "active", reason="looked at", by="Ada")
        assert again == one
        assert [f.record for f in await memory.search("broke", k=1)] == [one]


async def test_one_namespace_does_not_see_another(opened, place, team) -> None:
    async with opened(place) as store:
        await store.memory(team, "solver").writer("a").write("alpha")
        await store.memory(team).writer("b").write("beta")
        assert [r.text for r in await store.memory(team).records()] == ["beta"]
        assert await store.memory(team).search("alpha") == []
        both = Layers(store.memory(team, "solver"), store.memory(team))
        assert {f.record.text for f in await both.search("alpha beta")} == {"alpha", "beta"}
        assert {(team,), (team, "solver")} <= set(await store.namespaces())


async def test_concurrent_writes_are_all_kept_and_found(opened, place, team) -> None:
    async with opened(place) as store:
        memory = store.memory(team)
        writer = memory.writer("w")
        await memory.search("warm up")
        await asyncio.gather(*(writer.write(f"note number{i}") for i in range(200)))
        assert len(await memory.records()) == 200
        assert (await memory.search("number117", k=1))[0].record.text == "note number117"


async def test_another_store_sees_what_is_written_changed_and_deleted(opened, place, team) -> None:
    async with opened(place) as one, opened(place) as other:
        ours, theirs = one.memory(team), other.memory(team)
        writer = ours.writer("w")
        first = await writer.write("first", key="one")
        assert [f.record for f in await theirs.search("first")] == [first]
        await writer.write("second", key="one")
        assert [f.record.text for f in await theirs.search("second first")] == ["second"]
        await writer.write_all([Draft(f"many {i}") for i in range(600)])  # more than are told of
        assert (await theirs.search("many 417", k=1))[0].record.text == "many 417"
        await theirs.mark("one", "retired", reason="old", by="me")
        assert "one" not in [f.record.key for f in await ours.search("second")]
        await ours.delete("one", reason="old", by="me")
        assert await theirs.get("one") is None
        assert [entry.deed for entry in await theirs.audit()] == ["mark", "delete"]


async def test_a_store_opened_again_finds_without_embedding_again(opened, tmp_path: Path) -> None:
    class Counting(DeterministicFakeEmbedding):
        documents: int = 0

        def embed_documents(self, texts: list[str]) -> list[list[float]]:
            self.documents += len(texts)
            return super().embed_documents(texts)

    async with opened(tmp_path, embeddings=Counting(size=16)) as store:
        await store.memory("a").writer("w").write("mugs in the cabinet", action="open cabinet")
    embeddings = Counting(size=16)
    async with opened(tmp_path, embeddings=embeddings) as store:
        memory = store.memory("a")
        assert [f.record.text for f in await memory.search("mugs")] == ["mugs in the cabinet"]
        (found,) = await memory.similar_actions("open cabinet")
        assert found.score == pytest.approx(1)
        assert embeddings.documents == 0


async def test_records_of_other_embeddings_are_embedded_anew(opened, place, team) -> None:
    async with opened(place, embeddings=DeterministicFakeEmbedding(size=16)) as store:
        one = await store.memory(team).writer("w").write("mugs", action="open cabinet")
    async with opened(place) as store:
        memory = store.memory(team)
        (found,) = await memory.similar_actions("open cabinet")
        assert found.record == one
        assert found.score == pytest.approx(1)
        assert (await memory.mark(one.key, "retired", reason="old", by="me")).status == "retired"
        assert len(await memory.similar_actions("open cabinet")) == 1


async def test_the_same_thing_written_twice_is_one_record_and_stays_quarantined() -> None:
    memory = MemoryStore().memory("a")
    writer = memory.writer("w", episode="t/0")
    one = await writer.write("lies")
    await memory.mark(one.key, "quarantined", reason="lies", by="guard")
    again = await writer.write("lies")
    assert (again.key, again.status) == (one.key, "quarantined")
    assert (await memory.writer("w", episode="t/1").write("lies")).key != one.key


async def test_a_key_is_its_writers_own_and_only_while_its_record_is_active() -> None:
    memory = MemoryStore().memory("a")
    await memory.writer("w").write("mine", key="k")
    with pytest.raises(ValueError, match="held by writer 'w'"):
        await memory.writer("x").write("yours", key="k")
    await memory.mark("k", "quarantined", reason="odd", by="guard")
    with pytest.raises(ValueError, match="'k' is quarantined \\(odd\\)"):
        await memory.writer("w").write("mine again", key="k")
    assert [r.text for r in await memory.records()] == ["mine"]


async def test_one_bad_write_does_not_take_its_neighbours_with_it() -> None:
    memory = MemoryStore().memory("a")
    await memory.writer("w").write("mine", key="k")
    done = await asyncio.gather(
        memory.writer("w").write("good"),
        memory.writer("x").write("bad", key="k"),
        memory.writer("w").write("good too"),
        return_exceptions=True,
    )
    assert isinstance(done[1], ValueError)
    assert {r.text for r in await memory.records()} == {"mine", "good", "good too"}


async def test_a_cancelled_write_leaves_the_store_working() -> None:
    memory = MemoryStore().memory("a")
    writer = memory.writer("w")
    tasks = [asyncio.create_task(writer.write(f"note {i}")) for i in range(20)]
    await asyncio.sleep(0)
    for task in tasks[::2]:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await writer.write("after")
    texts = {r.text for r in await memory.records()}
    assert {"after", *(f"note {i}" for i in range(1, 20, 2))} <= texts


async def test_a_store_that_only_answers_synchronously_serves_as_well(tmp_path: Path) -> None:
    with SqliteStore.from_conn_string(str(tmp_path / "sync.db")) as base:
        memory = MemoryStore(base, key=bytes(32)).memory("a")
        one = await memory.writer("w").write("mugs")
        assert [f.record for f in await memory.search("mug")] == [one]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda s: s.memory(), "needs a name"),
        (lambda s: s.memory("a.b"), "'a.b' cannot be in a namespace"),
        (lambda s: s.memory("~records"), "cannot be in a namespace"),
        (lambda s: s.memory("a").writer(" "), "a writer needs a name"),
        (lambda s: s.memory("a").writer("w", trust=1.5), "trust 1.5"),
    ],
)
def test_names_that_cannot_be_are_refused(make: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        make(MemoryStore())


def test_a_store_that_outlives_the_process_needs_a_key(tmp_path: Path) -> None:
    with (
        SqliteStore.from_conn_string(str(tmp_path / "a.db")) as base,
        pytest.raises(ValueError, match="SqliteStore outlives this process"),
    ):
        MemoryStore(base)
    with pytest.raises(ValueError, match="3 bytes can be guessed"):
        MemoryStore(InMemoryStore(), key=b"abc")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"text": " "}, "says nothing"),
        ({"text": "a", "data": {"x": float("nan")}}, "data: .*JSON"),
        ({"text": "a", "data": {"x": object()}}, "data: .*JSON"),
        ({"text": "a", "uses": {"command"}}, "no 'command'; there are: action, context, planning"),
        ({"text": "a", "key": ""}, "printable characters, not ''"),
        ({"text": "a", "key": "a\0b"}, "printable characters"),
    ],
)
async def test_what_cannot_be_written_is_refused(arguments: Any, words: str) -> None:
    memory = MemoryStore().memory("a")
    with pytest.raises(ValueError, match=words):
        await memory.writer("w").write(**arguments)
    assert await memory.records() == []


async def test_what_is_not_there_is_said_to_be() -> None:
    memory = MemoryStore().memory("a")
    with pytest.raises(KeyError, match="no record 'x' in a"):
        await memory.mark("x", "retired", reason="", by="me")
    with pytest.raises(ValueError, match="no status 'gone'; there are: active"):
        await memory.mark("x", "gone", reason="", by="me")
    assert await memory.get("x") is None
    await memory.delete("x")
    assert await memory.audit() == []
    assert await memory.search("") == [] == await memory.search("x", k=0)


async def test_a_search_passes_over_what_has_gone_behind_its_back() -> None:
    base = InMemoryStore()
    memory = MemoryStore(base, key=bytes(32)).memory("a")
    for i in range(6):
        await memory.writer("w").write(f"mug {i}", key=str(i))
    await memory.search("mug")
    for i in range(4):
        await base.adelete(("symposia", "a", "~records"), str(i))
    assert {f.record.key for f in await memory.search("mug", k=2)} == {"4", "5"}


async def test_items_of_processes_long_gone_are_taken_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    base = InMemoryStore()
    place = ("symposia", "a", "~changes")
    opened = [MemoryStore(base, key=bytes(32)).memory("a") for _ in range(3)]
    await opened[0].writer("w").write("mug one")
    monkeypatch.setattr("symposia.memory.changes.STALE_SECONDS", -1.0)
    await opened[1].search("mug")
    assert await base.asearch(place) == []
    monkeypatch.undo()
    await opened[0].writer("w").write("mug two")  # its item is there again, and heard
    assert len(await opened[1].search("mug")) == 2
    assert len(await opened[2].search("mug")) == 2
    assert len(await base.asearch(place)) == 1
