"""The git command on a private, bare repository, deaf to everything around it.

No configuration of the host or of a checked-out repository is read, no hook, filter, pager, editor,
external diff or transport can start, and nothing is fetched for a partial clone. Hostile objects
remain: git parses them in a process of its own, under a time limit.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import IO

from .errors import GitError

SECONDS = 120.0
"""Time limit of one git command."""

SETTINGS = {
    "core.hooksPath": os.devnull,
    "core.attributesFile": os.devnull,
    "core.fsmonitor": "false",
    "core.protectHFS": "true",
    "core.protectNTFS": "true",
    "core.quotePath": "false",
    "gc.auto": "0",
    "protocol.allow": "never",
}

ATTRIBUTES = "* !text !eol !ident !filter !working-tree-encoding !merge !whitespace\n"
"""Attributes of the checked-out files count for nothing: bytes go in and out as they are.

A bare repository reads none from its trees; this holds also where a git does. Only `diff` is left
open, for the one setting made here: which files a diff takes for binary.
"""


class Git:
    """Runs git commands on one bare repository.

    Args:
        folder: the repository.
        alternates: an object folder of another repository, to be read too.
    """

    def __init__(self, folder: Path, alternates: Path | None = None) -> None:
        executable = shutil.which("git")
        if executable is None:
            raise GitError("a workspace needs git 2.38 or later: install it and put it on PATH")
        self.folder = folder
        self._command = [executable, "--no-pager"]
        for name, value in SETTINGS.items():
            self._command += ["-c", f"{name}={value}"]
        self._environment = {
            "PATH": os.defpath,
            "HOME": os.devnull,
            "LC_ALL": "C.UTF-8",
            "TZ": "UTC",
            "GIT_DIR": str(folder),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_SYSTEM": os.devnull,
            "GIT_ATTR_NOSYSTEM": "1",
            "GIT_ALLOW_PROTOCOL": "none",
            "GIT_NO_LAZY_FETCH": "1",
            "GIT_NO_REPLACE_OBJECTS": "1",
            "GIT_OPTIONAL_LOCKS": "0",
            "GIT_TERMINAL_PROMPT": "0",
        }
        if alternates is not None:
            quoted = str(alternates).replace("\\", "\\\\").replace('"', '\\"')
            self._environment["GIT_ALTERNATE_OBJECT_DIRECTORIES"] = f'"{quoted}"'

    @classmethod
    def create(
        cls, folder: Path, object_format: str = "sha1", alternates: Path | None = None
    ) -> Git:
        """A new bare repository in `folder`, without template and hooks."""
        git = cls(folder, alternates)
        folder.mkdir(parents=True, exist_ok=True)
        git("init", "--quiet", "--bare", "--template=", f"--object-format={object_format}")
        (folder / "info").mkdir(exist_ok=True)
        (folder / "info" / "attributes").write_text(ATTRIBUTES)
        return git

    def __call__(
        self,
        *arguments: str,
        stdin: bytes | IO[bytes] = b"",
        stdout: IO[bytes] | None = None,
        index: Path | None = None,
        seconds: float = SECONDS,
    ) -> bytes:
        """Run one command.

        Args:
            arguments: the command and its arguments.
            stdin: what it reads, or an open file that holds it.
            stdout: an open file that gets the output; otherwise the output is returned.
            index: the index file to work on.
            seconds: time limit.

        Raises:
            GitError: the command failed or took too long.
        """
        with self.start(*arguments, stdin=stdin, stdout=stdout, index=index) as process:
            try:
                data = stdin if isinstance(stdin, bytes) else None
                output, errors = process.communicate(data, timeout=seconds)
            except subprocess.TimeoutExpired:
                process.kill()
                raise GitError(f"git {arguments[0]} took more than {seconds:g} s") from None
            except BaseException:
                process.kill()
                raise
        if process.returncode:
            said = errors.decode(errors="replace").strip()
            raise GitError(f"git {arguments[0]} failed: {said[:2000]}", said)
        return output or b""

    def start(
        self,
        *arguments: str,
        stdin: bytes | IO[bytes] = b"",
        stdout: IO[bytes] | None = None,
        index: Path | None = None,
    ) -> subprocess.Popen[bytes]:
        """Start a command; bytes for its `stdin` are left to the caller to send."""
        given = stdin if not isinstance(stdin, bytes) else subprocess.PIPE
        environment = {**self._environment, "GIT_INDEX_FILE": str(index)} if index else None
        return subprocess.Popen(
            [*self._command, *arguments],
            stdin=given if stdin else subprocess.DEVNULL,
            stdout=stdout or subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment or self._environment,
            cwd=self.folder,
        )
