"""Differences as patches, and patches applied whole or not at all."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from symposia.tools.repository import PatchError, Workspace
from symposia.tools.repository.patches import difference
from symposia.tools.repository.store import Store

GOOD = """\
--- a/README.md
+++ b/README.md
@@ -1 +1,2 @@
-# Bank
+# Shop
+New.
"""


def tree_of(store: Store, files: dict[str, bytes]) -> str:
    tree = store.empty()
    for path, data in files.items():
        tree = store.edit(tree, path, data)
    return tree


CONTENTS = st.one_of(
    st.binary(max_size=30),
    st.lists(
        st.sampled_from([b"a\n", b"b\r\n", b"\xe9\n", "é\n".encode(), b"--- a\n", b"\0", b"end"]),
        max_size=12,
    ).map(b"".join),
)
PATHS = st.sampled_from(["a.txt", "dir/b.py", "with space", 'quo"te', "näme", "star*[x]?", "-n"])
FILES = st.dictionaries(PATHS, CONTENTS, max_size=4)


@pytest.fixture(scope="module")
def store() -> Store:
    return Store()


@given(old=FILES, new=FILES)
@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_applying_the_difference_of_two_states_gives_the_second(store, old, new) -> None:
    before, after = tree_of(store, old), tree_of(store, new)
    workspace = Workspace(store, before, before)
    patch = difference(store, before, after)
    assert (patch == "") == (before == after)
    if patch:
        workspace.apply(patch)
    assert workspace.snapshot() == after
    assert workspace.diff() == patch
    workspace.reset()
    assert {path: workspace.read(path) for path in workspace.files().paths} == old


def test_a_patch_made_here_is_understood_by_plain_git(
    workspace: Workspace, tmp_path: Path, git
) -> None:
    workspace.replace_symbol("bank/account.py", "Account.name", "def name(self): return 1", line=15)
    workspace.create("new.txt", "new")
    workspace.delete("README.md")
    (tmp_path / "p.diff").write_text(workspace.diff())
    git(tmp_path / "plain", "init", "-q")
    git(tmp_path / "plain", "apply", "../p.diff")
    assert (tmp_path / "plain" / "new.txt").read_text() == "new"
    assert not (tmp_path / "plain" / "README.md").exists()
    changed = (tmp_path / "plain" / "bank" / "account.py").read_bytes()
    assert changed == workspace.read("bank/account.py")


def test_a_patch_says_what_it_did(workspace: Workspace) -> None:
    change = workspace.apply(GOOD)
    assert (change.paths, change.added, change.removed) == (("README.md",), 2, 1)
    assert workspace.read("README.md") == b"# Shop\nNew.\n"
    workspace.reset()
    assert workspace.apply(GOOD.rstrip()) == change


def test_a_hunk_without_context_must_be_at_the_end_of_the_file(workspace: Workspace) -> None:
    workspace.insert_lines("README.md", 1, "More.\n")
    with pytest.raises(PatchError, match="holds that, but not at its top or end"):
        workspace.apply(GOOD)


def test_a_patch_that_breaks_a_python_file_warns(workspace: Workspace) -> None:
    change = workspace.apply("--- /dev/null\n+++ b/x.py\n@@ -0,0 +1 @@\n+def f(:\n")
    assert change.problem.startswith("x.py is no valid Python") and "WARNING" in str(change)


def test_a_hunk_that_does_not_fit_is_named_with_what_the_file_has_there(
    workspace: Workspace,
) -> None:
    patch = GOOD + (
        "--- a/bank/account.py\n+++ b/bank/account.py\n"
        '@@ -1,2 +1,3 @@\n+# Accounts\n """Accounts."""\n \n'
        "@@ -7,3 +8,3 @@ class\n class Account:\n-    money = 1\n+    money = 2\n \n"
    )
    start = workspace.snapshot()
    with pytest.raises(PatchError) as caught:
        workspace.apply(patch)
    assert (caught.value.path, caught.value.hunk) == ("bank/account.py", 2)
    message = str(caught.value)
    assert "hunk 2 of 2 for bank/account.py (at line 7) does not fit; nothing was" in message
    assert "It looks for:\nclass Account:\n    money = 1" in message
    assert '\n 7 |     """Money of one owner."""\n' in message
    assert workspace.snapshot() == start


@pytest.mark.parametrize(
    ("patch", "error"),
    [
        ("", "no unified diff"),
        (GOOD + "\ud800", r"holds '\\ud800', which is no character"),
        ("please change the file", "no unified diff"),
        (GOOD.replace("README.md", "READ.md"), "no file READ.md"),
        (GOOD.replace("+1,2", "+1,5"), r"line \d of the patch cannot be read"),
        (GOOD.replace("--- a/README.md", "--- /dev/null").replace("-1 ", "-0,0 ")
         .replace("-# Bank\n", ""), "README.md exists already"),
        (GOOD.replace("README.md", "../../etc/passwd"), "does not apply|no file"),
        (GOOD.replace("README.md", ".git/config"), "does not apply|no file"),
        ("--- /dev/null\n+++ b/.git/hooks/x\n@@ -0,0 +1 @@\n+x\n", "does not apply"),
        ("--- /dev/null\n+++ b/../x\n@@ -0,0 +1 @@\n+x\n", "does not apply"),
        ("diff --git a/l b/l\nnew file mode 120000\n--- /dev/null\n+++ b/l\n@@ -0,0 +1 @@\n"
         "+/etc/passwd\n\\ No newline at end of file\n", "makes l a link"),
        ("--- /dev/null\n+++ \"b/a\\001b\"\n@@ -0,0 +1 @@\n+x\n", "forbidden name"),
        ("x" * (17 * 2**20), "the most is"),
    ],
)  # fmt: skip
def test_patches_that_cannot_be_applied_change_nothing(
    workspace: Workspace, patch: str, error: str
) -> None:
    start = workspace.snapshot()
    with pytest.raises(PatchError, match=error):
        workspace.apply(patch)
    assert workspace.snapshot() == start


def test_the_lines_of_a_patch_may_be_numbered_wrongly_but_not_its_context(
    workspace: Workspace,
) -> None:
    workspace.insert_lines("README.md", 0, "one\ntwo\nthree\n")
    assert workspace.apply(GOOD.replace("-1 +1,2", "-2 +2,2")).paths == ("README.md",)
    assert workspace.read("README.md") == b"one\ntwo\nthree\n# Shop\nNew.\n"


def test_a_diff_since_a_snapshot_holds_only_what_came_after(workspace: Workspace) -> None:
    workspace.create("a.txt", "a\n")
    middle = workspace.snapshot()
    workspace.create("b.txt", "b\n")
    assert "a.txt" not in workspace.diff(since=middle)
    assert "a.txt" in workspace.diff() and "b.txt" in workspace.diff()


def test_git_is_needed_only_when_a_workspace_is_made() -> None:
    code = (
        "import os; os.environ['PATH'] = ''\n"
        "from symposia.tools.repository import GitError, Workspace\n"
        "try:\n    Workspace.checkout('.')\n"
        "except GitError as error:\n    print(error)"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "install it" in said.stdout
