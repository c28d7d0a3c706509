from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from symposia.cli.systems import systems

PAPER = """\
PAPER = Paper(
    title=("A " "Method"),
    arxiv="2310.07611",
    kind="graph",
)
"""


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_the_bundled_methods_are_found_with_their_tests() -> None:
    found = {system.module: system for system in systems()}
    graph = found["symposia.graphs.refining.self_refine"]
    assert graph.title.startswith("Democratizing LLMs: An Exploration of Cost-Performance")
    assert (graph.arxiv, graph.kind) == ("2310.07611", "graph")
    assert graph.test == "tests/graphs/refining/test_self_refine.py"
    assert found["symposia.benchmarks.perfics"].kind == "metric"


def test_a_checkout_names_only_tests_that_exist(tmp_path: Path) -> None:
    write(tmp_path / "graphs" / "tried.py", PAPER)
    write(tmp_path / "training" / "recipes" / "untried.py", PAPER)
    write(tmp_path / "pyproject.toml", "")
    write(tmp_path / "tests" / "graphs" / "test_tried.py", "")
    assert [(s.module, s.test) for s in systems(tmp_path)] == [
        ("symposia.graphs.tried", "tests/graphs/test_tried.py"),
        ("symposia.training.recipes.untried", None),
    ]


def test_an_installed_package_names_the_tests_of_the_repository(tmp_path: Path) -> None:
    write(tmp_path / "training" / "recipes" / "method.py", PAPER)
    assert systems(tmp_path)[0].title == "A Method"
    assert systems(tmp_path)[0].test == "tests/training/recipes/test_method.py"


@pytest.mark.parametrize(
    "paper",
    [
        'Paper("A Method", "2310.07611", "graph")',
        'Paper(title="A Method", arxiv="2310.07611")',
        'Paper(title="A Method", arxiv="2310.07611", kind=KIND)',
        'Paper(title="A Method", arxiv="soon", kind="graph")',
        '"A Method"',
        "Paper(",
    ],
)
def test_a_malformed_paper_is_an_error_that_names_the_file(tmp_path: Path, paper: str) -> None:
    write(tmp_path / "graphs" / "method.py", f"PAPER = {paper}\n")
    with pytest.raises(ValueError, match=r"graphs.method\.py: "):
        systems(tmp_path)


def test_methods_are_not_imported(tmp_path: Path) -> None:
    write(tmp_path / "graphs" / "method.py", f"import no_such_module\n{PAPER}")
    assert len(systems(tmp_path)) == 1
    code = "import sys; from symposia.cli.systems import systems; systems(); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"langgraph", "langchain_core", "torch"} & set(done.stdout.split())
