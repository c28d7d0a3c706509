"""`docker`: each worker in a container of its own, by the Docker engine of this machine.

The container has no network, no capabilities and a read-only root; its work folder and `/tmp` are
tmpfs, its user is nobody. The image needs a Python from 3.11 on and nothing else: the worker's own
code is mounted into it, with a folder that holds a socket for jobs and two pipes for what the
worker prints. Because of these the engine must share this machine's files: not one on another
host, nor in the virtual machine of Docker Desktop. A container takes hundreds of milliseconds to
start; the warm pool hides some of that. CPU time and peak memory are not measured.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import shutil
import signal
import socket
import tempfile
from dataclasses import replace
from pathlib import Path

from .backend import End, Exchange, UnavailableError
from .channel import Channel
from .limits import Limits
from .unsafe import resources
from .worker import ChannelWorker

NAME = "docker"
IMAGE = "python:3.12-slim"
"""The image that is used where none is named."""
STARTING = 60.0
"""Seconds that a container may take to start."""
ENDING = 10.0
"""Seconds that a container may take to be gone once its worker has ended."""
NOBODY = 65534
"""The user and group that the code runs as."""
START = """
import json, os, socket, sys
for number, name in (1, "stdout"), (2, "stderr"):
    pipe = os.open("/io/" + name, os.O_WRONLY)
    os.dup2(pipe, number)
    os.close(pipe)
