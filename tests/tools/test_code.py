from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symposia.tools.code import Shape, shape


@pytest.mark.parametrize(
    ("code", "complexity"),
    [
        ("x = 1", 1),
        ("if a: x\nelif b: y\nelse: z", 3),
        ("for i in a:\n    while b:\n        pass", 3),
        ("x = a and b or c", 3),
        ("x = [y for y in z if y if w]", 4),
        ("x = 1 if a else 2", 2),
        ("try:\n    x\nexcept A:\n    y\nexcept B:\n    z", 3),
        ("match x:\n    case 1: a\n    case _: b", 3),
    ],
)
def test_complexity_counts_the_ways_through_a_program(code: str, complexity: int) -> None:
    measured = shape(code)
    assert measured and measured.complexity == complexity


def test_lines_and_calls_are_counted() -> None:
    code = "import os\n\n# a comment\nprint(os.getcwd())\nprint(os.sep)  # another\n"
    assert shape(code) == Shape(lines=3, complexity=1, calls=2)


@pytest.mark.parametrize("code", ["if a", "def f(:", "\0", "(" * 10_000])
def test_what_is_no_python_has_no_shape(code: str) -> None:
    assert shape(code) is None


@given(st.text())
def test_any_text_has_a_shape_or_none(code: str) -> None:
    measured = shape(code)
    assert measured is None or measured.complexity >= 1
