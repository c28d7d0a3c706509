from __future__ import annotations

import math
import time
from contextlib import suppress
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symposia.tools import Fault, ToolRegistry
from symposia.tools.ready import CalculationError, calculate, calculator


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("2 + 3 * 4", "14"),
        ("(2 + 3) * 4 / 7", "2.857142857142857 (20/7)"),
        ("0.1 + 0.2", "0.3"),
        ("1/3 + 1/6", "0.5"),
        ("2 ** 10", "1024"),
        ("2 ** -1", "0.5"),
        ("4 ** (1/2)", "2"),
        ("-7 // 2", "-4"),
        ("-7 % 3", "2"),
        ("sqrt(16) + abs(-2)", "6"),
        ("round(2.675, 2)", "2.68"),
        ("round(7/3)", "2"),
        ("max(1, 5, 3) - min(2, 4)", "3"),
        ("factorial(20)", "2432902008176640000"),
        ("comb(50, 3)", "19600"),
        ("gcd(12, 18) + lcm(4, 6)", "18"),
        ("floor(2.7) + ceil(2.1)", "5"),
        ("1_000 * 3", "3000"),
        ("1e3", "1000"),
        ("0 ** 0", "1"),
        ("0 ** 999999999999", "0"),
        ("(-1) ** 999999999999", "-1"),
        ("1 ** 99999999999999", "1"),
        ("2 ** 0.5", repr(math.sqrt(2))),
        ("sin(pi / 2)", "1"),
        ("1 / 3 ** 2000", f"1/{3**2000}"),
    ],
)
def test_values(expression: str, value: str) -> None:
    assert calculate(expression) == value


@pytest.mark.parametrize(
    ("expression", "why"),
    [
        ("9**9**9", "more than 4,000 digits"),
        ("9**9**9**9**9", "more than 4,000 digits"),
        ("2 ** 99999999999999999999", "more than 4,000 digits"),
        ("(1/9) ** 9**9", "more than 4,000 digits"),
        ("factorial(10**12)", "more than 4,000 digits"),
        ("factorial(10**3999)", "more than 4,000 digits|too large"),
        ("comb(10**9, 5*10**8)", "more than 4,000 digits"),
        ("perm(10**9, 10**8)", "more than 4,000 digits"),
        ("*".join(["10**999"] * 9), "more than 4,000 digits"),
        ("exp(10**6)", "too large"),
        ("1e999", "too large"),
        ("1e-999", "too small"),
        ("10.0 ** 400.5", "too large"),
        ("round(1, 10**9)", "too many"),
        ("1 / 0", "division by zero"),
        ("0 ** -1", "division by zero"),
        ("5 % 0", "division by zero"),
        ("(-8) ** (1/3)", "not a real number"),
        ("sqrt(-1)", "domain error"),
        ("log(0)", "domain error"),
        ("factorial(1.5)", "1.5 is not a whole number"),
        ("factorial(-3)", "negative"),
        ("2 ^ 3", r"written with \*\*"),
        ("1,000 + 1", "comma"),
        ("x + 1", "x is not known; there are pi, e, tau"),
        ("open('/etc/passwd')", "open is not known"),
        ("__import__('os').system('ls')", "Call is not arithmetic"),
        ("().__class__.__bases__", "Attribute is not arithmetic"),
        ("[1, 2][0]", "Subscript is not arithmetic"),
        ("(lambda: 1)()", "Call is not arithmetic"),
        ("'a' * 99", "'a' is not a number"),
        ("True + 1", "True is not a number"),
        ("1j", "1j is not a number"),
        ("max()", "max"),
        ("sqrt(1, 2)", "sqrt does not take 2 numbers"),
        ("sqrt(*[1])", "not arithmetic"),
        ("round(2.5, ndigits=1)", "Call is not arithmetic|round"),
        ("1 +", "no arithmetic"),
        ("", "no arithmetic"),
        ("1\n2", "no arithmetic"),
        ("1\x002", "null bytes|no arithmetic"),
        ("(" * 400 + "1" + ")" * 400, "nested too deeply|no arithmetic"),
        ("-" * 990 + "1", "nested too deeply"),
        ("1" * 1_001, "longer than 1,000"),
    ],
)
def test_what_cannot_be_worked_out_is_a_clear_error_at_once(expression: str, why: str) -> None:
    began = time.perf_counter()
    with pytest.raises(CalculationError, match=why):
        calculate(expression)
    assert time.perf_counter() - began < 1


@given(st.text(alphabet="0123456789.+-*/%() ,e^sqrtmaxpifcol", max_size=60))
def test_any_text_gives_a_value_or_a_calculation_error(text: str) -> None:
    with suppress(CalculationError):
        assert calculate(text)


@given(st.fractions(max_denominator=10**6), st.fractions(max_denominator=10**6))
def test_whole_numbers_and_fractions_are_exact(a: Fraction, b: Fraction) -> None:
    shown = calculate(f"({a}) - ({b}) + ({b}) - ({a})")
    assert shown == "0"
    assert float(calculate(f"({a}) + ({b})").split(" ")[0].split("/")[0]) == pytest.approx(
        float(a + b), rel=1e-12, abs=1e-12
    )


async def test_the_tool_tells_the_model_what_is_wrong() -> None:
    registry = ToolRegistry([calculator()])
    right = await registry.call({"name": "calculator", "args": {"expression": "6*7"}, "id": "1"})
    wrong = await registry.call(
        {"name": "calculator", "args": {"expression": "9**9**9"}, "id": "2"}
    )
    assert (right.content, right.ok) == ("42", True)
    assert wrong.error and wrong.error.kind == Fault.FAILED
    assert "more than 4,000 digits" in wrong.content
