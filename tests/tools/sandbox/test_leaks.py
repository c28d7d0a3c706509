"""Nothing is left behind: by runs, by cancelled runs, by a killed host, by a lost isolation."""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from symposia.tools.sandbox import PythonSandbox, Status, UnavailableError
from symposia.tools.sandbox.processes import children, descendants

pytestmark = pytest.mark.asyncio(loop_scope="module")

RUNS = 150


def left() -> dict[str, int]:
    """What a leak would add to."""
    return {
        "processes": len(descendants(os.getpid())),
        "descriptors": len(os.listdir("/proc/self/fd")),
        "mounts": len(Path("/proc/self/mounts").read_text().splitlines()),
        "files": len(os.listdir(tempfile.gettempdir())),
    }


@pytest.fixture(autouse=True)
def own_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Others may be writing to the system's."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


async def eventually(met: Callable[[], bool], seconds: float = 10) -> bool:
    """Whether something becomes true in time."""
    end = time.monotonic() + seconds
    while not met() and time.monotonic() < end:
        await asyncio.sleep(0.05)
    return met()


async def resting(box: PythonSandbox) -> dict[str, int]:
    """What there is once `box` has made its warm workers again and nothing changes any more."""
    assert (await box.run("1")).ok
    seen: list[int] = []

    def steady() -> bool:
        seen.append(len(descendants(os.getpid())))
        return len(seen) > 20 and len(set(seen[-20:])) == 1

    assert await eventually(steady, 30), seen
    return left()


async def test_runs_leave_nothing(box: PythonSandbox) -> None:
    async def runs() -> None:
        for number in range(RUNS // 6):
            code = "import os\nif os.fork() == 0:\n    while True: pass" if number % 6 == 0 else "1"
            await box.run(code, timeout=5, files={"a": b"x" * 1000})

    await runs()
    before = await resting(box)
    await asyncio.gather(*(runs() for _ in range(6)))
    assert await eventually(lambda: left()["processes"] <= before["processes"])
    after = left()
    assert after["descriptors"] <= before["descriptors"] + 8  # workers being made just now
    assert (after["mounts"], after["files"]) == (before["mounts"], before["files"])


async def test_closing_leaves_nothing(box: PythonSandbox) -> None:
    before = await resting(box)
    for _ in range(3):
        async with PythonSandbox(box.backend, workers=2) as own:
            await own.run("1")
    assert await eventually(lambda: left() == before), (before, left())


@contextlib.contextmanager
def few_descriptors(free: int) -> Iterator[None]:
    """Let this process open so many and no more."""
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    highest = max(map(int, os.listdir("/proc/self/fd")))
    taken = []
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (highest + 1, limits[1]))
        with contextlib.suppress(OSError):
            while True:
                taken.append(os.open("/dev/null", os.O_RDONLY))
        resource.setrlimit(resource.RLIMIT_NOFILE, (highest + 1 + free, limits[1]))
        yield
    finally:
        for descriptor in taken:
            os.close(descriptor)
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)


async def test_a_host_without_descriptors_gets_results_that_say_so(box: PythonSandbox) -> None:
    before = left()
    for free in range(10):
        with few_descriptors(free), contextlib.suppress(UnavailableError):
            async with PythonSandbox(box.backend, workers=0):
                pass
    assert await eventually(lambda: left() == before), (before, left())
    async with PythonSandbox(box.backend, workers=0) as own:
        await own.run("1")
        before, found = left(), []
        for free in range(10):
            with few_descriptors(free):
                found.append((await own.run("1")).status)
        assert set(found) == {Status.UNAVAILABLE, Status.OK}
        assert found[0] is Status.UNAVAILABLE
        assert (await own.run("1")).ok
        assert await eventually(lambda: left() == before), (before, left())


async def test_a_cancelled_run_ends_its_processes(box: PythonSandbox) -> None:
    assert (await box.run("1")).ok
    await asyncio.sleep(0.5)
    before = await resting(box)
    task = asyncio.create_task(box.run("import os\nos.fork()\nwhile True: pass", timeout=60))
    await asyncio.sleep(0.3)
    assert left()["processes"] > before["processes"]
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await eventually(lambda: left()["processes"] <= before["processes"])
    assert (await box.run("6 * 7")).value == "42"


async def test_a_killed_isolation_is_noticed_and_replaced(box: PythonSandbox) -> None:
    before = set(children(os.getpid()))
    async with PythonSandbox(box.backend, workers=1) as own:
        assert (await own.run("1")).ok
        (root,) = set(children(os.getpid())) - before
        running = asyncio.create_task(own.run("import time; time.sleep(60)", timeout=60))
        await asyncio.sleep(0.5)
        tree = descendants(root)
        os.kill(children(root)[0], signal.SIGKILL)
        assert (await running).status is Status.UNAVAILABLE
        assert await eventually(lambda: not any(Path(f"/proc/{pid}").exists() for pid in tree))
        assert [(await own.run("6 * 7")).value for _ in range(4)] == ["42"] * 4


HOST = """
import asyncio, sys
from symposia.tools.sandbox import PythonSandbox
async def main():
    async with PythonSandbox(sys.argv[1], workers=2) as box:
        await box.run('1')
        print('ready', flush=True)
        await asyncio.gather(*(box.run('while True: pass', timeout=60) for _ in range(2)))
asyncio.run(main())
"""


async def test_a_host_that_is_killed_leaves_no_process(box: PythonSandbox) -> None:
    host = subprocess.Popen([sys.executable, "-c", HOST, box.backend], stdout=subprocess.PIPE)
    assert host.stdout is not None
    assert await asyncio.to_thread(host.stdout.readline) == b"ready\n"
    await asyncio.sleep(0.3)
    processes = descendants(host.pid)
    assert len(processes) >= 4
    host.kill()
    host.wait()
    host.stdout.close()
    assert await eventually(lambda: not any(Path(f"/proc/{pid}").exists() for pid in processes))


async def test_a_loop_that_ends_without_closing_leaves_no_process(box: PythonSandbox) -> None:
    code = HOST.replace("    async with PythonSandbox(sys.argv[1], workers=2) as box:", (
        "    box = PythonSandbox(sys.argv[1], workers=2)\n    await box.open()\n    if True:"
    )).replace("await asyncio.gather", "return\n        await asyncio.gather")  # fmt: skip
    code += "import os, time\nprint(os.getpid(), flush=True)\ntime.sleep(60)\n"
    host = subprocess.Popen([sys.executable, "-c", code, box.backend], stdout=subprocess.PIPE)
    assert host.stdout is not None
    await asyncio.to_thread(host.stdout.readline)
    await asyncio.to_thread(host.stdout.readline)
    processes = descendants(host.pid)
    host.terminate()
    host.wait()
    host.stdout.close()
    assert await eventually(lambda: not any(Path(f"/proc/{pid}").exists() for pid in processes))
