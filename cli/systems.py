"""Which published methods are here, found by reading the sources; nothing is imported."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path

from ..episodes.paper import Paper

PACKAGE = Path(__file__).resolve().parents[1]
FOLDERS = ("agents", "benchmarks", "graphs", "memory", "tools", "training")
"""Where methods live; a folder that is not there has none."""


@dataclass(frozen=True, slots=True)
class System:
    """One published method and where to find it."""

    title: str
    """The paper's title."""
    arxiv: str
    """Its arXiv id."""
    kind: str
    """What was made of it: `graph`, `metric`, ..."""
    module: str
    """The module that holds it, by its dotted name."""
    test: str | None
    """Its test file, from the repository's root; None when a checkout has no such file."""


def systems(package: Path = PACKAGE) -> list[System]:
    """Every module with a `PAPER`, by title.

    Tests mirror the tree: `graphs/refine.py` is tested by `tests/graphs/test_refine.py`. In a
    checkout a test is named only where it exists; an installed package has no tests beside it,
    and there the name is where the repository keeps it.

    Args:
        package: the package's folder.

    Raises:
        ValueError: a module's `PAPER` is malformed; the message names the file.
    """
    found = []
    for folder in FOLDERS:
        for path in sorted((package / folder).rglob("*.py")):
            paper = _paper(path)
            if paper is not None:
                module = path.relative_to(package).with_suffix("")
                found.append(
                    System(
                        title=paper.title,
                        arxiv=paper.arxiv,
                        kind=paper.kind,
                        module=".".join(("symposia", *module.parts)),
                        test=_test(package, module),
                    )
                )
    return sorted(found, key=lambda system: (system.title.casefold(), system.module))


def _paper(path: Path) -> Paper | None:
    """The module-level constant `PAPER` in a source file."""
    source = path.read_text(encoding="utf-8")
    if "PAPER" not in source:
        return None
    try:
        for statement in ast.parse(source).body:
            match statement:
                case (
                    ast.Assign(targets=[ast.Name(id="PAPER")], value=value)
                    | ast.AnnAssign(target=ast.Name(id="PAPER"), value=value)
                ):
                    return _read(value)
    except (SyntaxError, TypeError, ValueError) as error:
        raise ValueError(f"{path}: {error}") from error
    return None


def _read(value: ast.expr | None) -> Paper:
    match value:
        case ast.Call(func=ast.Name(id="Paper"), args=[], keywords=keywords):
            fields = {str(word.arg): _text(word.value) for word in keywords}
            return Paper(**fields)
    raise ValueError('PAPER is not written as Paper(title="...", arxiv="...", kind="...")')


def _text(value: ast.expr) -> str:
    match value:
        case ast.Constant(value=str(text)):
            return text
    raise ValueError(f"PAPER has a field that is not plain text: {ast.unparse(value)}")


def _test(package: Path, module: Path) -> str | None:
    test = Path("tests", *module.parts[:-1], f"test_{module.name}.py")
    checkout = (package / "pyproject.toml").is_file()
    return test.as_posix() if not checkout or (package / test).is_file() else None
