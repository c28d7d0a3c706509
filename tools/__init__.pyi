from .repository import Workspace
from .sandbox import Limits, PythonSandbox

__all__ = [
    "Limits",
    "PythonSandbox",
    "Workspace",
]
