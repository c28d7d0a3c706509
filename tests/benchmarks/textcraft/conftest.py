"""What the tests of TextCraft share: the official recipes."""

import os
from pathlib import Path

import pytest

import symposia


@pytest.fixture(scope="session")
def official() -> Path:
    """The folder with Minecraft's recipes."""
    root = Path(symposia.__file__).resolve().parent
    data = Path(os.environ.get("SYMPOSIA_DATA", root.parent / "shared" / "data"))
    folder = data / "textcraft"
    if not (folder / "recipes").is_dir():
        pytest.skip(f"needs the official recipes: no folder `recipes` in {folder}")
    return folder
