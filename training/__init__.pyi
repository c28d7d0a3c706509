from .from_episodes import Credit, moved, pair, rows, samples
from .sample import PreferencePair, Row, Sample

__all__ = ["Credit", "PreferencePair", "Row", "Sample", "moved", "pair", "rows", "samples"]
