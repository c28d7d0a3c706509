"""What working memory costs: error memories as they grow, and conversations cut to a limit.

An exact error memory compares with everything that it holds; the sketch reads a bucket per table,
however much was learnt. A context budget is measured against langchain-core's `trim_messages` on
the same conversation, with the same counter, in the same run. CPU time of one thread, medians.

    python benchmarks/perf/working_memory.py
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import time
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
    trim_messages,
)
from langchain_core.messages.utils import count_tokens_approximately
from rich.console import Console
from rich.table import Table

from symposia.memory.working import ContextBudget, ErrorMemory, NearestErrors, SketchedErrors

WIDTH = 64


def microseconds(work: Callable[..., object], *each: Sequence[object]) -> float:
    """The median time of `work` over the arguments in `each`."""
    taken = []
    for given in zip(*each, strict=True):
        began = time.process_time_ns()
        work(*given)
        taken.append((time.process_time_ns() - began) / 1e3)
    return statistics.median(taken)


def error_memories(sizes: Sequence[int], repeats: int) -> Table:
    table = Table(title=f"error memories, {WIDTH} numbers a key: microseconds")
    for name in ("errors held", "exact read", "sketch read", "ratio", "sketch write"):
        table.add_column(name, justify="right")
    draw = np.random.default_rng(0)
    for size in sizes:
        keys = draw.standard_normal((size, WIDTH))
        exact = NearestErrors(WIDTH, capacity=size)
        sketch = SketchedErrors(WIDTH, capacity=size)
        memories: tuple[ErrorMemory, ErrorMemory] = (exact, sketch)
        for memory in memories:
            for key in keys:
                memory.learn(key, 0.5, 1)
        asked, scores = list(draw.standard_normal((repeats, WIDTH))), [0.5] * repeats
        reads = [microseconds(memory.corrected, asked, scores) for memory in memories]
        write = microseconds(sketch.learn, asked, scores, scores)
        ratio = f"{reads[0] / reads[1]:.1f}x"
        table.add_row(f"{size:,}", f"{reads[0]:.0f}", f"{reads[1]:.0f}", ratio, f"{write:.0f}")
    return table


def conversation(turns: int) -> list[BaseMessage]:
    messages: list[BaseMessage] = [SystemMessage("You act."), HumanMessage("Find the key. " * 20)]
    for n in range(turns):
        call = {"name": "look", "args": {"place": f"drawer {n}"}, "id": str(n)}
        messages += [
            AIMessage(f"I look into drawer {n}.", tool_calls=[call]),
            ToolMessage(f"In drawer {n} you see a spoon. " * 10, tool_call_id=str(n)),
        ]
    return messages


def contexts(turns: Sequence[int], repeats: int) -> Table:
    table = Table(title="a conversation cut to half of its tokens: milliseconds")
    for name in ("exchanges", "context budget", "trim_messages", "ratio"):
        table.add_column(name, justify="right")
    loop = asyncio.new_event_loop()
    for number in turns:
        messages = conversation(number)
        limit = count_tokens_approximately(messages) // 2
        budget = ContextBudget(limit, count=count_tokens_approximately)
        trim = partial(
            trim_messages,
            max_tokens=limit,
            token_counter=count_tokens_approximately,
            include_system=True,
            start_on="ai",
        )
        ours, theirs = [], []
        for _ in range(repeats):
            ours.append(microseconds(loop.run_until_complete, [budget.fit(messages)]))
            theirs.append(microseconds(trim, [messages]))
        mine, other = statistics.median(ours) / 1e3, statistics.median(theirs) / 1e3
        table.add_row(f"{number:,}", f"{mine:.2f}", f"{other:.2f}", f"{other / mine:.1f}x")
    loop.close()
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=200)
    options = parser.parse_args()
    console = Console()
    console.print(error_memories((1_000, 10_000, 100_000), options.repeats))
    console.print(contexts((20, 100, 500), max(options.repeats // 10, 3)))


if __name__ == "__main__":
    main()