peer = socket.socket(socket.AF_UNIX)
peer.connect("/io/jobs")
child = os.fork()
if child:
    peer.close()
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    os._exit(code if code >= 0 else 128 - code)
sys.path.insert(0, "/opt/sandbox")
from inside.plain import main
del sys.path[0]
main(peer.fileno(), json.loads(sys.argv[1]))
"""


class Docker:
    """The backend; see the module.

    Args:
        limits: of each worker; `total_memory` and `processes` are held by the container's cgroup.
        image: the image to run, which must be there: none is pulled.
    """

    name = NAME

    def __init__(self, limits: Limits, image: str = IMAGE) -> None:
        self._limits = limits
        self._image = image
        self._workers: set[DockerWorker] = set()

    async def open(self) -> None:
        """See that there is an engine that has the image.

        Raises:
            UnavailableError: there is none; the message says what to do.
        """
        code, said = await _docker("image", "inspect", "--format", "{{.Id}}", self._image)
        if code:
            raise UnavailableError(
                f"docker has no image {self._image!r} ready: {said.strip()[-300:]} "
                f"(start the engine, and `docker pull {self._image}`)"
            )

    async def worker(self) -> DockerWorker:
        """A fresh container.

        Raises:
            UnavailableError: it does not start.
        """
        worker = DockerWorker(self._limits, self._image)
        self._workers.add(worker)
        try:
            await worker.start()
        except BaseException:
            await worker.close()
            raise
        finally:
            self._workers = {each for each in self._workers if not each.removed}
        return worker

    async def close(self) -> None:
        """Remove every container."""
        await asyncio.gather(*(worker.close() for worker in self._workers))


class DockerWorker(ChannelWorker):
    """One container; see `Worker`."""

    def __init__(self, limits: Limits, image: str) -> None:
        super().__init__()
        self._limits = limits
        self._image = image
        self._name = f"symposia-{secrets.token_hex(8)}"
        self._folder = Path(tempfile.mkdtemp(prefix="symposia-docker-"))
        self._process: asyncio.subprocess.Process | None = None
        self._ready = False
        self.removed = False
        """Whether nothing is left of it."""

    @property
    def alive(self) -> bool:
        """See `Worker.alive`."""
        return self._last is None and (self._process is None or self._process.returncode is None)

    async def start(self) -> None:
        """Start the container and wait until its worker waits for a job.

        Raises:
            UnavailableError: it does not in time; the message has what Docker said.
        """
        shared = self._folder / "io"
        shared.mkdir()
        pipes = []
        try:
            with socket.socket(socket.AF_UNIX) as listening:
                listening.bind(str(shared / "jobs"))
                listening.listen(1)
                listening.setblocking(False)
                (shared / "jobs").chmod(0o666)
                for name in ("stdout", "stderr"):
                    os.mkfifo(shared / name)
                    (shared / name).chmod(0o666)
                    pipes.append(os.open(shared / name, os.O_RDONLY | os.O_NONBLOCK))
                self._process = await asyncio.create_subprocess_exec(
                    *("docker", "run", *self._options(shared), self._image),
                    *("python3", "-I", "-B", "-c", START, json.dumps(resources(self._limits))),
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=asyncio.subprocess.DEVNULL,
                    stderr=asyncio.subprocess.PIPE,
                )
                peer = await self._connected(listening)
        except BaseException:
            for pipe in pipes:
                os.close(pipe)
            raise
        self._channel = Channel(peer, pipes[0], pipes[1], self._limits.output)
        self._ready = True
        shutil.rmtree(self._folder)
        if not await self._channel.greeting(STARTING):
            raise UnavailableError(f"the worker in a container of {self._image} did not start")

    async def _end(self, exchange: Exchange) -> Exchange:
        """Remove the container and tell how its worker ended."""
        end = exchange.end or End.CLOSED
        self._last = replace(exchange, end=end)
        if self._ready:
            self._channel.wake()
        code = None
        if end is End.EXIT and self._process is not None:
            end, code = await self._ending()
        await _docker("rm", "--force", self._name)
        if self._process is not None:
            await self._process.wait()
        if self._ready:
            self._channel.drain()
            exchange = self._channel.told(exchange)
            self._channel.close()
        shutil.rmtree(self._folder, ignore_errors=True)
        self.removed = True
        told = replace(
            exchange,
            end=end,
            exit_code=code if end is End.EXIT else None,
            signal=code if end is End.SIGNAL else None,
        )
        self._last = replace(told, reply=None, stdout=b"", stderr=b"", seconds=0.0)
        return told

    async def _ending(self) -> tuple[End, int | None]:
        """How a worker ended that closed the channel, and its exit code or signal."""
        assert self._process is not None
        try:
            async with asyncio.timeout(ENDING):
                code = await self._process.wait()
        except TimeoutError:
            return End.PROTOCOL, None
        killed = code - 128
        if killed == signal.SIGKILL:
            _, said = await _docker("inspect", "--format", "{{.State.OOMKilled}}", self._name)
            if said.strip() == "true":
                return End.MEMORY, None
        if killed == signal.SIGXCPU:
            return End.TIMEOUT, None
        return (End.SIGNAL, killed) if killed > 0 else (End.EXIT, code)

    async def _connected(self, listening: socket.socket) -> socket.socket:
        """The connection that the container makes."""
        assert self._process is not None
        loop = asyncio.get_running_loop()
        accepting = asyncio.ensure_future(loop.sock_accept(listening))
        failing = asyncio.ensure_future(self._process.communicate())
        both: set[asyncio.Future[object]] = {accepting, failing}  # type: ignore[arg-type]
        try:
            done, _ = await asyncio.wait(
                both, timeout=STARTING, return_when=asyncio.FIRST_COMPLETED
            )
            if accepting in done:
                return accepting.result()[0]
            said = failing.result()[1].decode(errors="replace") if done else "no answer in time"
            raise UnavailableError(f"no container of {self._image}: {said.strip()[-300:]}")
        finally:
            accepting.cancel()
            failing.cancel()
            await asyncio.wait(both)

    def _options(self, shared: Path) -> list[str]:
        limits = self._limits
        own = f"rw,nosuid,nodev,uid={NOBODY},gid={NOBODY},mode=700"
        tmpfs = f"{own},size={limits.files},nr_inodes={limits.file_count}"
        return [
            *("--name", self._name, "--pull", "never", "--log-driver", "none"),
            *("--network", "none", "--ipc", "private", "--hostname", "box"),
            *("--read-only", "--tmpfs", f"/box/work:{tmpfs}", "--tmpfs", f"/tmp:{tmpfs}"),
            *("--shm-size", str(limits.files), "--workdir", "/box/work"),
            *(
                "--user",
                f"{NOBODY}:{NOBODY}",
                "--cap-drop",
                "ALL",
                "--security-opt",
                "no-new-privileges",
            ),
            *("--pids-limit", str(limits.processes + 1)),
            *("--memory", str(limits.total_memory), "--memory-swap", str(limits.total_memory)),
            *("--env", "HOME=/box/work", "--env", "LANG=C.UTF-8"),
            *("--volume", f"{Path(__file__).parent / 'inside'}:/opt/sandbox/inside:ro"),
            *("--volume", f"{shared}:/io"),
        ]


async def _docker(*arguments: str) -> tuple[int, str]:
    """A command of Docker: its exit code and all that it said.

    Raises:
        UnavailableError: there is no `docker`.
    """
    try:
        process = await asyncio.create_subprocess_exec(
            "docker",
            *arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
    except FileNotFoundError as error:
        raise UnavailableError("there is no program `docker`: install the Docker engine") from error
    said, _ = await process.communicate()
    return process.returncode or 0, said.decode(errors="replace")
