"""The command `symposia bench`."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .console import console, plain_errors, stderr
from .making import budget_of, model_of, prices_of, settings_of, team_of, will_write, world_of
from .options import (
    AsJson,
    Data,
    MaxCalls,
    MaxCost,
    MaxSeconds,
    MaxTokens,
    Model,
    Options,
    Prices,
    Replay,
    Tape,
    Temperature,
)
from .runs import compare_runs, merge_stores, write_pages

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

    from ..benchmarks import Environment

commands = typer.Typer()

EXAMPLES = """Examples:

- a team on 20 games: `symposia bench alfworld --team act --limit 20`
- the official games, and a page: `symposia bench alfworld --data $ALFWORLD_DATA --split valid_seen
  --team act-refine --model openai:gpt-5-mini --html report.html`
- one part of eight, on each of eight machines: `symposia bench alfworld --run mine --shard 3/8`
- the parts together: `symposia bench --merge machine1/runs machine2/runs --store runs`
- two runs against each other: `symposia bench --compare first second --html compared.html
  --markdown compared.md`
- all runs of a store, ranked: `symposia bench --compare --store runs`
"""
COMPARES = ("compare", "names", "store", "html", "markdown", "as_json")
"""The parameters of `symposia bench` that mean something with --compare."""
MERGES = ("merge", "names", "store", "run", "as_json")
"""Those that mean something with --merge."""


@commands.command(epilog=EXAMPLES)
def bench(
    context: typer.Context,
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="ENVIRONMENT | RUN... | STORE...",
            help="A name (`symposia environments` lists them), or your own as module:Class; with "
            "--compare the runs, with --merge the stores.",
            show_default=False,
        ),
    ] = None,
    team: Annotated[
        str | None,
        typer.Option(
            help="See `symposia teams`, or module:function; else `answer` for questions, "
            "`act` for worlds."
        ),
    ] = None,
    model: Model = "tiny",
    split: Annotated[str | None, typer.Option(help="Else the environment's choice.")] = None,
    data: Data = None,
    option: Options = None,
    limit: Annotated[int | None, typer.Option(help="Play only the first so many tasks.")] = None,
    shard: Annotated[
        str | None, typer.Option(help="Play only this part of the tasks, for example 3/8.")
    ] = None,
    attempts: Annotated[int, typer.Option(help="Episodes per task.")] = 1,
    seed: int = 0,
    temperature: Temperature = None,
    max_calls: MaxCalls = None,
    max_tokens: MaxTokens = None,
    max_seconds: MaxSeconds = None,
    max_cost: MaxCost = None,
    prices: Prices = None,
    cassette: Tape = None,
    replay: Replay = False,
    max_tool_calls: Annotated[
        int | None, typer.Option(help="Actions and tool runs per episode, at most.")
    ] = None,
    run_cost: Annotated[
        float | None, typer.Option(help="US dollars for the whole run, at most.")
    ] = None,
    concurrency: Annotated[int, typer.Option(help="Episodes at once.")] = 32,
    workers: Annotated[
        int | None,
        typer.Option(help="Processes for environments that use them; else one per core."),
    ] = None,
    store: Annotated[Path, typer.Option(help="Folder that keeps every episode.")] = Path("runs"),
    run: Annotated[
        str | None,
        typer.Option(help="The run's name; a run that is there goes on."),
    ] = None,
    html: Annotated[Path | None, typer.Option(help="Write an HTML report here.")] = None,
    markdown: Annotated[Path | None, typer.Option(help="Write Markdown tables here.")] = None,
    compare: Annotated[
        bool,
        typer.Option(
            "--compare", help="Compare stored runs with the first; without runs, the leaderboard."
        ),
    ] = False,
    merge: Annotated[
        bool, typer.Option("--merge", help="Merge the shards in these stores into --store.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Run a team on a benchmark, or compare what ran; start a run again under its name to resume.

    Every run leaves its line in `leaderboard.jsonl`, beside its episodes.
    """
    from ..benchmarks import Leaderboard, Shard, evaluate
    from ..episodes import EpisodeStore
    from ..graphs.teams import TEAMS
    from ..models import ScriptedModel, fingerprint

    with plain_errors():
        will_write(html, "matplotlib", "jinja2")
        will_write(markdown)
        if compare or merge:
            require_only(context, COMPARES if compare else MERGES)
            if compare:
                compare_runs(names or [], store, html, markdown, as_json)
            else:
                merge_stores(names or [], store, run, as_json)
            return
        environment = one_environment(names)
        part = Shard.parse(shard) if shard else None
        settings = settings_of(data, option)
        world = world_of(environment, settings)
        loaded: BaseChatModel
        team = team or ("answer" if world.max_steps == 1 else "act")
        spec = team_of(team)
        if spec.expert:
            if (model, temperature, cassette, replay) != ("tiny", None, None, False):
                raise ValueError(f"team {team!r} asks no model: leave out what is said about one")
            world = _with_expert(world, environment, settings, spec.expert)
            model, loaded, table = "none", ScriptedModel([]), prices_of(prices)
        else:
            loaded = model_of(model, temperature, cassette, replay)
            table = prices_of(prices, loaded, max_cost, run_cost)
        graph = spec.build(loaded)
        if world.max_steps > 1 and spec.acts is False:
            known = ", ".join(name for name, each in TEAMS.items() if each.acts)
            raise ValueError(
                f"team {team!r} answers questions; {world.name} needs one that acts: {known}"
            )
        name = run or "-".join(
            [
                environment.rpartition(":")[2],
                split or world.default_split,
                team.rpartition(":")[2],
                _slug(model),
                str(seed),
            ]
        )
        with _resumable(name), EpisodeStore(store) as kept:
            report = asyncio.run(
                evaluate(
                    graph,
                    world,
                    split=split,
                    limit=limit,
                    shard=part,
                    attempts=attempts,
                    seed=seed,
                    budget=budget_of(
                        calls=max_calls,
                        tokens=max_tokens,
                        seconds=max_seconds,
                        tool_calls=max_tool_calls,
                        cost=max_cost,
                    ),
                    run_budget=budget_of(cost=run_cost),
                    prices=table,
                    concurrency=concurrency,
                    workers=workers,
                    store=kept,
                    run=name,
                    name=team,
                    config={
                        "model": model,
                        "weights": fingerprint(loaded),
                        "temperature": temperature,
                        **({"settings": settings} if settings else {}),
                    },
                    progress=not as_json,
                )
            )
    if as_json:
        print(report.to_json())
    else:
        console.print(report.table())
        console.print(f"run {report.run} in {store}")
    with plain_errors():
        write_pages([report], html, markdown)
        if report.rows:
            Leaderboard(store).add(report)
    if len(report.errors) == len(report.rows):
        raise typer.Exit(1)


