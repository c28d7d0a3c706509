"""A calculator: arithmetic and a few functions, exact where it can be, never `eval`.

An expression is parsed by Python's `ast`, and only the nodes named here are worked out. Whole
numbers and decimals are exact fractions, so 0.1 + 0.2 is 0.3; roots, logarithms and the like are
floats. Sizes are checked before anything is worked out, so that 9**9**9 is an error at once.
"""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable
from fractions import Fraction

from langchain_core.tools import BaseTool, StructuredTool, ToolException

LENGTH = 1_000
"""Characters of an expression, at most."""
DIGITS = 4_000
"""Digits of a whole number, at most; Python itself prints no more than 4,300."""
BITS = int(DIGITS * math.log2(10))
SHOWN = 40
"""Digits up to which a fraction is shown as a fraction as well."""

Number = Fraction | float


class CalculationError(ToolException, ValueError):
    """An expression that cannot be worked out; the message says why."""


def calculator() -> BaseTool:
    """The tool `calculator`."""
    return StructuredTool.from_function(_calculator, name="calculator", parse_docstring=True)


def _calculator(expression: str) -> str:
    """Work out an arithmetic expression, such as (2 + 3) * 4 / 7, sqrt(2) or factorial(20).

    Operators: + - * / // % **. Functions: abs, round, min, max, floor, ceil, sqrt, exp, log,
    log2, log10, sin, cos, tan, asin, acos, atan, degrees, radians, hypot, factorial, comb, perm,
    gcd, lcm.
    Constants: pi, e, tau.

    Args:
        expression: what to work out, in one line
    """
    return calculate(expression)


def calculate(expression: str) -> str:
    """The value of `expression`, as text.

    Raises:
        CalculationError: it is no arithmetic, or its value is too large or not a number.
    """
    if len(expression) > LENGTH:
        raise CalculationError(f"the expression is longer than {LENGTH:,} characters")
    try:
        tree = ast.parse(expression.strip(), mode="eval")
        value = _value(tree.body, expression.strip())
    except CalculationError:
        raise
    except ZeroDivisionError:
        raise CalculationError("division by zero") from None
    except (RecursionError, MemoryError):
        raise CalculationError("the expression is nested too deeply") from None
    except OverflowError:
        raise CalculationError("the value is too large") from None
    except SyntaxError as error:
        raise CalculationError(f"this is no arithmetic: {error.msg}") from None
    except ValueError as error:
        raise CalculationError(str(error)) from None
    return _shown(value)


def _value(node: ast.expr, text: str) -> Number:
    match node:
        case ast.Constant():
            return _constant(node, text)
        case ast.Name(id=name) if name in CONSTANTS:
            return CONSTANTS[name]
        case ast.UnaryOp() if type(node.op) in SIGNS:
            return SIGNS[type(node.op)](_value(node.operand, text))
        case ast.BinOp() if type(node.op) in OPERATORS:
            left, right = _value(node.left, text), _value(node.right, text)
            return _checked(OPERATORS[type(node.op)](left, right))
        case ast.Call(func=ast.Name(id=name), keywords=[]) if name in FUNCTIONS:
            return _called(name, [_value(each, text) for each in node.args])
    raise CalculationError(_refusal(node))


def _constant(node: ast.Constant, text: str) -> Number:
    """A number as it is written: 0.1 is a tenth, not the float next to it."""
    if type(node.value) is int:
        return _checked(Fraction(node.value))
    if type(node.value) is not float:
        raise CalculationError(f"{node.value!r:.40} is not a number")
    if math.isinf(node.value):
        raise CalculationError("a number is too large")
    written = ast.get_source_segment(text, node) or ""
    digits = written.lower().split("e")[0]
    if node.value == 0 and digits.strip("0._"):
        raise CalculationError(f"{written:.40} is too small")
    return Fraction(written)


def _called(name: str, arguments: list[Number]) -> Number:
    try:
        return _checked(FUNCTIONS[name](*arguments))
    except TypeError:
        raise CalculationError(f"{name} does not take {len(arguments)} numbers") from None


def _checked(value: object) -> Number:
    if isinstance(value, complex):
        raise CalculationError("the value is not a real number")
    if isinstance(value, int):
        value = Fraction(value)
    if isinstance(value, Fraction):
        if max(value.numerator.bit_length(), value.denominator.bit_length()) > BITS:
            raise CalculationError(f"the value has more than {DIGITS:,} digits")
        return value
    assert isinstance(value, float)
    if not math.isfinite(value):
        raise CalculationError("the value is not a finite number")
    return value


