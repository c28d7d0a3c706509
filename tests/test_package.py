"""The package as a whole: what it exports, what it imports, what its pages promise."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import doc_blocks
import pytest

import symposia

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCKS = [
    pytest.param(code, id=f"{page.name}:{number}")
    for page in PAGES
    for number, code in enumerate(re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL))
]


def test_every_subpackage_is_listed_for_the_wheel() -> None:
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    ignored = {".venv", "tests", "build"}
    found = {
        ".".join(("symposia", *init.parent.relative_to(ROOT).parts))
        for init in ROOT.rglob("__init__.py")
        if not ignored & set(init.relative_to(ROOT).parts)
    }
    assert set(listed) == found


def test_every_public_name_exists() -> None:
    for name in symposia.__all__:
        assert getattr(symposia, name) is not None


def test_importing_symposia_is_fast_and_light() -> None:
    code = (
        "import sys, time; began = time.process_time(); import symposia; "
        "heavy = {'torch', 'langgraph', 'langchain_core', 'textworld'} & set(sys.modules); "
        "print(time.process_time() - began, *heavy)"
    )
    seconds, *heavy = subprocess.check_output([sys.executable, "-c", code], text=True).split()
    assert heavy == []
    assert float(seconds) < 0.3


def test_the_engines_of_environments_are_imported_only_when_used() -> None:
    code = (
        "import sys, symposia.benchmarks.alfworld, symposia.benchmarks.worker, symposia.cli.app; "
        "print(*({'torch', 'textworld', 'transformers', 'matplotlib'} & set(sys.modules)))"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True).split() == []


@pytest.mark.parametrize("page", [*PAGES, ROOT / "CONTRIBUTING.md"], ids=lambda page: page.name)
def test_links_in_the_documentation_lead_to_files(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#\s]+)", page.read_text())
    files = [target for target in targets if "://" not in target]
    assert [file for file in files if not (page.parent / file).is_file()] == []


@pytest.mark.parametrize("code", BLOCKS)
def test_code_in_the_documentation_runs(code: str, tmp_path: Path) -> None:
    assert doc_blocks.run(code, tmp_path, seconds=120) == ""
