"""vLLM's server, started with what training needs and stopped with all its children.

vLLM pins its own torch, so it lives in an environment of its own and is only ever spoken to over
HTTP; nothing here imports it.
"""

from __future__ import annotations

import http.client
import os
import shlex
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from ..load import TINY
from .resilience import ServerError

LORA_RANK = 64
"""The highest rank of an adapter that a server takes, unless told otherwise."""
LORAS = 4
"""Adapters in one batch, unless told otherwise."""
STOPPING = ((signal.SIGTERM, 20.0), (signal.SIGKILL, 5.0))
"""How the server is told to stop, and the seconds it gets for it."""


@dataclass(frozen=True, slots=True)
class Launch:
    """How a server is started."""

    command: tuple[str, ...]
    environment: dict[str, str]
    """Variables besides those of this process."""
    host: str
    """Where it can be reached from this machine."""
    port: int
    model: str
    """The name that clients ask for."""

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}/v1"

    def __str__(self) -> str:
        """The line to type in a shell."""
        variables = (f"{name}={value}" for name, value in self.environment.items())
        return " ".join([*variables, shlex.join(self.command)])


def find_vllm(given: Path | None = None) -> str:
    """The `vllm` program: `given`, else the one in PATH.

    Raises:
        FileNotFoundError: there is none; the message says how to get it.
    """
    found = shutil.which(str(given.expanduser()) if given else "vllm")
    if found is None:
        raise FileNotFoundError(
            f"{f'{given} is no program' if given else 'there is no vllm in PATH'}: vLLM needs an "
            "environment of its own, because it pins its own torch and transformers: "
            "python -m venv vllm-env && vllm-env/bin/pip install vllm; "
            "then add --vllm vllm-env/bin/vllm"
        )
    return found


def plan(
    model: str,
    *,
    vllm: str = "vllm",
    host: str = "127.0.0.1",
    port: int = 8000,
    name: str | None = None,
    lora: bool = False,
    dev: bool = False,
    more: Sequence[str] = (),
) -> Launch:
    """The command for a server whose log-probabilities are those of the distribution sampled from.

    Args:
        model: `tiny`, `hf:PATH`, a Hugging Face folder, or a name on the Hugging Face hub.
        vllm: the program.
        name: what clients call the model; else the folder's or the hub's name.
        lora: take LoRA adapters, and load and unload them while the server runs.
        dev: open vLLM's control routes (pause, sleep, new weights) to all who reach the port.
        more: further arguments of `vllm serve`, which count over those given here.

    Raises:
        ValueError: `hf:PATH` is no Hugging Face folder.
    """
    kind, _, rest = model.partition(":")
    folder = TINY if model == "tiny" else Path(rest if kind == "hf" else model).expanduser()
    if (folder / "config.json").is_file():
        source, called = str(folder.absolute()), model if model == "tiny" else folder.name
    elif kind == "hf":
        raise ValueError(f"{model} is not a Hugging Face folder (no config.json there)")
    else:
        source = called = model
    name = name or called
    adapters = ("--enable-lora", "--max-lora-rank", str(LORA_RANK), "--max-loras", str(LORAS))
    environment = {
        **({"VLLM_ALLOW_RUNTIME_LORA_UPDATING": "True"} if lora else {}),
        **({"VLLM_SERVER_DEV_MODE": "1"} if dev else {}),
    }
    return Launch(
        command=(
            *(vllm, "serve", source, "--served-model-name", name),
            *("--host", host, "--port", str(port)),
            *("--logprobs-mode", "processed_logprobs"),
            *(adapters if lora else ()),
            *more,
        ),
        environment=environment,
        host="127.0.0.1" if host == "0.0.0.0" else host,
        port=port,
        model=name,
    )


@contextmanager
def running(launch: Launch, seconds: float) -> Iterator[subprocess.Popen[bytes]]:
    """The server's process, ready to answer; it and its children are stopped at the end.

    What it prints goes to the standard error of this process.

    Args:
        seconds: how long it may take until it is ready.

    Raises:
        ServerError: the port is taken, or the server is not ready in time.
    """
    with socket.socket() as probe:
        if probe.connect_ex((launch.host, launch.port)) == 0:
            raise ServerError(
                f"something listens on {launch.host}:{launch.port} already: "
                "stop it, or choose another --port"
            )
    process = subprocess.Popen(
        launch.command,
        env={**os.environ, **launch.environment},
        stdin=subprocess.DEVNULL,
        stdout=2,
        start_new_session=True,
    )
    try:
        _wait_until_ready(process, launch, seconds)
        yield process
    finally:
        _stop(process)


def _wait_until_ready(process: subprocess.Popen[bytes], launch: Launch, seconds: float) -> None:
    until = time.monotonic() + seconds
    while not _healthy(launch):
        if process.poll() is not None:
            raise ServerError(
                f"vllm ended with exit code {process.returncode} before it was ready: "
                "its last lines say why"
            )
        if time.monotonic() > until:
            raise ServerError(f"vllm was not ready in {seconds:g} s: give it more with --wait")
        time.sleep(0.2)


def _healthy(launch: Launch) -> bool:
    connection = http.client.HTTPConnection(launch.host, launch.port, timeout=5)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End the process and what it started: all of them are in its process group."""
    try:
        for number, seconds in STOPPING:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, number)
            with suppress(subprocess.TimeoutExpired):
                process.wait(seconds)
                return
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
