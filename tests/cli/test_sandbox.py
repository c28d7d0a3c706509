from __future__ import annotations

import json
from pathlib import Path

import pytest
from sandboxes import local_backends
from typer.testing import CliRunner, Result

from symposia.cli.app import app
from symposia.tools.sandbox import PythonSandbox, Status
from symposia.tools.sandbox import Result as Told
from symposia.tools.sandbox.unsafe import NAME as UNSAFE

BACKEND = ("--backend", local_backends()[0], "--allow-unsafe")


def run(*arguments: object, given: str | None = None) -> Result:
    return CliRunner().invoke(app, ["sandbox", *(str(a) for a in arguments)], input=given)


def test_a_script_is_run_and_its_value_shown(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text("import sys\nprint('said')\nprint('warned', file=sys.stderr)\n6 * 7")
    result = run("run", script, *BACKEND)
    assert (result.exit_code, result.stdout) == (0, "said\n42\n")
    assert "warned" in result.stderr


def test_a_script_comes_from_the_input_too() -> None:
    result = run("run", "-", "--json", *BACKEND, given="1 / 0")
    told = json.loads(result.stdout)
    assert result.exit_code == 1
    assert (told["status"], told["mistake"], told["line"]) == ("error", "zero_division", 1)
    assert told["backend"] == BACKEND[1]


def test_an_error_is_shown_with_the_backend() -> None:
    result = run("run", "-", *BACKEND, given="1 / 0")
    assert result.exit_code == 1
    assert "ZeroDivisionError" in result.stderr
    assert f"[{BACKEND[1]}]" in result.stderr


def test_output_cannot_command_the_terminal() -> None:
    result = run("run", "-", *BACKEND, given="print('\\x1b[2J\\x07\\x9b0m', 'plain ü')")
    assert result.stdout == "\\x1b[2J\\x07\\x9b0m plain ü\n"


def test_files_go_in_and_come_out(tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_text("abc")
    code = "import os\nos.mkdir('o')\nopen('o/up.txt', 'w').write(open('in.txt').read().upper())"
    result = run(
        *("run", "-", "--file", tmp_path / "in.txt", "--collect", "o/*"),
        *("--out", tmp_path / "results", *BACKEND),
        given=code,
    )
    assert result.exit_code == 0, result.output
    assert (tmp_path / "results/o/up.txt").read_text() == "ABC"


def test_limits_are_held() -> None:
    result = run("run", "-", "--seconds", 0.5, "--json", *BACKEND, given="while True: pass")
    assert json.loads(result.stdout)["status"] == "timeout"
    wrong = run("run", "-", "--memory", 1, *BACKEND, given="1")
    assert wrong.exit_code == 2 and "Python needs at least" in wrong.stderr


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("run", "nothing.py"), "nothing.py"),
        (("run", "-", "--backend", "nothing"), "nothing"),
        (("run", "-", "--backend", UNSAFE), "allow_unsafe"),
        (
            ("run", "-", "--backend", "remote", "--url", "http://127.0.0.1:9", "--token", "t"),
            "reach",
        ),
        (("serve", "--backend", "remote"), "serves nothing"),
    ],
)
def test_what_cannot_be_done_is_one_line(arguments: tuple[str, ...], reason: str) -> None:
    result = run(*arguments, given="1")
    assert result.exit_code == 2
    assert reason in result.stderr
    assert "Traceback" not in result.stderr


def test_status_names_every_backend() -> None:
    rows = json.loads(run("status", "--json").stdout)
    works = {row["backend"] for row in rows if row["works"]}
    assert works - {"docker"} == set(local_backends()) - {"docker"}
    assert all(row["why"] for row in rows if not row["works"])
    assert UNSAFE in run("status").stdout


def test_nothing_is_written_that_was_not_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forged(*_: object, **__: object) -> Told:
        return Told(Status.OK, "test", files={"conftest.py": b"x"})

    monkeypatch.setattr(PythonSandbox, "run_sync", forged)
    monkeypatch.chdir(tmp_path)
    assert run("run", "-", *BACKEND, given="1").exit_code == 0
    assert not list(tmp_path.iterdir())


def test_nothing_is_written_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "results").mkdir()
    (tmp_path / "results/o").symlink_to(tmp_path / "elsewhere")
    result = run(
        *("run", "-", "--collect", "o/*", "--out", tmp_path / "results", *BACKEND),
        given="import os\nos.mkdir('o')\nopen('o/a', 'w').close()",
    )
    assert result.exit_code == 2 and "is a link" in result.stderr
    assert not list((tmp_path / "elsewhere").iterdir())
