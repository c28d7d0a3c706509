"""Snapshots, forks, and the files written out."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from symposia.tools.repository import NotFoundError, RepositoryError, Workspace
from symposia.tools.repository.paths import link_stays_inside


def test_a_snapshot_is_returned_to_in_either_direction(workspace: Workspace) -> None:
    workspace.create("a.txt", "a\n")
    one = workspace.snapshot()
    workspace.create("b.txt", "b\n")
    two = workspace.snapshot()
    workspace.restore(one)
    assert "b.txt" not in workspace.files().paths
    workspace.restore(two)
    assert "b.txt" in workspace.files().paths
    workspace.delete("b.txt")
    assert workspace.snapshot() == one


@pytest.mark.parametrize("name", ["", "HEAD", "--help", "0" * 40, "../x", "main^{tree}"])
def test_a_snapshot_that_never_was_is_refused(workspace: Workspace, name: str) -> None:
    for call in (workspace.restore, workspace.fork, workspace.diff):
        with pytest.raises(NotFoundError, match="no snapshot"):
            call(name)


def test_forks_change_apart_and_know_the_same_start(workspace: Workspace) -> None:
    workspace.create("a.txt", "a\n")
    fork = workspace.fork()
    fork.replace_text("a.txt", "a", "b")
    assert workspace.read("a.txt") == b"a\n" and fork.read("a.txt") == b"b\n"
    assert fork.fork(workspace.start).diff() == ""
    workspace.restore(fork.snapshot())
    assert workspace.read("a.txt") == b"b\n"
    fork.reset()
    assert fork.files().paths == ("README.md", "bank/account.py")


def test_edits_from_several_threads_all_count(workspace: Workspace) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: workspace.create(f"{n}.txt", f"{n}\n"), range(12)))
    assert len(workspace.files("*.txt").paths) == 12


def test_a_workspace_can_be_emptied_and_filled_again(workspace: Workspace) -> None:
    for path in workspace.files().paths:
        workspace.delete(path)
    assert workspace.files().paths == () and workspace.store.listing(workspace.snapshot()) == {}
    patch = workspace.diff()
    workspace.reset()
    workspace.apply(patch)
    assert workspace.files().paths == ()
    workspace.create("deep/a.txt", "a\n")
    assert workspace.files().paths == ("deep/a.txt",)


def test_the_files_are_written_out_as_they_are(tmp_path: Path) -> None:
    source = tmp_path / "source"
    (source / "bin").mkdir(parents=True)
    (source / "bin" / "run").write_bytes(b"#!/bin/sh\r\n\0\xff")
    (source / "bin" / "run").chmod(0o755)
    (source / "inside").symlink_to("bin/run")
    (source / "bin" / "back").symlink_to("../inside")
    (source / "outside").symlink_to("../../etc/passwd")
    (source / "absolute").symlink_to("/etc/passwd")
    (source / "top").symlink_to(".")
    (source / "climbing").symlink_to("top/../../etc")
    workspace = Workspace.checkout(source)
    workspace.export(tmp_path / "out")
    out = tmp_path / "out"
    assert sorted(os.listdir(out)) == ["bin", "inside", "top"]
    assert (out / "bin" / "back").read_bytes() == b"#!/bin/sh\r\n\0\xff"
    assert os.access(out / "bin" / "run", os.X_OK)
    with pytest.raises(RepositoryError, match="not empty"):
        workspace.export(out)


@pytest.mark.parametrize(
    ("path", "target", "inside"),
    [
        ("a", "b", True),
        ("a", "..", False),
        ("d/a", "..", True),
        ("d/a", "../..", False),
        ("d/a", "../x/./y", True),
        ("d/a", "x/../y", False),
        ("a", "/etc", False),
        ("a", "", False),
        ("a", ".git/config", False),
    ],
)
def test_which_links_stay_inside(path: str, target: str, inside: bool) -> None:
    assert link_stays_inside(path, target) is inside
