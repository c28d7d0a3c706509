"""The commands of `symposia sandbox`."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from .console import console, plain_errors, stderr, visible

if TYPE_CHECKING:
    from ..tools.sandbox import Limits, PythonSandbox, Result

sandbox = typer.Typer(help="Run Python code that nobody trusts.", no_args_is_help=True)

Backend = Annotated[
    str | None,
    typer.Option(help="bubblewrap, native, docker, remote, ...; else the first that works here."),
]
Unsafe = Annotated[
    bool,
    typer.Option("--allow-unsafe", help="Take unsafe-subprocess too, which does not isolate."),
]
Packages = Annotated[
    list[str] | None,
    typer.Option("--package", help="A package that the code may import; may be given often."),
]
Image = Annotated[
    str | None, typer.Option(help="For docker: an image with Python; else python:3.12-slim.")
]
Seconds = Annotated[float | None, typer.Option(help="Wall-clock seconds, at most.")]
Memory = Annotated[int | None, typer.Option(help="MiB of address space per process, at most.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@sandbox.command(
    epilog="Examples: `symposia sandbox run script.py` · `echo '6 * 7' | symposia sandbox run -` · "
    "`symposia sandbox run plot.py --file data.csv --collect 'out/*.png' --out results --json`"
)
def run(
    script: Annotated[str, typer.Argument(help="A file with Python code, or - for the input.")],
    backend: Backend = None,
    url: Annotated[str | None, typer.Option(help="For remote: where the server is.")] = None,
    token: Annotated[
        str | None, typer.Option(help="For remote; else $SYMPOSIA_SANDBOX_TOKEN.")
    ] = None,
    image: Image = None,
    package: Packages = None,
    seconds: Seconds = None,
    memory: Memory = None,
    file: Annotated[
        list[Path] | None, typer.Option(help="A file to bring in, under its own name.")
    ] = None,
    collect: Annotated[
        list[str] | None, typer.Option(help="Files to bring back: a pattern such as 'out/*.csv'.")
    ] = None,
    out: Annotated[Path, typer.Option(help="The folder for what is brought back.")] = Path("."),
    allow_unsafe: Unsafe = False,
    as_json: AsJson = False,
) -> None:
    """Run a script in the sandbox; exit code 0 says that it went well."""
    with plain_errors():
        code = sys.stdin.read() if script == "-" else Path(script).read_text(encoding="utf-8")
        files = {path.name: path.read_bytes() for path in file or ()}
        limits = _limits(seconds, memory)
    with _errors():
        box = _box(
            backend,
            limits=limits,
            packages=package or (),
            allow_unsafe=allow_unsafe,
            image=image,
            url=url,
            token=token,
            workers=0,
        )
        result = box.run_sync(code, files=files, collect=collect or ())
    with plain_errors():
        if collect:
            _save(result.files, out)
    if as_json:
        print(json.dumps({**asdict(result), "files": sorted(result.files)}))
    else:
        _show(result)
    if not result.ok:
        raise typer.Exit(1)


@sandbox.command(
    epilog="Example: `SYMPOSIA_SANDBOX_TOKEN=$(openssl rand -hex 16) symposia sandbox serve`, then "
    "`symposia sandbox run script.py --backend remote --url http://127.0.0.1:8321`"
)
def serve(
    host: Annotated[str, typer.Option(help="0.0.0.0 lets other machines in.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 8321,
    token: Annotated[
        str | None,
        typer.Option(help="What clients must show; else $SYMPOSIA_SANDBOX_TOKEN, else a new one."),
    ] = None,
    backend: Backend = None,
    image: Image = None,
    package: Packages = None,
    workers: Annotated[int, typer.Option(min=0, help="Workers kept warm.")] = 4,
    seconds: Seconds = None,
    memory: Memory = None,
    allow_unsafe: Unsafe = False,
    as_json: AsJson = False,
) -> None:
    """Let others run code in this machine's sandbox, over HTTP."""
    import secrets
    import signal
    import socket

    from ..tools.sandbox.remote import TOKEN

    with plain_errors():
        if not (find_spec("starlette") and find_spec("uvicorn")):
            raise ImportError('the server needs more: pip install "symposia[sandbox-server]"')
        if backend == "remote":
            raise ValueError("backend 'remote' serves nothing: name one of this machine")
        limits = _limits(seconds, memory)
        listening = socket.create_server((host, port))
        address = f"http://{host}:{listening.getsockname()[1]}"
        given = token or os.environ.get(TOKEN)
        token = given or secrets.token_hex(16)

    async def answer() -> None:
        from ..tools.sandbox.server import Server
        from ..tools.sandbox.server import serve as forever

        async with _box(
            backend,
            limits=limits,
            packages=package or (),
            allow_unsafe=allow_unsafe,
            image=image,
            workers=workers,
        ) as box:
            stderr.print(f"ready: {box.backend} at {address} (Ctrl-C stops it)")
            if not given:
                stderr.print(f"token: {token}")
            if as_json:
                ready = {"url": address, "backend": box.backend, "pid": os.getpid()}
                print(json.dumps({**ready, "token": token}), flush=True)
            await forever(Server(box.take, box.backend, box.limits, token), listening)

    for number in (signal.SIGINT, signal.SIGTERM):  # a shell's background job ignores the first
        signal.signal(number, _stop)
    try:
        with _errors(), listening:
            asyncio.run(answer())
    except KeyboardInterrupt:
        stderr.print("stopped")