def _power(base: Number, exponent: Number) -> object:
    if isinstance(base, float) or isinstance(exponent, float) or exponent.denominator != 1:
        return float(base) ** float(exponent)
    bits = max(base.numerator.bit_length(), base.denominator.bit_length())
    # 1 and -1 stay small to any power; everything else grows by its own bits each time.
    if bits > 1 and (bits - 1) * abs(exponent.numerator) > BITS:
        raise CalculationError(f"the value has more than {DIGITS:,} digits")
    if bits <= 1:
        exponent = exponent % 2 if base else min(max(exponent, Fraction(-1)), Fraction(1))
    return base**exponent.numerator


def _whole(number: Number) -> int:
    if number != int(number):
        raise CalculationError(f"{_shown(number)} is not a whole number")
    return int(number)


def _counting(function: Callable[..., int], digits: Callable[..., float]) -> Callable[..., int]:
    """A function of whole numbers whose value may be huge; `digits` says how huge beforehand."""

    def count(*numbers: Number) -> int:
        whole = [_whole(number) for number in numbers]
        if min(whole, default=0) < 0:
            raise CalculationError("it is not defined for negative numbers")
        if whole and digits(*whole) > DIGITS:
            raise CalculationError(f"the value has more than {DIGITS:,} digits")
        return function(*whole)

    return count


def _log_factorial(n: int) -> float:
    return math.lgamma(n + 1) / math.log(10)


def _perm_digits(n: int, k: int) -> float:
    return k * math.log10(n + 1) if k <= n else 0.0


def _comb_digits(n: int, k: int) -> float:
    return _perm_digits(n, min(k, n - k)) if k <= n else 0.0


def _round(number: Number, digits: Number = Fraction(0)) -> Number:
    places = _whole(digits)
    if abs(places) > DIGITS:
        raise CalculationError(f"{places} places are too many")
    if isinstance(number, Fraction):
        return round(number, places)
    return round(number, places)


def _shown(value: Number) -> str:
    if isinstance(value, float):
        return repr(int(value) if value.is_integer() and abs(value) < 1e15 else value)
    if value.denominator == 1:
        return str(value.numerator)
    try:
        near = float(value)
    except OverflowError:
        near = math.inf
    whole = f"{value.numerator}/{value.denominator}"
    if math.isinf(near) or near == 0:
        return whole
    if Fraction(repr(near)) == value:
        return repr(near)
    return repr(near) if len(whole) > SHOWN else f"{near!r} ({whole})"


def _refusal(node: ast.expr) -> str:
    match node:
        case ast.Name(id=name):
            return f"{name:.40} is not known; there are {', '.join(CONSTANTS)}"
        case ast.Call(func=ast.Name(id=name)):
            return f"{name:.40} is not known; there are {', '.join(FUNCTIONS)}"
        case ast.BinOp(op=ast.BitXor()):
            return "powers are written with **, not ^"
        case ast.Tuple():
            return "there is a comma; thousands are written without, decimals with a point"
    return f"{type(node).__name__} is not arithmetic"


def _float(function: Callable[..., float]) -> Callable[..., float]:
    return lambda *numbers: function(*map(float, numbers))


SIGNS: dict[type[ast.unaryop], Callable[[Number], Number]] = {
    ast.UAdd: lambda number: number,
    ast.USub: lambda number: -number,
}
OPERATORS: dict[type[ast.operator], Callable[[Number, Number], object]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: _power,
}
CONSTANTS = {"pi": math.pi, "e": math.e, "tau": math.tau}
FUNCTIONS: dict[str, Callable[..., object]] = {
    "abs": abs,
    "round": _round,
    "min": lambda *numbers: min(numbers),
    "max": lambda *numbers: max(numbers),
    "floor": math.floor,
    "ceil": math.ceil,
    "factorial": _counting(math.factorial, _log_factorial),
    "comb": _counting(math.comb, _comb_digits),
    "perm": _counting(math.perm, _perm_digits),
    "gcd": lambda *numbers: math.gcd(*map(_whole, numbers)),
    "lcm": lambda *numbers: math.lcm(*map(_whole, numbers)),
    **{
        name: _float(getattr(math, name))
        for name in (
            *("sqrt", "exp", "log", "log2", "log10", "sin", "cos", "tan", "asin", "acos", "atan"),
            *("degrees", "radians", "hypot"),
        )
    },
}
