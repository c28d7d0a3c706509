"""A workspace as langchain-core tools, for any agent or registry that takes such tools.

Each tool answers with text for the model and carries the typed result as its artifact. What the
workspace refuses comes back as an error message that says what to do instead, not as an exception.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from langchain_core.tools import BaseTool, StructuredTool, ToolException

from .errors import RepositoryError
from .results import Change, Files, Matches, Symbols, View
from .testing import Sandbox, TestRun

if TYPE_CHECKING:
    from .workspace import Workspace


def toolset(workspace: Workspace, sandbox: Sandbox | None = None) -> list[BaseTool]:
    """The calls of `workspace` that an agent may make, tests among them if there is a sandbox."""

    def list_files(glob: str | None = None) -> Files:
        """List the files of the repository.

        Args:
            glob: Which files, such as 'src/**/*.py' or '*.md'. All if left out.
        """
        return workspace.files(glob)

    def view_file(path: str, start: int = 1, end: int | None = None) -> View:
        """Show lines of a text file with their numbers.

        Args:
            path: The file, from the top of the repository.
            start: First line, from 1.
            end: Last line. 200 lines are shown if left out.
        """
        return workspace.view(path, start, end)

    def search(
        pattern: str, regex: bool = False, ignore_case: bool = False, glob: str | None = None
    ) -> Matches:
        """Find the lines in which a text or a Perl regular expression occurs.

        Args:
            pattern: What to look for, within one line.
            regex: Whether the pattern is a regular expression.
            ignore_case: Whether capitals and small letters are the same.
            glob: Which files to look into, such as 'tests/**'. All if left out.
        """
        return workspace.search(pattern, regex, ignore_case, [glob] if glob else [])

    def find_symbol(name: str, glob: str | None = None) -> Symbols:
        """Find Python functions and classes by name.

        Args:
            name: Such as 'deposit' or 'Account.deposit'; '*' and '?' stand for letters.
            glob: Which files to look into. All Python files if left out.
        """
        return workspace.find_symbols(name, [glob] if glob else [])

    def outline(path: str) -> Symbols:
        """List all functions and classes of a Python file with their signatures and lines.

        Args:
            path: The file.
        """
        return workspace.outline(path)

    def create_file(path: str, text: str) -> Change:
        """Write a new file.

        Args:
            path: The file, which does not exist yet.
            text: All of its text.
        """
        return workspace.create(path, text)

    def delete_file(path: str) -> Change:
        """Delete a file.

        Args:
            path: The file.
        """
        return workspace.delete(path)

    def replace_symbol(path: str, name: str, source: str, line: int | None = None) -> Change:
        """Replace one whole function or class of a Python file.

        Args:
            path: The file.
            name: Qualified name, such as 'Account.deposit'.
            source: The new definition, whole. Without decorators, the old ones stay.
            line: A line of the old definition, if several have this name.
        """
        return workspace.replace_symbol(path, name, source, line)

    def replace_text(path: str, old: str, new: str) -> Change:
        """Replace a piece of text that occurs exactly once in a file.

        Args:
            path: The file.
            old: The text as it is now, with all its spaces.
            new: The text that comes in its place.
        """
        return workspace.replace_text(path, old, new)

    def replace_lines(path: str, start: int, end: int, new: str) -> Change:
        """Replace a range of lines of a file.

        Args:
            path: The file.
            start: First line that goes, from 1.
            end: Last line that goes.
            new: The lines that come; empty to delete only.
        """
        return workspace.replace_lines(path, start, end, new)

    def insert_lines(path: str, after: int, new: str) -> Change:
        """Insert lines into a file.

        Args:
            path: The file.
            after: The line after which they come; 0 for the top.
            new: The lines.
        """
        return workspace.insert_lines(path, after, new)

    def apply_patch(patch: str) -> Change:
        """Apply a unified diff, whole or not at all.

        Args:
            patch: The diff, with '--- a/PATH' and '+++ b/PATH' before the hunks of each file.
        """
        return workspace.apply(patch)

    def show_diff() -> str:
        """Show all changes made so far as a unified diff."""
        return workspace.diff()

    def reset() -> str:
        """Undo all changes: every file is again as it was at the start."""
        workspace.reset()
        return "all files are as they were at the start"

    calls: list[Callable[..., Any]] = [
        list_files,
        view_file,
        search,
        find_symbol,
        outline,
        create_file,
        delete_file,
        replace_symbol,
        replace_text,
        replace_lines,
        insert_lines,
        apply_patch,
        show_diff,
        reset,
    ]
    tools = [_tool(call) for call in calls]
    return tools if sandbox is None else [*tools, _test_tool(workspace, sandbox)]


def _test_tool(workspace: Workspace, sandbox: Sandbox) -> BaseTool:
    async def run_tests(arguments: list[str]) -> tuple[str, TestRun]:
        """Run the repository's tests with pytest, on a copy of the files as they are now.

        Args:
            arguments: Arguments of pytest, such as 'tests/test_a.py' or '-x'. Empty for all tests.
        """
        try:
            run = await workspace.run_tests(sandbox, arguments)
        except ValueError as error:
            raise ToolException(str(error)) from error
        return str(run), run

    return StructuredTool.from_function(
        coroutine=run_tests,
        parse_docstring=True,
        response_format="content_and_artifact",
        handle_tool_error=True,
    )


def _tool(call: Callable[..., Any]) -> BaseTool:
    @functools.wraps(call)
    def answered(**arguments: Any) -> tuple[str, Any]:
        try:
            result = call(**arguments)
        except RepositoryError as error:
            raise ToolException(str(error)) from error
        return str(result) or "nothing", result

    return StructuredTool.from_function(
        answered,
        parse_docstring=True,
        response_format="content_and_artifact",
        handle_tool_error=True,
    )
