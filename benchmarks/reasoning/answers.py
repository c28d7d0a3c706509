"""Which answers may reach the library's scorers.

Answers are written by models, so they are untrusted, and some scorers of reasoning-gym 0.1.25 hand
them to Python's `eval`, straight or through sympy. Those get only literals, or plain arithmetic
that cannot grow without bound. A few others take very long on contrived answers, or let one pass.
An answer that is refused scores 0.
"""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Mapping
from typing import Any

LONGEST = 10_000
"""Characters of an answer; the longest right ones have about 2,000."""
LITERALS = {"binary_matrix", "n_queens", "spiral_matrix", "string_insertion"}
"""Families whose scorer evaluates what is not the expected text as a Python literal."""
NUMBERS = {"countdown", "puzzle24"}
"""Families whose scorer evaluates arithmetic."""
FORMULAS = {"intermediate_integration", "polynomial_multiplication", "simple_integration"}
"""Families whose scorer evaluates formulas."""
LONGEST_FORMULA = 500
"""Characters of arithmetic and formulas, and of logic, which is parsed slowly."""
LARGEST_POWER = 10_000
"""The most that the exponents around a number multiply to."""

_FUNCTIONS = {
    *("exp", "log", "ln", "sqrt", "sin", "cos", "tan", "sec", "csc", "cot"),
    *("sinh", "cosh", "tanh", "asin", "acos", "atan", "Abs"),
}
_NAMES = re.compile(r"[A-Za-z]|pi")
_HUGE_EXPONENT = re.compile(r"\d[eE][+-]?\d{4}")
_SUMS = (ast.Add, ast.Sub, ast.Mult, ast.Div)


def read_answer(action: str) -> str:
    """The answer in an action: what stands in its last `<answer>` tags, else all of it."""
    _, opened, rest = action.rpartition("<answer>")
    return (rest.partition("</answer>")[0] if opened else action).strip()


def refusal(family: str, answer: str, entry: Mapping[str, Any]) -> str:
    """Why an answer is not given to the scorer of its family; empty if it is."""
    if not answer:
        return "it is empty"
    if len(answer) > LONGEST:
        return f"it is longer than {LONGEST} characters"
    if _HUGE_EXPONENT.search(answer):
        return "it holds a number with an exponent of more than three digits"
    if family in LITERALS and answer not in _expected(entry) and not _is_literal(answer):
        return "it is neither what is asked for nor a list"
    if family in NUMBERS | FORMULAS and not _is_formula(answer, names=family in FORMULAS):
        return "it is not plain arithmetic"
    if family == "propositional_logic" and len(answer) > LONGEST_FORMULA:
        return f"it is longer than {LONGEST_FORMULA} characters"
    if family == "complex_arithmetic" and "nan" in answer.lower():
        return "it is not a number, which the scorer would take for any"
    return ""


def _expected(entry: Mapping[str, Any]) -> set[str]:
    """Texts that the scorer compares as they are, before it evaluates anything."""
    texts = [entry["answer"], *entry["metadata"].get("valid_answers", ())]
    return {text for text in texts if isinstance(text, str)}


def _is_literal(answer: str) -> bool:
    try:
        ast.literal_eval(answer)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return False
    return True


def _is_formula(answer: str, *, names: bool) -> bool:
    """Numbers, `+ - * / **`, brackets; with `names`, single letters and usual functions."""
    if len(answer) > LONGEST_FORMULA or not answer.isascii():
        return False
    try:
        tree = ast.parse(answer, mode="eval")
        return _power(tree.body, names) <= LARGEST_POWER
    except (_RefusedError, ValueError, SyntaxError, MemoryError, RecursionError):
        return False


class _RefusedError(ValueError):
    """The formula holds something that it may not."""


def _power(node: ast.expr, names: bool) -> float:
    """How large a formula can get: what the exponents on its largest path multiply to.

    Raises:
        _RefusedError: it holds something else than a formula may.
    """
    match node:
        case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
            return max(1.0, len(str(value)) / 10)
        case ast.Name(id=name) if names and _NAMES.fullmatch(name):
            return 1.0
        case ast.UnaryOp(op=ast.UAdd() | ast.USub(), operand=inner):
            return _power(inner, names)
        case ast.BinOp(left=left, op=op, right=right) if isinstance(op, _SUMS):
            return _power(left, names) + _power(right, names)
        case ast.BinOp(left=base, op=ast.Pow(), right=exponent):
            return _power(base, names) * _exponent(exponent, names)
        case ast.Call(func=ast.Name(id=name), args=[inner], keywords=[]) if names:
            if name in _FUNCTIONS:
                return _power(inner, names)
    raise _RefusedError(ast.dump(node)[:80])


def _exponent(node: ast.expr, names: bool) -> float:
    """What an exponent multiplies by: its value where it is a number, else its own size."""
    match node:
        case ast.Constant(value=int() | float() as value) if math.isfinite(value):
            return max(1.0, abs(value))
        case ast.UnaryOp(op=ast.UAdd() | ast.USub(), operand=inner):
            return _exponent(inner, names)
        case ast.BinOp(left=left, op=ast.Div(), right=right):
            return _exponent(left, names) * _exponent(right, names)
        case ast.Name():
            return _power(node, names)
        case ast.BinOp(left=left, op=ast.Mult(), right=right):
            return _exponent(left, names) * _exponent(right, names)
    raise _RefusedError(ast.dump(node)[:80])
