from __future__ import annotations

import io
import subprocess
import sys
from importlib import metadata
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest
from rich.console import Console

from symposia.cli import doctor
from symposia.cli.doctor import Check, diagnose, render


def checks() -> dict[str, Check]:
    return {check.feature: check for check in diagnose()}


def test_the_core_is_found_with_versions() -> None:
    core = checks()["core"]
    assert core.ok
    assert "langgraph 1." in core.found
    assert core.remedy == ""


def test_a_missing_package_is_named_with_the_command_that_brings_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    known = metadata.version

    def without_pyarrow(package: str) -> str:
        if package == "pyarrow":
            raise PackageNotFoundError(package)
        return known(package)

    monkeypatch.setattr(doctor, "version", without_pyarrow)
    parquet = checks()["Parquet"]
    assert not parquet.ok
    assert parquet.found == "pyarrow (missing)"
    assert parquet.remedy == 'pip install "symposia[view]"'
    assert checks()["core"].ok


def test_a_package_that_is_too_old_is_not_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "version", lambda package: "0.0.1")
    core = checks()["core"]
    assert not core.ok
    assert "langgraph 0.0.1 (too old)" in core.found


def test_an_extra_that_the_metadata_does_not_know_is_not_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(doctor, "requires", lambda package: ["langgraph>=1"])
    found = checks()
    assert found["core"].ok
    assert not found["Parquet"].ok
    assert found["Parquet"].found == "the installed symposia does not know this extra"
    assert found["Parquet"].remedy == 'pip install "symposia[view]"'


@pytest.mark.parametrize("installed", [True, False])
def test_official_rewards_take_the_model_of_spacy(
    monkeypatch: pytest.MonkeyPatch, installed: bool
) -> None:
    monkeypatch.setattr(doctor, "requires", lambda package: ["spacy>=3.8; extra == 'webshop'"])
    monkeypatch.setattr(doctor, "version", lambda package: "3.8.1")
    monkeypatch.setattr(doctor, "find_spec", lambda module: installed or None)
    rewards = checks()["WebShop's official rewards"]
    assert rewards.needs == "spacy>=3.8, en_core_web_sm"
    assert rewards.ok == installed
    assert rewards.remedy == ("" if installed else "python -m spacy download en_core_web_sm")


def test_training_takes_what_local_models_take() -> None:
    assert "torch>=" in checks()["training"].needs
    assert "trl>=" in checks()["training"].needs


@pytest.mark.parametrize(
    ("inside", "found"),
    [
        ("json_2.1.1/train/task/trial/game.tw-pddl", True),
        ("games/trial/game.tw-pddl", True),
        ("valid_seen.tar.xz", True),
        ("notes.txt", False),
    ],
)
def test_alfworld_data_is_looked_into(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, inside: str, found: bool
) -> None:
    (tmp_path / inside).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / inside).touch()
    monkeypatch.setenv("ALFWORLD_DATA", str(tmp_path))
    assert checks()["ALFWorld's official games"].ok == found


def test_a_cache_below_a_file_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("SYMPOSIA_CACHE", str(tmp_path / "file" / "cache"))
    assert not checks()["cache"].ok
    monkeypatch.setenv("SYMPOSIA_CACHE", str(tmp_path / "not" / "yet"))
    assert checks()["cache"].ok


def test_whatever_fails_says_what_to_do() -> None:
    for check in diagnose():
        assert check.ok == (check.remedy == "")


def test_the_table_shows_every_check() -> None:
    found = diagnose()
    console = Console(width=200, record=True, file=io.StringIO())
    console.print(render(found))
    text = console.export_text()
    assert all(check.feature in text for check in found)


def test_nothing_heavy_is_imported() -> None:
    code = "import sys; from symposia.cli.doctor import diagnose; diagnose(); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = {"torch", "transformers", "langgraph", "langchain_core", "textworld", "matplotlib"}
    assert not heavy & set(done.stdout.split())
