"""Attacks that once got through: on the memory watch, on what is believed, and on sessions."""

from __future__ import annotations

import asyncio
import fcntl
import os
import sys
import textwrap
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio
from sandboxes import sandbox

from symposia.tools.sandbox import PythonSandbox, Result, Status
from symposia.tools.sandbox.packages import find
from symposia.tools.sandbox.processes import children, descendants

pytestmark = pytest.mark.asyncio(loop_scope="module")

MIB = 2**20
HOLD = "import time; x = bytearray(b'x') * (250 * 2**20); time.sleep(1); print('ESCAPED')\n"
"""Holds more than the fixture `small` allows, for long enough to be seen."""
NONCE = """
import json, os, sys, time
frame = sys._getframe()
while not isinstance(frame.f_locals.get('job'), dict): frame = frame.f_back
nonce = frame.f_locals['job']['nonce']
def say(**fields):
    say_text(json.dumps({'nonce': nonce, 'status': 'ok', **fields}))
def say_text(text):
    body = text.replace('NONCE', nonce).encode()
    data = memoryview(len(body).to_bytes(4, 'big') + body)
    while data: data = data[os.write(CHANNEL, data):]
    time.sleep(60)
"""
"""Finds the nonce as the documentation says that it can be found, and answers with it."""


@pytest_asyncio.fixture(loop_scope="module")
async def small(box: PythonSandbox) -> AsyncIterator[PythonSandbox]:
    """A sandbox whose tenants may hold 100 MiB all together."""
    limits = replace(box.limits, total_memory=100 * MIB, seconds=8.0)
    async with PythonSandbox(box.backend, limits=limits, workers=1) as small:
        yield small


async def forged(box: PythonSandbox, code: str, **options: object) -> Result:
    """What comes of code that answers for the kernel."""
    channel = NONCE.replace("CHANNEL", str(box.limits.open_files - 1))
    return await box.run(channel + code, timeout=4, **options)


# --- the memory of all processes together


async def test_a_name_that_is_no_text_does_not_end_the_watch(small: PythonSandbox) -> None:
    rename = "import ctypes; ctypes.CDLL(None).prctl(15, b'\\xff\\xfe')\n"
    assert (await small.run(rename + HOLD)).status is Status.MEMORY
    named = asyncio.create_task(small.run(rename + "import time; time.sleep(3)"))
    await asyncio.sleep(0.3)
    assert (await small.run(HOLD)).status is Status.MEMORY
    assert (await named).status is Status.OK


async def test_memory_is_seen_when_the_first_thread_has_ended(small: PythonSandbox) -> None:
    code = """
import ctypes, os, platform, threading, time
libc = ctypes.CDLL(None)
def hold():
    time.sleep(.3)
    x = bytearray(b'x') * (250 * 2**20); time.sleep(1); os.write(1, b'ESCAPED')
if os.fork() == 0:
    threading.Thread(target=hold).start()
    libc.syscall({'x86_64': 60, 'aarch64': 93}[platform.machine()], 0)
time.sleep(5)
"""
    result = await small.run(code)
    assert (result.status, result.stdout) == (Status.MEMORY, "")


@pytest.mark.parametrize("source", ["-1", "os.open('/dev/zero', os.O_RDWR)"])
async def test_memory_is_not_hidden_in_shared_pages(small: PythonSandbox, source: str) -> None:
    code = f"""
import mmap, os, time
part, data = 4 * 2**20, b'x' * 4 * 2**20
memory = mmap.mmap({source}, 50 * part)
for start in range(0, 50 * part, part):
    memory[start:start + part] = data
    memory.madvise(mmap.MADV_DONTNEED, start, part)
time.sleep(.5)
print('ESCAPED', memory[part])
"""
    result = await small.run(code)
    assert "ESCAPED" not in result.stdout, result


async def test_the_host_is_not_the_first_to_go_when_memory_runs_out(
    box: PythonSandbox, processes: Callable[[], list[int]]
) -> None:
    assert (await box.run("1")).ok
    scores = [int(Path(f"/proc/{pid}/oom_score_adj").read_text()) for pid in processes()]
    assert scores and set(scores) == {1000}


async def test_private_memory_without_a_file_is_given(box: PythonSandbox) -> None:
    flags = "mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS"
    result = await box.run(f"import mmap\nm = mmap.mmap(-1, 4096, {flags})\nm[0] = 1\nm[0]")
    assert result.value == "1"
    refused = await box.run("import mmap\nmmap.mmap(-1, 4096)")
    assert refused.error_type == "PermissionError"


async def test_memory_is_held_between_the_cells_of_a_session(small: PythonSandbox) -> None:
    code = """
import os, time
if os.fork() == 0:
    time.sleep(.3)
    x = bytearray(b'x') * (250 * 2**20)
    time.sleep(1)
    open('held', 'w').close()
    os._exit(0)
"""
    async with small.session() as session:
        assert (await session.run(code)).ok
        await asyncio.sleep(2.5)
        assert (await session.run("import os; os.path.exists('held')")).value != "True"