def require_only(context: typer.Context, allowed: Sequence[str]) -> None:
    """Refuse settings that would be ignored.

    Raises:
        ValueError: one was given; the message names it.
    """
    for parameter in context.command.params:
        source = context.get_parameter_source(parameter.name or "")
        given = source is not None and source.name == "COMMANDLINE"
        if given and parameter.name not in allowed:
            raise ValueError(f"{parameter.opts[0]} means nothing with --{allowed[0]}: leave it out")


def one_environment(names: Sequence[str] | None) -> str:
    """The environment to run.

    Raises:
        ValueError: there is none, or more than one name.
    """
    if not names:
        raise ValueError(
            "name an environment to run, or runs with --compare, or stores with --merge"
        )
    if len(names) > 1:
        raise ValueError(
            f"{len(names)} names given ({', '.join(names)}): a run has one environment; several "
            "names are for --compare and --merge"
        )
    return names[0]


@contextmanager
def _resumable(run: str) -> Iterator[None]:
    """Say how a run that is interrupted goes on."""
    try:
        yield
    except KeyboardInterrupt:
        stderr.print(f"interrupted; the same command with --run {run} goes on where it stopped")
        raise


def _with_expert(
    world: Environment, name: str, settings: dict[str, Any], expert: str
) -> Environment:
    """The same world made anew, so that it tells what its expert would do."""
    wanted = next(iter(world.experts), "usual") if expert == "usual" else expert
    if wanted not in world.experts:
        which = "expert" if wanted == "usual" else f"{wanted} expert"
        raise ValueError(
            f"{world.name} has no {which}; it has: {', '.join(world.experts) or 'none'}"
        )
    asked = settings.setdefault("expert", wanted)
    if expert != "usual" and asked != wanted:
        raise ValueError(f"team {expert!r} follows the {wanted}, and --option says expert={asked}")
    return world_of(name, settings)


def _slug(model: str) -> str:
    return "".join(c if c.isalnum() or c in "._" else "-" for c in model).strip("-")
