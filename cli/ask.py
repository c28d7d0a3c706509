"""The command `symposia ask`."""

from __future__ import annotations

import asyncio
import json
from typing import Annotated

import typer

from .console import plain_errors
from .making import budget_of, model_of, prices_of, team_of
from .options import (
    AsJson,
    MaxCalls,
    MaxCost,
    MaxSeconds,
    MaxTokens,
    Model,
    Prices,
    Replay,
    Tape,
    Temperature,
)

commands = typer.Typer()


@commands.command(
    epilog="Example: `symposia ask "
    "'Ada has 4 books. Ben gives Ada 3 more. How many books are there now?'`"
)
def ask(
    question: str,
    team: Annotated[
        str, typer.Option(help="See `symposia teams`; or your own, as module:function.")
    ] = "answer",
    model: Model = "tiny",
    temperature: Temperature = None,
    seed: int = 0,
    max_calls: MaxCalls = None,
    max_tokens: MaxTokens = None,
    max_seconds: MaxSeconds = None,
    max_cost: MaxCost = None,
    prices: Prices = None,
    cassette: Tape = None,
    replay: Replay = False,
    as_json: AsJson = False,
) -> None:
    """Ask a team one question and show who said what."""
    from dataclasses import asdict

    from ..benchmarks import Name, play
    from ..episodes import Task, to_markdown
    from ..graphs.teams import TEAMS

    with plain_errors():
        spec = team_of(team)
        if spec.acts:
            known = ", ".join(name for name, each in TEAMS.items() if not each.acts)
            raise ValueError(f"team {team!r} acts in a world; for questions there are: {known}")
        loaded = model_of(model, temperature, cassette, replay)
        table = prices_of(prices, loaded, max_cost)
        graph = spec.build(loaded)
        episode = asyncio.run(
            play(
                graph,
                Task("ask", question),
                budget=budget_of(
                    calls=max_calls, tokens=max_tokens, seconds=max_seconds, cost=max_cost
                ),
                prices=table,
                name=Name(run="ask", team=team, seed=seed),
            )
        )
    if as_json:
        print(json.dumps(asdict(episode)))
    else:
        print(to_markdown(episode))
    if episode.outcome.error:
        raise typer.Exit(1)
