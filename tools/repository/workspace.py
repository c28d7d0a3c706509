"""A workspace: the files of a repository that a software agent reads and edits.

The files are no folder on the host but one tree in a private store (see `store`), so a path can
name nothing else, an edit is whole or has not happened, and every state can be kept, compared and
forked at no cost: a search tree holds one snapshot a node, an answer is the diff against the start.
The workspace knows no history: what was committed before or after the revision cannot be looked up.

Calls take milliseconds and block; they may come from several threads. `tools()` gives them to an
agent, and there they run beside the event loop.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from threading import RLock
from typing import TYPE_CHECKING, Self

from . import edits, patches, searching, testing
from .definitions import definitions, problem
from .errors import EditError, NotFoundError, PathError, RepositoryError
from .exporting import write_files
from .paths import checked, missing
from .results import Change, Files, Matches, Symbol, Symbols, View
from .sources import load
from .store import LINK, Entry, Store
from .text import Text, check_size

if TYPE_CHECKING:
    from langchain_core.tools import BaseTool

    from .testing import Sandbox, TestRun

WINDOW = 200
"""Lines that a view shows when its end is not given."""
AROUND = 4
"""Lines shown before and after an edit."""
START = "start"
"""File of the store that names the tree it began with."""


class Workspace:
    """The files of a repository at one state, and the calls that read and change them.

    Make one with `Workspace.checkout`, or with `Workspace.open` from a store kept on disk.
    """

    def __init__(self, store: Store, start: str, tree: str) -> None:
        self.store = store
        self.start = start
        """Snapshot that `diff` and `reset` refer to."""
        self._tree = tree
        self._lock = RLock()

    @classmethod
    def checkout(
        cls, source: str | Path, at: str | None = None, into: str | Path | None = None
    ) -> Self:
        """A workspace with the files of a source.

        Args:
            source: a local git repository (with a work tree or bare), a plain folder, a git bundle,
                or a tar or zip archive.
            at: a revision of a repository or bundle: branch, tag, commit, `HEAD~2`. By default
                `HEAD`; uncommitted changes stay out.
            into: a new or empty folder for the private store, so that snapshots outlive the
                process. By default a temporary folder that goes with its last workspace.

        Raises:
            SourceError: the source cannot be checked out.
        """
        folder = None if into is None else Path(into)
        store, tree = load(Path(source), at, folder)
        (store.folder / START).write_text(tree)
        return cls(store, tree, tree)

    @classmethod
    def open(cls, folder: str | Path, at: str | None = None) -> Self:
        """The workspace that `checkout` put into a folder.

        Args:
            folder: the `into` of that checkout.
            at: a snapshot; by default the start.
        """
        path = Path(folder)
        if not (path / START).is_file():
            raise NotFoundError(f"{folder} holds no workspace: make one with Workspace.checkout")
        store = Store(path)
        start = store.require((path / START).read_text().strip())
        return cls(store, start, store.require(at) if at is not None else start)

    # States

    def snapshot(self) -> str:
        """The name of the present state. Equal files have equal names."""
        return self._tree

    def restore(self, snapshot: str) -> None:
        """Return to a state, in either direction of time.

        Raises:
            NotFoundError: there is no such snapshot.
        """
        self._tree = self.store.require(snapshot)

    def reset(self) -> None:
        """Return to the start."""
        self._tree = self.start

    def fork(self, snapshot: str | None = None) -> Workspace:
        """Another workspace at this or a given state; the two change apart, and share one store."""
        tree = self._tree if snapshot is None else self.store.require(snapshot)
        return Workspace(self.store, self.start, tree)

    def diff(self, since: str | None = None) -> str:
        """A unified diff from the start, or from a given snapshot, to now; empty if equal."""
        old = self.start if since is None else self.store.require(since)
        return patches.difference(self.store, old, self._tree)

    # Reading

    def files(self, glob: str | None = None, limit: int = 1000) -> Files:
        """Paths of the files.

        Args:
            glob: `*` stays within a folder, `**` spans folders; without `/`, it is looked for in
                all folders. By default all files.
            limit: most paths given back.
        """
        if glob is None:
            paths = list(self.store.listing(self._tree))
        else:
            paths = self.store.matching(self._tree, [glob])
        return Files(tuple(paths[:limit]), more=len(paths) > limit)

    def read(self, path: str) -> bytes:
        """The bytes of a file, whole."""
        return self.store.read([self._file(path)[1].id])[0]

    def view(self, path: str, start: int = 1, end: int | None = None) -> View:
        """A window of lines of a text file.

        Args:
            path: the file.
            start: first line, from 1.
            end: last line; by default `start` + 199. Lines past the end of the file are left out.

        Raises:
            EditError: no such lines.
        """
        text = self._text(path)
        end = start + WINDOW - 1 if end is None else end
        lines = text.lines
        if not lines and start == 1:
            return View(text.path, 0, (), 0)
        if not 1 <= start <= len(lines) or end < start:
            raise EditError(f"{text.path} has lines 1 to {len(lines)}, not {start} to {end}")
        shown = tuple(searching.shortened(line) for line in lines[start - 1 : end])
        return View(text.path, start, shown, len(lines))

    def search(
        self,
        pattern: str,
        regex: bool = False,
        ignore_case: bool = False,
        paths: Sequence[str] = (),
        limit: int = 100,
        seconds: float = searching.SECONDS,
    ) -> Matches:
        """Lines of text files in which a pattern occurs. See `searching.grep`."""
        return searching.grep(
            self.store,
            self._tree,
            pattern,
            regex=regex,
            ignore_case=ignore_case,
            paths=paths,
            limit=limit,
            seconds=seconds,
        )

    def find_symbols(self, name: str, paths: Sequence[str] = (), limit: int = 100) -> Symbols:
        """Functions and classes of Python files by name. See `searching.find_symbols`."""
        return searching.find_symbols(self.store, self._tree, name, paths=paths, limit=limit)

    def outline(self, path: str) -> Symbols:
        """All functions and classes of a Python file, with signatures and lines."""
        text = self._text(path)
        found = definitions(text.text, text.path)
        return Symbols(tuple(Symbol(text.path, definition) for definition in found), more=False)

    # Edits

    def create(self, path: str, text: str) -> Change:
        """Write a new text file; its folders come by themselves.

        Raises:
            EditError: there is such a file already, or a folder stands in the way.
        """
        with self._lock:
            path = checked(path)
            known = self.store.listing(self._tree)
            if path in known:
                raise EditError(f"{path} exists already: edit it, or delete it first")
            if any(other.startswith(f"{path}/") for other in known):
                raise EditError(f"{path} is a folder")
            for above in PurePosixPath(path).parents:
                if str(above) in known:
                    raise EditError(f"{above} is a file, so {path} cannot be")
            data = Text(path, text).encode()
            check_size(path, len(data))
            return self._commit(self.store.edit(self._tree, path, data))

    def delete(self, path: str) -> Change:
        """Delete a file or a link."""
        with self._lock:
            path, _ = self._entry(path)
            return self._commit(self.store.edit(self._tree, path, None))

    def replace_symbol(self, path: str, name: str, source: str, line: int | None = None) -> Change:
        """Replace one function or class of a Python file. See `definitions.replaced`.

        Args:
            path: the file.
            name: qualified name, such as `Account.deposit`.
            source: the new definition, whole, at any indentation. Without decorators, those of the
                old one stay.
            line: one of the old one's lines, if several have the name.

        Raises:
            EditError: the outcome would be no valid Python, or `source` is not exactly that
                definition.
            NotFoundError: there is no such definition.
        """
        return self._edit(path, lambda text: edits.replace_symbol(text, name, source, line))

    def replace_text(self, path: str, old: str, new: str) -> Change:
        """Replace a piece of text that occurs exactly once in a file.

        Raises:
            EditError: `old` occurs never, or more than once.
        """
        return self._edit(path, lambda text: edits.replace_text(text, old, new))

    def replace_lines(self, path: str, start: int, end: int, new: str) -> Change:
        """Replace the lines from `start` to `end`, both included, counting from 1.

        Args:
            path: the file.
            start: first line that goes.
            end: last line that goes.
            new: the lines that come; empty to delete only.

        Raises:
            EditError: no such lines.
        """
        return self._edit(path, lambda text: edits.replace_lines(text, start, end, new))

    def insert_lines(self, path: str, after: int, new: str) -> Change:
        """Insert lines after a line; 0 for the top.

        Raises:
            EditError: no such line, or nothing to insert.
        """
        return self._edit(path, lambda text: edits.insert_lines(text, after, new))

    def apply(self, patch: str) -> Change:
        """Apply a unified diff, whole or not at all. See `patches`.

        Raises:
            PatchError: it does not fit.
        """
        with self._lock:
            return self._commit(patches.applied(self.store, self._tree, patch))

    # Out

    def export(self, folder: str | Path) -> None:
        """Write all files into a new or empty folder.

        Links that could lead out of the folder are left out, as are names that are no plain text.
        """
        write_files(self.store, self._tree, Path(folder))

    async def run_tests(self, sandbox: Sandbox, arguments: Sequence[str] = ()) -> TestRun:
        """Run the repository's tests with pytest, in a sandbox, on a copy of the files.

        Args:
            sandbox: a `PythonSandbox` whose `packages` hold pytest and what the tests import, and
                whose limits are wide enough for them.
            arguments: for pytest: paths, node ids, options such as `-x`. By default all tests.

        Raises:
            ValueError: the files are more than the sandbox takes.
        """
        return await testing.run_tests(self.store, self._tree, sandbox, arguments)

    def tools(self, sandbox: Sandbox | None = None) -> list[BaseTool]:
        """These calls as langchain-core tools for an agent. See `toolset`.

        Args:
            sandbox: where the tool `run_tests` runs them; without one there is no such tool.
        """
        from .toolset import toolset

        return toolset(self, sandbox)

    # Within

    def _entry(self, path: str) -> tuple[str, Entry]:
        path = checked(path)
        known = self.store.listing(self._tree)
        if path not in known:
            raise NotFoundError(missing(path, known))
        return path, known[path]

    def _file(self, path: str) -> tuple[str, Entry]:
        path, entry = self._entry(path)
        if not entry.is_file:
            kind = "a symbolic link" if entry.mode == LINK else "a submodule"
            raise PathError(f"{path} is {kind}, which is not followed: open its target by its path")
        return path, entry

    def _text(self, path: str) -> Text:
        path, entry = self._file(path)
        check_size(path, entry.size)
        return Text.decode(path, self.store.read([entry.id])[0])

    def _edit(self, path: str, edit: Callable[[Text], Text]) -> Change:
        with self._lock:
            old = self._text(path)
            new = edit(old)
            entry = self._file(path)[1]
            change = self._commit(self.store.edit(self._tree, new.path, new.encode(), entry.mode))
            if not change.paths:
                return change
            first, last = edits.changed_lines(old.lines, new.lines)
            lines = new.lines[max(0, first - AROUND) : last + AROUND]
            start = max(0, first - AROUND) + 1 if lines else 0
            shown = tuple(searching.shortened(line) for line in lines[:WINDOW])
            view = View(new.path, start, shown, len(new.lines))
            return replace(change, view=view)

    def _commit(self, tree: str) -> Change:
        """Make `tree` the present state."""
        old, self._tree = self._tree, tree
        paths, added, removed = patches.counted(self.store, old, tree)
        problems = (self._problem(path) for path in paths if path.endswith((".py", ".pyi")))
        return Change(tuple(paths), added, removed, "; ".join(filter(None, problems)))

    def _problem(self, path: str) -> str:
        if path not in self.store.listing(self._tree):
            return ""
        try:
            return problem(path, self._text(path).text)
        except RepositoryError as error:
            return str(error)
