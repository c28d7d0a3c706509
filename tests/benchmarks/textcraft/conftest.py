"""What the tests of TextCraft share: the official recipes."""

from pathlib import Path

import pytest
from official import official


@pytest.fixture(scope="session", name="official")
def recipes() -> Path:
    """The folder with Minecraft's recipes."""
    return official("textcraft/recipes").parent
