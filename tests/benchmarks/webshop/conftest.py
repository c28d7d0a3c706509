"""What the tests of WebShop share: a cache of their own, a shop, and the official data."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from official import official

from symposia.benchmarks.webshop import WebShop


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    pytest.importorskip("numpy", reason='needs pip install "symposia[webshop]"')
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SYMPOSIA_CACHE", str(folder))
        yield folder


@pytest.fixture
def shop() -> WebShop:
    """A generated shop of 200 products."""
    return WebShop(rewards="approximate")


@pytest.fixture(scope="session", name="official")
def products() -> Path:
    """The folder with the official 1,000 products and their instructions."""
    return official("webshop/items_shuffle_1000.json").parent
