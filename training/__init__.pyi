from .from_episodes import Credit, pair, rows, samples
from .sample import PreferencePair, Row, Sample

__all__ = ["Credit", "PreferencePair", "Row", "Sample", "pair", "rows", "samples"]
