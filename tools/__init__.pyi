from .repository import Workspace

__all__ = [
    "Workspace",
]
