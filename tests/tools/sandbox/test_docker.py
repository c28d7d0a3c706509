"""The Docker backend: what a container may do, that none is left, and what is said without one."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from symposia.tools.sandbox import Limits, PythonSandbox, Status, UnavailableError

IMAGE = os.environ.get("SYMPOSIA_SANDBOX_IMAGE")
needs_docker = pytest.mark.skipif(
    IMAGE is None, reason="set SYMPOSIA_SANDBOX_IMAGE to an image with Python, and start Docker"
)
pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def box() -> AsyncIterator[PythonSandbox]:
    limits = Limits(files=2**20, file_count=50, processes=8, cpu_seconds=2)
    async with PythonSandbox("docker", image=IMAGE, limits=limits, workers=1) as box:
        yield box


def containers() -> str:
    command = ["docker", "ps", "--all", "--quiet", "--filter", "name=symposia-"]
    return subprocess.check_output(command, text=True)


@needs_docker
@pytest.mark.parametrize(
    "code",
    [
        "import socket\nsocket.create_connection(('1.1.1.1', 53), 1)",
        "open('/etc/hosts', 'a')",
        "open('/new', 'w')",
        "open('/opt/sandbox/inside/jobs.py', 'a')",
        "open('/io/new', 'w')",
        "import os\nos.setuid(0)",
        "import os\nos.mknod('disk', 0o60600, os.makedev(254, 0))",
        "open('big', 'wb').write(bytes(2 ** 21))",
        "for number in range(100): open(str(number), 'w').close()",
        "import os\nfor number in range(100):\n"
        "    if os.fork() == 0: __import__('time').sleep(30)\n",
    ],
)
async def test_a_container_may_not(box: PythonSandbox, code: str) -> None:
    result = await box.run(code)
    assert (result.status, result.backend) == (Status.ERROR, "docker")
    assert result.error_type in (
        *("OSError", "PermissionError", "BlockingIOError", "FileNotFoundError"),
    )


@needs_docker
async def test_a_container_has_no_capabilities_and_sees_only_itself(box: PythonSandbox) -> None:
    result = await box.run(
        "import os\n"
        "status = open('/proc/self/status').read()\n"
        "caps = [line.split()[1] for line in status.splitlines() if line.startswith('Cap')]\n"
        "(os.getuid(), set(caps), 'NoNewPrivs:\\t1' in status, len(os.listdir('/io')))"
    )
    assert result.value == "(65534, {'0000000000000000'}, True, 0)"


@needs_docker
async def test_cpu_time_and_memory_of_a_container_end(box: PythonSandbox) -> None:
    assert (await box.run("while True: pass")).status is Status.TIMEOUT
    many = (
        "import os\n"
        "for _ in range(7):\n"
        "    if os.fork() == 0:\n"
        "        x = b'x' * 300_000_000\n"
        "        __import__('time').sleep(30)\n"
        "x = b'x' * 300_000_000\n"
        "__import__('time').sleep(30)\n"
    )
    result = await box.run(many, timeout=5)
    assert result.status in (Status.MEMORY, Status.TIMEOUT)


@needs_docker
async def test_no_container_and_no_folder_is_left() -> None:
    before = containers()
    async with PythonSandbox("docker", image=IMAGE, workers=2) as box:
        assert (await box.run("1")).ok
        assert (await box.run("import os\nos._exit(3)")).exit_code == 3
        session = box.session()
        await session.__aenter__()
        assert len(containers().split()) > len(before.split())
    assert containers() == before
    left = [name for name in os.listdir(tempfile.gettempdir()) if name.startswith("symposia-dock")]
    assert left == []


@needs_docker
async def test_an_image_that_is_not_there_is_refused() -> None:
    with pytest.raises(UnavailableError, match="docker pull symposia-no-such-image"):
        await PythonSandbox("docker", image="symposia-no-such-image").open()


async def test_without_docker_the_error_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UnavailableError, match="install the Docker engine"):
        await PythonSandbox("docker").open()


async def test_without_an_engine_the_error_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "docker"
    program.write_text("#!/bin/sh\necho 'Cannot connect to the Docker daemon' >&2\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with pytest.raises(UnavailableError, match="Cannot connect"):
        await PythonSandbox("docker").open()
