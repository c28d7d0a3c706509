"""The store: what is written is found, by whom it was written cannot be forged."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from langgraph.store.memory import InMemoryStore

from symposia.memory import MemoryStore

KEY = b"a key that is long enough"


@pytest.fixture
def base() -> InMemoryStore:
    return InMemoryStore()


def opened(base: InMemoryStore, **settings: Any) -> MemoryStore:
    return MemoryStore(base, key=KEY, **settings)


async def test_a_record_is_found_by_its_words_and_by_words_like_them(base: InMemoryStore) -> None:
    memory = opened(base).memory("team", "solver")
    writer = memory.writer("solver", run="r", episode="t/0", trust=0.8)
    mugs = await writer.write("Mugs stand in the kitchen cabinet.", action="open the cabinet")
    await writer.write("The fridge cools apples.")
    assert [found.record for found in await memory.search("where is the mug?", k=1)] == [mugs]
    assert [found.record for found in await memory.search("kitchn cabinets", k=1)] == [mugs]
    origin = mugs.provenance
    assert (origin.writer, origin.run, origin.episode, origin.trust) == ("solver", "r", "t/0", 0.8)


async def test_similar_actions_are_found_whatever_their_status(base: InMemoryStore) -> None:
    memory = opened(base).memory("team")
    writer = memory.writer("critic")
    one = await writer.write("It broke.", action="heat egg with microwave")
    await writer.write("Fine.", action="look")
    await writer.write("No action.")
    marked = await memory.mark(one.key, "quarantined", reason="suspect", by="guard")
    found = await memory.similar_actions("heat potato with microwave", k=1)
    assert [f.record for f in found] == [marked]
    assert one.key not in [f.record.key for f in await memory.search("broke")]
    entry = (await memory.audit())[0]
    assert (entry.deed, entry.key, entry.by, entry.reason) == ("mark", one.key, "guard", "suspect")


async def test_one_namespace_does_not_see_another(base: InMemoryStore) -> None:
    store = opened(base)
    await store.memory("team", "solver").writer("a").write("alpha")
    await store.memory("team").writer("b").write("beta")
    assert [r.text for r in await store.memory("team").records()] == ["beta"]
    assert await store.memory("team").search("alpha") == []


async def test_concurrent_writes_are_all_kept_and_found(base: InMemoryStore) -> None:
    memory = opened(base).memory("shared")
    writer = memory.writer("w")
    await asyncio.gather(*(writer.write(f"note number{i}") for i in range(300)))
    assert len(await memory.records()) == 300
    assert (await memory.search("number217", k=1))[0].record.text == "note number217"


async def test_another_store_on_the_same_base_sees_what_is_written(base: InMemoryStore) -> None:
    ours, theirs = opened(base).memory("shared"), opened(base).memory("shared")
    writer = ours.writer("w")
    one = await writer.write("first", key="one")
    assert [f.record for f in await theirs.search("first")] == [one]
    await writer.write("second", key="one")
    assert [f.record.text for f in await theirs.search("second first")] == ["second"]
    await ours.delete("one", reason="old", by="me")
    assert await theirs.search("second first") == []
