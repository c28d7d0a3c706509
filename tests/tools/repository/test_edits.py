"""Edits of text files, whatever their encoding and line endings."""

from __future__ import annotations

import codecs
import contextlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symposia.tools.repository import (
    EditError,
    NotFoundError,
    NotTextError,
    PathError,
    RepositoryError,
    Workspace,
)
from symposia.tools.repository.edits import insert_lines, replace_lines
from symposia.tools.repository.text import Text

LINES = st.lists(st.sampled_from(["a", "b\x0cc", "é", "", "\u2028x", "d\r"]), max_size=8)


def checkout(tmp_path: Path, **files: bytes) -> Workspace:
    for name, data in files.items():
        (tmp_path / f"{name}.py").write_bytes(data)
    return Workspace.checkout(tmp_path)


def test_an_edit_of_text_says_what_changed_and_shows_it(workspace: Workspace) -> None:
    change = workspace.replace_text("bank/account.py", "self.balance = 0", "self.balance = 1")
    assert (change.paths, change.added, change.removed) == (("bank/account.py",), 1, 1)
    assert "10 |         self.owner = owner\n11 |         self.balance = 1" in str(change)
    assert workspace.replace_text("README.md", "Bank", "Bank").paths == ()


def test_text_that_is_not_there_or_there_twice_is_refused(workspace: Workspace) -> None:
    with pytest.raises(EditError, match="not hold that text; line 11 is like its first"):
        workspace.replace_text("bank/account.py", "    self.balances = 0", "")
    with pytest.raises(EditError, match="more than once, at lines 10 and 19"):
        workspace.replace_text("bank/account.py", "self.owner = ", "x")
    with pytest.raises(EditError, match="not hold"):
        workspace.replace_text("bank/account.py", "", "x")


def test_a_symbol_is_replaced_by_name(workspace: Workspace) -> None:
    change = workspace.replace_symbol(
        "bank/account.py",
        "Account.rate",
        "def rate(self, years: int = 1) -> float:\n    return 0.0",
    )
    assert change.removed == 3 and change.added == 1
    assert "    @functools.lru_cache\n    def rate(" in workspace.read("bank/account.py").decode()


def test_a_replacement_that_is_no_python_leaves_the_workspace_as_it_was(
    workspace: Workspace,
) -> None:
    before = workspace.snapshot()
    with pytest.raises(EditError, match="no valid Python"):
        workspace.replace_symbol("bank/account.py", "transfer", "async def transfer(: pass")
    assert workspace.snapshot() == before


def test_lines_are_inserted_replaced_and_deleted(workspace: Workspace) -> None:
    workspace.insert_lines("README.md", 0, "top")
    workspace.insert_lines("README.md", 2, "end")
    assert workspace.read("README.md") == b"top\n# Bank\nend"
    workspace.insert_lines("README.md", 3, "after\n")
    assert workspace.read("README.md") == b"top\n# Bank\nend\nafter\n"
    workspace.replace_lines("README.md", 2, 3, "middle")
    assert workspace.read("README.md") == b"top\nmiddle\nafter\n"
    workspace.replace_lines("README.md", 1, 3, "")
    assert workspace.read("README.md") == b"" and str(workspace.view("README.md")).endswith("empty")
    for start, end in [(1, 1), (0, 1), (2, 1)]:
        with pytest.raises(EditError, match=r"README\.md has lines"):
            workspace.replace_lines("README.md", start, end, "x")
    with pytest.raises(EditError, match="`after` is from 0 to 0, not 9"):
        workspace.insert_lines("README.md", 9, "x")
    with pytest.raises(EditError, match="nothing to insert"):
        workspace.insert_lines("README.md", 0, "")


def test_an_edit_that_breaks_a_python_file_is_done_with_a_warning(workspace: Workspace) -> None:
    change = workspace.replace_lines("bank/account.py", 6, 6, "class Account(:")
    assert "bank/account.py is no valid Python" in change.problem
    fixed = workspace.replace_lines("bank/account.py", 6, 6, "class Account:")
    assert fixed.problem == ""


