"""Expressions inside a grammar, such as `o.indefinite + ' ' + o.name`.

They are evaluated by walking a few allowed kinds of syntax, so that a game file cannot run code.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

_PLAIN = (ast.Name, ast.BinOp, ast.Add, ast.BoolOp, ast.boolop, ast.expr_context)
_READABLE = {"id", "type", "name", "noun", "adj", "desc", "room_type", "definite", "indefinite"}


def parse_expression(expression: str) -> ast.expr:
    """The syntax tree of an expression over entities.

    Raises:
        ValueError: it holds more than names, their plain attributes, strings, `+`, `and`, `or`.
    """
    tree = ast.parse(expression.strip(), mode="eval").body
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(attr=name):
                allowed = name in _READABLE
            case ast.Constant(value=value):
                allowed = isinstance(value, str)
            case _:
                allowed = isinstance(node, _PLAIN)
        if not allowed:
            raise ValueError(f"the expression {expression!r} is not allowed in a grammar")
    return tree


def evaluate(tree: ast.expr, variables: Mapping[str, Any]) -> Any:
    """The value of a parsed expression.

    Raises:
        ValueError: it uses a name that is not among the variables.
    """
    match tree:
        case ast.Name(id=name):
            if name not in variables:
                raise ValueError(f"the grammar uses {name!r}, which stands for nothing here")
            return variables[name]
        case ast.Attribute(value=owner, attr=name):
            return getattr(evaluate(owner, variables), name)
        case ast.BinOp(left=left, right=right):
            return evaluate(left, variables) + evaluate(right, variables)
        case ast.BoolOp(op=operator, values=values):
            for value in (evaluate(each, variables) for each in values):
                if bool(value) == isinstance(operator, ast.Or):
                    break
            return value
        case ast.Constant(value=value):
            return value
    raise ValueError(f"unexpected expression {ast.dump(tree)}")
