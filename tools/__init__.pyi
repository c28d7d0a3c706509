from .sandbox import Limits

__all__ = [
    "Limits",
]
