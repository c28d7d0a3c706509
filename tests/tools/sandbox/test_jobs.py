"""What a run says of the code: its value, its output, its error."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from sandboxes import local_backends, sandbox

from symposia.tools.sandbox import Mistake, PythonSandbox, Status

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=local_backends())
async def box(request: pytest.FixtureRequest) -> AsyncIterator[PythonSandbox]:
    async with sandbox(request.param) as box:
        yield box


@pytest.mark.parametrize(
    ("code", "value"),
    [
        ("6 * 7", "42"),
        ("x = 5\nx", "5"),
        ("x = 5", None),
        ("None", None),
        ("", None),
        ("'docstring'", "'docstring'"),
        ("print(1)", None),
        ("__name__", "'__main__'"),
        ("import __main__\n__main__.__dict__ is globals()", "True"),
        ("import asyncio\nawait asyncio.sleep(0, 'slept')", "'slept'"),
        ("async def f(): return 1\nasyncio = __import__('asyncio')\nasyncio.run(f())", "1"),
        ("'\\udc80'", r"'\udc80'"),
        ("from pathlib import Path\nPath(__file__).name", "'main.py'"),
        ("import sys\nsys.argv", "['main.py']"),
        ("import sys\nsys.stdin.read()", "''"),
    ],
)
async def test_the_value_is_that_of_the_last_expression(
    box: PythonSandbox, code: str, value: str | None
) -> None:
    result = await box.run(code)
    assert (result.status, result.value, result.error) == (Status.OK, value, "")
    assert result.backend == box.backend


async def test_a_value_that_is_too_long_loses_its_middle(box: PythonSandbox) -> None:
    result = await box.run("'x' * 10_000_000")
    assert result.ok and result.value is not None
    assert len(result.value) < 110_000
    assert "characters left out" in result.value


async def test_output_counts_wherever_it_is_written(box: PythonSandbox) -> None:
    result = await box.run(
        "import os, sys\n"
        "print('printed')\n"
        "os.write(1, b'written\\n')\n"
        "sys.stdout.buffer.write(b'\\xff\\n')\n"
        "sys.stdout.flush()\n"
        "if os.fork() == 0:\n"
        "    print('child')\n"
        "    sys.stdout.flush()\n"
        "    os._exit(0)\n"
        "os.wait()\n"
        "print('to stderr', file=sys.stderr)\n"
    )
    assert result.stdout == "printed\nwritten\n\\xff\nchild\n"
    assert result.stderr == "to stderr\n"


async def test_what_was_printed_before_a_crash_is_kept(box: PythonSandbox) -> None:
    result = await box.run("import os\nprint('before')\nos.abort()")
    assert (result.status, result.signal) == (Status.KILLED, "SIGABRT")
    assert result.stdout == "before\n"
    assert result.mistake is Mistake.KILLED


async def test_a_traceback_begins_in_the_code_and_shows_its_lines(box: PythonSandbox) -> None:
    result = await box.run("def half(x):\n    return 1 / x\n\nhalf(0)\n")
    assert result.status is Status.ERROR
    assert (result.error_type, result.mistake) == ("ZeroDivisionError", Mistake.ZERO_DIVISION)
    assert (result.error, result.line) == ("division by zero", 2)
    lines = result.traceback.splitlines()
    assert lines[:3] == [
        "Traceback (most recent call last):",
        '  File "main.py", line 4, in <module>',
        "    half(0)",
    ]
    assert "    return 1 / x" in lines
    assert lines[-1] == "ZeroDivisionError: division by zero"


@pytest.mark.parametrize(
    ("code", "mistake"),
    [
        ("def f(:", Mistake.SYNTAX),
        ("  x = 1", Mistake.SYNTAX),
        ("nothing", Mistake.NAME),
        ("1 + 'a'", Mistake.TYPE),
        ("int('a')", Mistake.VALUE),
        ("b'\\xff'.decode()", Mistake.VALUE),
        ("[][1]", Mistake.INDEX),
        ("{}['a']", Mistake.KEY),
        ("(1).nothing", Mistake.ATTRIBUTE),
        ("import nothing", Mistake.IMPORT),
        ("assert 1 == 2", Mistake.ASSERTION),
        ("1 / 0", Mistake.ZERO_DIVISION),
        ("2.0 ** 100000", Mistake.ARITHMETIC),
        ("def f(): f()\nf()", Mistake.RECURSION),
        ("raise NotImplementedError", Mistake.UNIMPLEMENTED),
        ("open('nothing')", Mistake.FILE),
        ("class Own(KeyError): pass\nraise Own", Mistake.KEY),
        ("raise Exception('x')", Mistake.OTHER),
        ("raise KeyboardInterrupt", Mistake.OTHER),
        ("raise BaseExceptionGroup('x', [GeneratorExit()])", Mistake.OTHER),
        ("10 ** 10_000", Mistake.VALUE),
        ("class A:\n    def __repr__(self): return 1 / 0\nA()", Mistake.ZERO_DIVISION),
    ],
)
async def test_errors_are_of_a_sort(box: PythonSandbox, code: str, mistake: Mistake) -> None:
    result = await box.run(code)
    assert (result.status, result.mistake) == (Status.ERROR, mistake)


@pytest.mark.parametrize(
    ("code", "status", "exit_code"),
    [
        ("import sys\nsys.exit()", Status.OK, 0),
        ("raise SystemExit(0)", Status.OK, 0),
        ("import sys\nsys.exit(3)", Status.EXIT, 3),
        ("import sys\nsys.exit('no')", Status.EXIT, 1),
        ("import os\nos._exit(0)", Status.EXIT, 0),
        ("import os\nos._exit(7)", Status.EXIT, 7),
    ],
)
async def test_leaving_is_no_error_but_is_told(
    box: PythonSandbox, code: str, status: Status, exit_code: int
) -> None:
    result = await box.run(code)
    assert (result.status, result.exit_code) == (status, exit_code)


async def test_a_script_ends_as_the_interpreter_ends_it(box: PythonSandbox) -> None:
    result = await box.run(
        "import atexit, threading, time\n"
        "atexit.register(print, 'registered')\n"
        "threading.Thread(target=lambda: (time.sleep(0.1), print('thread'))).start()\n"
        "print('last line')"
    )
    assert result.stdout == "last line\nthread\nregistered\n"


async def test_only_the_first_process_answers(box: PythonSandbox) -> None:
    result = await box.run("import os\npid = os.fork()\nif pid: os.wait()\n'parent' if pid else 1")
    assert (result.status, result.value) == (Status.OK, "'parent'")


async def test_pickle_dataclasses_and_inspect_find_what_they_look_for(box: PythonSandbox) -> None:
    result = await box.run(
        "import dataclasses, inspect, pickle\n"
        "@dataclasses.dataclass\n"
        "class Point:\n"
        "    x: int\n"
        "def f():\n"
        "    return 1\n"
        "same = pickle.loads(pickle.dumps(Point(3)))\n"
        "(same == Point(3), inspect.getsource(f), inspect.getsource(Point)[:10])"
    )
    assert result.value == r"(True, 'def f():\n    return 1\n', '@dataclass')"


@pytest.mark.parametrize(
    "code",
    [
        "class Bad(Exception):\n    def __str__(self): raise RuntimeError\nraise Bad",
        "class Bad(Exception):\n    def __str__(self): return 1\nraise Bad",
        "class Bad(Exception):\n    def __str__(self): raise SystemExit\nraise Bad",
        "class Meta(type):\n"
        "    def __getattribute__(cls, name): raise RuntimeError\n"
        "class Bad(Exception, metaclass=Meta): pass\nraise Bad",
        "raise Exception('\\udc80' * 100_000)",
        "raise type('x' * 100_000, (Exception,), {})",
        "raise Exception('x' * 10_000_000)",
    ],
)
async def test_an_exception_cannot_keep_its_answer_back(box: PythonSandbox, code: str) -> None:
    result = await box.run(code)
    assert (result.status, result.mistake) == (Status.ERROR, Mistake.OTHER)
    assert result.error_type
    assert len(result.traceback) < 25_000


@pytest.mark.parametrize(
    "code",
    [
        "import sys\nsys.stdout.close()\n'said'",
        "import sys\nsys.stdout = sys.stderr = None\n'said'",
        "import json\njson.dumps = json.loads = None\njson.encoder.JSONEncoder = None\n'said'",
        "import os\nos.write = os.read = os.getpid = None\n'said'",
        "import sys\nsys.modules.clear()\n'said'",
        "import builtins\nbuiltins.len = builtins.sorted = builtins.dict = None\n'said'",
    ],
)
async def test_the_answer_needs_nothing_that_the_code_may_break(
    box: PythonSandbox, code: str
) -> None:
    result = await box.run(code)
    assert (result.status, result.value) == (Status.OK, "'said'")


async def test_memory_that_runs_out_is_told(box: PythonSandbox) -> None:
    for code in ("x = 'a' * 10 ** 10", "x = []\nwhile True: x.append('a' * 10 ** 6)"):
        result = await box.run(code)
        assert (result.status, result.mistake) == (Status.MEMORY, Mistake.MEMORY)
        assert result.error_type == "MemoryError"


async def test_a_run_that_takes_too_long_is_ended(box: PythonSandbox) -> None:
    result = await box.run("print('began')\nwhile True: pass", timeout=0.5)
    assert (result.status, result.mistake) == (Status.TIMEOUT, Mistake.TIMEOUT)
    assert result.stdout == "began\n"
    assert 0.5 <= result.seconds < 5


async def test_too_much_output_ends_the_run(box: PythonSandbox) -> None:
    result = await box.run("while True: print('x' * 1000)")
    assert (result.status, result.truncated) == (Status.OUTPUT, True)
    assert len(result.stdout) == box.limits.output


async def test_runs_are_measured(box: PythonSandbox) -> None:
    if box.backend == "docker":
        pytest.skip("docker does not say what a container used")
    result = await box.run("x = 'a' * 50_000_000\nsum(range(10 ** 6))")
    assert result.cpu_seconds > 0.005
    assert result.peak_memory > 50_000_000


async def test_a_timeout_must_be_a_positive_number(box: PythonSandbox) -> None:
    for timeout in (0, -1, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="positive"):
            await box.run("1", timeout=timeout)
