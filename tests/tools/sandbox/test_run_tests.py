"""Tests of code: what counts as a test, what passes, and what cannot be forged."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from sandboxes import local_backends, sandbox

from symposia.tools.sandbox import Mistake, PythonSandbox, Status

ADD = "def add(a, b):\n    return a + b\n"
WRONG = "def add(a, b):\n    return a - b\n"
CHECK = (
    "METADATA = {}\n\n"
    "def check(candidate):\n"
    "    assert candidate(1, 2) == 3\n"
    "    assert candidate(0, 0) == 0\n"
)


pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=local_backends())
async def box(request: pytest.FixtureRequest) -> AsyncIterator[PythonSandbox]:
    async with sandbox(request.param, workers=2) as box:
        yield box


async def test_each_snippet_is_a_test(box: PythonSandbox) -> None:
    report = await box.run_tests(
        ADD, ["assert add(1, 2) == 3", "assert add(1, 2) == 4", "assert add('a', 1) == 'a1'"]
    )
    assert [(test.name, test.passed, test.mistake) for test in report.tests] == [
        ("test 1", True, None),
        ("test 2", False, Mistake.ASSERTION),
        ("test 3", False, Mistake.TYPE),
    ]
    assert (report.passed, report.ok, report.score) == (1, False, 1 / 3)
    assert report.mistakes == {Mistake.ASSERTION: 1, Mistake.TYPE: 1}
    assert report.backend == box.backend
    failed = report.tests[1].result
    assert 'File "<test 2>", line 1' in failed.traceback
    assert 'File "solution.py", line 2, in add' in report.tests[2].result.traceback


async def test_a_program_with_check_is_one_test(box: PythonSandbox) -> None:
    good = await box.run_tests(ADD, CHECK, entry_point="add")
    assert [(test.name, test.passed) for test in good.tests] == [("check", True)]
    bad = await box.run_tests(WRONG, CHECK, entry_point="add")
    assert bad.mistakes == {Mistake.ASSERTION: 1}
    assert bad.tests[0].result.line is not None
    missing = await box.run_tests("x = 1", CHECK, entry_point="add")
    assert missing.mistakes == {Mistake.NAME: 1}


async def test_functions_and_methods_named_test_are_tests(box: PythonSandbox) -> None:
    report = await box.run_tests(
        ADD,
        "import asyncio\n"
        "import unittest\n"
        "import solution\n"
        "from solution import add as plus\n\n"
        "def helper(): return plus(1, 1)\n"
        "def test_right(): assert helper() == 2\n"
        "def test_wrong(): assert solution.add(1, 1) == 3\n"
        "async def test_awaited():\n"
        "    await asyncio.sleep(0)\n"
        "    assert add(1, 1) == 3\n"
        "class TestGroup:\n"
        "    def test_inside(self): assert add(2, 2) == 4\n"
        "class Unit(unittest.TestCase):\n"
        "    @classmethod\n"
        "    def setUpClass(cls): cls.two = 2\n"
        "    def setUp(self): self.one = 1\n"
        "    def test_equal(self): self.assertEqual(add(self.one, self.two), 3)\n"
        "    def test_unequal(self): self.assertEqual(add(self.one, self.two), 4)\n",
    )
    assert {test.name: test.mistake for test in report.tests} == {
        "test_right": None,
        "test_wrong": Mistake.ASSERTION,
        "test_awaited": Mistake.ASSERTION,
        "TestGroup.test_inside": None,
        "Unit.test_equal": None,
        "Unit.test_unequal": Mistake.ASSERTION,
    }


@pytest.mark.parametrize(
    ("tests", "mistake"),
    [("def test_(:", Mistake.SYNTAX), ("x = 1", Mistake.OTHER), ("", Mistake.OTHER)],
)
async def test_a_module_without_tests_passes_nothing(
    box: PythonSandbox, tests: str, mistake: Mistake
) -> None:
    report = await box.run_tests(ADD, tests)
    assert not report.ok
    assert report.mistakes == {mistake: 1}


async def test_no_tests_are_no_pass(box: PythonSandbox) -> None:
    report = await box.run_tests(ADD, [])
    assert (report.ok, report.score, report.tests) == (False, 0.0, ())


async def test_a_test_that_hangs_or_crashes_hides_no_other(box: PythonSandbox) -> None:
    code = (
        "import os, sys\n"
        "def f(n):\n"
        "    if n == 1: return 1\n"
        "    if n == 2:\n"
        "        while True: pass\n"
        "    if n == 3: os._exit(0)\n"
        "    if n == 4: os.abort()\n"
        "    if n == 5: return 'x' * 10 ** 10\n"
        "    if n == 6: return f(6)\n"
        "    if n == 7:\n"
        "        while True: print('x' * 1000)\n"
        "    if n == 8: sys.exit(0)\n"
        "    if n == 9: raise KeyboardInterrupt\n"
    )
    report = await box.run_tests(code, [f"assert f({n}) == 1" for n in range(1, 10)], timeout=3)
    assert [test.mistake for test in report.tests] == [
        None,
        Mistake.TIMEOUT,
        Mistake.EXIT,
        Mistake.KILLED,
        Mistake.MEMORY,
        Mistake.RECURSION,
        Mistake.OUTPUT,
        Mistake.EXIT,
        Mistake.OTHER,
    ]


@pytest.mark.parametrize(
    ("code", "mistake"),
    [
        ("def f(:", Mistake.SYNTAX),
        ("import nothing", Mistake.IMPORT),
        ("while True: pass", Mistake.TIMEOUT),
        ("import sys\nsys.exit(0)", Mistake.EXIT),
        ("import os\nos._exit(0)", Mistake.EXIT),
        ("x = 'x' * 10 ** 10", Mistake.MEMORY),
    ],
)
async def test_code_that_cannot_be_loaded_fails_every_test_once(
    box: PythonSandbox, code: str, mistake: Mistake
) -> None:
    report = await box.run_tests(code, ["assert True"] * 5, timeout=2)
    assert report.mistakes == {mistake: 5}
    assert len({id(test.result) for test in report.tests}) == 1


async def test_state_does_not_pass_from_test_to_test(box: PythonSandbox) -> None:
    code = "calls = []\ndef f():\n    calls.append(1)\n    return len(calls)\n"
    report = await box.run_tests(code, ["assert f() == 1"] * 3)
    assert report.ok


FORGERIES = {
    "prints that it passed": "print('ok')\nprint('1 passed')\n",
    "leaves with code 0 when called": "import os\ndef add(a, b): os._exit(0)\n",
    "calls sys.exit(0) when called": "import sys\ndef add(a, b): sys.exit(0)\n",
    "registers an exit with code 0": (
        "import atexit, os\natexit.register(os._exit, 0)\ndef add(a, b): return 0\n"
    ),
    "replaces AssertionError": (
        "import builtins\nclass Quiet(BaseException): pass\n"
        "builtins.AssertionError = AssertionError = Quiet\ndef add(a, b): return 0\n"
    ),
    "replaces built-ins in its module": (
        "def abs(x): return 0\ndef all(x): return True\ndef add(a, b): return 0\n"
    ),
    "replaces built-ins for everybody": (
        "import builtins\nbuiltins.abs = lambda x: 0\nbuiltins.all = lambda x: True\n"
        "def add(a, b): return 0\n"
    ),
    "swaps __builtins__": (
        "import types\n__builtins__ = types.SimpleNamespace(abs=lambda x: 0, all=bool)\n"
        "def add(a, b): return 0\n"
    ),
    "patches json": (
        'import json\njson.dumps = lambda *a, **k: \'{"status":"ok"}\'\n'
        "json.JSONEncoder.encode = json.JSONEncoder.iterencode = json.dumps\n"
        "json.encoder.encode_basestring_ascii = json.encoder.c_make_encoder = None\n"
        "json.decoder.JSONDecoder.decode = json.decoder.JSONDecoder.raw_decode = None\n"
        "def add(a, b): return 0\n"
    ),
    "patches what tests are run with": (
        "import traceback, sys, builtins\n"
        "builtins.eval = builtins.exec = builtins.compile = lambda *a, **k: None\n"
        "sys.excepthook = traceback.print_exc = lambda *a: None\n"
        "def add(a, b): return 0\n"
    ),
    "patches how tests are read": (
        "import ast\nempty = ast.parse('')\n"
        "ast.parse = lambda *a, **k: empty\nast.Module = ast.Expr = ast.Expression = None\n"
        "def add(a, b): return 0\n"
    ),
    "traces and profiles": (
        "import sys, threading\n"
        "sys.settrace(lambda *a: None)\nsys.setprofile(lambda *a: None)\n"
        "def add(a, b): return 0\n"
    ),
    "puts a verdict on every descriptor beforehand": (
        "import json, os\n"
        "for nonce in ('', '0' * 32):\n"
        "    body = json.dumps({'status': 'ok', 'nonce': nonce}).encode()\n"
        "    for number in range(3, 1024):\n"
        "        try: os.write(number, len(body).to_bytes(4, 'big') + body)\n"
        "        except OSError: pass\n"
        "def add(a, b): return 0\n"
    ),
    "puts a verdict on every descriptor when called": (
        "import json, os\n"
        "def add(a, b):\n"
        "    body = json.dumps({'status': 'ok', 'nonce': '0' * 32}).encode()\n"
        "    for number in range(3, 1024):\n"
        "        try: os.write(number, len(body).to_bytes(4, 'big') + body)\n"
        "        except OSError: pass\n"
        "    os._exit(0)\n"
    ),
    "keeps writing in the background": (
        "import os, threading\n"
        "def spam():\n"
        "    while True:\n"
        "        for number in range(3, 1024):\n"
        '            try: os.write(number, b\'\\0\\0\\0\\x0f{"status":"ok"}\')\n'
        "            except OSError: pass\n"
        "threading.Thread(target=spam, daemon=True).start()\n"
        "def add(a, b): return 0\n"
    ),
    "lets a fork answer": (
        "import os\ndef add(a, b):\n    pid = os.fork()\n"
        "    if pid == 0: return a + b\n    os.waitpid(pid, 0)\n    return 0\n"
    ),
    "closes every descriptor": "import os\nos.closerange(3, 4096)\ndef add(a, b): return 0\n",
    "looks for the tests when it is loaded": (
        "import gc, sys\n"
        "jobs = [o for o in gc.get_objects() if isinstance(o, dict) and 'nonce' in o]\n"
        "frame = sys._getframe()\n"
        "while frame: jobs.append(frame.f_locals); frame = frame.f_back\n"
        "known = any('candi' + 'date(1, 2)' in str(job) for job in jobs)\n"
        "def add(a, b): return a + b if known else 0\n"
    ),
}


@pytest.mark.parametrize("code", FORGERIES.values(), ids=FORGERIES)
async def test_wrong_code_cannot_claim_a_pass(box: PythonSandbox, code: str) -> None:
    program = (
        "def check(candidate):\n"
        "    assert abs(candidate(1, 2) - 3) < 1e-6\n"
        "    assert all([candidate(1, 2) == 3])\n"
    )
    report = await box.run_tests(code, program, entry_point="add", timeout=2)
    assert report.passed == 0
    assert report.tests[0].result.status is not Status.OK


async def test_an_event_loop_that_runs_nothing_passes_nothing(box: PythonSandbox) -> None:
    code = "import asyncio\nasyncio.Runner.run = lambda self, coroutine: coroutine.close()\n"
    report = await box.run_tests(code, "async def test_it(): assert False")
    assert report.passed == 0


async def test_a_solution_may_be_named_like_a_builtin(box: PythonSandbox) -> None:
    code = "def sum(a, b):\n    return a + b\n"
    assert (await box.run_tests(code, ["assert sum(1, 2) == 3"])).ok
    check = "def check(candidate): assert candidate(1, 2) == 3 and sum(1, 2) == 3"
    assert (await box.run_tests(code, check, entry_point="sum")).ok


async def test_lines_that_ran_are_counted_over_all_tests(box: PythonSandbox) -> None:
    code = (
        '"""A docstring."""\n'  # 1
        "\n"
        "def sign(x):\n"  # 3
        "    if x > 0:\n"  # 4
        "        return 1\n"  # 5
        "    if x < 0:\n"  # 6
        "        return -1\n"  # 7
        "    # nothing here\n"
        "    return 0\n"  # 9
        "\n"
        "def unused():\n"  # 11
        "    return sign(0)\n"  # 12
    )
    one = await box.run_tests(code, ["assert sign(1) == 1"], coverage=True)
    assert one.coverage is not None
    assert one.coverage.executable == {1, 3, 4, 5, 6, 7, 9, 11, 12}
    assert one.coverage.missing == (6, 7, 9, 12)
    two = await box.run_tests(code, ["assert sign(1) == 1", "assert sign(-1) == 2"], coverage=True)
    assert two.coverage is not None
    assert two.coverage.missing == (9, 12)
    assert two.coverage.share == 7 / 9
    assert (await box.run_tests(code, ["assert True"])).coverage is None


async def test_lines_of_threads_count(box: PythonSandbox) -> None:
    code = (
        "import threading\n"
        "def work():\n"
        "    done.append(1)\n"
        "done = []\n"
        "def start():\n"
        "    thread = threading.Thread(target=work)\n"
        "    thread.start()\n"
        "    thread.join()\n"
    )
    report = await box.run_tests(code, ["start()"], coverage=True)
    assert report.ok and report.coverage is not None
    assert report.coverage.missing == ()


async def test_files_are_there_for_every_test(box: PythonSandbox) -> None:
    code = "def read():\n    return open('data/a.txt').read()\n"
    tests = ["open('data/a.txt', 'a').write('!')\nassert read() == 'a!'"] * 2
    assert (await box.run_tests(code, tests, files={"data/a.txt": "a"})).ok


async def test_what_was_printed_is_kept(box: PythonSandbox) -> None:
    report = await box.run_tests("print('loaded')", ["print('tested')\nassert False"])
    assert report.tests[0].result.stdout == "loaded\ntested\n"


@pytest.mark.parametrize("name", ["", "a b", "f()", "def", "os.system('x')"])
async def test_an_entry_point_must_be_a_name(box: PythonSandbox, name: str) -> None:
    with pytest.raises(ValueError, match="must be the name of a function"):
        await box.run_tests(ADD, CHECK, entry_point=name)
