"""Names of files that go into a sandbox or come out."""

from __future__ import annotations

import glob
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from symposia.tools.sandbox.files import check_name, incoming, matches


@given(st.text(alphabet="ab./\\\0~", max_size=12))
def test_a_name_that_passes_is_a_path_inside(name: str) -> None:
    try:
        assert check_name(name) == name
    except ValueError:
        return
    parts = name.split("/")
    assert all(part and part not in (".", "..") for part in parts)
    assert "\0" not in name


@pytest.mark.parametrize("name", ["a" * 256, "ü" * 128, "a/" * 32 + "a", "\ud800", "a/\udc80"])
def test_a_name_that_no_file_system_takes_does_not_pass(name: str) -> None:
    with pytest.raises(ValueError, match="name"):
        check_name(name)


part = st.text(alphabet="ab*?[!].", min_size=1, max_size=4) | st.just("**")
FILES = ["a", "b", ".a", "a.b", "d/a", "d/b", "d/.ab", "d/e/a", "d/e/f/ab", "ba/e/a"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(part, min_size=1, max_size=4).map("/".join))
def test_a_glob_is_read_as_the_worker_reads_it(tmp_path: Path, pattern: str) -> None:
    for name in FILES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    try:
        check_name(pattern)
    except ValueError:
        return
    found = glob.iglob(pattern, root_dir=tmp_path, recursive=True, include_hidden=True)
    taken = {os.path.normpath(name) for name in found if os.path.isfile(f"{tmp_path}/{name}")}
    assert taken == {name for name in FILES if matches(name, pattern)}


@pytest.mark.parametrize(
    "files",
    [
        {"b.txt": ""},
        {"out/deep/a.csv": ""},
        {"out/a.csv": "x"},
        {"out/a.csv": "", "out/a.csv/b": ""},
    ],
)
def test_files_that_were_not_asked_for_are_refused(files: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"asked for|base64|padding"):
        incoming(files, ["out/*.csv"])


def test_a_file_does_not_lie_in_another() -> None:
    assert len(incoming({"a": "", "a.b": "", "b/a": ""}, ["**"])) == 3
    with pytest.raises(ValueError, match="folder"):
        incoming({"a/b": "", "a": "", "a.b": ""}, ["**"])
