"""Functions and classes found in source, and replaced by name."""

from __future__ import annotations

import ast
import contextlib
import functools
import inspect
import textwrap

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symposia.tools.repository import EditError, NotFoundError
from symposia.tools.repository.definitions import definitions, excerpt, problem, replaced

MODULE = '''"""A module."""
import functools

LIMIT = 3


class Stack:
    """Last in, first out."""

    size = 0

    # Kept by hand.
    @functools.lru_cache
    @staticmethod
    def push(item, *more, key=None):
        """Put
        one on top."""
        text = """kept
as it is"""
        return text  # the end
        # a last word

    @property
    def top(self): return 1

    @top.setter
    def top(self, value): pass

    class Inner:
        def push(self): ...


def push(item):
    def helper():
        return item
    return helper


if LIMIT:
    async def late() -> int:
        return 1
else:
    def late(): return 2'''


def names(source: str) -> list[str]:
    return [definition.name for definition in definitions(source)]


def test_definitions_have_qualified_names_and_lines() -> None:
    assert names(MODULE) == [
        "Stack",
        "Stack.push",
        "Stack.top",
        "Stack.top",
        "Stack.Inner",
        "Stack.Inner.push",
        "push",
        "push.helper",
        "late",
        "late",
    ]
    push = definitions(MODULE)[1]
    assert (push.start, push.head, push.end) == (13, 15, 20)
    assert push.signature == "def push(item, *more, key=None)"
    assert definitions(MODULE)[8].signature == "async def late() -> int"


def test_replacing_one_definition_leaves_every_other_node_as_it_was() -> None:
    new = replaced(MODULE, "Stack.push", "def push(item):\n    return item\n")
    before, after = ast.parse(MODULE), ast.parse(new)
    old_push = before.body[3].body[2]
    new_push = after.body[3].body[2]
    assert ast.unparse(new_push).endswith("def push(item):\n    return item")
    before.body[3].body[2] = after.body[3].body[2] = ast.Pass()
    assert ast.dump(before) == ast.dump(after)
    assert [ast.dump(d) for d in old_push.decorator_list] == [
        ast.dump(d) for d in new_push.decorator_list
    ]
    assert "    # Kept by hand.\n    @functools.lru_cache\n" in new
    assert "a last word" not in new


def test_decorators_in_the_replacement_take_the_place_of_the_old_ones() -> None:
    new = replaced(MODULE, "Stack.push", "@staticmethod\ndef push(item):\n    return item")
    assert "lru_cache\n    @" not in new
    assert (
        "    # Kept by hand.\n    @staticmethod\n    def push(item):\n        return item\n" in new
    )


@pytest.mark.parametrize("indent", ["", "  ", "        ", "\t"])
def test_a_replacement_may_stand_at_any_indentation(indent: str) -> None:
    body = 'def push(item):\n    """Put\n    on top."""\n    return f"""a\n{item}\n  b"""\n'
    moved = "".join(
        line if line.startswith(("{", "  b")) else indent + line
        for line in body.splitlines(keepends=True)
    )
    new = replaced(MODULE, "Stack.push", "\n" + moved + "\n\n")
    expected = (
        "    def push(item):\n"
        '        """Put\n'
        '        on top."""\n'
        '        return f"""a\n'
        "{item}\n"
        '  b"""\n'
    )
    assert expected in new


def test_a_definition_at_the_end_without_newline_stays_so() -> None:
    new = replaced(MODULE, "late", "def late():\n    return 3\n", line=len(MODULE.splitlines()))
    assert new.endswith("else:\n    def late():\n        return 3")


def test_of_several_with_one_name_the_line_chooses() -> None:
    with pytest.raises(EditError, match=r"Stack.top is defined 2 times.*lines 23 to 24, 26 to 27"):
        replaced(MODULE, "Stack.top", "def top(self): return 2")
    new = replaced(MODULE, "Stack.top", "def top(self, value): self.x = value", line=27)
    assert "@top.setter\n    def top(self, value): self.x = value\n" in new


@pytest.mark.parametrize(
    ("name", "source", "error"),
    [
        ("Stack.pull", "def pull(): pass", "no definition 'Stack.pull'; the file has Stack, "),
        ("Stack.pop.push", "def push(): pass", "the file has Stack.push, Stack.Inner.push, push"),
        ("push", "def push(:\n  pass", "the replacement is no valid Python.*line 1"),
        ("push", "  def push():\n pass", "the replacement .* is no valid Python"),
        ("push", "def pull(): pass", "defines pull, not push"),
        ("push", "import os\ndef push(): pass", "exactly one function or class.*not 2"),
        ("push", "x = 1", "exactly one"),
        ("push", "# nothing", "exactly one"),
        ("push", "", "exactly one"),
        ("push", "def push():\n  return 1\n\0", "no valid Python"),
        ("push", "def push(): return " + "-" * 100_000 + "1", "too deeply nested"),
    ],
)
def test_what_does_not_fit_is_refused(name: str, source: str, error: str) -> None:
    with pytest.raises((EditError, NotFoundError), match=error):
        replaced(MODULE, name, source)


def test_a_file_that_is_no_python_is_refused() -> None:
    with pytest.raises(EditError, match=r"the file is no valid Python: .* line 1: def f"):
        replaced("def f(:\n", "f", "def f(): pass")
    assert problem("a.py", "def f(:\n").startswith("a.py is no valid Python")
    assert problem("a.txt", "def f(:\n") == ""


FILES = [textwrap, functools, contextlib]


@given(st.sampled_from(FILES), st.integers(0, 1000), st.booleans())
@settings(max_examples=20, deadline=None)
def test_replacing_any_definition_by_itself_changes_nothing(module, number, crlf) -> None:
    source = inspect.getsource(module)
    if crlf:
        source = source.replace("\n", "\r\n")
    known = definitions(source)
    definition = known[number % len(known)]
    same = excerpt(source, definition)
    assert replaced(source, definition.name, same, definition.head) == source
    dedented = textwrap.dedent(same) if '"""' not in same and "'''" not in same else same
    new = replaced(source, definition.name, dedented, definition.head)
    assert ast.dump(ast.parse(new)) == ast.dump(ast.parse(source))


STATEMENTS = st.recursive(
    st.sampled_from(["x = 1", "pass", "# note", "", 'y = """a\n  b\n"""', "z = (1,\n2)"]),
    lambda inner: st.builds(
        lambda head, body: head + "\n" + textwrap.indent("\n".join(["pass", *body]), "    "),
        st.sampled_from(["if x:", "def f(a):", "class C:", "async def g():", "@d\ndef f(): # c"]),
        st.lists(inner, max_size=4),
    ),
    max_leaves=12,
)


@given(st.lists(STATEMENTS, min_size=1), st.sampled_from(["", "\n"]), st.data())
@settings(max_examples=150, deadline=None)
def test_replacing_by_itself_is_the_identity_for_made_up_files(statements, end, data) -> None:
    source = "\n".join(statements) + end
    known = definitions(source)
    if known:
        definition = data.draw(st.sampled_from(known))
        same = excerpt(source, definition)
        assert replaced(source, definition.name, same, definition.head) == source