async def test_a_writer_between_cells_does_not_keep_the_host_busy(box: PythonSandbox) -> None:
    code = """
import os, time
if os.fork() == 0:
    time.sleep(.2)
    while True: os.write(1, bytes(2**16))
"""
    async with box.session() as session:
        assert (await session.run(code)).ok
        await asyncio.sleep(0.6)
        before = time.process_time()
        await asyncio.sleep(1.0)
        assert time.process_time() - before < 0.1


# --- what is believed


async def test_files_that_nobody_asked_for_are_not_believed(box: PythonSandbox) -> None:
    files = {"conftest.py": "eA==", ".git/config": "eA=="}
    for collect in ([], ["out/*.csv"]):
        result = await forged(box, f"say(files={files})", collect=collect)
        assert (result.status, dict(result.files)) == (Status.PROTOCOL, {})


async def test_a_reply_of_many_small_parts_does_not_stop_the_host(box: PythonSandbox) -> None:
    gaps: list[float] = []

    async def beat() -> None:
        while True:
            began = time.perf_counter()
            await asyncio.sleep(0.01)
            gaps.append(time.perf_counter() - began)

    beating = asyncio.create_task(beat())
    many = '[{"nonce":"NONCE","x":[' + "' + '[],' * 3_500_000 + '" + "[]]}]"
    result = await forged(box, f"say_text('{many}')")
    beating.cancel()
    assert result.status is Status.PROTOCOL
    assert max(gaps) < 0.5


@pytest.mark.parametrize(
    "text",
    [
        '{"nonce":"NONCE","status":"ok","left_out":["\\\\ud800"]}',
        '{"nonce":"NONCE","status":"ok","line":-5}',
        '{"nonce":"NONCE","status":"ok","line":%s}' % ("9" * 4000),
        '{"nonce":"NONCE","status":"error","status":"ok"}',
    ],
    ids=["a lone surrogate", "a negative line", "a huge line", "a key twice"],
)
async def test_a_reply_that_says_odd_things_is_not_believed(box: PythonSandbox, text: str) -> None:
    result = await forged(box, f"say_text('{text}')")
    assert result.status is Status.PROTOCOL


async def test_file_names_that_are_no_text_are_not_believed(box: PythonSandbox) -> None:
    result = await forged(box, "say(files={'\\ud800': ''})", collect=["*"])
    assert result.status is Status.PROTOCOL


STOLEN = {
    "by a profiler": """
        def profile(frame, event, argument):
            if event == 'c_call' and argument is os.read:
                sys.setprofile(None)
                answer()
                time.sleep(60)
        sys.setprofile(profile)""",
    "by a thread": """
        import threading
        def steal():
            time.sleep(.01)
            while True: answer()
        threading.Thread(target=steal, daemon=True).start()""",
}


@pytest.mark.parametrize("kind", STOLEN)
async def test_a_test_is_not_answered_by_who_reads_the_channel(
    box: PythonSandbox, kind: str
) -> None:
    code = f"""
import json, os, sys, time
def answer():
    channel = {box.limits.open_files - 1}
    length, body = int.from_bytes(os.read(channel, 4), 'big'), b''
    while len(body) < length: body += os.read(channel, length - len(body))
    reply = json.dumps({{'nonce': json.loads(body)['nonce'], 'status': 'ok'}}).encode()
    os.write(channel, len(reply).to_bytes(4, 'big') + reply)
def add(a, b): return 0
{textwrap.dedent(STOLEN[kind])}
"""
    report = await box.run_tests(code, ["assert add(1, 2) == 3"] * 8, timeout=2)
    assert report.passed == 0


@pytest.mark.parametrize("coverage", [False, True])
async def test_a_tracer_does_not_jump_over_asserts(box: PythonSandbox, coverage: bool) -> None:
    code = """
import sys
def trace(frame, event, argument):
    if frame.f_code.co_filename.startswith('<test') and event == 'line': frame.f_lineno = 3
    return trace
sys.settrace(trace)
def add(a, b): return 0
"""
    test = "x = add(1, 2)\nassert x == 3\ny = 1"
    report = await box.run_tests(code, [test], coverage=coverage)
    assert report.passed == 0


# --- the kernel

OWN = ("user", "mnt", "pid", "ipc", "uts", "cgroup")
"""The namespaces that no tenant shares with another."""


