"""Where a method comes from."""

from __future__ import annotations

import re
from dataclasses import dataclass

ARXIV = re.compile(r"\d{4}\.\d{4,5}")


@dataclass(frozen=True, slots=True)
class Paper:
    """The paper that a module follows, as its constant `PAPER`; `symposia systems` lists them.

    The constant is read from the source without importing the module, so its fields are written
    as plain text.

    Raises:
        ValueError: a field is empty, or the arXiv id is not one.
    """

    title: str
    """The full title, as published."""
    arxiv: str
    """The arXiv id, for example `2310.07611`."""
    kind: str
    """What the module makes of it, for example `graph`, or `graph | metric` for two things."""

    def __post_init__(self) -> None:
        if not self.title.strip() or not self.kind.strip():
            raise ValueError("a paper needs a title and a kind")
        if not ARXIV.fullmatch(self.arxiv):
            raise ValueError(f"{self.arxiv!r} is not an arXiv id like '2310.07611'")
