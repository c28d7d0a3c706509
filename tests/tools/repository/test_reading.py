"""What a workspace shows and finds."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from symposia.tools.repository import (
    EditError,
    Match,
    NotFoundError,
    PathError,
    SearchError,
    Workspace,
)


def test_a_view_numbers_its_lines(workspace: Workspace) -> None:
    assert str(workspace.view("bank/account.py", 6, 8)) == (
        "bank/account.py, lines 6 to 8 of 31\n"
        "6 | class Account:\n"
        '7 |     """Money of one owner."""\n'
        "8 | "
    )
    assert workspace.view("bank/account.py", 30, 999).lines == (
        "    one.balance -= sum",
        "    other.balance += sum",
    )
    for start, end in [(0, 5), (32, 40), (5, 4)]:
        with pytest.raises(EditError, match="has lines 1 to 31, not"):
            workspace.view("bank/account.py", start, end)


def test_a_view_is_a_window_of_200_lines_and_cuts_long_ones(tmp_path: Path) -> None:
    (tmp_path / "long.txt").write_text("x" * 5000 + "\n" + "y\n" * 500)
    view = Workspace.checkout(tmp_path).view("long.txt")
    assert len(view.lines) == 200 and view.total == 501
    assert view.lines[0] == "x" * 300 + "… (5,000 characters)"


def test_lines_end_where_git_ends_them(tmp_path: Path) -> None:
    (tmp_path / "odd.txt").write_bytes("a\x0cb\u2028c\rd\r\ne".encode())
    assert Workspace.checkout(tmp_path).view("odd.txt").lines == ("a\x0cb\u2028c\rd", "e")


def test_a_missing_file_comes_with_what_may_have_been_meant(workspace: Workspace) -> None:
    with pytest.raises(NotFoundError, match=r"no file 'account.py'.*mean bank/account.py"):
        workspace.view("account.py")
    with pytest.raises(NotFoundError, match=r"mean README\.md"):
        workspace.view("READM.md")
    with pytest.raises(NotFoundError, match=r"bank is a folder; it holds bank/account\.py"):
        workspace.view("bank")


def test_files_are_listed_by_glob(workspace: Workspace) -> None:
    for path in ("a.py", "bank/deep/b.py", "bank/deep/c.txt"):
        workspace.create(path, "x = 1\n")
    assert workspace.files("*.py").paths == ("a.py", "bank/account.py", "bank/deep/b.py")
    assert workspace.files("./bank/*.py").paths == ("bank/account.py",)
    assert workspace.files("bank/**").paths == (
        "bank/account.py",
        "bank/deep/b.py",
        "bank/deep/c.txt",
    )
    assert workspace.files("nothing").paths == () and str(workspace.files("nothing")) == "no files"
    listed = workspace.files(limit=2)
    assert listed.more and len(listed.paths) == 2 and "narrow the glob" in str(listed)
    assert workspace.files("deep/").paths == ()
    assert len(workspace.files("bank/deep/").paths) == 2
    for glob in (":(top)README.md", ":!x", "-x", "["):
        assert workspace.files(glob).paths == ()
        assert workspace.search("x", paths=[glob]).matches == ()
    for glob in ("../*", "/etc/*", "", "a\0b", "\ud800"):
        for call in (workspace.files, lambda g: workspace.search("x", paths=[g])):
            with pytest.raises(PathError):
                call(glob)


def test_text_is_searched_literally(workspace: Workspace) -> None:
    found = workspace.search("def name(")
    assert found.matches == (
        Match("bank/account.py", 14, "    def name(self) -> str:"),
        Match("bank/account.py", 18, "    def name(self, new: str) -> None:"),
    )
    assert workspace.search("DEF NAME(").matches == ()
    assert workspace.search("DEF NAME(", ignore_case=True) == found
    assert workspace.search("--help").matches == ()
    assert workspace.search("Bank", paths=["bank/**"]).matches == ()
    assert str(workspace.search("Bank")) == "README.md:1: # Bank"


def test_search_sees_the_present_state(workspace: Workspace) -> None:
    workspace.create("new.txt", "a néw thing\n")
    assert workspace.search("néw").matches == (Match("new.txt", 1, "a néw thing"),)
    workspace.reset()
    assert str(workspace.search("néw")) == "nothing found"


def test_text_is_searched_by_regular_expression(workspace: Workspace) -> None:
    found = workspace.search(r"def \w+\((?!self)", regex=True)
    assert [match.line for match in found.matches] == [29]
    found = workspace.search(r"self", regex=True, limit=2)
    assert len(found.matches) == 2 and found.more and "narrow" in str(found)
    with pytest.raises(SearchError, match=r"not a valid search.*missing closing parenthesis"):
        workspace.search("(", regex=True)
    for pattern in ("", "a\nb", "x" * 3000, "\ud800"):
        with pytest.raises(SearchError, match="a pattern is one line"):
            workspace.search(pattern)


@pytest.mark.parametrize("pattern", [r"(a+)+$", r"(a|aa)+$", r"((a*)*)*[b!]a"])
def test_a_pattern_that_backtracks_for_ever_is_stopped(tmp_path: Path, pattern: str) -> None:
    (tmp_path / "a.txt").write_text(("a" * 5000 + "!\n") * 50)
    workspace = Workspace.checkout(tmp_path)
    began = time.monotonic()
    with pytest.raises(SearchError, match="without nested repetition"):
        workspace.search(pattern, regex=True, seconds=1)
    assert time.monotonic() - began < 5


def test_a_search_that_takes_too_long_is_stopped(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("ab" * 2**20)
    workspace = Workspace.checkout(tmp_path)
    with pytest.raises(SearchError, match=r"stopped after 0\.001 s"):
        workspace.search(r"a+c", regex=True, seconds=0.001)


def test_binary_files_and_names_that_are_no_text_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"needle\0\n")
    (tmp_path / "text").write_bytes(b"needle \xff\n")
    workspace = Workspace.checkout(tmp_path)
    assert workspace.search("needle").matches == (Match("text", 1, "needle \ufffd"),)


def test_symbols_are_found_by_name(workspace: Workspace) -> None:
    workspace.create("other.py", "def name():\n    pass\n")
    workspace.create("broken.py", "def name(:\n")
    workspace.create("text.txt", "def name(): pass\n")
    found = workspace.find_symbols("name").symbols
    assert [(s.path, s.definition.name, s.definition.start) for s in found] == [
        ("bank/account.py", "Account.name", 13),
        ("bank/account.py", "Account.name", 17),
        ("other.py", "name", 1),
    ]
    assert len(workspace.find_symbols("Account.*").symbols) == 4
    assert workspace.find_symbols("Accoun?").symbols[0].definition.kind == "class"
    assert len(workspace.find_symbols("name", paths=["bank/*"]).symbols) == 2
    assert workspace.find_symbols("*", limit=3).more
    assert str(workspace.find_symbols("Bank.name")) == "no function or class found"
    with pytest.raises(SearchError, match="is no name"):
        workspace.find_symbols("def name(")


def test_an_outline_shows_signatures(workspace: Workspace) -> None:
    rows = str(workspace.outline("bank/account.py")).splitlines()
    assert rows[0] == "bank/account.py:6-26: Account: class Account"
    assert rows[4].endswith("22-26: Account.rate: def rate(self, years: int=1) -> float")
    assert rows[5].endswith("async def transfer(one: Account, other: Account, sum: int) -> None")
    workspace.replace_text("README.md", "#", "?")
    with pytest.raises(EditError, match=r"README\.md is no valid Python"):
        workspace.outline("README.md")
