"""Which isolation is chosen, what is said where there is none, and which packages come along."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from typing import Any

import pytest

from symposia.tools.sandbox import Limits, PythonSandbox, Status, UnavailableError, available
from symposia.tools.sandbox.obstacles import remedies

pytestmark = pytest.mark.asyncio(loop_scope="module")

NONE = """
import asyncio
from symposia.tools.sandbox import PythonSandbox, UnavailableError
async def main():
    try:
        async with PythonSandbox() as box:
            print(box.backend)
    except UnavailableError as error:
        print(error)
asyncio.run(main())
"""


async def test_without_bubblewrap_the_native_way_is_taken(
    box: PythonSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    if (await available())["native"]:
        pytest.skip("the native backend does not work here")
    monkeypatch.setenv("PATH", "/nowhere")
    assert "install the package `bubblewrap`" in (await available())["bubblewrap"]
    async with PythonSandbox() as own:
        assert (await own.run("6 * 7")).backend == "native"


async def test_bubblewrap_is_the_first_choice(box: PythonSandbox) -> None:
    if box.backend != "bubblewrap":
        pytest.skip("about bubblewrap")
    async with PythonSandbox() as own:
        assert own.backend == "bubblewrap"


async def test_where_nothing_isolates_nothing_is_run_and_each_reason_is_told(
    unprivileged: dict[str, Any],
) -> None:
    if shutil.which("unshare") is None:
        pytest.skip("there is no `unshare`")
    script = 'echo 0 > /proc/sys/user/max_user_namespaces && exec "$@"'
    command = ["unshare", "--user", "--map-root-user", "sh", "-c", script, "sh"]
    command += [*unprivileged.pop("args"), "-c", NONE]
    ran = await asyncio.to_thread(
        subprocess.run, command, capture_output=True, text=True, **unprivileged
    )
    assert "no way to isolate code works here" in ran.stdout, ran.stderr
    assert "sysctl user.max_user_namespaces=10000" in ran.stdout
    assert "native: " in ran.stdout and "bubblewrap: " in ran.stdout


async def test_settings_that_forbid_isolation_are_named_with_their_mend() -> None:
    def read(path: str) -> str:
        return {"kernel/unprivileged_userns_clone": "0"}.get(path, "")

    assert "sysctl kernel.unprivileged_userns_clone=1" in remedies(read)[0]


async def test_packages_that_are_allowed_can_be_imported_with_what_they_need(
    box: PythonSandbox,
) -> None:
    code = "import pydantic\nclass A(pydantic.BaseModel):\n    x: int\nA(x='3')"
    async with PythonSandbox(box.backend, packages=["pydantic"], workers=1) as own:
        result = await own.run(code)
        assert (result.status, result.value) == (Status.OK, "A(x=3)"), result
        assert (await own.run("import pytest")).error_type == "ModuleNotFoundError"
        written = await own.run("open('/packages/pydantic/x', 'w')")
        assert written.error_type in ("OSError", "PermissionError")


async def test_a_package_that_is_not_installed_is_an_error_by_name() -> None:
    with pytest.raises(ValueError, match="no installed package is imported by this name"):
        PythonSandbox("native", packages=["no_such_package"])
    with pytest.raises(ValueError, match="there is no such folder"):
        PythonSandbox("native", packages=["/no/such/folder"])


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ({"seconds": 0}, "limit seconds=0: it must be a positive number"),
        ({"seconds": float("nan")}, "must be a positive number"),
        ({"memory": 10**6}, "Python needs at least"),
        ({"processes": 1.5}, "must be a whole number"),
        ({"open_files": 3}, "Python needs at least"),
    ],
)
async def test_limits_that_cannot_be_are_refused(limits: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Limits(**limits)


async def test_a_backend_that_does_not_work_says_so_when_it_is_opened(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(UnavailableError, match="bubblewrap: there is no `bwrap`"):
        await PythonSandbox("bubblewrap").open()


async def test_a_worker_that_cannot_be_confined_is_not_given_out(box: PythonSandbox) -> None:
    with pytest.raises(UnavailableError, match="could not be confined: OSError"):
        await PythonSandbox(box.backend, limits=Limits(file_count=1)).open()
