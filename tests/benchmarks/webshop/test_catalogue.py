"""Catalogues: built once, by whoever comes first, whatever happens to the others."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from symposia.benchmarks.webshop import (
    Catalogue,
    GeneratedShop,
    WebShop,
    build_catalogue,
)
from symposia.benchmarks.webshop.catalogue import Entry

BUILD = """
import sys
from pathlib import Path
from symposia.benchmarks.webshop import GeneratedShop, build_catalogue
print(build_catalogue(GeneratedShop(400), Path(sys.argv[1])))
"""
BUILD_HALF = """
import sys, time
from pathlib import Path
from symposia.benchmarks.webshop import GeneratedShop, build_catalogue

class Stuck(GeneratedShop):
    def __iter__(self):
        for number, entry in enumerate(super().__iter__()):
            if number == 200:
                print("half", flush=True)
                time.sleep(600)
            yield entry

build_catalogue(Stuck(400), Path(sys.argv[1]))
"""


class Counted(GeneratedShop):
    """A shop that counts how often it is read."""

    read = 0

    def __iter__(self) -> Iterator[Entry]:
        self.read += 1
        return super().__iter__()


def contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def folders(cache: Path) -> list[Path]:
    return [each for each in cache.iterdir() if each.is_dir()]


def test_a_catalogue_is_built_once_by_many_threads(tmp_path: Path) -> None:
    source = Counted(60)
    with ThreadPoolExecutor(8) as pool:
        built = set(pool.map(lambda _: build_catalogue(source, tmp_path), range(8)))
    assert source.read == 1
    assert folders(tmp_path) == [*built]


def test_processes_can_build_the_same_catalogue_at_once(tmp_path: Path) -> None:
    both = [
        subprocess.Popen([sys.executable, "-c", BUILD, str(tmp_path)], stdout=subprocess.PIPE)
        for _ in range(2)
    ]
    told = [process.communicate(timeout=60)[0].decode().strip() for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert told[0] == told[1]
    assert folders(tmp_path) == [Path(told[0])]
    assert len(Catalogue(Path(told[0]))) == 400


def test_a_build_that_was_killed_is_done_again(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", BUILD_HALF, str(tmp_path)], stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"half\n"
        process.send_signal(signal.SIGKILL)
    assert len(folders(tmp_path)) == 1
    built = build_catalogue(GeneratedShop(400), tmp_path)
    assert folders(tmp_path) == [built]
    fresh = build_catalogue(GeneratedShop(400), tmp_path / "fresh")
    assert contents(built) == contents(fresh)


def test_a_build_that_fails_leaves_nothing(tmp_path: Path) -> None:
    class Damaged(GeneratedShop):
        def __iter__(self) -> Iterator[Entry]:
            yield from list(super().__iter__())[:5]
            raise ValueError("damaged")

    for _ in range(2):
        with pytest.raises(ValueError, match="damaged"):
            build_catalogue(Damaged(10), tmp_path)
        assert folders(tmp_path) == []


def test_a_catalogue_knows_what_it_sells(shop: WebShop) -> None:
    catalogue = shop.catalogue
    sold = [catalogue.product(number).asin for number in range(len(catalogue))]
    assert all(map(catalogue.sells, sold))
    assert not any(map(catalogue.sells, ["", "A", "ZZZZZZZZZZ", f"{sold[0]}x", sold[0][:-1]]))


def test_products_are_read_when_they_are_shown(tmp_path: Path) -> None:
    catalogue = Catalogue(build_catalogue(GeneratedShop(60), tmp_path))
    assert len(catalogue.search("red set")) > 0
    assert catalogue.product.cache_info().currsize == 0
    assert catalogue.product(3) is catalogue.product(3)


def test_threads_share_a_catalogue(shop: WebShop) -> None:
    tasks = shop.tasks()[::40]

    def played(number: int) -> list[str]:
        with shop.fork() as world:
            task = tasks[number % len(tasks)]
            world.reset(task)
            actions = (f"search[{task.reference['query']}]", "click[next >]", "click[< prev]")
            return [world.step(action).text for action in actions]

    alone = [played(number) for number in range(40)]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(played, range(40))) == alone
