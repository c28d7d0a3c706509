"""How alike texts are."""

from __future__ import annotations


def edit_distance(one: str, other: str) -> int:
    """Levenshtein's distance, in characters."""
    row = list(range(len(other) + 1))
    for i, left in enumerate(one, 1):
        before, row[0] = row[0], i
        for j, right in enumerate(other, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (left != right))
    return row[-1]


def likeness(one: str, other: str) -> float:
    """1 for the same text, 0 where nothing is shared: 1 - distance / the longer length."""
    longer = max(len(one), len(other))
    return 1 - edit_distance(one, other) / longer if longer else 1.0
