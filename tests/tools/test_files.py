from __future__ import annotations

import os
import re
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from symposia.tools import Fault, ToolRegistry, ToolResult
from symposia.tools.ready import read_file


async def read(root: Path, path: str, **options: Any) -> ToolResult:
    registry = ToolRegistry([read_file(root)])
    return await registry.call({"name": "read_file", "args": {"path": path, **options}, "id": "1"})


@pytest.fixture
def root(tmp_path: Path) -> Path:
    inside = tmp_path / "inside"
    (inside / "sub").mkdir(parents=True)
    (inside / "a.txt").write_text("".join(f"line {n}\n" for n in range(1, 501)))
    (inside / "sub" / "b.md").write_text("one\r\ntwo")
    (tmp_path / "outside.txt").write_text("secret")
    return inside


async def test_files_are_read_by_windows(root: Path) -> None:
    first = await read(root, "a.txt", lines=2)
    assert first.content == "1\tline 1\n2\tline 2\n[lines 1 to 2 of a.txt; more follow]"
    last = await read(root, "a.txt", start=500)
    assert last.content == "500\tline 500\n[lines 500 to 500 of a.txt; the end]"
    assert (await read(root, "sub/b.md")).content.startswith("1\tone\n2\ttwo\n[lines 1 to 2")


async def test_folders_are_listed(root: Path) -> None:
    assert (await read(root, ".")).content == "a.txt\nsub/"
    assert (await read(root, "sub")).content == "b.md"


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("../outside.txt", "leads out of the folder"),
        ("sub/../../outside.txt", "leads out of the folder"),
        ("/etc/passwd", "leads out of the folder"),
        ("a.txt\0", "leads out of the folder"),
        ("link.txt", "links are not followed"),
        ("linked/outside.txt", "links are not followed"),
        ("inner", "links are not followed"),
        ("none.txt", "No such file"),
        ("a.txt/x", "Not a directory"),
        ("pipe", "neither a file nor a folder"),
        ("binary", "not a text file"),
        ("empty", "has 0 lines"),
        ("x" * 5_000, "File name too long"),
        ("half \ud800", "cannot be the name of a file|No such file"),
    ],
)
async def test_what_cannot_or_must_not_be_read_is_refused(root: Path, path: str, why: str) -> None:
    (root / "link.txt").symlink_to(root.parent / "outside.txt")
    (root / "linked").symlink_to(root.parent)
    (root / "inner").symlink_to(root / "a.txt")
    os.mkfifo(root / "pipe")
    (root / "binary").write_bytes(b"\x7fELF\0\0")
    (root / "empty").write_bytes(b"")
    result = await read(root, path)
    assert result.error and result.error.kind == Fault.FAILED
    assert re.search(why, result.content), result.content
    assert "secret" not in result.content and len(result.content) < 600


async def test_windows_outside_the_file_are_clear_errors(root: Path) -> None:
    past = await read(root, "a.txt", start=501)
    assert "a.txt has 500 lines; line 501 is past its end" in past.content
    assert "start is 1 or more" in (await read(root, "a.txt", start=0)).content
    assert "lines from 1 to 2,000" in (await read(root, "a.txt", lines=9_999)).content


async def test_bytes_that_are_no_text_are_marked(root: Path) -> None:
    (root / "latin.txt").write_bytes("caf\xe9\n".encode("latin-1"))
    result = await read(root, "latin.txt")
    assert result.content.startswith("1\tcaf\ufffd\n")
    assert "some bytes are not UTF-8" in result.content


async def test_huge_files_and_lines_are_read_in_pieces(root: Path) -> None:
    with (root / "huge.txt").open("wb") as file:
        file.write(b"first\n")
        for _ in range(30):
            file.write(b"x" * 1_000_000)
        file.write(b"\nlast\n")
    tracemalloc.start()
    result = await read(root, "huge.txt")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 5_000_000
    lines = result.content.splitlines()
    assert lines[0] == "1\tfirst" and lines[2] == "3\tlast"
    assert lines[1].endswith("[... 29,998,000 bytes more in this line]")


def test_the_top_must_be_a_folder(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="is not a folder"):
        read_file(tmp_path / "none")
