"""Where environments keep what they download or build."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder() -> Path:
    """`$SYMPOSIA_CACHE`, or else a folder in the user's own cache."""
    chosen = os.environ.get("SYMPOSIA_CACHE")
    if chosen:
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "symposia"
