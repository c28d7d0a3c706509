from .definitions import Definition
from .errors import (
    EditError,
    GitError,
    NotFoundError,
    NotTextError,
    PatchError,
    PathError,
    RepositoryError,
    SearchError,
    SourceError,
)
from .results import Change, Files, Match, Matches, Symbol, Symbols, View
from .testing import TestOutcome, TestRun
from .workspace import Workspace

__all__ = [
    "Change",
    "Definition",
    "EditError",
    "Files",
    "GitError",
    "Match",
    "Matches",
    "NotFoundError",
    "NotTextError",
    "PatchError",
    "PathError",
    "RepositoryError",
    "SearchError",
    "SourceError",
    "Symbol",
    "Symbols",
    "TestOutcome",
    "TestRun",
    "View",
    "Workspace",
]
