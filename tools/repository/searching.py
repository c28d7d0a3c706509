"""Search in the files of a tree: text by `git grep`, functions and classes by their syntax tree.

Patterns come from a model, so the one who matches them is a process that is killed when its time is
up: a pattern that backtracks for ever costs seconds and no more. Regular expressions are Perl's.
"""

from __future__ import annotations

import fnmatch
import re
import threading
import time
from collections.abc import Sequence

from .definitions import definitions
from .errors import EditError, NotTextError, SearchError
from .results import Match, Matches, Symbol, Symbols
from .store import Store, pathspecs
from .text import Text

SECONDS = 10.0
"""Time limit of one search."""
MAX_LINE = 300
"""Longest line shown, in characters."""
MAX_DEFINED = 200_000
"""Most lines with definitions that a search for symbols considers."""
MAX_PATTERN = 2_000
"""Longest pattern, in characters."""


def grep(
    store: Store,
    tree: str,
    pattern: str,
    *,
    regex: bool = False,
    ignore_case: bool = False,
    paths: Sequence[str] = (),
    limit: int = 100,
    seconds: float = SECONDS,
) -> Matches:
    """Lines of text files in which a pattern occurs.

    Args:
        store: where the tree is.
        tree: the files.
        pattern: text, or a Perl regular expression; it is matched within a line.
        regex: what `pattern` is.
        ignore_case: capitals count as small letters.
        paths: globs of the files to look into; none for all.
        limit: most lines given back.
        seconds: time limit.

    Raises:
        SearchError: the pattern is not valid, or takes too long.
    """
    if not pattern or len(pattern) > MAX_PATTERN or re.search(r"[\n\r\0\ud800-\udfff]", pattern):
        raise SearchError(f"a pattern is one line of 1 to {MAX_PATTERN} characters")
    if limit < 1:
        raise SearchError(f"limit={limit}: at least one")
    options = ["-n", "-z", "-I", "--no-color", "--full-name", "-P" if regex else "-F"]
    if ignore_case:
        options.append("-i")
    process = store.git.start("grep", *options, "-e", pattern, tree, "--", *pathspecs(paths))
    late = threading.Event()

    def stop() -> None:
        late.set()
        process.kill()

    timer = threading.Timer(seconds, stop)
    timer.daemon = True
    timer.start()
    known = store.listing(tree)
    found: list[Match] = []
    more = False
    try:
        assert process.stdout is not None and process.stderr is not None
        while row := process.stdout.readline(2**20):
            name, _, rest = row.partition(b"\0")
            number, _, line = rest.partition(b"\0")
            path = name[len(tree) + 1 :].decode(errors="replace")
            if path not in known or not number.isdigit():
                continue
            if len(found) == limit:
                more = True
                break
            found.append(Match(path, int(number), shortened(line.decode(errors="replace"))))
        if more:
            process.kill()
        said = process.stderr.read(4096).decode(errors="replace").strip()
    finally:
        timer.cancel()
        process.kill()
        process.communicate()
    if late.is_set():
        raise SearchError(
            f"the search was stopped after {seconds:g} s: use a simpler pattern, without nested "
            "repetition, or fewer paths"
        )
    if said and not more:
        raise SearchError(_mend(said))
    return Matches(tuple(found), more)


def find_symbols(
    store: Store,
    tree: str,
    name: str,
    *,
    paths: Sequence[str] = (),
    limit: int = 100,
    seconds: float = SECONDS,
) -> Symbols:
    """Functions and classes of Python files by name.

    Args:
        store: where the tree is.
        tree: the files.
        name: a qualified name or its end (`deposit`, `Account.deposit`); `*` and `?` stand for any
            letters or any one letter.
        paths: globs of the files to look into; none for all Python files.
        limit: most symbols given back.
        seconds: time limit; what was found until then is given back.

    Raises:
        SearchError: `name` is no such name.
    """
    if not re.fullmatch(r"[\w.*?]{1,200}", name):
        raise SearchError(
            f"{ascii(name)[:100]} is no name: use letters, digits, '_', '.', '*', '?'"
        )
    began = time.monotonic()
    files: dict[str, None] | None = None
    for part in name.split("."):
        word = re.sub(r"\*+", "*", part).replace("*", r"\w*").replace("?", r"\w")
        pattern = rf"^[ \t]*((async[ \t]+)?def|class)[ \t]+{word}\b"
        lines = grep(store, tree, pattern, regex=True, paths=paths, limit=MAX_DEFINED)
        held = dict.fromkeys(m.path for m in lines.matches if m.path.endswith((".py", ".pyi")))
        files = held if files is None else {path: None for path in files if path in held}
    found: list[Symbol] = []
    for path, data in store.contents(tree, files or ()):
        if len(found) > limit or time.monotonic() - began > seconds:
            return Symbols(tuple(found[:limit]), more=True)
        try:
            in_file = definitions(Text.decode(path, data).text)
        except (NotTextError, EditError):
            continue
        found += [Symbol(path, d) for d in in_file if _is_called(d.name, name)]
    return Symbols(tuple(found[:limit]), more=len(found) > limit)


def shortened(line: str) -> str:
    """A line without its ending, cut if it is long."""
    line = line.rstrip("\r\n")
    if len(line) <= MAX_LINE:
        return line
    return f"{line[:MAX_LINE]}… ({len(line):,} characters)"


def _is_called(qualified: str, name: str) -> bool:
    return fnmatch.fnmatchcase(qualified, name) or fnmatch.fnmatchcase(qualified, f"*.{name}")


def _mend(said: str) -> str:
    if "USE_LIBPCRE" in said:
        return "this git knows no Perl expressions: search for plain text, or install git with PCRE"
    if "pcre" in said.lower() and "error code" in said:
        return "the pattern backtracks too much: use a simpler one, without nested repetition"
    return f"not a valid search: {said.removeprefix('fatal: ')[:500]}"
