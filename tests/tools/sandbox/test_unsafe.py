"""`unsafe-subprocess`: asked for by name and leave, named everywhere, limited, cleaned up."""

from __future__ import annotations

import asyncio
import os
import tempfile
from pathlib import Path

import pytest

from symposia.tools.sandbox import Limits, PythonSandbox, Status
from symposia.tools.sandbox.unsafe import NAME


def unsafe(**limits: float) -> PythonSandbox:
    return PythonSandbox(NAME, limits=Limits(**limits), allow_unsafe=True, workers=1)


def left() -> list[str]:
    """What its workers have left in the folder for temporary files."""
    return [name for name in os.listdir(tempfile.gettempdir()) if name.startswith("symposia-unsaf")]


def test_it_is_not_taken_without_leave() -> None:
    with pytest.raises(ValueError, match="allow_unsafe=True"):
        PythonSandbox(NAME)


def test_it_is_never_the_backend_that_nobody_named() -> None:
    box = PythonSandbox(allow_unsafe=True)
    assert NAME not in [candidate.name for candidate in box._candidates]


async def test_every_result_names_it() -> None:
    async with unsafe() as box:
        assert (await box.run("1")).backend == NAME
        async with box.session() as session:
            assert (await session.run("1")).backend == NAME
        report = await box.run_tests("", ["1"])
        assert (report.backend, report.tests[0].result.backend) == (NAME, NAME)


async def test_nothing_of_the_environment_comes_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYMPOSIA_SECRET", "secret")
    async with unsafe() as box:
        result = await box.run("import os\nsorted(os.environ)")
    assert "SYMPOSIA_SECRET" not in str(result.value)


async def test_its_limits_hold() -> None:
    async with unsafe(cpu_seconds=1, memory=256 * 2**20, file_size=2**20, open_files=32) as box:
        assert (await box.run("while True: pass")).status is Status.TIMEOUT
        assert (await box.run("x = bytearray(300 * 2 ** 20)")).status is Status.MEMORY
        big = await box.run("open('big', 'wb').write(bytes(2 ** 21))")
        assert (big.status, big.error_type) == (Status.ERROR, "OSError")
        files = await box.run("files = [open(str(n), 'w') for n in range(100)]")
        assert files.error_type == "OSError"


async def test_the_whole_process_group_is_killed(tmp_path: Path) -> None:
    sign = tmp_path / "sign"
    code = (
        "import os, time\n"
        "if os.fork() == 0:\n"
        "    time.sleep(1)\n"
        f"    open({str(sign)!r}, 'w').close()\n"
        "    os._exit(0)\n"
    )
    async with unsafe() as box:
        assert (await box.run(code)).ok
        await asyncio.sleep(1.5)
    assert not sign.exists()


async def test_nothing_is_left_behind() -> None:
    before = left()
    box = unsafe()
    async with box:
        await box.run("open('file', 'w').close()")
        await box.run("while True: pass", timeout=0.2)
        await box.session().__aenter__()
    assert left() == before
    await box.close()


async def test_a_worker_that_does_not_start_makes_a_result(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("symposia.tools.sandbox.unsafe.START", "raise SystemExit('no start')")
    async with unsafe() as box:
        result = await box.run("1")
    assert result.status is Status.UNAVAILABLE
    assert "no start" in result.error


async def test_a_closed_sandbox_runs_nothing_until_it_is_opened_again() -> None:
    box = unsafe()
    for _ in range(2):
        with pytest.raises(RuntimeError, match="open the sandbox first"):
            await box.run("1")
        async with box:
            assert (await box.run("1")).ok


def test_it_runs_in_code_that_is_not_async() -> None:
    assert unsafe().run_sync("6 * 7").value == "42"
