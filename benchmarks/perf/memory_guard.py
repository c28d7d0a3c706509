"""What the memory guard adds to a question: model calls, waiting, and CPU time.

The model answers after a fixed time. Beside each guarded consult stands the bare search of the same
memory, and what the same calls would take one after the other. Waiting is given in the model's
answering times: paths are written side by side, so an audited consult takes about two of them, and
one by clusters about one, however many records there are. Calls are counted in the record.

    python benchmarks/perf/memory_guard.py
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import statistics
import time
from typing import Any

from langchain_core.messages import BaseMessage
from langchain_core.runnables import RunnableLambda

from symposia.benchmarks import play
from symposia.episodes import Task
from symposia.memory import Memory, MemoryGuard, MemoryStore
from symposia.memory.guard.audit import AGENT as AUDITOR
from symposia.memory.guard.audit import Audit, Judgement
from symposia.memory.guard.paths import AGENT as WRITER
from symposia.models import ScriptedModel

QUERY = "How is a fever of 39 degrees treated?"
MODES = ("auditor", "clusters", "both")
RECORDS = 200


def model(latency: float) -> ScriptedModel:
    """Plays every part: links what it reads, finds everything consistent, and answers."""

    def reply(messages: list[BaseMessage]) -> Any:
        said = messages[-1].text
        if "Chains:" in said:
            ids = [int(n) for n in re.findall(r"^(\d+): ", said, re.MULTILINE)]
            judged = tuple(Judgement(id=n, consistent_and_safe=True) for n in ids)
            return Audit(verdicts=judged)
        if "Record:" in said:
            return "<chain>fever -treated with-> rest -until-> better</chain>"
        return "<answer>rest</answer>"

    return ScriptedModel(reply, latency=latency)


async def filled(store: MemoryStore) -> Memory:
    memory = store.memory("ward")
    writer = memory.writer("nurse")
    for n in range(RECORDS):
        told = f"Case {n}: a fever of {37 + n % 4} degrees, treated with rest on ward {n % 7}."
        await writer.write(told, action=f"prescribe rest for {1 + n % 5} days", key=str(n))
    await memory.search(QUERY)  # the index is built by the first search
    return memory


async def consulted(mode: str, k: int, latency: float, rounds: int) -> dict[str, Any]:
    """What a consult adds; times are medians over `rounds`."""
    store = MemoryStore()
    memory = await filled(store)
    slow, quick = (
        MemoryGuard.of(store, "ward", model=model(seconds), consensus=mode, concurrency=k)
        for seconds in (latency, 0.0)
    )

    async def consult(state: Any) -> str:
        return (await quick.consult(QUERY, k=k)).text

    episode = await play(RunnableLambda(consult), Task("fever", QUERY))
    calls = sum(episode.usage[name].calls for name in (WRITER, AUDITOR) if name in episode.usage)
    waits, searches, cpu = [], [], []
    for _ in range(rounds):
        began = time.perf_counter()
        found = await slow.consult(QUERY, k=k)
        waits.append(time.perf_counter() - began)
        assert len(found.records) == k
        began = time.perf_counter()
        await memory.search(QUERY, k=k)
        searches.append(time.perf_counter() - began)
        began = time.process_time()
        await quick.consult(QUERY, k=k)
        cpu.append(time.process_time() - began)
    wait = statistics.median(waits)
    return {
        "consensus": mode,
        "k": k,
        "added_calls": calls,
        "seconds": wait,
        "answering_times": wait / latency,
        "faster_than_one_by_one": calls * latency / wait,
        "cpu_ms": statistics.median(cpu) * 1e3,
        "bare_search_ms": statistics.median(searches) * 1e3,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, nargs="+", default=[2, 5, 10, 20])
    parser.add_argument("--latency", type=float, default=0.5, help="seconds")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    rows = [
        asyncio.run(consulted(mode, k, options.latency, options.rounds))
        for mode in MODES
        for k in options.records
    ]
    if options.json:
        print(json.dumps(rows, indent=2))
        return
    print(f"model answers in {options.latency:g} s, {RECORDS} records, {options.rounds} rounds")
    for r in rows:
        print(
            f"{r['consensus']:8s} k={r['k']:2d}: {r['added_calls']:2d} calls more, "
            f"{r['seconds']:.2f} s = {r['answering_times']:.2f} answering times "
            f"({r['faster_than_one_by_one']:.1f}x one by one), {r['cpu_ms']:.1f} ms CPU; "
            f"bare search {r['bare_search_ms']:.2f} ms"
        )


if __name__ == "__main__":
    main()
