"""What comes back from a sandbox: how a run ended, what it said, and what went wrong.

Every run ends in a `Result`, whatever the code did; only misuse of the sandbox itself raises. Two
words tell the ending. `Status` says how the run ended as the sandbox saw it, from outside where it
can: a clock, a signal, a limit. `Mistake` is the finer word for benchmarks and for agents that mend
their code: which sort of error it was. Standard output, times, memory and signals are measured by
the sandbox and never believed from the code; `value`, `error` and `traceback` are what the worker
in the isolation says, which is text and nothing more.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import ClassVar


class Status(StrEnum):
    """How a run ended."""

    OK = "ok"
    """The code ran to its end, or left with `sys.exit()` and code 0."""
    ERROR = "error"
    """A Python exception that nobody caught; `error_type` names it."""
    EXIT = "exit"
    """The process ended before its time: `sys.exit` with a code that is not 0, or `os._exit`."""
    TIMEOUT = "timeout"
    """The wall clock or the CPU limit ended it."""
    MEMORY = "memory"
    """It asked for more memory than it may have."""
    OUTPUT = "output"
    """It wrote more than it may to standard output or standard error."""
    KILLED = "killed"
    """A signal that the sandbox did not send ended it; `signal` names it."""
    PROTOCOL = "protocol"
    """The worker's answer was broken, forged or too large; nothing of it is believed."""
    ENDED = "ended"
    """The session had ended before; nothing was run."""
    UNAVAILABLE = "unavailable"
    """The sandbox could not run it: no worker, no server, no engine; `error` says why."""


class Mistake(StrEnum):
    """What sort of error it was: the taxonomy of failures in code benchmarks."""

    SYNTAX = "syntax"
    NAME = "name"
    TYPE = "type"
    VALUE = "value"
    INDEX = "index"
    KEY = "key"
    ATTRIBUTE = "attribute"
    IMPORT = "import"
    ASSERTION = "assertion"
    ZERO_DIVISION = "zero_division"
    ARITHMETIC = "arithmetic"
    RECURSION = "recursion"
    UNIMPLEMENTED = "unimplemented"
    FILE = "file"
    EXIT = "exit"
    TIMEOUT = "timeout"
    MEMORY = "memory"
    OUTPUT = "output"
    KILLED = "killed"
    PROTOCOL = "protocol"
    ENDED = "ended"
    UNAVAILABLE = "unavailable"
    OTHER = "other"


OF_EXCEPTIONS: Mapping[str, Mistake] = MappingProxyType(
    {
        "SyntaxError": Mistake.SYNTAX,
        "NameError": Mistake.NAME,
        "TypeError": Mistake.TYPE,
        "ValueError": Mistake.VALUE,
        "IndexError": Mistake.INDEX,
        "KeyError": Mistake.KEY,
        "AttributeError": Mistake.ATTRIBUTE,
        "ImportError": Mistake.IMPORT,
        "AssertionError": Mistake.ASSERTION,
        "ZeroDivisionError": Mistake.ZERO_DIVISION,
        "ArithmeticError": Mistake.ARITHMETIC,
        "RecursionError": Mistake.RECURSION,
        "NotImplementedError": Mistake.UNIMPLEMENTED,
        "MemoryError": Mistake.MEMORY,
        "OSError": Mistake.FILE,
    }
)
"""The sort of each built-in exception; a subclass is of the sort of its nearest listed base."""


def mistake(status: Status, exceptions: Iterable[str] = ()) -> Mistake | None:
    """The sort of error that an ending was.

    Args:
        status: how the run ended.
        exceptions: the exception's class and its bases, nearest first, by name.

    Returns:
        None for a run that went well.
    """
    if status is Status.OK:
        return None
    if status is not Status.ERROR:
        return Mistake(status)
    return next(
        (OF_EXCEPTIONS[name] for name in exceptions if name in OF_EXCEPTIONS), Mistake.OTHER
    )


