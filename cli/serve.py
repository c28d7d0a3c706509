"""The command `symposia serve`."""

from __future__ import annotations

import json
import signal
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from .console import plain_errors, stderr

serve = typer.Typer()


@serve.command(
    "serve",
    epilog="Examples: `symposia serve hf:models/qwen --lora --vllm vllm-env/bin/vllm` · "
    "`symposia serve tiny --dry-run -- --dtype float32`, then "
    "`symposia ask '2 + 2?' --model vllm:http://127.0.0.1:8000#tiny`",
)
def serve_command(
    model: Annotated[str, typer.Argument(help="tiny, hf:PATH, a folder, or a hub's model.")],
    more: Annotated[
        list[str] | None, typer.Argument(help="After `--`: further arguments of `vllm serve`.")
    ] = None,
    port: Annotated[int, typer.Option(min=1, max=65535)] = 8000,
    host: Annotated[str, typer.Option(help="0.0.0.0 lets other machines in.")] = "127.0.0.1",
    name: Annotated[
        str | None, typer.Option(help="What clients call the model; else its own name.")
    ] = None,
    lora: Annotated[
        bool, typer.Option("--lora", help="Take LoRA adapters, also new ones while it runs.")
    ] = False,
    dev: Annotated[
        bool,
        typer.Option("--dev", help="Open vLLM's control routes to all who reach the port."),
    ] = False,
    vllm: Annotated[
        Path | None, typer.Option(help="The vllm program, in its own environment; else from PATH.")
    ] = None,
    wait: Annotated[float, typer.Option(min=0, help="Seconds it may take to be ready.")] = 900,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the command and do nothing.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Serve a model with vLLM, for any number of clients, with exact tokens."""
    from ..models.served.launch import find_vllm, plan, running

    with plain_errors():
        program = str(vllm or "vllm") if dry_run else find_vllm(vllm)
        launch = plan(
            model,
            vllm=program,
            host=host,
            port=port,
            name=name,
            lora=lora,
            dev=dev,
            more=more or (),
        )
    about = {**asdict(launch), "url": launch.url}
    if dry_run:
        print(json.dumps(about) if as_json else launch)
        return
    for number in (signal.SIGINT, signal.SIGTERM):  # a shell's background job ignores the first
        signal.signal(number, signal.default_int_handler)
    try:
        with plain_errors(), running(launch, wait) as process:
            stderr.print(f"ready: --model vllm:{launch.url}#{launch.model} (Ctrl-C stops it)")
            if as_json:
                print(json.dumps({**about, "pid": process.pid}), flush=True)
            code = process.wait()
    except KeyboardInterrupt:
        stderr.print("stopped")
        return
    stderr.print(f"error: vllm ended with exit code {code}", style="red")
    raise typer.Exit(1)
