"""`symposia memory attack`: how much of an attack on memories comes through."""

from __future__ import annotations

import asyncio
import json
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import Progress

from .console import console, plain_errors, stderr

EXAMPLES = (
    "Examples: `symposia memory attack --episodes 12` · "
    "`symposia memory attack --attack trigger --attack order --defence none --defence auditor` · "
    "`symposia memory attack --curve --plot attacks.png --markdown attacks.md`"
)


def attack(
    attacks: Annotated[
        list[str] | None,
        typer.Option("--attack", help="Only this one; may be given often. Else all."),
    ] = None,
    defences: Annotated[
        list[str] | None,
        typer.Option("--defence", help="Only this one; may be given often. Else all."),
    ] = None,
    episodes: Annotated[
        int, typer.Option(min=1, help="Scenes for each pair of attack and defence.")
    ] = 60,
    seed: int = 0,
    model: Annotated[
        str | None,
        typer.Option(
            help="Plays victim, path writer and auditor (tiny, hf:PATH, PROVIDER:MODEL, ...); "
            "else scripted models that believe what they read."
        ),
    ] = None,
    temperature: Annotated[
        float | None, typer.Option(help="Of that model, 0 for greedy; else its own.")
    ] = None,
    error: Annotated[
        float, typer.Option(min=0, max=1, help="The scripted auditor's chance of an error.")
    ] = 0.0,
    curve: Annotated[
        bool, typer.Option("--curve", help="Measure from which planted share on consensus fails.")
    ] = False,
    concurrency: Annotated[
        int | None, typer.Option(min=1, help="Trials at once; else 1 when scripted, or 8.")
    ] = None,
    format: Annotated[str, typer.Option(help="How models write: tags or json.")] = "tags",
    plot: Annotated[Path | None, typer.Option(help="Draw it here (.png, .svg, .pdf).")] = None,
    markdown: Annotated[Path | None, typer.Option(help="Write Markdown tables here.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")] = False,
) -> None:
    """Attack a memory with planted records, and see what stands against it.

    All is seeded and made up; nothing is downloaded. Each attack has a benign twin, in which the
    same is planted without harm: there the right action is counted.
    """
    from ..benchmarks.memory_attacks import AttackRun, save_plot
    from ..models import load_model

    with plain_errors():
        if plot and find_spec("matplotlib") is None:
            raise ImportError('pictures need matplotlib: pip install "symposia[view]"')
        for file in (plot, markdown):
            if file and not file.resolve().parent.is_dir():
                raise ValueError(f"cannot write {file}: there is no folder {file.resolve().parent}")
        if temperature is not None and model is None:
            raise ValueError("--temperature is for a --model; scripted models have none")
        options: dict[str, Any] = {} if temperature is None else {"temperature": temperature}
        run = AttackRun(
            attacks or (),
            defences or (),
            episodes=episodes,
            seed=seed,
            model=load_model(model, **options) if model else None,
            error=error,
            shares=curve,
            concurrency=concurrency or (8 if model else 1),
            format=format,
        )
        with Progress(console=stderr, disable=as_json, transient=True) as bar:
            task = bar.add_task("trials", total=run.total)
            report = asyncio.run(run.play(lambda trial: bar.advance(task)))
        if markdown:
            markdown.write_text(report.to_markdown(), encoding="utf-8")
        if plot:
            save_plot(report, plot)
    if as_json:
        print(json.dumps(report.to_dict()))
    else:
        console.print(report.table())
