"""The commands of `symposia`."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from .attack import EXAMPLES as ATTACK_EXAMPLES
from .attack import attack
from .bench import (
    BENCH_EXAMPLES,
    COMPARES,
    MERGES,
    compare_runs,
    merge_stores,
    one_environment,
    require_only,
    write_pages,
)
from .console import console, plain_errors, stderr
from .memory import memory
from .sandbox import sandbox
from .serve import serve
from .webshop import webshop

if TYPE_CHECKING:
    from ..benchmarks import Environment
    from ..episodes import Budget

app = typer.Typer(
    name="symposia",
    help="Compose teams of language-model agents, run them on benchmarks, keep every turn.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)
app.add_typer(webshop, name="webshop")
app.add_typer(sandbox, name="sandbox")
app.add_typer(memory, name="memory")
memory.command(epilog=ATTACK_EXAMPLES)(attack)
app.add_typer(serve)

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


@app.command(
    epilog="Example: `symposia ask "
    "'Ada has 4 books. Ben gives Ada 3 more. How many books are there now?'`"
)
def ask(
    question: str,
    team: Annotated[str, typer.Option(help="See `symposia teams`.")] = "answer",
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
    from ..graphs.teams import TEAMS, build_team
    from ..models import PriceTable

    with plain_errors():
        if team in TEAMS and TEAMS[team].acts:
            known = ", ".join(name for name, spec in TEAMS.items() if not spec.acts)
            raise ValueError(f"team {team!r} acts in a world; for questions there are: {known}")
        graph = build_team(team, _load(model, temperature, cassette, replay))
        episode = asyncio.run(
            play(
                graph,
                Task("ask", question),
                budget=_budget(
                    calls=max_calls, tokens=max_tokens, seconds=max_seconds, cost=max_cost
                ),
                prices=PriceTable.load(prices),
                name=Name(run="ask", team=team, seed=seed),
            )
        )
    if as_json:
        print(json.dumps(asdict(episode)))
    else:
        print(to_markdown(episode))
    if episode.outcome.error:
        raise typer.Exit(1)


@app.command(epilog=BENCH_EXAMPLES)
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
        typer.Option(help="See `symposia teams`; `answer` for questions, `act` for worlds."),
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
    from ..graphs.teams import TEAMS, build_team
    from ..models import PriceTable, ScriptedModel, fingerprint

    with plain_errors():
        _will_write(html, "matplotlib", "jinja2")
        _will_write(markdown)
        if compare or merge:
            require_only(context, COMPARES if compare else MERGES)
            if compare:
                compare_runs(names or [], store, html, markdown, as_json)
            else:
                merge_stores(names or [], store, run, as_json)
            return
        environment = one_environment(names)
        part = Shard.parse(shard) if shard else None
        settings = _settings(data, option)
        world = _environment(environment, settings)
        team = team or ("answer" if world.max_steps == 1 else "act")
        if team in TEAMS and TEAMS[team].expert:
            if (model, temperature, cassette, replay) != ("tiny", None, None, False):
                raise ValueError(f"team {team!r} asks no model: leave out what is said about one")
            world = _with_expert(world, environment, settings, TEAMS[team].expert)
            model, loaded = "none", ScriptedModel([])
        else:
            loaded = _load(model, temperature, cassette, replay)
        graph = build_team(team, loaded)
        if world.max_steps > 1 and not TEAMS[team].acts:
            known = ", ".join(name for name, spec in TEAMS.items() if spec.acts)
            raise ValueError(
                f"team {team!r} answers questions; {world.name} needs one that acts: {known}"
            )
        name = run or "-".join(
            [
                environment.rpartition(":")[2],
                split or world.default_split,
                team,
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
                    budget=_budget(
                        calls=max_calls,
                        tokens=max_tokens,
                        seconds=max_seconds,
                        tool_calls=max_tool_calls,
                        cost=max_cost,
                    ),
                    run_budget=_budget(cost=run_cost),
                    prices=PriceTable.load(prices),
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


@app.command(
    "play",
    epilog="Examples: `symposia play alfworld` · "
    "`symposia play alfworld --task 3 --actions actions.txt --json`",
)
def play_command(
    environment: Annotated[
        str,
        typer.Argument(help="A name (`symposia environments`), or your own as module:Class."),
    ],
    data: Data = None,
    split: Annotated[str | None, typer.Option(help="Else the environment's choice.")] = None,
    task: Annotated[
        str, typer.Option(help="An index, a task id, or (ALFWorld) the path of a game file.")
    ] = "0",
    actions: Annotated[Path | None, typer.Option(help="A file with one action a line.")] = None,
    option: Options = None,
    as_json: AsJson = False,
) -> None:
    """Play an environment yourself, or script it with `--actions`."""
    from .play import interactive, scripted, the_end

    with plain_errors():
        if as_json and actions is None:
            raise ValueError("--json is for scripted play: add --actions FILE")
    with plain_errors(), _environment(environment, _settings(data, option)) as world:
        chosen = _task(world, split, task)
        if actions is None:
            interactive(world, chosen, console)
            return
        lines = actions.read_text(encoding="utf-8").splitlines()
        for record in scripted(world, chosen, [line for line in lines if line.strip()]):
            if as_json:
                print(json.dumps(record), flush=True)
            else:
                said = f"> {record['action']}" if record["action"] else ""
                console.print(said, style="bold")
                console.print(record["text"])
        if record["done"] and not as_json:
            console.print(the_end(record["reward"]), style="bold")


@app.command(epilog="Example: `symposia draw act-refine --png team.png`")
def draw(
    team: str,
    png: Annotated[Path | None, typer.Option(help="Write a picture here.")] = None,
    mermaid: Annotated[Path | None, typer.Option(help="Write Mermaid text here.")] = None,
) -> None:
    """Draw a team's graph: Mermaid on the terminal, or to a file, or as a PNG."""
    from ..graphs.drawing import to_mermaid, to_png
    from ..graphs.teams import build_team
    from ..models import ScriptedModel

    with plain_errors():
        for picture in (png, mermaid):
            _will_write(picture)
        graph = build_team(team, ScriptedModel([]))
        text = to_mermaid(graph)
        if mermaid:
            mermaid.write_text(text, encoding="utf-8")
        if png:
            to_png(graph, png)
    if not (png or mermaid):
        print(text)


