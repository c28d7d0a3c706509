"""How fast memory finds and keeps, against LangGraph's `InMemoryStore` with its own index.

Both hold the same texts under the same vectors (384 numbers, fixed by the text, and looked up, so
that making them costs the same and next to nothing), and are asked the same questions in turn, in
one process. `InMemoryStore` ranks by vectors alone; `Memory.search` ranks by words and vectors,
and checks the seal of what it returns. `similar_actions` is our search by vectors alone.

    python benchmarks/perf/memory.py                     # 1k, 10k, 100k; about 4 GB of memory
    python benchmarks/perf/memory.py --million           # and a million, without InMemoryStore
    python benchmarks/perf/memory.py --postgres postgresql://user@host/db
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from langchain_core.embeddings import Embeddings
from langgraph.store.memory import InMemoryStore

from symposia.memory import Draft, Memory, MemoryStore
from symposia.memory.approximate import ApproximateIndex
from symposia.tools.vectors import VectorIndex

WIDTH = 384
SIZES = (1_000, 10_000, 100_000)
WORDS = 20
"""Words of a text; a question has a third of them."""
AT_ONCE = 1000
KEY = bytes(32)


class Fixed(Embeddings):
    """A vector for each text, near that of its topic, looked up."""

    def __init__(self) -> None:
        self._draw = np.random.default_rng(0)
        self._topics = self._draw.standard_normal((1000, WIDTH))
        self._held: dict[str, list[float]] = {}

    def add(self, text: str, topic: int) -> None:
        vector = self._topics[topic] + 0.7 * self._draw.standard_normal(WIDTH)
        self._held[text] = (vector / np.linalg.norm(vector)).astype(np.float32).tolist()

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return [self._held.get(text) or [1.0] * WIDTH for text in texts]

    def embed_query(self, text: str) -> list[float]:
        return self.embed_documents([text])[0]

    async def aembed_documents(self, texts: list[str]) -> list[list[float]]:
        return self.embed_documents(texts)

    async def aembed_query(self, text: str) -> list[float]:
        return self.embed_query(text)

    def clear(self) -> None:
        self._held.clear()


class Talk:
    """Texts of words that are as common as words are (Zipf's law)."""

    def __init__(self, embeddings: Fixed) -> None:
        self._draw = random.Random(0)
        letters = "abcdefghijklmnoprstuvw"
        self._words = [
            "".join(self._draw.choices(letters, k=self._draw.randint(3, 9))) for _ in range(20_000)
        ]
        self._weights = np.cumsum([1 / (rank + 10) for rank in range(len(self._words))]).tolist()
        self._embeddings = embeddings

    def say(self, words: int = WORDS) -> str:
        text = " ".join(self._draw.choices(self._words, cum_weights=self._weights, k=words))
        self._embeddings.add(text, self._draw.randrange(1000))
        return text


async def timed(action: Awaitable[Any]) -> float:
    """Milliseconds."""
    began = time.perf_counter()
    await action
    return 1000 * (time.perf_counter() - began)


def summary(times: Sequence[float]) -> dict[str, float]:
    ordered = sorted(times)
    return {"p50": statistics.median(ordered), "p95": ordered[int(0.95 * (len(ordered) - 1))]}


async def search(size: int, questions: int, against: bool) -> dict[str, Any]:
    """Milliseconds of searches among `size` records."""
    embeddings = Fixed()
    talk = Talk(embeddings)
    memory = MemoryStore(embeddings=embeddings).memory("bench")
    theirs = InMemoryStore(index={"dims": WIDTH, "embed": embeddings, "fields": ["text"]})
    writer = memory.writer("bench")
    for start in range(0, size, AT_ONCE):
        texts = [talk.say() for _ in range(min(AT_ONCE, size - start))]
        await writer.write_all([Draft(text, action=text) for text in texts])
        if against:
            for number, text in enumerate(texts, start):
                await theirs.aput(("bench",), str(number), {"text": text})
        embeddings.clear()
    asked = [talk.say(WORDS // 3) for _ in range(questions)]
    loading = await timed(memory.search(asked[0]))
    ways: dict[str, Callable[[str], Awaitable[Any]]] = {
        "ours": partial(memory.search, k=5),
        "ours_by_vectors": partial(memory.similar_actions, k=5),
    }
    if against:
        ways["InMemoryStore"] = lambda q: theirs.asearch(("bench",), query=q, limit=5)
    times: dict[str, list[float]] = {name: [] for name in ways}
    for question in asked:
        for name, way in ways.items():
            times[name].append(await timed(way(question)))
    found = {name: summary(values) for name, values in times.items()}
    if against:
        for name in ("ours", "ours_by_vectors"):
            pairs = zip(times["InMemoryStore"], times[name], strict=True)
            found[name]["ratio"] = statistics.median(a / b for a, b in pairs)
    return {"size": size, "first_search_ms": loading, **found}


async def writes(memory: Memory, embeddings: Fixed, count: int) -> dict[str, float]:
    """Records a second: one after another, many tasks at once, in bulk; and a search's ms."""
    talk = Talk(embeddings)
    writer = memory.writer("bench")
    await writer.write(talk.say())

    async def one_by_one(texts: list[str]) -> None:
        for text in texts:
            await writer.write(text)

    async def together(texts: list[str]) -> None:
        await asyncio.gather(*map(writer.write, texts))

    async def in_bulk(texts: list[str]) -> None:
        await writer.write_all([Draft(text) for text in texts])

    rates = {}
    for write in (one_by_one, together, in_bulk):
        texts = [talk.say() for _ in range(count)]
        rates[write.__name__] = count / (await timed(write(texts)) / 1000)
    asked = [talk.say(WORDS // 3) for _ in range(50)]
    await memory.search(asked[0])
    times = [await timed(memory.search(question)) for question in asked]
    return {**rates, "search_ms": statistics.median(times)}


async def stores(count: int, postgres: str | None) -> dict[str, dict[str, float]]:
    made = Fixed()
    found = {"in memory": await writes(MemoryStore(embeddings=made).memory("bench"), made, count)}
    with tempfile.TemporaryDirectory() as folder:
        for name, place in (("SQLite", folder), ("PostgreSQL", postgres)):
            if place:
                async with MemoryStore.open(place, embeddings=made, key=KEY) as store:
                    memory = store.memory(f"bench{random.randrange(10**9)}")
                    found[name] = await writes(memory, made, count)
    return found


def recall(size: int) -> dict[str, float]:
    """How many of the true ten nearest the approximate index finds, and what it costs."""
    draw = np.random.default_rng(0)
    topics = draw.standard_normal((size // 50, WIDTH), np.float32)
    vectors = topics[draw.integers(0, len(topics), size)]
    vectors += np.float32(0.7) * draw.standard_normal((size, WIDTH), np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    keys = [str(i) for i in range(size)]
    exact, graph = VectorIndex(), ApproximateIndex(WIDTH)
    for key, vector in zip(keys, vectors, strict=True):
        exact.add(key, vector)
    began = time.perf_counter()
    graph.add_all(keys, vectors, threads=2)
    built = time.perf_counter() - began
    asked = vectors[draw.integers(0, size, 200)]
    asked = asked + np.float32(0.03) * draw.standard_normal(asked.shape, np.float32)
    hits = 0
    times: dict[str, list[float]] = {"exact": [], "approximate": []}
    for vector in asked:
        began = time.perf_counter()
        true = {key for key, _ in exact.search(vector, 10)}
        middle = time.perf_counter()
        hits += len(true & {key for key, _ in graph.search(vector, 10)})
        times["exact"].append(1000 * (middle - began))
        times["approximate"].append(1000 * (time.perf_counter() - middle))
    return {
        "size": size,
        "recall_at_10": hits / (10 * len(asked)),
        "exact_ms": statistics.median(times["exact"]),
        "approximate_ms": statistics.median(times["approximate"]),
        "build_seconds": built,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="*", default=SIZES)
    parser.add_argument("--questions", type=int, default=50)
    parser.add_argument("--million", action="store_true")
    parser.add_argument("--writes", type=int, default=1000, help="records of each kind of writing")
    parser.add_argument("--recall", type=int, default=50_000, help="vectors of the recall; 0: none")
    parser.add_argument("--postgres", help="the address of a server, to be measured as well")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    result: dict[str, Any] = {"search": []}
    for size in [*options.sizes, *([1_000_000] if options.million else [])]:
        questions = options.questions if size < 100_000 else min(options.questions, 15)
        row = asyncio.run(search(size, questions, against=size < 1_000_000))
        result["search"].append(row)
        if not options.json:
            say(row)
    result["stores"] = asyncio.run(stores(options.writes, options.postgres))
    if not options.json:
        for name, rates in result["stores"].items():
            said = ", ".join(f"{kind} {rate:,.1f}" for kind, rate in rates.items())
            print(f"{name}, records/s: {said}")
    if options.recall:
        result["approximate"] = recall(options.recall)
        if not options.json:
            print(", ".join(f"{name} {value:.4g}" for name, value in result["approximate"].items()))
    if options.json:
        print(json.dumps(result, indent=2))


def say(row: dict[str, Any]) -> None:
    print(f"{row['size']:,} records (first search {row['first_search_ms']:,.0f} ms)")
    for name in ("InMemoryStore", "ours", "ours_by_vectors"):
        if name in row:
            ratio = f", {row[name]['ratio']:,.0f} times as fast" if "ratio" in row[name] else ""
            print(f"  {name}: p50 {row[name]['p50']:.2f} ms, p95 {row[name]['p95']:.2f} ms{ratio}")


if __name__ == "__main__":
    main()
