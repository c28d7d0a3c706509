"""Sources of a workspace, honest and hostile."""

from __future__ import annotations

import io
import os
import tarfile
import zipfile
from pathlib import Path

import pytest

from symposia.tools.repository import NotFoundError, SourceError, Workspace


def test_a_repository_gives_its_committed_files(repository: Path) -> None:
    (repository / "README.md").write_text("not committed")
    workspace = Workspace.checkout(repository)
    assert workspace.files().paths == ("README.md", "bank/account.py")
    assert workspace.read("README.md") == b"# Bank\n\nSecond edition.\n"


@pytest.mark.parametrize("at", ["v1", "HEAD~1", "main^"])
def test_a_revision_can_be_chosen(repository: Path, at: str) -> None:
    assert Workspace.checkout(repository, at=at).read("README.md") == b"# Bank\n"


def test_the_history_cannot_be_looked_up_in_a_workspace(repository: Path, git) -> None:
    later = git(repository, "rev-parse", "HEAD")
    blob = git(repository, "rev-parse", "HEAD:README.md")
    workspace = Workspace.checkout(repository, at="v1")
    objects = workspace.store.git("cat-file", "--batch-all-objects", "--batch-check").decode()
    assert later not in objects and blob not in objects
    assert "commit" not in objects


def test_an_unknown_revision_is_refused_with_those_there_are(repository: Path) -> None:
    with pytest.raises(SourceError, match="no revision 'v9'; it has v1, main"):
        Workspace.checkout(repository, at="v9")
    with pytest.raises(SourceError, match="no revision '--help'"):
        Workspace.checkout(repository, at="--help")


def test_a_bare_clone_a_linked_work_tree_and_a_bundle_give_the_same(
    repository: Path, tmp_path: Path, git
) -> None:
    git(tmp_path, "clone", "-q", "--bare", str(repository), "bare")
    git(repository, "worktree", "add", "-q", str(tmp_path / "linked"), "v1")
    git(repository, "bundle", "create", "-q", str(tmp_path / "all.bundle"), "--all")
    states = {
        Workspace.checkout(repository, at="v1").snapshot(),
        Workspace.checkout(tmp_path / "bare", at="v1").snapshot(),
        Workspace.checkout(tmp_path / "linked").snapshot(),
        Workspace.checkout(tmp_path / "all.bundle", at="v1").snapshot(),
    }
    assert len(states) == 1


def test_a_repository_with_sha256_hashes_opens(tmp_path: Path, git) -> None:
    git(tmp_path, "init", "-q", "--object-format=sha256")
    (tmp_path / "a.txt").write_text("a\n")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "a")
    workspace = Workspace.checkout(tmp_path)
    workspace.replace_text("a.txt", "a", "b")
    assert len(workspace.snapshot()) == 64 and "+b" in workspace.diff()


def test_folders_and_archives_give_the_same_tree(tmp_path: Path, git) -> None:
    folder = tmp_path / "folder"
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "run").write_bytes(b"#!/bin/sh\n")
    (folder / "bin" / "run").chmod(0o755)
    (folder / 'odd "näme"\\.txt'.replace("\\", "")).write_bytes(b"\xff\0")
    (folder / "link").symlink_to("bin/run")
    with tarfile.open(tmp_path / "a.tar.gz", "w:gz") as tar:
        tar.add(folder, ".")
    states = {Workspace.checkout(source).snapshot() for source in (folder, tmp_path / "a.tar.gz")}
    git(folder, "init", "-q")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "all")
    states.add(Workspace.checkout(folder).snapshot())
    assert len(states) == 1
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as packed:
        packed.writestr("README.md", "hello\n")
    assert Workspace.checkout(tmp_path / "a.zip").read("README.md") == b"hello\n"


def test_empty_and_missing_sources(tmp_path: Path, git) -> None:
    (tmp_path / "empty").mkdir()
    workspace = Workspace.checkout(tmp_path / "empty")
    assert workspace.files().paths == () and workspace.diff() == ""
    workspace.create("first.txt", "one\n")
    assert workspace.files().paths == ("first.txt",)
    with pytest.raises(SourceError, match="no git repository"):
        Workspace.checkout(tmp_path / "empty", at="main")
    git(tmp_path / "empty", "init", "-q")
    with pytest.raises(SourceError, match="no commits"):
        Workspace.checkout(tmp_path / "empty")
    with pytest.raises(SourceError, match="does not exist"):
        Workspace.checkout(tmp_path / "nowhere")
    (tmp_path / "text").write_text("hello")
    with pytest.raises(SourceError, match="no folder, git bundle"):
        Workspace.checkout(tmp_path / "text")