def test_line_endings_marks_and_encodings_stay(tmp_path: Path) -> None:
    workspace = checkout(
        tmp_path,
        crlf=b"def f():\r\n    return 1\r\n\r\ny = 1",
        mixed=b"a = 1\r\nb = 2\nc = 3\n",
        marked=codecs.BOM_UTF8 + b"x = 1\n",
        latin="# coding: latin-1\ns = 'é'\n".encode("latin-1"),
    )
    workspace.replace_symbol("crlf.py", "f", "def f():\n    '''Two\n    lines.'''\n    return 2\n")
    workspace.insert_lines("crlf.py", 6, "z = 1")
    assert workspace.read("crlf.py") == (
        b"def f():\r\n    '''Two\r\n    lines.'''\r\n    return 2\r\n\r\ny = 1\r\nz = 1"
    )
    workspace.replace_text("crlf.py", "\n    return 2\n", "\n    return 3\n")
    assert b"\r\n    return 3\r\n" in workspace.read("crlf.py")
    workspace.replace_lines("mixed.py", 2, 2, "b = 3\n")
    assert workspace.read("mixed.py") == b"a = 1\r\nb = 3\nc = 3\n"
    workspace.replace_text("marked.py", "x", "y")
    assert workspace.read("marked.py") == codecs.BOM_UTF8 + b"y = 1\n"
    workspace.replace_text("latin.py", "'é'", "'è'")
    assert workspace.read("latin.py") == "# coding: latin-1\ns = 'è'\n".encode("latin-1")
    with pytest.raises(EditError, match=r"latin-1 text, which cannot hold '\\u20ac'"):
        workspace.replace_text("latin.py", "è", "€")


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"\0\1\2", "binary file of 3 bytes"),
        (b"abc\xff", "not UTF-8 text .byte 0xff at 3"),
        (b"# coding: ascii\n\xff", "not the ascii text"),
        (b"# coding: rot13\nnop\xff", "no.* text"),
        (b"x" * (4 * 2**20 + 1), "more than the 4,194,304 that open"),
    ],
)
def test_files_that_are_no_text_are_neither_shown_nor_edited(
    tmp_path: Path, data: bytes, error: str
) -> None:
    workspace = checkout(tmp_path, bad=data)
    for call in (workspace.view, workspace.outline, lambda p: workspace.replace_text(p, "x", "y")):
        with pytest.raises(NotTextError, match=error):
            call("bad.py")
    assert workspace.read("bad.py") == data


def test_files_are_created_and_deleted(workspace: Workspace) -> None:
    workspace.create("./deep/er/new.py", "x = 1\n")
    assert "deep/er/new.py" in workspace.files().paths
    with pytest.raises(EditError, match="exists already"):
        workspace.create("deep/er/new.py", "")
    with pytest.raises(EditError, match="deep/er is a folder"):
        workspace.create("deep/er", "")
    with pytest.raises(EditError, match=r"README.md is a file, so README.md/x cannot be"):
        workspace.create("README.md/x", "")
    with pytest.raises(NotTextError, match="more than"):
        workspace.create("big", "x" * (5 * 2**20))
    with pytest.raises(EditError, match="cannot hold"):
        workspace.create("surrogate", "\ud800")
    workspace.delete("deep/er/new.py")
    assert workspace.diff() == ""
    with pytest.raises(NotFoundError, match=r"no file 'deep/er/new\.py'"):
        workspace.delete("deep/er/new.py")