@app.command()
def teams(as_json: AsJson = False) -> None:
    """List the teams."""
    from ..graphs.teams import TEAMS

    if as_json:
        listed = [
            {"name": spec.name, "summary": spec.summary, "acts": spec.acts}
            for spec in TEAMS.values()
        ]
        print(json.dumps(listed))
        return
    table = Table("team", "for", "what it does")
    for spec in TEAMS.values():
        table.add_row(spec.name, "worlds" if spec.acts else "questions", spec.summary)
    console.print(table)


@app.command(name="environments")
def environments_command(as_json: AsJson = False) -> None:
    """List the environments that `bench` and `play` know by name."""
    from dataclasses import asdict

    from .environments import environments

    listed = environments()
    if as_json:
        print(json.dumps([asdict(each) for each in listed]))
        return
    table = Table("environment", "splits", "what it is")
    for each in listed:
        table.add_row(each.name, ", ".join(each.splits), each.summary or each.missing)
    console.print(table)


@app.command()
def doctor(as_json: AsJson = False) -> None:
    """Say what is installed, what is missing for which feature, and how to get it."""
    from dataclasses import asdict

    from .doctor import diagnose, render

    checks = diagnose()
    if as_json:
        print(json.dumps([asdict(check) for check in checks]))
    else:
        console.print(render(checks))


@app.command()
def systems(as_json: AsJson = False) -> None:
    """List the published methods that are implemented, with module and test."""
    from dataclasses import asdict

    from .systems import systems as implemented

    with plain_errors():
        found = implemented()
    if as_json:
        print(json.dumps([asdict(system) for system in found]))
        return
    table = Table("method", "arXiv", "kind", "module")
    for system in found:
        table.add_row(system.title, system.arxiv, system.kind, system.module)
    console.print(table)


@app.command(epilog="Example: `symposia show arithmetic-test-answer-tiny-0 arithmetic:test/0/3`")
def show(
    run: Annotated[str, typer.Argument(help="The run's name.")],
    task: Annotated[
        str | None, typer.Argument(help="A task's id; without one they are listed.")
    ] = None,
    attempt: Annotated[int, typer.Option(min=0, help="Which of the task's episodes.")] = 0,
    store: Annotated[Path, typer.Option(help="Folder that keeps the episodes.")] = Path("runs"),
    as_json: AsJson = False,
) -> None:
    """Show one episode, turn by turn; or list those of a run and how they ended."""
    from dataclasses import asdict

    from ..benchmarks import Report
    from ..episodes import EpisodeStore, to_markdown

    with plain_errors(), EpisodeStore(store, create=False) as kept:
        kept.manifest(run)
        if task is not None:
            episode = kept.episode(run, task, attempt)
            print(json.dumps(asdict(episode)) if as_json else to_markdown(episode))
            return
        rows = Report.stored(kept, run).rows
    if as_json:
        print(json.dumps([asdict(row) for row in rows]))
        return
    table = Table("task", "attempt", "score", "steps", "tokens", "how it ended")
    for row in rows:
        score, tokens = f"{row.score:.2f}", str(row.tokens)
        table.add_row(row.task, str(row.attempt), score, str(row.steps), tokens, row.stop)
    console.print(table)


