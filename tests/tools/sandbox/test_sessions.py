"""Sessions: cells that share their names, and what ends them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from sandboxes import local_backends, sandbox

from symposia.tools.sandbox import Mistake, PythonSandbox, Session, Status

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=local_backends())
async def box(request: pytest.FixtureRequest) -> AsyncIterator[PythonSandbox]:
    async with sandbox(request.param) as box:
        yield box


@pytest_asyncio.fixture(loop_scope="module")
async def session(box: PythonSandbox) -> AsyncIterator[Session]:
    async with box.session() as session:
        yield session


async def test_a_cell_sees_the_names_of_those_before_it(session: Session) -> None:
    assert (await session.run("import math\nx = 2")).value is None
    assert (await session.run("def double(n): return 2 * n")).ok
    assert (await session.run("double(x) + math.floor(1.5)")).value == "5"


async def test_output_belongs_to_its_cell(session: Session) -> None:
    assert (await session.run("print('one')")).stdout == "one\n"
    second = await session.run("import sys\nprint('two')\nprint('err', file=sys.stderr)")
    assert (second.stdout, second.stderr) == ("two\n", "err\n")
    assert (await session.run("1")).stdout == ""


async def test_an_error_leaves_the_session_open(session: Session) -> None:
    await session.run("x = 1")
    failed = await session.run("x = 2\n1 / 0\nx = 3")
    assert (failed.mistake, failed.line) == (Mistake.ZERO_DIVISION, 2)
    assert 'File "<cell 2>", line 2' in failed.traceback
    assert (await session.run("x")).value == "2"
    assert (await session.run("import sys\nsys.exit(4)")).status is Status.EXIT
    assert (await session.run("x")).value == "2"


async def test_a_traceback_shows_the_lines_of_earlier_cells(session: Session) -> None:
    await session.run("def broken():\n    return [][0]")
    failed = await session.run("broken()")
    assert 'File "<cell 1>", line 2, in broken\n    return [][0]' in failed.traceback


async def test_the_sources_of_all_cells_are_found_whenever_somebody_asks(session: Session) -> None:
    await session.run("def first():\n    return 1")
    found = await session.run("import inspect\ninspect.getsource(first)")
    assert found.value == repr("def first():\n    return 1")
    await session.run("def later():\n    return 2")
    assert (await session.run("inspect.getsource(later)")).value == repr(
        "def later():\n    return 2"
    )
    assert (await session.run("import linecache\nlinecache.__spec__.loader")).value == (
        await session.run("linecache.__loader__")
    ).value


async def test_tasks_and_their_loop_live_as_long_as_the_session(session: Session) -> None:
    await session.run("import asyncio\nseen = asyncio.Event()")
    await session.run("task = asyncio.create_task(seen.wait())\nawait asyncio.sleep(0)")
    await session.run("seen.set()")
    assert (await session.run("await task")).value == "True"


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("while True: pass", Status.TIMEOUT),
        ("x = 'a' * 10 ** 10", Status.MEMORY),
        ("while True: print('x' * 1000)", Status.OUTPUT),
        ("import os\nos._exit(0)", Status.EXIT),
        ("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)", Status.KILLED),
    ],
)
async def test_a_cell_can_end_the_session_and_later_ones_say_so(
    session: Session, code: str, status: Status
) -> None:
    assert (await session.run("x = 1")).ok
    if status is Status.KILLED and not await _may_die(session):
        pytest.skip("the worker is the first process of its namespace: signals do not reach it")
    assert (await session.run(code, timeout=2)).status is status
    later = await session.run("x")
    assert (later.status, later.mistake) == (Status.ENDED, Mistake.ENDED)
    assert "<cell 2>" in later.error or "<cell 3>" in later.error
    assert status in later.error


async def _may_die(session: Session) -> bool:
    return (await session.run("import os\nos.getpid() > 1")).value == "True"


async def test_a_closed_session_says_so(box: PythonSandbox) -> None:
    session = box.session()
    with pytest.raises(RuntimeError, match="enter the session"):
        await session.run("1")
    async with session:
        assert (await session.run("1")).ok
    later = await session.run("1")
    assert (later.status, later.error) == (Status.ENDED, "the session was closed")


async def test_sessions_share_nothing(box: PythonSandbox) -> None:
    mark = "import builtins, sys\nbuiltins.mark = sys.mark = 1\nopen('mark', 'w').close()"
    look = "import os, sys\n('mark' in globals(), hasattr(sys, 'mark'), os.listdir('.'))"
    async with box.session() as one, box.session() as other:
        assert (await one.run(mark)).ok
        assert (await other.run(look)).value == "(False, False, [])"
    assert (await box.run(look)).value == "(False, False, [])"


async def test_cells_given_at_once_run_one_after_the_other(session: Session) -> None:
    await session.run("seen = []")
    slow = "import time\nseen.append('a')\ntime.sleep(0.1)\nseen.append('b')"
    await asyncio.gather(session.run(slow), session.run("seen.append('c')"))
    assert (await session.run("seen")).value == "['a', 'b', 'c']"


async def test_a_cell_that_is_cancelled_ends_the_session(session: Session) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await session.run("import time\ntime.sleep(60)")
    later = await session.run("1")
    assert later.status is Status.ENDED and "<cell 1>" in later.error


async def test_cells_share_the_work_folder(session: Session) -> None:
    await session.run("open('a.txt', 'w').write('a')", files={"b.txt": "b"})
    last = await session.run("import os\nsorted(os.listdir())", collect=["*.txt"])
    assert last.value == "['a.txt', 'b.txt']"
    assert last.files == {"a.txt": b"a", "b.txt": b"b"}


async def test_modules_that_are_brought_in_later_are_found(session: Session) -> None:
    await session.run("1", files={"one.py": "value = 1"})
    assert (await session.run("import one\none.value")).value == "1"
    assert (await session.run("import two\ntwo.value", files={"two.py": "value = 2"})).value == "2"


WRITER = """
import os, time
if os.fork() == 0:
    time.sleep(.1)
    for _ in range({times}): os.write(1, bytes(2**16))
    os._exit(0)
"""


async def test_what_prints_too_much_between_cells_ends_the_session(session: Session) -> None:
    assert (await session.run(WRITER.format(times=1000))).ok
    await asyncio.sleep(0.5)
    late = await session.run("1")
    assert (late.status, late.mistake, late.value) == (Status.OUTPUT, Mistake.OUTPUT, None)
    assert (await session.run("1")).status is Status.ENDED


async def test_a_little_that_is_printed_between_cells_is_thrown_away(session: Session) -> None:
    assert (await session.run(WRITER.format(times=2))).ok
    await asyncio.sleep(0.5)
    later = await session.run("print('now')")
    assert (later.status, later.stdout) == (Status.OK, "now\n")
