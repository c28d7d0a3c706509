from .approval import Decision
from .condense import Condenser, head_and_tail
from .policy import ToolPolicy
from .registry import ToolRegistry, ToolSource
from .repository import Workspace
from .results import Fault, ToolError, ToolResult
from .sandbox import Limits, PythonSandbox

__all__ = [
    "Condenser",
    "Decision",
    "Fault",
    "Limits",
    "PythonSandbox",
    "ToolError",
    "ToolPolicy",
    "ToolRegistry",
    "ToolResult",
    "ToolSource",
    "Workspace",
    "head_and_tail",
]
