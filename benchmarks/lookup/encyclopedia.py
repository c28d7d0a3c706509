"""An encyclopedia: pages by title, in a corpus on this machine."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from ...tools.ready.corpus import Corpus

SIMILAR = 5
"""Titles that are offered where a page is missing."""
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[\"'(]?[A-Z0-9])")


class Encyclopedia:
    """The pages of a corpus, which has titles. Opened at first use, shared by all who read."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._corpus: Corpus | None = None

    @staticmethod
    def build(path: Path, pages: Iterable[Mapping[str, str]], *, progress: bool = True) -> None:
        """Write pages (`title` and `text`) to a file; equal titles share a page.

        Raises:
            ValueError: there is no page.
        """
        texts: dict[str, dict[str, None]] = {}
        for page in pages:
            texts.setdefault(page["title"], {})[page["text"]] = None
        rows = (
            {"id": name(title), "title": title, "text": "\n\n".join(parts)}
            for title, parts in texts.items()
        )
        Corpus.build(path, rows, progress=progress)

    def page(self, title: str) -> tuple[str, ...] | None:
        """The sentences of the page with this title, in any case; None where there is none."""
        text = "\n\n".join(self._passages(name(title)))
        if not text:
            hits = self._opened().search(title, SIMILAR)
            same = next((hit for hit in hits if name(hit.title) == name(title)), None)
            if same is None:
                return None
            text = "\n\n".join(self._passages(same.id.rpartition("#")[0]))
        return tuple(part.strip() for part in _SENTENCE_END.split(text) if part.strip())

    def similar(self, title: str) -> tuple[str, ...]:
        """Titles of pages that speak of what the title says, best first."""
        hits = self._opened().search(title, 4 * SIMILAR)
        return tuple(dict.fromkeys(hit.title for hit in hits))[:SIMILAR]

    def __getstate__(self) -> dict[str, object]:
        return {"path": self.path, "_corpus": None}

    def _passages(self, document: str) -> Iterator[str]:
        number = 1
        while passage := self._opened().passage(f"{document}#{number}"):
            yield passage.text
            number += 1

    def _opened(self) -> Corpus:
        if self._corpus is None:
            self._corpus = Corpus(self.path)
        return self._corpus


def name(title: str) -> str:
    """What a title is looked up by: case, underscores and spaces around do not matter."""
    return " ".join(title.replace("_", " ").casefold().split())
