"""The official data files: which of them to read, and their entries product by product."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .catalogue import Entry
from .products import read_records

PRODUCTS = "items_shuffle"
ATTRIBUTES = "items_ins_v2"
HUMAN = "items_human_ins.json"


class OfficialFiles:
    """The products, attributes and instructions in the files of the benchmark.

    Args:
        data: the folder with `items_shuffle*.json`, `items_ins_v2*.json` and, for human goals,
            `items_human_ins.json`; or the file of the products, with the others beside it.
        products: read only so many from the start of the file.

    Raises:
        ValueError: there is no file of products, or it is not clear which; the message names the
            folder.
    """

    def __init__(self, data: Path, products: int | None = None) -> None:
        self.file = data if data.is_file() else _choose(data, products)
        self._products = products
        folder, size = self.file.parent, self.file.stem.removeprefix(PRODUCTS)
        fitting = [folder / f"{ATTRIBUTES}{size}.json", folder / f"{ATTRIBUTES}.json"]
        self._attributes = next((each for each in fitting if each.exists()), fitting[0])
        self._human = folder / HUMAN
        self.faults: Counter[str] = Counter()
        files = (self.file, self._attributes, self._human)
        self.key = f"{[_state(each) for each in files]} {products}"

    def __iter__(self) -> Iterator[Entry]:
        attributes, human = self._object(self._attributes), self._object(self._human)
        for record in itertools.islice(read_records(self.file), self._products):
            asin = record.get("asin") if isinstance(record, dict) else None
            if isinstance(asin, str):
                yield record, attributes.get(asin), human.get(asin)
            else:
                yield record, None, None

    def _object(self, file: Path) -> dict[str, Any]:
        """The JSON object in a file, empty and noted as a fault if there is none."""
        try:
            found = json.loads(file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            self.faults[f"{file.name}: missing"] += 1
            return {}
        except (ValueError, RecursionError) as error:
            self.faults[f"{file.name}: not JSON: {error}"] += 1
            return {}
        if not isinstance(found, dict):
            self.faults[f"{file.name}: not a JSON object"] += 1
            return {}
        return found


def _choose(folder: Path, products: int | None) -> Path:
    files = sorted(folder.glob(f"{PRODUCTS}*.json"))
    by_name = {each.name: each for each in files}
    for name in (f"{PRODUCTS}_{products}.json", f"{PRODUCTS}.json"):
        if name in by_name:
            return by_name[name]
    if len(files) == 1:
        return files[0]
    if files:
        raise ValueError(f"several files of products in {folder}: pass one of {', '.join(by_name)}")
    raise ValueError(
        f"no {PRODUCTS}*.json in {folder}: pass the folder of WebShop's data files, or no data for "
        "a generated shop"
    )


def _state(file: Path) -> tuple[str, int, int]:
    if not file.exists():
        return str(file), 0, 0
    facts = file.stat()
    return str(file), facts.st_size, facts.st_mtime_ns
