"""Functions and classes of Python source, found in its syntax tree and replaced by name.

A definition is known by its qualified name: `Account.deposit`, or `outer.inner` for a function in a
function. Replacing one leaves every other line of the file as it is. The replacement may stand at
any indentation; it is moved to that of the definition it replaces, with its docstrings, while other
strings of several lines keep their text. Decorators stay unless the replacement brings its own.
"""

from __future__ import annotations

import ast
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass

from .errors import EditError, NotFoundError
from .text import split

MAX_SIGNATURE = 300
"""Longest signature shown, in characters."""

Defined = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
FunctionDefined = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class Definition:
    """A function or class in a file. Lines count from 1 and include both ends."""

    name: str
    """Qualified name in its file."""
    kind: str
    """`class` or `function`."""
    signature: str
    start: int
    """First line, decorators included."""
    head: int
    """The line of `def` or `class`."""
    end: int


def parse(source: str, what: str = "the file") -> ast.Module:
    """The syntax tree of Python source.

    Raises:
        EditError: it has none; the message says of what, why, and shows the line.
    """
    try:
        return ast.parse(source)
    except SyntaxError as error:
        line = f": {error.text.strip()[:200]}" if error.text else ""
        why = f"{error.msg} at line {error.lineno}{line}"
    except (ValueError, RecursionError, MemoryError):
        why = "too deeply nested, or with characters that no source has"
    raise EditError(f"{what} is no valid Python: {why}")


def problem(path: str, text: str) -> str:
    """What is wrong with the syntax of a Python file; empty if nothing, or for other files."""
    if not path.endswith((".py", ".pyi")):
        return ""
    try:
        parse(text, path)
    except EditError as error:
        return str(error)
    return ""


def definitions(source: str, what: str = "the file") -> list[Definition]:
    """All functions and classes of `source`, in the order of their lines.

    Raises:
        EditError: `source` is not valid Python.
    """
    found = []
    for name, node in _defined(parse(source, what), ""):
        kind = "class" if isinstance(node, ast.ClassDef) else "function"
        start = min([node.lineno, *(d.lineno for d in node.decorator_list)])
        end = node.end_lineno or node.lineno
        found.append(Definition(name, kind, _signature(node), start, node.lineno, end))
    return sorted(found, key=lambda d: d.head)


def replaced(source: str, name: str, new: str, line: int | None = None) -> str:
    """`source` with one function or class replaced.

    Args:
        source: the file.
        name: qualified name of the definition.
        new: the new definition, whole, at any indentation, with or without decorators.
        line: one of its lines, to choose between several of the same name.

    Returns:
        The new source, which is valid Python.

    Raises:
        EditError: `source`, `new` or the outcome is not valid Python; or `new` is not exactly one
            definition of the same name.
        NotFoundError: there is no such definition.
    """
    if re.search(r"\r(?!\n)", source):
        raise EditError("the file has lone carriage returns: edit it by lines")
    old = _chosen(definitions(source), name, line)
    new, fresh = _single(new, name.rpartition(".")[2])
    lines = split(source)
    target = re.match(r"[ \t]*", lines[old.head - 1])
    indent = target.group() if target else ""
    if not re.match(r"(async|def|class)\b", lines[old.head - 1][len(indent) :]):
        raise EditError(f"{name} does not begin its line {old.head}: edit it by lines")
    brings_decorators = bool(fresh.decorator_list)
    first = (old.start if brings_decorators else old.head) - 1
    last = _with_trailing_comments(lines, old.end, indent)
    block = split(_moved(new, indent))
    ending = re.search(r"\r?\n?\Z", lines[last - 1])
    block[-1] = block[-1].rstrip("\r\n") + (ending.group() if ending else "")
    outcome = "".join([*lines[:first], *block, *lines[last:]])
    parse(outcome, f"the file with this {name}")
    return outcome


def excerpt(source: str, definition: Definition) -> str:
    """The lines of a definition, as they stand, with the comments that end its body."""
    lines = split(source)
    head = lines[definition.head - 1]
    indent = head[: len(head) - len(head.lstrip())]
    last = _with_trailing_comments(lines, definition.end, indent)
    return "".join(lines[definition.start - 1 : last])


def _defined(node: ast.AST, prefix: str) -> Iterator[tuple[str, Defined]]:
    waiting = [(prefix, child) for child in ast.iter_child_nodes(node)]
    while waiting:
        outer, child = waiting.pop()
        if isinstance(child, Defined):
            name = f"{outer}{child.name}"
            yield name, child
            outer = f"{name}."
        if not isinstance(child, ast.expr):
            waiting += [(outer, inner) for inner in ast.iter_child_nodes(child)]