@sandbox.command(epilog="Example: `symposia sandbox status --json`")
def status(as_json: AsJson = False) -> None:
    """Say which backends work on this machine, and of the others why not."""
    from ..tools.sandbox.backends import NAMES

    told = {name: asyncio.run(_try(name)) for name in NAMES if name != "remote"}
    if as_json:
        rows = [{"backend": name, "works": not why, "why": why} for name, why in told.items()]
        print(json.dumps(rows))
        return
    table = Table("backend", "works", "why not")
    for name, why in told.items():
        table.add_row(name, "no" if why else "yes", why)
    console.print(table)
    console.print("remote: start a server with `symposia sandbox serve`")


def _stop(number: int, frame: object) -> None:
    """End the server where it stands; asyncio's own way would cancel its tidying up too."""
    raise KeyboardInterrupt


async def _try(backend: str) -> str:
    """Why a backend does not run code here; empty where it does."""
    from ..tools.sandbox import UnavailableError

    try:
        async with _box(backend, allow_unsafe=True, workers=0) as box:
            result = await box.run("6 * 7")
    except UnavailableError as error:
        return str(error)
    return "" if result.value == "42" else f"{result.status}: {result.error}"


def _box(backend: str | None, **settings: Any) -> PythonSandbox:
    from ..tools.sandbox import PythonSandbox

    return PythonSandbox(backend, **settings)


def _limits(seconds: float | None, memory: int | None) -> Limits | None:
    """What was asked for; None where nothing was."""
    from ..tools.sandbox import Limits

    wanted: dict[str, Any] = {}
    if seconds is not None:
        wanted["seconds"] = seconds
    if memory is not None:
        wanted["memory"] = memory * 2**20
    return Limits(**wanted) if wanted else None


@contextmanager
def _errors() -> Iterator[None]:
    from ..tools.sandbox import UnavailableError

    with plain_errors():
        try:
            yield
        except UnavailableError as error:
            raise ValueError(str(error)) from error


def _save(files: Mapping[str, bytes], folder: Path) -> None:
    """Write what was brought back; a link in the folder leads nothing out of it.

    Raises:
        ValueError: a link stands where a file or its folder is to be.
    """
    for name, content in files.items():
        target = folder / name
        for place in (target, *target.parents):
            if place == folder:
                break
            if place.is_symlink():
                raise ValueError(f"{place} is a link: nothing is written through it")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)


def _show(result: Result) -> None:
    """The result for a person; nothing of it can command the terminal."""
    print(visible(result.stdout), end="")
    print(visible(result.stderr), end="", file=sys.stderr)
    if result.value is not None:
        print(visible(result.value))
    if not result.ok:
        print(visible(result.traceback), end="", file=sys.stderr)
        stderr.print(f"{result.status}: {visible(result.error)} [{result.backend}]", style="red")
    if result.truncated:
        stderr.print("the output was cut: it is longer than the limits allow")
    for name in result.left_out:
        stderr.print(f"left out: {visible(name)} (too large, or one too many)")