async def test_tenants_share_no_namespace_with_the_host(box: PythonSandbox) -> None:
    others = {*descendants(os.getpid())}
    found: dict[str, list[str]] = {}
    async with sandbox(box.backend, workers=2) as own:
        runs = [asyncio.create_task(own.run("import time; time.sleep(1.5)")) for _ in range(2)]
        await asyncio.sleep(0.7)
        for pid in {*descendants(os.getpid())} - others:
            if not children(pid):  # who runs a tenant's code
                for kind in (*OWN, "net"):
                    try:
                        found.setdefault(kind, []).append(os.readlink(f"/proc/{pid}/ns/{kind}"))
                    except PermissionError:
                        pytest.skip("only root sees the namespaces of others")
        assert all(run.ok for run in await asyncio.gather(*runs))
    assert len(found["user"]) >= 2
    for kind, names in found.items():
        assert os.readlink(f"/proc/self/ns/{kind}") not in names, kind
    assert {kind: len(set(found[kind])) for kind in OWN} == {
        kind: len(found["user"]) for kind in OWN
    }


async def test_tenants_do_not_reach_one_another(box: PythonSandbox) -> None:
    code = """
import os, socket, time
for attempt in range(20):
    for family, address in (
        (socket.AF_UNIX, '\\0symposia'), (socket.AF_UNIX, '/tmp/symposia'),
        (socket.AF_INET, ('127.0.0.1', 4711)), (socket.AF_INET6, ('::1', 4711)),
    ):
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
            for act in ('bind', 'connect'):
                try: getattr(socket.socket(family, kind), act)(address)
                except OSError: continue
                print('ESCAPED', family, kind, act)
    for pid in range(1, 40):
        if pid != os.getpid():
            try: os.kill(pid, 9)
            except OSError: pass
    time.sleep(.02)
os.kill(0, 0)
"""
    results = await asyncio.gather(box.run(code), box.run(code))
    assert [(result.status, result.stdout) for result in results] == [(Status.OK, "")] * 2


async def test_files_of_the_host_are_not_locked(box: PythonSandbox, tmp_path: Path) -> None:
    package = tmp_path / "locked"
    package.mkdir()
    file = package / "data.bin"
    file.write_bytes(b"x")
    for folder in (package, *package.parents):
        if folder.is_relative_to(tmp_path.parents[1]):
            os.chmod(folder, 0o755)
    code = """
import fcntl, os, time
file = os.open('/packages/locked/data.bin', os.O_RDONLY)
try: fcntl.lockf(file, fcntl.LOCK_SH)
except OSError: pass
print('tried', flush=True)
time.sleep(1.5)
"""
    async with PythonSandbox(box.backend, packages=[str(package)], workers=1) as own:
        running = asyncio.create_task(own.run(code))
        await asyncio.sleep(0.8)
        with file.open("r+b") as held:
            fcntl.lockf(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        assert (await running).stdout == "tried\n"


async def test_locks_do_not_fill_the_kernels_memory(box: PythonSandbox) -> None:
    code = """
import fcntl, os
file = os.open('file', os.O_RDWR | os.O_CREAT)
try:
    for place in range(2000): fcntl.lockf(file, fcntl.LOCK_EX, 1, 2 * place)
except OSError:
    pass
if os.fork() == 0:
    try: fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, 3000)
    except OSError as error: print('ESCAPED' if error.errno == 11 else '')
    os._exit(0)
os.wait()
"""
    assert "ESCAPED" not in (await box.run(code)).stdout


async def test_the_hosts_process_is_not_named_by_the_channel(box: PythonSandbox) -> None:
    code = f"""
import socket
channel = socket.socket(fileno={box.limits.open_files - 1})
try: print('ESCAPED', channel.getsockopt(1, 77, 4))
except OSError: pass
channel.detach()
"""
    assert "ESCAPED" not in (await box.run(code)).stdout


async def test_a_package_does_not_hide_the_standard_library(
    box: PythonSandbox, tmp_path: Path
) -> None:
    package = tmp_path / "random"
    package.mkdir()
    (package / "__init__.py").write_text("print('ESCAPED')")
    tmp_path.chmod(0o755)
    package.chmod(0o755)
    async with PythonSandbox(box.backend, packages=[str(package)], workers=1) as own:
        result = await own.run("import random, sys; random.Random(1).random(); sys.path[-1]")
    assert (result.stdout, result.value) == ("", "'/packages'")


async def test_a_package_never_stands_for_the_hosts_root(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    about = tmp_path / "absolute-1.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: absolute\nVersion: 1\n")
    (about / "RECORD").write_text("absolute_.py,,\n/usr/share/x,,\nabsolute-1.dist-info/RECORD,,\n")
    (about / "top_level.txt").write_text("absolute_\n")
    (tmp_path / "absolute_.py").write_text("x = 1\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert all(Path(package.source).is_relative_to(tmp_path) for package in find(["absolute_"]))
    for whole in ("/", str(Path.home()), str(Path.home().parent), sys.base_prefix):
        with pytest.raises(ValueError, match="packages"):
            find([whole])
