"""A run's manifest: what anyone needs to repeat it."""

from __future__ import annotations

import json
import platform
import subprocess
import sys
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from .secrets import scrub

PACKAGES = (
    "symposia",
    "langgraph",
    "langchain-core",
    "pydantic",
    "torch",
    "transformers",
    "textworld",
    "alfworld",
)


def manifest(config: Mapping[str, Any]) -> dict[str, Any]:
    """Versions, machine, git revision and `config` (without secrets), ready for JSON."""
    written = json.dumps(scrub(config), default=lambda value: scrub(str(value)))
    return {
        "config": json.loads(written),
        "command": scrub(sys.argv),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": {name: _version(name) for name in PACKAGES},
        "git": _git_revision(),
    }


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _git_revision() -> str | None:
    """Revision of the working folder's checkout, with `+changes` when it is not clean."""
    git = ["git", "describe", "--always", "--abbrev=40", "--dirty=+changes"]
    try:
        said = subprocess.run(git, capture_output=True, text=True, timeout=5, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return said.stdout.strip()
