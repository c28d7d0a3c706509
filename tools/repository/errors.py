"""What a workspace refuses, one class a reason.

Every message is written for the agent that made the call: it names the value, says what is there
instead and what to do next.
"""

from __future__ import annotations


class RepositoryError(Exception):
    """A call on a workspace that could not be done. The workspace is as it was before the call."""


class SourceError(RepositoryError):
    """A source that cannot be checked out."""


class PathError(RepositoryError):
    """A path that a workspace never reads or writes."""


class NotFoundError(RepositoryError):
    """A file, a definition or a snapshot that the workspace does not have."""


class NotTextError(RepositoryError):
    """A file that cannot be shown or edited as text."""


class EditError(RepositoryError):
    """An edit that does not fit the file, or would leave it unreadable."""


class SearchError(RepositoryError):
    """A search that is not valid, or takes too long."""


class PatchError(RepositoryError):
    """A patch that does not apply. Nothing of it was applied.

    Attributes:
        path: the file that it failed on; empty if the patch itself cannot be read.
        hunk: number of the failing hunk in that file, from 1; None if no hunk is to blame.
    """

    def __init__(self, message: str, path: str = "", hunk: int | None = None) -> None:
        super().__init__(message)
        self.path = path
        self.hunk = hunk


class GitError(RepositoryError):
    """Git is missing, too slow, or failed for a reason that is not the caller's.

    Attributes:
        stderr: what git said.
    """

    def __init__(self, message: str, stderr: str = "") -> None:
        super().__init__(message)
        self.stderr = stderr
