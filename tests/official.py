"""The official data of benchmarks, for the tests that read it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import symposia


def official(path: str) -> Path:
    """An official file or folder, in `$SYMPOSIA_DATA` or beside this repository; where it is
    missing, the test is skipped."""
    beside = Path(symposia.__file__).resolve().parents[1] / "shared" / "data"
    place = Path(os.environ.get("SYMPOSIA_DATA", beside)) / path
    if not place.exists():
        pytest.skip(f"needs the official data: no {place}; set SYMPOSIA_DATA")
    return place
