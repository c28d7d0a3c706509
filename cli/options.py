"""The options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Model = Annotated[
    str,
    typer.Option(
        help="tiny, hf:PATH, vllm:URL#NAME, scripted:FILE, or PROVIDER:MODEL (openai:..., ...)."
    ),
]
Data = Annotated[Path | None, typer.Option(help="The environment's data: a folder or an archive.")]
Options = Annotated[
    list[str] | None,
    typer.Option("--option", "-o", help="A setting of the environment, as name=value."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
Temperature = Annotated[
    float | None,
    typer.Option(help="Sampling temperature, 0 for greedy; else the model's."),
]
MaxCalls = Annotated[int | None, typer.Option(help="Model calls per episode, at most.")]
MaxTokens = Annotated[int | None, typer.Option(help="Tokens per episode, at most.")]
MaxSeconds = Annotated[float | None, typer.Option(help="Seconds per episode, at most.")]
MaxCost = Annotated[float | None, typer.Option(help="US dollars per episode, at most.")]
Prices = Annotated[
    Path | None,
    typer.Option(help="A JSON file of prices, in front of the packaged ones."),
]
Tape = Annotated[
    Path | None,
    typer.Option(
        help="A file that model calls are recorded to; what it holds already is not asked again."
    ),
]
Replay = Annotated[
    bool, typer.Option("--replay", help="Answer from the cassette only; no model is asked.")
]
