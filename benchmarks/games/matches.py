"""Many matches at once, each stored as it ends, resumable: as `evaluate` is, but for self-play.

The tasks are those of a game's environment, and each is one game. The team sits where the task
says, and an opponent in the other seats; without one the team plays every seat itself. All players'
episodes are stored, those of the opponent too, so a recipe learns from both sides of a game
(SPIRAL, arXiv 2506.24119). The environment's built-in player has no part in it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import nullcontext

from ...episodes import Budget, Episode, EpisodeStore, Task, manifest
from ..environment import Environment
from ..progress import ProgressBar
from ..reports import Report, Row
from ..rollout import AnyTeam, team_name
from .environment import GameEnvironment
from .match import play_match


async def play_matches(
    team: AnyTeam,
    environment: Environment,
    *,
    opponent: AnyTeam | None = None,
    split: str | None = None,
    tasks: Sequence[Task] | None = None,
    limit: int | None = None,
    attempts: int = 1,
    seed: int = 0,
    budget: Budget | None = None,
    concurrency: int = 32,
    store: EpisodeStore | None = None,
    run: str | None = None,
    name: str | None = None,
    progress: bool = True,
) -> Report:
    """Play a match for each task and attempt.

    With a store, a match is written when it is over, and a run that was killed goes on where it
    stopped; a match in which a player ended in an error is played again.

    Args:
        team: plays the seat of the task, and without an opponent all others too.
        environment: one of the games.
        opponent: plays the other seats.
        split: the split to play; by default the environment's own choice.
        tasks: the tasks themselves, instead of a split; each deals a game of its own.
        limit: play only the first so many.
        attempts: matches per task, with the same deal.
        seed: of what models draw.
        budget: limits of each player.
        concurrency: matches at once.
        store: where episodes go.
        run: the run's name in the store; by default made from environment, team and seed.
        name: what the report calls the team; by default the graph's.
        progress: show a live bar.

    Returns:
        The team's episodes: of all seats where it has no opponent.

    Raises:
        ValueError: the environment is no game, two tasks deal the same game, an argument is out of
            range, or the run was begun with another config.
    """
    if not isinstance(environment, GameEnvironment):
        raise ValueError(f"{environment.name} is no game for two: see benchmarks.games")
    for what, value in {"attempts": attempts, "concurrency": concurrency, "limit": limit}.items():
        if value is not None and value < 1:
            raise ValueError(f"{what}={value}: it must be at least 1")
    if tasks is not None and split is not None:
        raise ValueError(f"give tasks or a split, not both (split={split!r})")
    called, game = name or team_name(team), environment.game
    split = split or environment.default_split
    chosen = list(tasks if tasks is not None else environment.tasks(split))[:limit]
    if not chosen:
        raise ValueError(f"{environment.name} has no tasks to play in split {split!r}")
    if len({task.data["seed"] for task in chosen}) < len(chosen):
        raise ValueError("two tasks deal the same game; a match has all its players")
    run = run or f"{environment.name}-{called}-{seed}"
    about = manifest(
        {
            "team": called,
            "opponent": "itself" if opponent is None else team_name(opponent),
            "environment": environment.name,
            "options": environment.options,
            "split": split if tasks is None else "tasks",
            "seed": seed,
            "budget": repr(budget),
        }
    )
    played: dict[tuple[str, int], Episode] = {}
    if store is not None:
        about = store.begin(run, about)
        played = {(each.task, each.attempt): each for each in store.episodes(run)}

    def seats(task: Task) -> list[str]:
        return [f"{game.name}:{task.data['seed']}/{player}" for player in game.players]

    def own(task: Task) -> list[str]:
        return seats(task) if opponent is None else [seats(task)[task.data["player"]]]

    def over(task: Task, attempt: int) -> bool:
        found = [played.get((seat, attempt)) for seat in seats(task)]
        return all(each is not None and each.outcome.stop != "error" for each in found)

    def rows(task: Task, attempt: int) -> list[Row]:
        return [Row.of(played[seat, attempt]) for seat in own(task)]

    async def match(task: Task, attempt: int) -> None:
        seated = [team if opponent is None else opponent] * len(game.players)
        seated[task.data["player"]] = team
        made = await play_match(
            seated,
            game,
            seed=task.data["seed"],
            luck=seed,
            forgiven=environment.options["forgiven"],
            budget=budget,
            run=run,
            attempt=attempt,
        )
        for episode in made:
            if store is not None:
                await asyncio.to_thread(store.remove, run, episode.task, attempt)
                await asyncio.to_thread(store.add, episode)
            played[episode.task, attempt] = episode

    wanted = [(task, attempt) for task in chosen for attempt in range(attempts)]
    done = [row for each in wanted if over(*each) for row in rows(*each)]
    queue = iter([each for each in wanted if not over(*each)])
    total = attempts * sum(len(own(task)) for task in chosen)
    bar = ProgressBar(called, total=total, done=done) if progress else nullcontext(_deaf)
    with bar as heard:

        async def work() -> None:
            for task, attempt in queue:
                await match(task, attempt)
                for row in rows(task, attempt):
                    heard(row)

        async with asyncio.TaskGroup() as group:
            for _ in range(min(concurrency, len(wanted))):
                group.create_task(work())
    return Report(
        run=run,
        team=called,
        environment=environment.name,
        rows=[row for each in wanted for row in rows(*each)],
        manifest=about,
    )


def _deaf(episode: Row) -> None:
    """Hears nothing."""
