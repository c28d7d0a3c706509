"""The catalogue: products and their search index in one folder, built once and then memory-mapped.

A catalogue is only read, so any number of worlds and processes share it. Products are parsed when
they are first shown. What the goals are made from lies in a file of its own, which no page reads.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import random
import shutil
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

from .products import Product, read_product
from .search import HITS, Index, IndexWriter

FORMAT = 2
"""Changes when the files of a catalogue do, or what a generated shop sells, so that older
catalogues are not read."""

Entry = tuple[Any, Any, Any]
"""What there is about a product: record, entry in `items_ins_v2`, human instructions."""


class Source(Protocol):
    """Where the products of a catalogue come from."""

    key: str
    """Identifies the content, in any words."""
    faults: Counter[str]
    """What was found wrong with the source itself, and how often."""

    def __iter__(self) -> Iterator[Entry]:
        """The entries in order; read only if the catalogue has to be built."""


class Catalogue:
    """A built catalogue.

    Args:
        folder: what `build_catalogue` returned.
    """

    def __init__(self, folder: Path) -> None:
        import numpy as np

        self.folder = folder
        facts = json.loads((folder / "catalogue.json").read_text())
        self.faults: dict[str, int] = facts["faults"]
        """Why products were left out, and how many."""
        self._kinds: dict[str, list[str]] = {key: facts[key] for key in ("category", "query")}
        self._starts = np.asarray(np.load(folder / "starts_of_products.npy", mmap_mode="r"))
        self._price_ranges = np.load(folder / "prices.npy", mmap_mode="r")
        self._asins = np.asarray(np.load(folder / "asins.npy", mmap_mode="r"))
        self._bytes = np.memmap(folder / "products.jsonl", np.uint8, "r") if len(self) else b""
        self._index = Index(folder)
        self.product = lru_cache(maxsize=4096)(self._product)
        """The product with a number, parsed at first use."""
        self.search = lru_cache(maxsize=4096)(self._search)
        """The numbers of the products that match a query best, best first, `HITS` at most."""
        self.prices = lru_cache(maxsize=4)(self._drawn_under)
        """The price of each product in dollars, as drawn under a seed."""

    def __len__(self) -> int:
        return len(self._starts) - 1

    def sells(self, asin: str) -> bool:
        """Whether there is a product with an asin."""
        place = bisect_left(self._asins, asin)
        return place < len(self) and bool(self._asins[place] == asin)

    def listed(self, kind: str, value: str) -> tuple[int, ...]:
        """The numbers of all products whose `category` or `query` is `value`, in order."""
        import numpy as np

        if value not in self._kinds[kind]:
            return ()
        codes = np.load(self.folder / f"{kind}.npy", mmap_mode="r")
        return tuple(np.flatnonzero(codes == self._kinds[kind].index(value)).tolist())

    def draw_prices(self, rng: random.Random) -> list[float]:
        """One price a product in dollars: where there is a range, drawn from it, in order."""
        drawn: list[float] = self._price_ranges[:, 0].tolist()
        ranges = self._price_ranges[:, 1]
        for number in (ranges == ranges).nonzero()[0].tolist():
            drawn[number] = rng.uniform(drawn[number], float(ranges[number]))
        return drawn

    def sources(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """What goals are made from: product numbers in order, with `instruction`,
        `instruction_attributes` and `human` as far as the files have them."""
        with (self.folder / "sources.jsonl").open(encoding="utf-8") as lines:
            for line in lines:
                number, source = json.loads(line)
                yield number, source

    def _product(self, number: int) -> Product:
        start, end = self._starts[number : number + 2]
        stored = json.loads(bytes(self._bytes[start:end]))
        stored["options"] = {name: tuple(values) for name, values in stored["options"].items()}
        for key in ("bullets", "prices", "attributes"):
            stored[key] = tuple(stored[key])
        return Product(**stored)

    def _drawn_under(self, seed: int) -> list[float]:
        return self.draw_prices(random.Random(seed))

    def _search(self, query: str) -> tuple[int, ...]:
        return tuple(self._index.search(query, HITS))


def build_catalogue(source: Source, cache: Path) -> Path:
    """The folder of the catalogue made from a source; built in `cache` if it is not there yet.

    Raises:
        ValueError: the source cannot be read.
        OSError: the source cannot be read, or the folder not be written.
    """
    digest = hashlib.sha256(f"{FORMAT} {source.key}".encode()).hexdigest()[:32]
    folder, draft = cache / digest, cache / f"{digest}.draft"
    if not folder.exists():
        cache.mkdir(parents=True, exist_ok=True)
        with _alone(cache / f"{digest}.lock"):
            if not folder.exists():
                shutil.rmtree(draft, ignore_errors=True)  # of a process that was killed
                draft.mkdir()
                try:
                    _write(source, draft)
                    draft.rename(folder)
                finally:
                    shutil.rmtree(draft, ignore_errors=True)
    return folder


@lru_cache(maxsize=4)
def open_catalogue(folder: Path) -> Catalogue:
    """The catalogue in a folder; one object for all who ask for it in this process."""
    return Catalogue(folder)


@contextmanager
def _alone(file: Path) -> Iterator[None]:
    """Wait until no other thread or process is here. A process that is killed leaves."""
    with file.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


def _write(source: Source, folder: Path) -> None:
    import numpy as np

    faults: Counter[str] = Counter()
    asins: dict[str, None] = {}
    codes: dict[str, dict[str, int]] = {"category": {}, "query": {}}
    coded: dict[str, list[int]] = {"category": [], "query": []}
    starts, prices = [0], []
    index = IndexWriter(folder)
    with (
        (folder / "products.jsonl").open("wb") as products,
        (folder / "sources.jsonl").open("w", encoding="utf-8") as sources,
    ):
        for record, attributes, human in source:
            try:
                product = read_product(record, attributes)
            except ValueError as error:
                faults[f"a product with {error}"] += 1
                continue
            if product.asin in asins:
                faults["a product with an asin that came before"] += 1
                continue
            told = _told(attributes, human, faults)
            if told:
                sources.write(json.dumps([len(asins), told]) + "\n")
            asins[product.asin] = None
            products.write(json.dumps(asdict(product)).encode() + b"\n")
            starts.append(products.tell())
            prices.append((*product.prices, float("nan"))[:2])
            index.add(product.contents)
            for kind, numbers in coded.items():
                value = getattr(product, kind)
                numbers.append(codes[kind].setdefault(value, len(codes[kind])))
    index.finish(list(asins))
    for kind, numbers in coded.items():
        np.save(folder / f"{kind}.npy", np.array(numbers, np.int32))
    np.save(folder / "asins.npy", np.array(sorted(asins), "U10"))
    np.save(folder / "starts_of_products.npy", np.array(starts, np.int64))
    np.save(folder / "prices.npy", np.array(prices, np.float64).reshape(-1, 2))
    facts = {kind: list(values) for kind, values in codes.items()}
    (folder / "catalogue.json").write_text(json.dumps(facts | {"faults": source.faults + faults}))


def _told(attributes: Any, human: Any, faults: Counter[str]) -> dict[str, Any]:
    """What goals can be made from, without what is no valid instruction."""
    told: dict[str, Any] = {}
    if isinstance(attributes, dict) and attributes.get("instruction") is not None:
        words, wanted = attributes["instruction"], attributes.get("instruction_attributes")
        if isinstance(words, str) and wanted and _are_texts(wanted):
            told |= {"instruction": words, "instruction_attributes": wanted}
        else:
            faults["an instruction without text or attributes"] += 1
    if human is not None:
        said = human if isinstance(human, list) else [human]
        valid = [each for each in said if _is_human_instruction(each)]
        faults["a human instruction without text, attributes or options"] += len(said) - len(valid)
        told |= {"human": valid}
    return told


def _is_human_instruction(said: Any) -> bool:
    return (
        isinstance(said, dict)
        and isinstance(said.get("instruction"), str)
        and _are_texts(said.get("instruction_attributes"))
        and _are_texts(said.get("instruction_options"))
    )


def _are_texts(values: Any) -> bool:
    return isinstance(values, list) and all(isinstance(each, str) for each in values)