def test_nothing_that_a_hostile_repository_configures_is_run(
    repository: Path, tmp_path: Path, git
) -> None:
    trap = tmp_path / "trap.sh"
    trap.write_text(f"#!/bin/sh\ntouch {tmp_path}/sprung\ncat\n")
    trap.chmod(0o755)
    for name in os.listdir(repository / ".git" / "hooks"):
        (repository / ".git" / "hooks" / name.removesuffix(".sample")).write_text(trap.read_text())
    (repository / ".gitattributes").write_text(
        "* filter=evil diff=evil text eol=crlf ident\nREADME.md -diff\n"
    )
    (repository / "id.txt").write_text("$Id$\n")
    git(repository, "add", ".")
    git(repository, "commit", "-qm", "attributes", "--no-verify")
    for name in (
        "core.fsmonitor",
        "core.pager",
        "core.sshCommand",
        "core.editor",
        "diff.external",
        "diff.evil.textconv",
        "diff.evil.command",
        "filter.evil.clean",
        "filter.evil.smudge",
        "filter.evil.process",
        "gpg.program",
        "uploadpack.packObjectsHook",
        "remote.origin.uploadpack",
    ):
        git(repository, "config", name, str(trap))
    git(repository, "status")
    assert (tmp_path / "sprung").exists()  # the traps are armed: plain git walks into them
    git(repository, "config", "remote.origin.url", str(tmp_path / "other"))
    git(repository, "config", "remote.origin.promisor", "true")
    git(repository, "config", "extensions.partialClone", "origin")
    git(repository, "config", "include.path", "/etc/shadow")
    (tmp_path / "sprung").unlink()
    workspace = Workspace.checkout(repository)
    assert workspace.read("id.txt") == b"$Id$\n"
    workspace.replace_text("README.md", "Second", "Third")
    workspace.search("Third")
    patch = workspace.diff()
    assert "+Third edition." in patch
    workspace.reset()
    workspace.apply(patch)
    workspace.export(tmp_path / "out")
    assert (tmp_path / "out" / "id.txt").read_bytes() == b"$Id$\n"
    assert not (tmp_path / "sprung").exists()


def test_missing_objects_are_an_error_and_never_fetched(
    repository: Path, tmp_path: Path, git
) -> None:
    git(repository, "config", "uploadpack.allowFilter", "true")
    git(tmp_path, "clone", "-q", "--no-checkout", "--filter=blob:none", f"file://{repository}", "p")
    with pytest.raises(SourceError, match="partial clone"):
        Workspace.checkout(tmp_path / "p")


def test_settings_of_the_host_do_not_matter(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = Workspace.checkout(repository).snapshot()
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / ".gitconfig").write_text("[core]\n\tautocrlf = true\n[broken")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    monkeypatch.setenv("GIT_INDEX_FILE", "/nowhere")
    monkeypatch.setenv("GIT_EXTERNAL_DIFF", "false")
    workspace = Workspace.checkout(repository)
    assert workspace.snapshot() == expected
    workspace.replace_text("README.md", "Bank", "Shop")
    assert "+# Shop" in workspace.diff()


@pytest.mark.parametrize("name", ["../evil", ".git", "."])
def test_a_tree_with_names_that_climb_out_is_refused(repository: Path, git, name: str) -> None:
    blob = git(repository, "rev-parse", "HEAD:README.md")
    raw = b"100644 " + name.replace("../", "..").encode() + b"\0" + bytes.fromhex(blob)
    if name == "../evil":
        inner = git(repository, "hash-object", "-w", "-t", "tree", "--literally", "--stdin",
                    stdin=b"100644 evil\0" + bytes.fromhex(blob))  # fmt: skip
        raw = b"40000 ..\0" + bytes.fromhex(inner)
    tree = git(repository, "hash-object", "-w", "-t", "tree", "--literally", "--stdin", stdin=raw)
    commit = git(repository, "commit-tree", "-m", "evil", tree)
    with pytest.raises(SourceError, match="no checkout may have"):
        Workspace.checkout(repository, at=commit)


@pytest.mark.parametrize("name", ["../evil", "/etc/evil", "a/../../evil", "a\nb"])
def test_an_archive_with_names_that_climb_out_is_refused(tmp_path: Path, name: str) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        member = tarfile.TarInfo(name)
        member.size = 1
        tar.addfile(member, io.BytesIO(b"x"))
    with pytest.raises(SourceError, match="cannot be read"):
        Workspace.checkout(tmp_path / "a.tar")


def test_a_folder_is_read_without_following_links_or_waiting_for_pipes(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    folder = tmp_path / "folder"
    (folder / ".GIT").mkdir(parents=True)
    (folder / ".GIT" / "config").write_text("x")
    (folder / "link").symlink_to(tmp_path / "secret")
    (folder / "away").symlink_to(tmp_path)
    os.mkfifo(folder / "pipe")
    workspace = Workspace.checkout(folder)
    assert workspace.files().paths == ("away", "link")
    assert workspace.store.read([workspace.store.listing(workspace.start)["link"].id]) != b"secret"


def test_a_source_that_is_too_large_is_refused(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from symposia.tools.repository import plain, sources

    (tmp_path / "plain").mkdir()
    (tmp_path / "plain" / "big").write_bytes(b"x" * 2000)
    for module in (plain, sources):
        monkeypatch.setattr(module, "MAX_FILE", 10)
    for source in (repository, tmp_path / "plain"):
        with pytest.raises(SourceError, match="too large"):
            Workspace.checkout(source)


def test_a_store_on_disk_is_opened_again_at_any_snapshot(repository: Path, tmp_path: Path) -> None:
    workspace = Workspace.checkout(repository, into=tmp_path / "store")
    workspace.create("new.txt", "new\n")
    snapshot, patch = workspace.snapshot(), workspace.diff()
    del workspace
    again = Workspace.open(tmp_path / "store", at=snapshot)
    assert again.diff() == patch and again.read("new.txt") == b"new\n"
    assert Workspace.open(tmp_path / "store").diff() == ""
    with pytest.raises(SourceError, match="not empty"):
        Workspace.checkout(repository, into=tmp_path / "store")
    with pytest.raises(NotFoundError, match="no workspace"):
        Workspace.open(tmp_path)


def test_a_temporary_store_goes_with_its_last_workspace(repository: Path) -> None:
    workspace = Workspace.checkout(repository)
    folder = workspace.store.folder
    fork = workspace.fork()
    del workspace
    assert fork.read("README.md") and folder.exists()
    del fork
    assert not folder.exists()