def _signature(node: Defined) -> str:
    try:
        if isinstance(node, ast.ClassDef):
            bases = [ast.unparse(base) for base in node.bases]
            bases += [ast.unparse(keyword) for keyword in node.keywords]
            text = f"class {node.name}" + (f"({', '.join(bases)})" if bases else "")
        else:
            word = "async def" if isinstance(node, ast.AsyncFunctionDef) else "def"
            text = f"{word} {node.name}({ast.unparse(node.args)})"
            text += f" -> {ast.unparse(node.returns)}" if node.returns else ""
    except RecursionError:
        text = node.name
    return text if len(text) <= MAX_SIGNATURE else text[:MAX_SIGNATURE] + "…"


def _chosen(known: list[Definition], name: str, line: int | None) -> Definition:
    same = [d for d in known if d.name == name]
    if line is not None:
        same = [d for d in same if d.start <= line <= d.end]
    if len(same) == 1:
        return same[0]
    if same:
        places = ", ".join(f"{d.start} to {d.end}" for d in same)
        raise EditError(f"{name} is defined {len(same)} times: say which `line` (lines {places})")
    tail = name.rpartition(".")[2]
    close = [d.name for d in known if d.name.rpartition(".")[2] == tail] or [d.name for d in known]
    there = ", ".join(dict.fromkeys(close[:20])) or "no function or class"
    where = "" if line is None else f" at line {line}"
    raise NotFoundError(f"no definition {ascii(name)[:100]}{where}; the file has {there}")


def _single(new: str, name: str) -> tuple[str, Defined]:
    """The replacement at indentation zero or deeper, and its node; comments around it stay."""
    if re.search(r"\r(?!\n)", new):
        raise EditError("the replacement has lone carriage returns: end its lines with \\n")
    lines = split(new)
    while lines and not lines[-1].strip():
        lines.pop()
    while lines and not lines[0].strip():
        lines.pop(0)
    new = "".join(lines)
    tree = _parsed_at_any_indentation(new)
    if len(tree) != 1 or not isinstance(tree[0], Defined):
        raise EditError(
            f"the replacement of {name} must be exactly one function or class, whole, "
            f"not {len(tree)} statements: add others with an insertion"
        )
    if tree[0].name != name:
        raise EditError(f"the replacement defines {tree[0].name}, not {name}")
    return new, tree[0]


def _parsed_at_any_indentation(new: str) -> list[ast.stmt]:
    """Statements of a block; its lines count as in `new`."""
    what = "the replacement"
    if not re.match(r"[ \t]", _first_code(new)):
        return parse(new, what).body
    wrapper = parse("if True:\n" + new, f"{what} (line 1 stands for an 'if' above it)").body
    return wrapper[0].body if len(wrapper) == 1 and isinstance(wrapper[0], ast.If) else wrapper


def _first_code(text: str) -> str:
    """The first line that is neither blank nor a comment."""
    for line in text.splitlines():
        if line.strip() and not line.lstrip().startswith("#"):
            return line
    return ""


def _moved(new: str, indent: str) -> str:
    """`new` moved to `indent`, leaving the inside of strings that are no docstrings as it is."""
    current_match = re.match(r"[ \t]*", _first_code(new))
    current = current_match.group() if current_match else ""
    if current == indent:
        return new
    fixed = _inside_strings(new, bool(current))
    moved = []
    for number, line in enumerate(split(new), 1):
        if number in fixed or not line.strip():
            moved.append(line)
        elif line.startswith(current):
            moved.append(indent + line[len(current) :])
        else:
            moved.append(indent + line.lstrip(" \t"))
    return "".join(moved)


def _inside_strings(new: str, indented: bool) -> set[int]:
    """Lines of `new` that begin inside a string, docstrings apart."""
    offset = 1 if indented else 0
    docstrings: set[int] = set()
    for node in ast.walk(parse("if True:\n" + new if indented else new)):
        if isinstance(node, Defined) and ast.get_docstring(node, clean=False) is not None:
            text = node.body[0]
            docstrings.update(range(text.lineno - offset, (text.end_lineno or 0) + 1 - offset))
    inside: set[int] = set()
    begun = []
    lines = iter(split(new))
    try:
        tokens = list(tokenize.generate_tokens(lambda: next(lines, "")))
    except (tokenize.TokenError, SyntaxError) as error:
        raise EditError(f"the replacement cannot be moved to its place: {error}") from None
    for token in tokens:
        kind = tokenize.tok_name[token.type]
        if kind in {"FSTRING_START", "TSTRING_START"}:  # from Python 3.12 on
            begun.append(token.start[0])
        first = begun.pop() if kind in {"FSTRING_END", "TSTRING_END"} else token.start[0]
        if kind in {"STRING", "FSTRING_END", "TSTRING_END"} and first not in docstrings:
            inside.update(range(first + 1, token.end[0] + 1))
    return inside


def _with_trailing_comments(lines: list[str], end: int, indent: str) -> int:
    """The last line of a body, the comments right below it that are indented as deep included."""
    while end < len(lines):
        line = lines[end]
        comment = line.lstrip(" \t")
        depth = len(line) - len(comment)
        if not comment.startswith("#") or depth <= len(indent):
            break
        end += 1
    return end