@pytest.mark.parametrize(
    "path",
    [
        "",
        ".",
        "..",
        "../x",
        "a/../../x",
        "a//b",
        "a/",
        "/etc/passwd",
        "//etc/passwd",
        "~/x",
        "C:/x",
        "a\\b",
        "a\0b",
        "a\nb",
        "\ud800",
        ".git/config",
        "a/.GIT/hooks/x",
        ".git /x",
        ".git./x",
        "GIT~1/config",
        ".g\u200cit/config",
        ".git::$INDEX_ALLOCATION/x",
        "x" * 300,
        "x/" * 600 + "x",
    ],
)
def test_paths_that_lead_elsewhere_are_refused_by_every_call(
    workspace: Workspace, path: str
) -> None:
    before = workspace.snapshot()
    for call in (
        workspace.view,
        workspace.read,
        workspace.outline,
        workspace.delete,
        lambda p: workspace.create(p, "x"),
        lambda p: workspace.replace_text(p, "a", "b"),
        lambda p: workspace.insert_lines(p, 0, "x"),
        lambda p: workspace.replace_symbol(p, "f", "def f(): pass"),
    ):
        with pytest.raises(PathError):
            call(path)
    assert workspace.snapshot() == before


def test_links_are_listed_but_not_followed(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "folder" / "link").symlink_to("../secret")
    (tmp_path / "folder" / "above").symlink_to("..")
    workspace = Workspace.checkout(tmp_path / "folder")
    for call in (workspace.view, workspace.read, lambda p: workspace.replace_text(p, "s", "t")):
        with pytest.raises(PathError, match="link is a symbolic link, which is not followed"):
            call("link")
        with pytest.raises(NotFoundError):
            call("above/secret")
    with pytest.raises(EditError, match="above is a file"):
        workspace.create("above/evil", "x")
    assert workspace.search("secret").matches == ()
    workspace.delete("link")
    assert (tmp_path / "secret").read_text() == "secret"


@given(LINES, st.booleans(), st.integers(0, 8), st.integers(0, 8), LINES)
@settings(deadline=None)
def test_lines_put_back_give_the_file_again(lines, last, first, count, new) -> None:
    text = Text("a", "\n".join(lines) + "\n" * last)
    old = text.lines
    first, last_line = first % (len(old) + 1), min(len(old), first + count)
    if new and "".join(new):
        grown = insert_lines(text, first, "\n".join(new) + "\n")
        kept = [line.rstrip("\r\n") for line in grown.lines]
        assert len(kept) == len(old) + len(new)
        assert [*kept[:first], *kept[first + len(new) :]] == [line.rstrip("\r\n") for line in old]
    if first < last_line:
        same = replace_lines(text, first + 1, last_line, "".join(old[first:last_line]))
        assert same == text


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    folder = tmp_path_factory.mktemp("start")
    (folder / "a.py").write_text("y = 0\n\n\ndef f():\n    return 0\n")
    (folder / "b.txt").write_text("b")
    return Workspace.checkout(folder)


@given(steps=st.lists(st.integers(0, 6), max_size=6), place=st.integers(0, 3))
@settings(max_examples=15, deadline=None)
def test_whatever_is_edited_reset_gives_the_start(start, steps, place) -> None:
    workspace = start.fork()
    edits = [
        lambda n: workspace.create(f"new{n}/a.py", f"x = {n}\n"),
        lambda n: workspace.insert_lines("a.py", place, f"x = {n}\n"),
        lambda n: workspace.replace_lines("a.py", 1, 1 + place, f"x = {n}\n"),
        lambda n: workspace.replace_symbol("a.py", "f", f"def f():\n    return {n}"),
        lambda n: workspace.delete("b.txt"),
        lambda n: workspace.replace_text("a.py", "return", "return 1 +"),
        lambda n: workspace.restore(workspace.snapshot()),
    ]
    for number, step in enumerate(steps):
        with contextlib.suppress(RepositoryError):
            edits[step](number)
    patch, snapshot = workspace.diff(), workspace.snapshot()
    workspace.reset()
    assert workspace.snapshot() == start.snapshot() and workspace.diff() == ""
    if patch:
        workspace.apply(patch)
    assert workspace.snapshot() == snapshot
