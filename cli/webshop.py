"""The commands of `symposia webshop`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .console import plain_errors, stderr

webshop = typer.Typer(help="WebShop's data.", no_args_is_help=True)


@webshop.command(
    epilog="Example: `symposia webshop goals --data ~/webshop --seed 7 goals.json`, then "
    "`symposia bench webshop --data ~/webshop --option goals=goals.json`"
)
def goals(
    out: Annotated[Path, typer.Argument(help="The manifest to write, a JSON file.")],
    data: Annotated[
        Path | None, typer.Option(help="The folder of the official files; else a generated shop.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Decides prices and limits, and a generated shop.")] = 0,
    products: Annotated[
        int | None, typer.Option(min=1, help="Read only so many products, or generate so many.")
    ] = None,
    human: Annotated[
        bool, typer.Option("--human", help="The crowd workers' goals, not the synthetic ones.")
    ] = False,
) -> None:
    """Draw the goals of a shop and save them, so that every run plays the same."""
    from ..benchmarks.webshop import save_goals

    with plain_errors():
        shop = save_goals(out, data, products=products, human=human, seed=seed)
    stderr.print(f"{len(shop.goals)} goals in {out}")
