"""Repositories to check out, made by a git that knows nothing of this machine's settings."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from symposia.tools import Workspace

BANK = '''"""Accounts."""

import functools


class Account:
    """Money of one owner."""

    def __init__(self, owner: str) -> None:
        self.owner = owner
        self.balance = 0

    @property
    def name(self) -> str:
        return self.owner

    @name.setter
    def name(self, new: str) -> None:
        self.owner = new

    # Checked by the auditor.
    @functools.lru_cache
    def rate(self, years: int = 1) -> float:
        """Interest
        a year."""
        return 0.02 * years


async def transfer(one: Account, other: Account, sum: int) -> None:
    one.balance -= sum
    other.balance += sum
'''

Run = Callable[..., str]


@pytest.fixture
def git() -> Run:
    """Runs git in a folder: `git(folder, "init")`."""

    def run(folder: Path, *arguments: str, stdin: bytes = b"") -> str:
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_AUTHOR_NAME": "Ada",
            "GIT_AUTHOR_EMAIL": "ada@example.org",
            "GIT_COMMITTER_NAME": "Ada",
            "GIT_COMMITTER_EMAIL": "ada@example.org",
        }
        command = ["git", "-c", "init.defaultBranch=main", *arguments]
        done = subprocess.run(
            command, cwd=folder, env=environment, input=stdin, capture_output=True, check=True
        )
        return done.stdout.decode().strip()

    return run


@pytest.fixture
def repository(tmp_path: Path, git: Run) -> Path:
    """A repository with two commits; the first is tagged `v1`."""
    folder = tmp_path / "repository"
    (folder / "bank").mkdir(parents=True)
    (folder / "README.md").write_text("# Bank\n")
    (folder / "bank" / "account.py").write_text(BANK)
    git(folder, "init", "-q")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "first")
    git(folder, "tag", "v1")
    (folder / "README.md").write_text("# Bank\n\nSecond edition.\n")
    git(folder, "commit", "-qam", "second")
    return folder


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """A workspace from a plain folder."""
    folder = tmp_path / "plain"
    (folder / "bank").mkdir(parents=True)
    (folder / "README.md").write_text("# Bank\n")
    (folder / "bank" / "account.py").write_text(BANK)
    return Workspace.checkout(folder)
