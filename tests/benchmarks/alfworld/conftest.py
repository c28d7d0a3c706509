"""What the tests of ALFWorld share: a cache of their own, an environment, and official games."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from official import official

from symposia.benchmarks.alfworld import ALFWorld


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    for package in ("textworld", "alfworld"):
        pytest.importorskip(package, reason='needs pip install "symposia[alfworld]"')
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SYMPOSIA_CACHE", str(folder))
        patch.delenv("ALFWORLD_DATA", raising=False)
        yield folder


@pytest.fixture(scope="module")
def world() -> Iterator[ALFWorld]:
    with ALFWorld(size="small") as environment:
        yield environment


@pytest.fixture(scope="session", name="official")
def games() -> Path:
    """The archive of the 140 official games of valid_seen."""
    return official("alfworld/valid_seen_140games_2.1.1.tar.xz")