@app.command(epilog="Example: `symposia export runs alfworld-generated-act-tiny-0 e.parquet`")
def export(store: Path, run: str, out: Path) -> None:
    """Write the episodes of a run as JSON lines (`.jsonl`) or Parquet (`.parquet`)."""
    from ..episodes import EpisodeStore
    from ..episodes import export as write

    with plain_errors(), EpisodeStore(store, create=False) as kept:
        kept.manifest(run)
        count = write(kept.episodes(run), out)
    stderr.print(f"{count} episodes in {out}")


def _load(
    spec: str, temperature: float | None, cassette: Path | None = None, replay: bool = False
) -> Any:
    from pydantic import ValidationError

    from ..models import Cassette, load_model

    if replay and cassette is None:
        raise ValueError("--replay needs a cassette: add --cassette FILE")
    tape = Cassette(cassette, "replay" if replay else "lenient") if cassette else None

    if spec == "tiny" or spec.startswith("hf:"):
        _hush_transformers()
    try:
        options = {} if temperature is None else {"temperature": temperature}
        return load_model(spec, cassette=tape, **options)
    except ValidationError as error:
        wrong = error.errors()[0]
        unknown = wrong["type"] == "extra_forbidden"
        reason = "this model has no such setting" if unknown else wrong["msg"]
        field = ".".join(map(str, wrong["loc"]))
        raise ValueError(f"model {spec!r}: {field}={wrong['input']!r}: {reason}") from error


def _hush_transformers() -> None:
    """One progress bar on the screen is enough, and it is the run's."""
    with suppress(ImportError):
        from transformers.utils import logging

        logging.disable_progress_bar()  # type: ignore[no-untyped-call]


def _budget(**limits: Any) -> Budget:
    from ..episodes import Budget

    return Budget(**limits)


def _will_write(file: Path | None, *packages: str) -> None:
    """Refuse, before the work, a file that could not be written after it."""
    if file is None:
        return
    for package in packages:
        if find_spec(package) is None:
            raise ImportError(f'{file} needs {package}: pip install "symposia[view]"')
    if file.is_dir() or not os.access(file.parent, os.W_OK | os.X_OK):
        raise ValueError(f"cannot write {file}: name a file in a folder that can be written")


def _settings(data: Path | None, options: list[str] | None) -> dict[str, Any]:
    """What the user set of the environment."""
    settings: dict[str, Any] = {} if data is None else {"data": str(data)}
    for pair in options or []:
        key, equals, text = pair.partition("=")
        if not equals:
            raise ValueError(f"--option {pair!r}: write it as name=value")
        try:
            settings[key] = json.loads(text)
        except json.JSONDecodeError:
            settings[key] = text
    return settings


def _environment(name: str, settings: dict[str, Any]) -> Environment:
    from ..benchmarks import make_environment

    if ":" in name:
        sys.path.append("")  # the user's module may stand in the current folder
    return make_environment(name, **settings)


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
    return _environment(name, settings)


def _task(environment: Environment, split: str | None, wanted: str) -> Any:
    """The task at an index, with an id, or in a game file."""
    from_file = getattr(environment, "task_from_file", None)
    if from_file is not None and Path(wanted).is_file():
        return from_file(wanted)
    split = split or environment.default_split
    tasks = environment.tasks(split)
    if wanted.isdecimal() and int(wanted) < len(tasks):
        return tasks[int(wanted)]
    for task in tasks:
        if task.id == wanted:
            return task
    example = f", for example {tasks[0].id!r}" if tasks else ""
    raise ValueError(
        f"no task {wanted!r} in split {split!r}: give an index below {len(tasks)}"
        f" or a task id{example}"
    )


def _slug(model: str) -> str:
    return "".join(c if c.isalnum() or c in "._" else "-" for c in model).strip("-")