@dataclass(frozen=True, slots=True)
class Result:
    """One run of code, or one cell of a session."""

    status: Status
    backend: str
    """What isolated it: `bubblewrap`, `native`, `remote`, ... or `unsafe-subprocess`."""
    value: str | None = None
    """The `repr` of the last line where that is an expression; None where it is not, or is None."""
    stdout: str = ""
    """What the process and its children wrote to descriptor 1; bytes that are no UTF-8 are escaped
    as `\\xff`. Terminal escape codes are kept as they are: do not print it raw."""
    stderr: str = ""
    truncated: bool = False
    """Whether `stdout`, `stderr` or `value` lost something to the limits."""
    error_type: str | None = None
    """The exception's class, for example `ZeroDivisionError`."""
    error: str = ""
    """The exception's message, or a sentence on what ended the run."""
    mistake: Mistake | None = None
    """The sort of error; None when the status is `ok`."""
    traceback: str = ""
    """The traceback as Python prints it, from the first frame of the user's code on."""
    line: int | None = None
    """The line of the user's code where the error arose."""
    exit_code: int | None = None
    """The exit code, where the process ended before its time or by `sys.exit`."""
    signal: str | None = None
    """The signal that ended the process, for example `SIGKILL`."""
    seconds: float = 0.0
    """Wall-clock time of the code, without the start of the worker."""
    cpu_seconds: float = 0.0
    """User and system time of the whole process tree."""
    peak_memory: int = 0
    """Largest resident set of a process of the tree, in bytes; 0 where it was not measured."""
    files: Mapping[str, bytes] = field(default_factory=dict)
    """The files that were asked for with `collect`, by their path in the work folder."""
    left_out: tuple[str, ...] = ()
    """Files that were asked for but are too many or too large, or cannot be read."""

    @property
    def ok(self) -> bool:
        """Whether the run went well."""
        return self.status is Status.OK


@dataclass(frozen=True, slots=True)
class TestResult:
    """One test."""

    __test__: ClassVar[bool] = False  # not a test of pytest's

    name: str
    """The function's name, or `test 1`, `test 2`, ... for snippets."""
    result: Result
    """How the test ran: in a worker of its own, the code under test loaded anew."""

    @property
    def passed(self) -> bool:
        """Whether the test ran to its end with no error."""
        return self.result.ok

    @property
    def mistake(self) -> Mistake | None:
        """The sort of error; None when it passed."""
        return self.result.mistake


@dataclass(frozen=True, slots=True)
class Coverage:
    """Which lines of the code under test ran, over all tests together; line numbers from 1."""

    executable: frozenset[int]
    """Lines that hold code, as the compiler sees it."""
    executed: frozenset[int]
    """Those of them that ran."""

    @property
    def share(self) -> float:
        """Lines executed over lines executable; 1 for code without lines."""
        return len(self.executed) / len(self.executable) if self.executable else 1.0

    @property
    def missing(self) -> tuple[int, ...]:
        """The lines that never ran, in order."""
        return tuple(sorted(self.executable - self.executed))


@dataclass(frozen=True, slots=True)
class TestReport:
    """All tests of one piece of code."""

    __test__: ClassVar[bool] = False

    tests: tuple[TestResult, ...]
    """In the order in which they were given."""
    backend: str
    coverage: Coverage | None = None
    """None unless it was asked for."""
    seconds: float = 0.0
    """Wall-clock time of all tests together, starts of workers included."""

    @property
    def passed(self) -> int:
        """How many tests passed."""
        return sum(test.passed for test in self.tests)

    @property
    def ok(self) -> bool:
        """Whether there was a test and all passed."""
        return bool(self.tests) and self.passed == len(self.tests)

    @property
    def score(self) -> float:
        """The share of tests that passed; 0 where there is none."""
        return self.passed / len(self.tests) if self.tests else 0.0

    @property
    def mistakes(self) -> dict[Mistake, int]:
        """How many tests failed for each sort of error, the most frequent first."""
        counts: dict[Mistake, int] = {}
        for test in self.tests:
            if test.mistake is not None:
                counts[test.mistake] = counts.get(test.mistake, 0) + 1
        return dict(sorted(counts.items(), key=lambda item: -item[1]))
