from .from_episodes import Credit, moved, pair, rows, samples
from .sample import Example, PreferencePair, Row, Sample

__all__ = [
    "Credit",
    "Example",
    "PreferencePair",
    "Row",
    "Sample",
    "moved",
    "pair",
    "rows",
    "samples",
]
