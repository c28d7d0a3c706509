"""The jobs of a worker: run code, load code and test it.

This runs inside the isolation, in the process that will run code nobody trusts. It is standard
library only and knows nothing of the sandbox around it: the worker gives a `Kernel` one job after
the other, each a dict that came as JSON, and sends back the dict that it answers.

Code under test shares the interpreter with its tests. A test therefore reaches the process only
after the code was loaded, with a nonce that the code has not seen, and is answered with a seal that
came before the code; it runs in a module of its own, untraced, with the built-ins as they were
before; and only the process that was given the job answers. What remains open, and cannot be closed
within one process, is code that sets out to attack this module: through the interpreter's frames,
audit hooks, the garbage collector or ctypes it can find and change everything here.
"""

from __future__ import annotations

import atexit
import builtins
import os
import sys
from _ast import (
    AsyncFunctionDef,
    ClassDef,
    Expr,
    Expression,
    FunctionDef,
    Module,
    PyCF_ALLOW_TOP_LEVEL_AWAIT,
    PyCF_ONLY_AST,
)
from os import _exit, getpid
from types import CodeType, CoroutineType, ModuleType

from .errors import describe, shorten
from .files import collect, put
from .lines import Lines, executable
from .sources import Sources

TYPE_CHECKING = False  # typing costs more to import than a run takes
if TYPE_CHECKING:
    import asyncio
    from ast import stmt
    from collections.abc import Callable, Coroutine
    from typing import Any

    Job = dict[str, Any]
    Answer = dict[str, Any]

vars()["__builtins__"] = dict(vars(builtins))  # for the functions below, whatever is done to them

CO_COROUTINE = 0x80
"""The flag of code that awaits, as in `inspect`."""
SOLUTION = "solution"
"""The module that code under test is, for tests that import it."""
VALUE = 100_000
"""Characters of a value's `repr`, at most."""
SPARE = 2**20
"""Bytes kept back, to be let go when memory has run out and that has to be told."""
_SPARE = [bytes(SPARE)]  # zeros that were never written: addresses, and no memory to be copied
_BUILTINS = dict(vars(builtins))


