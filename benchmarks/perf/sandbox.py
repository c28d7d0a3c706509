"""How long a run in the sandbox takes, how many a second it does, and what it leaves behind.

Timed in turns, so that a busy machine is unfair to all alike: a warm run, a cold one (open a
sandbox, run, without the closing), a plain `python -I -S -c`, and bubblewrap with a Python in it,
both started anew. Then runs, eight at a time, and what they cost the processors, which is the
number to look at on a busy machine; and at the end what is left of processes, descriptors, mounts
and temporary files.

    python benchmarks/perf/sandbox.py [--backend native] [--rounds 50] [--runs 5000] [--json]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from symposia.tools.sandbox import PythonSandbox, UnavailableError
from symposia.tools.sandbox.processes import descendants
from symposia.tools.sandbox.root import interpreter

CODE = "6 * 7"
BARS = {"warm": 0.010, "cold": 0.060}
"""Seconds that the median may take on a quiet machine with two cores."""
RATE = 200.0
"""Runs a second, on the same machine."""
CONCURRENT = 8
FIRST = 100
"""Runs before those that are timed."""


async def measure(name: str, rounds: int, runs: int) -> dict[str, Any]:
    """Everything about one backend."""
    before = left()
    async with PythonSandbox(name) as box:
        await asyncio.sleep(2)  # the zygote imports what it was to import later
        times = await in_turns(box, rounds)
    began = processor_seconds()
    async with PythonSandbox(name) as box:
        await throughput(box, FIRST)
        resting = left()
        rate = await throughput(box, runs)
        await asyncio.sleep(1)
        grown = {what: count - resting[what] for what, count in left().items()}
    cost = (processor_seconds() - began) / (FIRST + runs)
    await asyncio.sleep(1)
    after = {what: count - before[what] for what, count in left().items()}
    return {
        "backend": name,
        "seconds": {
            what: {"p50": median(found), "p95": quantiles(found, n=20)[-1]}
            for what, found in times.items()
        },
        "runs": runs,
        "runs_a_second": rate,
        "processor_seconds_a_run": cost,
        "grown_while_open": grown,
        "left_after_closing": after,
    }


async def in_turns(box: PythonSandbox, rounds: int) -> dict[str, list[float]]:
    """Seconds of each way to run the same line."""
    python = interpreter()
    ways: dict[str, Callable[[], Awaitable[None]]] = {
        "warm": lambda: run(box),
        "python": lambda: start([python, "-I", "-S", "-c", f"print({CODE})"]),
    }
    if shutil.which("bwrap"):
        command = ["bwrap", "--unshare-all", "--die-with-parent", "--ro-bind", "/", "/"]
        command += ["--tmpfs", "/tmp", python, "-I", "-S", "-c", f"print({CODE})"]
        ways["bwrap and python"] = lambda: start(command)
    times: dict[str, list[float]] = {"cold": [], **{way: [] for way in ways}}
    for _ in range(rounds):
        times["cold"].append(await cold(box.backend))
        for way, do in ways.items():
            await asyncio.sleep(0.05)
            began = time.perf_counter()
            await do()
            times[way].append(time.perf_counter() - began)
    return times


async def run(box: PythonSandbox) -> None:
    """One run."""
    result = await box.run(CODE)
    assert result.value == "42", result


async def cold(name: str) -> float:
    """Seconds from nothing to the first answer."""
    began = time.perf_counter()
    async with PythonSandbox(name, workers=1) as box:
        await run(box)
        return time.perf_counter() - began


async def start(command: list[str]) -> None:
    """Run a command to its end."""
    process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE)
    said, _ = await process.communicate()
    assert said == b"42\n", (command, said)


async def throughput(box: PythonSandbox, runs: int) -> float:
    """Runs a second, so many at a time."""
    waiting = iter(range(runs))

    async def work() -> None:
        for _ in waiting:
            await run(box)

    began = time.perf_counter()
    await asyncio.gather(*(work() for _ in range(CONCURRENT)))
    return runs / (time.perf_counter() - began)


def processor_seconds() -> float:
    """What this process and those that it has waited for have used, in user code and the kernel."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def left() -> dict[str, int]:
    """What a leak would add to."""
    return {
        "processes": len(descendants(os.getpid())),
        "descriptors": len(os.listdir("/proc/self/fd")),
        "mounts": len(Path("/proc/self/mounts").read_text().splitlines()),
        "temporary files": len(os.listdir(tempfile.gettempdir())),
    }


def show(report: dict[str, Any]) -> None:
    """The measurements in words."""
    seconds = report["seconds"]
    print(f"\n{report['backend']}")
    for what, found in sorted(seconds.items(), key=lambda item: item[1]["p50"]):
        ratio = found["p50"] / seconds["python"]["p50"]
        bar = f", bar {BARS[what] * 1e3:.0f} ms" if what in BARS else ""
        p50, p95 = found["p50"] * 1e3, found["p95"] * 1e3
        print(f"  {what:17} {p50:7.1f} ms p50 {p95:7.1f} ms p95, {ratio:5.2f} x python{bar}")
    rate = report["runs_a_second"]
    print(
        f"  {rate:.0f} runs a second, {CONCURRENT} at a time (bar {RATE:.0f}), of {report['runs']}"
    )
    cost = report["processor_seconds_a_run"] * 1e3
    print(f"  {cost:.1f} ms of processor time a run, this program's own included")
    print(f"  grown while open: {report['grown_while_open']}")
    print(f"  left after closing: {report['left_after_closing']}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--backend", choices=["native", "bubblewrap"], action="append")
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--runs", type=int, default=5000)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    reports = []
    with tempfile.TemporaryDirectory() as folder:
        tempfile.tempdir = folder  # others write to the system's
        for name in options.backend or ["native", "bubblewrap"]:
            try:
                reports.append(asyncio.run(measure(name, options.rounds, options.runs)))
            except UnavailableError as error:
                print(error, file=sys.stderr)
    if options.json:
        print(json.dumps(reports, indent=2))
        return
    for report in reports:
        show(report)


if __name__ == "__main__":
    main()
