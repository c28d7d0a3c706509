"""What the calls on a workspace give back. Each shows itself as text that a model can read."""

from __future__ import annotations

from dataclasses import dataclass

from .definitions import Definition


@dataclass(frozen=True, slots=True)
class View:
    """A window of lines of a file."""

    path: str
    start: int
    """Number of the first line shown, from 1; 0 if the file is empty."""
    lines: tuple[str, ...]
    """The lines without their endings, long ones cut."""
    total: int
    """Lines of the whole file."""

    def __str__(self) -> str:
        if not self.total:
            return f"{self.path} is empty"
        end = self.start + len(self.lines) - 1
        head = f"{self.path}, lines {self.start} to {end} of {self.total}"
        return "\n".join([head, numbered(self.lines, self.start)])


@dataclass(frozen=True, slots=True)
class Match:
    """A line that a search found."""

    path: str
    line: int
    text: str
    """The line, cut if it is long."""

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.text}"


@dataclass(frozen=True, slots=True)
class Matches:
    """What a search found, in the order of paths and lines."""

    matches: tuple[Match, ...]
    more: bool
    """True if there are others that are not shown."""

    def __str__(self) -> str:
        if not self.matches:
            return "nothing found"
        rows = [str(match) for match in self.matches]
        return "\n".join(rows + ["… and more: narrow the search"] * self.more)


@dataclass(frozen=True, slots=True)
class Files:
    """Paths of a workspace, in order."""

    paths: tuple[str, ...]
    more: bool
    """True if there are others that are not shown."""

    def __str__(self) -> str:
        rows = [*self.paths] + ["… and more: narrow the glob"] * self.more
        return "\n".join(rows) if rows else "no files"


@dataclass(frozen=True, slots=True)
class Symbol:
    """A function or class of a workspace."""

    path: str
    definition: Definition

    def __str__(self) -> str:
        own = self.definition
        return f"{self.path}:{own.start}-{own.end}: {own.name}: {own.signature}"


@dataclass(frozen=True, slots=True)
class Symbols:
    """Functions and classes, in the order of paths and lines."""

    symbols: tuple[Symbol, ...]
    more: bool
    """True if there may be others that are not shown."""

    def __str__(self) -> str:
        if not self.symbols:
            return "no function or class found"
        rows = [str(symbol) for symbol in self.symbols]
        return "\n".join(rows + ["… and more: narrow the name or the paths"] * self.more)


@dataclass(frozen=True, slots=True)
class Change:
    """What an edit did."""

    paths: tuple[str, ...]
    """The files that differ now."""
    added: int
    """Lines added."""
    removed: int
    """Lines removed."""
    problem: str = ""
    """A syntax error that a changed Python file now has; empty if there is none."""
    view: View | None = None
    """The lines around the edit, as they are now."""

    def __str__(self) -> str:
        if not self.paths:
            return "nothing changed: the files were so already"
        rows = [f"changed {', '.join(self.paths)} (+{self.added} -{self.removed})"]
        if self.problem:
            rows.append(f"WARNING, no valid Python now: {self.problem}")
        return "\n".join(rows + ([str(self.view)] if self.view else []))


def numbered(lines: tuple[str, ...] | list[str], start: int) -> str:
    """Lines with their numbers, as an agent sees them."""
    width = len(str(start + len(lines) - 1))
    return "\n".join(f"{number:>{width}} | {line}" for number, line in enumerate(lines, start))