class Kernel:
    """The namespace of one tenant and what is done in it; when it leaves, the process ends.

    It takes the process over: a fresh `__main__`, fresh standard streams on descriptors 0 to 2,
    and, from `begin` on, the current folder in front of `sys.path`. Nothing of it can be imported.
    """

    def __init__(self) -> None:
        self._pid = getpid()
        self._builtins = _BUILTINS
        self._sources = Sources()
        self._runner: asyncio.Runner | None = None
        self._lines: Lines | None = None
        self._solution: dict[str, Any] = {}
        self._untracers: list[Callable[[None], None]] = [sys.setprofile, sys.settrace]
        self._seal = ""
        self._main = _module("__main__")
        sys.stdin = sys.__stdin__ = _stream(0, "r")  # type: ignore[misc]
        sys.stdout = sys.__stdout__ = _stream(1, "w")  # type: ignore[misc]
        sys.stderr = sys.__stderr__ = _stream(2, "w", "backslashreplace")  # type: ignore[misc]
        for name in [name for name in sys.modules if f"{name}.".startswith(f"{__package__}.")]:
            del sys.modules[name]

    def begin(self) -> None:
        """Serve in this process and in this folder."""
        self._pid = getpid()
        sys.path.insert(0, os.getcwd())

    def perform(self, job: Job) -> Answer:
        """Do one job and say how it went; whatever the code raises is in the answer.

        Kinds of job, each with `code` and `name`, the file name that tracebacks show for it:
            `run`: a script in `__main__`, with all that comes after a script's last line.
            `cell`: a cell in `__main__`; a later one sees the names of the earlier.
            `names`: tests, of which only the names are asked; nothing is run.
            `load`: a module to be tested; `coverage` (bool) counts its lines, and `seal` is what
                the answer to a test has after its nonce.
            `test`: tests of the module that was loaded; `function` is the one to call, where the
                code is more than the test; `entry` the only name that may hide a built-in one.

        Every job has a `nonce`, and may have `files` (name to base64), written first, and
        `collect` (globs), read at the end.

        Returns:
            `nonce` and `status` (`ok`, `error`, `exit` or `memory`), and where they apply `value`,
            `error_type`, `bases`, `error`, `traceback`, `line`, `exit_code`, `names`, `executable`
            and `executed` (lines), `files` (name to base64) and `left_out` (names).
        """
        answer = self._answer(job)
        if job["kind"] == "run":
            self._leave()
        patterns = job.get("collect")
        if patterns or job["kind"] == "load":
            self._restore()
        if patterns:
            answer["files"], answer["left_out"] = collect(patterns)
        if self._lines is not None:
            answer["executed"] = sorted(self._lines.executed)
        for stream in (sys.stdout, sys.stderr):
            _flush(stream)
        if getpid() != self._pid:  # a fork that the user's code let run on to here
            _exit(0)
        seal = self._seal if job["kind"] == "test" else ""
        return {"status": "ok", **answer, "nonce": job["nonce"] + seal}

    def _answer(self, job: Job) -> Answer:
        do: dict[str, Callable[[Job], Answer]] = {
            "run": self._run,
            "cell": self._cell,
            "names": self._names,
            "load": self._load,
            "test": self._test,
        }
        try:
            put(job.get("files", {}))
            return do[job["kind"]](job)
        except SystemExit as leaving:
            return _left(leaving, early=job["kind"] in ("load", "test"))
        except BaseException as error:
            _SPARE.clear()
            status = "memory" if isinstance(error, MemoryError) else "error"
            return {"status": status, **describe(error, self._sources.names)}

    def _run(self, job: Job) -> Answer:
        file = os.path.abspath(job["name"])
        vars(self._main)["__file__"] = file
        self._sources.add(file, job["code"])
        sys.argv = [job["name"]]
        return self._cell(job)

    def _cell(self, job: Job) -> Answer:
        value = self._execute(job, vars(self._main))
        return {} if value is None else {"value": shorten(repr(value), VALUE)}

    def _names(self, job: Job) -> Answer:
        names: list[str] = []
        for node in self._parse(job).body:
            if isinstance(node, ClassDef):
                names += [f"{node.name}.{method}" for method in _test_functions(node.body)]
            else:
                names += _test_functions([node])
        return {"names": list(dict.fromkeys(names))}

    def _load(self, job: Job) -> Answer:
        import threading  # what it has by now, not what the code may make of it

        self._untracers += [threading.setprofile, threading.settrace]
        self._seal = job.pop("seal")
        solution = vars(_module(SOLUTION))
        if job.get("coverage"):
            self._lines = Lines(job["name"])
            self._lines.start()
        try:
            self._execute(job, solution)
        finally:
            self._untrace()
        self._solution = solution
        return {"executable": executable(_compiled(self._parse(job), job))} if self._lines else {}

    def _test(self, job: Job) -> Answer:
        self._untrace()
        entry = job.get("entry")
        names = vars(_module("__main__"))
        names["__builtins__"] = dict(self._builtins)
        for name, value in self._solution.items():
            hides = entry is not None and name != entry and name in self._builtins
            if not name.startswith("__") and not hides:
                names[name] = value
        self._execute(job, names)
        if function := job.get("function"):
            self._await(_call(names, function))
        return {}

    def _untrace(self) -> None:
        """End what watches this thread, but for the counting of lines."""
        for untrace in self._untracers:
            untrace(None)
        if self._lines is not None:
            self._lines.trace()

    def _restore(self) -> None:
        """Put the built-ins back as they were before the user's code."""
        names = vars(builtins)
        names.update(self._builtins)
        for name in names.keys() - self._builtins.keys():
            del names[name]

    def _execute(self, job: Job, names: dict[str, Any]) -> Any:
        """The value of the last statement where it is an expression, else None.

        Code that awaits outside functions runs in the event loop as a whole, other code outside,
        so that it may call `asyncio.run`.
        """
        module = self._parse(job)
        parts: list[Module | Expression] = [module]
        if module.body and isinstance(last := module.body[-1], Expr):
            module.body.pop()
            parts.append(Expression(last.value))
        codes = [_compiled(part, job) for part in parts]
        if any(code.co_flags & CO_COROUTINE for code in codes):
            return self._await(_awaited(codes, names))
        return [eval(code, names) for code in codes][-1]

    def _parse(self, job: Job) -> Module:
        """The code's syntax tree; from here on tracebacks show its lines."""
        self._sources.add(job["name"], job["code"])
        tree: Any = compile(job["code"], job["name"], "exec", PyCF_ONLY_AST, dont_inherit=True)
        return tree  # type: ignore[no-any-return]

    def _await(self, value: Any) -> Any:
        """What a coroutine comes to, in the one event loop of this tenant; else the value."""
        if not isinstance(value, CoroutineType):
            return value
        if self._runner is None:
            import asyncio

            self._runner = asyncio.Runner()
        results: list[Any] = []
        self._runner.run(_kept(value, results))
        if not results:
            raise RuntimeError("the event loop did not run the coroutine to its end")
        return results[0]

    def _leave(self) -> None:
        """What an interpreter does after a script: wait for threads, call what was registered."""
        try:
            if self._runner is not None:
                self._runner.close()
            if threading := sys.modules.get("threading"):
                for thread in threading.enumerate():
                    if thread is not threading.main_thread() and not thread.daemon:
                        thread.join()
            atexit._run_exitfuncs()
        except BaseException:
            sys.excepthook(*sys.exc_info())


