"""Python code as text: the code in a reply, and how long and how tangled it is."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass

_FENCED = re.compile(r"```[ \t]*(?:python|py)?[ \t]*\n(.*?)```", re.DOTALL | re.IGNORECASE)


def code_of(answer: str) -> str | None:
    """The code in an answer: what stands in its one fenced block, or all of it where there is
    none; None where there are several blocks, or nothing."""
    blocks = _FENCED.findall(answer)
    if len(blocks) > 1 or (not blocks and "```" in answer):
        return None
    code: str = blocks[0] if blocks else answer
    return code if code.strip() else None


@dataclass(frozen=True, slots=True)
class Shape:
    """Measures of a program."""

    lines: int
    """Lines that are not empty and no comment."""
    complexity: int
    """McCabe's cyclomatic complexity: one more than the places where the program may branch."""
    calls: int
    """Different functions and methods that are called, as they are written."""


def shape(code: str) -> Shape | None:
    """How long and how tangled a program is, without running it; None where it is no Python."""
    try:
        nodes = [*ast.walk(ast.parse(code))]
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    lines = [line.strip() for line in code.splitlines()]
    return Shape(
        lines=sum(bool(line) and not line.startswith("#") for line in lines),
        complexity=1 + sum(map(_ways, nodes)),
        calls=len({ast.unparse(node.func) for node in nodes if isinstance(node, ast.Call)}),
    )


def _ways(node: ast.AST) -> int:
    """How many ways more there are through a program because of a node."""
    if isinstance(node, ast.BoolOp):
        return len(node.values) - 1
    if isinstance(node, ast.comprehension):
        return 1 + len(node.ifs)
    forks = (ast.If, ast.IfExp, ast.For, ast.AsyncFor, ast.While, ast.ExceptHandler, ast.match_case)
    return int(isinstance(node, forks))