def _module(name: str) -> ModuleType:
    module = ModuleType(name)
    vars(module)["__builtins__"] = builtins
    sys.modules[name] = module
    return module


def _stream(descriptor: int, mode: str, errors: str = "strict") -> Any:
    """A text stream that hands every line on at once, so that a killed run has said them."""
    return open(descriptor, mode, buffering=1, encoding="utf-8", errors=errors, closefd=False)


def _flush(stream: Any) -> None:
    try:
        stream.flush()
    except BaseException:
        return  # the user's code closed or replaced it


async def _kept(value: Coroutine[Any, Any, Any], results: list[Any]) -> None:
    results.append(await value)


async def _awaited(codes: list[CodeType], names: dict[str, Any]) -> Any:
    value = None
    for code in codes:
        value = eval(code, names)
        if code.co_flags & CO_COROUTINE:
            value = await value
    return value


def _compiled(tree: Module | Expression, job: Job) -> CodeType:
    """The tree's code, with `await` allowed outside functions."""
    mode = "exec" if isinstance(tree, Module) else "eval"
    code: CodeType = compile(tree, job["name"], mode, PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
    return code


def _left(leaving: SystemExit, *, early: bool) -> Answer:
    """What `sys.exit` means: its code as the interpreter would have it, its message printed.

    Args:
        early: whether leaving at all was too early, even with code 0.
    """
    code = leaving.code
    if code is None:
        code = 0
    elif not isinstance(code, int):
        print(code, file=sys.stderr)
        code = 1
    ended = "exit" if code or early else "ok"
    return {"status": ended, "exit_code": code & 0xFF, "error": f"sys.exit({code})" if code else ""}


def _test_functions(body: list[stmt]) -> list[str]:
    return [
        node.name
        for node in body
        if isinstance(node, FunctionDef | AsyncFunctionDef) and node.name.startswith("test")
    ]


def _call(names: dict[str, Any], function: str) -> Any:
    """Call a test function, or a test method in an instance of its class."""
    group, _, name = function.rpartition(".")
    if not group:
        return names[name]()
    kind = names[group]
    if not hasattr(kind, "setUpClass"):
        return getattr(kind(), name)()
    kind.setUpClass()
    try:
        return kind(name).debug()  # unittest's way to run one test and let its error out
    finally:
        kind.tearDownClass()
