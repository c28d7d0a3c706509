"""A match: teams play a game against each other, or one team against itself.

Every player is a team of its own run, in a world that shows its seat at the table: `reset` and
`step` return when it is the player's turn again, or when the game is over. So any team that acts in
worlds plays, unchanged, and reads only what its player may know. A team that stops before the game
does (unreadable replies, a spent budget, an error) forfeits it.

The record of a match is one episode a player: its turns carry the player as their `branch`, its
kind is the player's name, its score is the player's, and its measures hold the payoff. What a
self-play recipe compares by game and role (SPIRAL, arXiv 2506.24119) is thus the episodes of one
kind.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ...episodes import Budget, Episode, Observation, Task
from ..rollout import AnyTeam, Name, play, team_name
from ..runner import episode_seed
from .game import Game
from .table import Table


async def play_match(
    teams: AnyTeam | Sequence[AnyTeam],
    game: Game[Any, Any],
    *,
    seed: int = 0,
    luck: int | None = None,
    forgiven: int = 0,
    budget: Budget | None = None,
    run: str = "run",
    attempt: int = 0,
) -> tuple[Episode, ...]:
    """Play one game.

    Args:
        teams: one that plays every seat, or one for each, in the order of `game.players`.
        game: the rules.
        seed: of what is dealt.
        luck: the seed, with the player's name and the attempt, of what models draw; by default that
            of the deal.
        forgiven: impossible actions in a row that do not forfeit the game.
        budget: limits of each player.
        run: the run that the episodes belong to.
        attempt: tells games of one seed apart.

    Returns:
        The episode of each player, in the order of the seats. `outcome.measures` holds `payoff` and
        the game's own figures.

    Raises:
        ValueError: there are as many teams as neither one nor the seats.
    """
    seated = list(teams) if isinstance(teams, Sequence) else [teams] * len(game.players)
    if len(seated) != len(game.players):
        raise ValueError(f"{game.name} has {len(game.players)} players, not {len(seated)}")
    table = Table(game, seed, forgiven=forgiven)
    moved = asyncio.Condition()

    async def seat(player: int) -> Episode:
        called = game.players[player]
        task = Task(f"{game.name}:{seed}/{called}", f"Play {game.name} as {called}.", kind=called)
        drawn = episode_seed(seed if luck is None else luck, task.id, attempt)
        name = Name(run, attempt, team_name(seated[player]), drawn)
        team = seated[player].with_config(metadata={"branch": called})
        world = _Seat(table, player, moved)
        try:
            return await play(team, task, world, budget=budget, name=name)
        finally:
            await world.leave()

    async with asyncio.TaskGroup() as group:
        played = [group.create_task(seat(player)) for player in range(len(seated))]
    return tuple(_paid(task.result(), table, player) for player, task in enumerate(played))


class _Seat:
    """One player's world: it waits for the others."""

    def __init__(self, table: Table, player: int, moved: asyncio.Condition) -> None:
        self.instructions = table.game.instructions
        self._table = table
        self._player = player
        self._moved = moved

    async def reset(self) -> Observation:
        async with self._moved:
            return await self._seen(valid=True)

    async def step(self, action: str) -> Observation:
        async with self._moved:
            if self._table.turn != self._player:
                return replace(self._table.observe(self._player), reward=0.0)
            valid = self._table.move(action)
            self._moved.notify_all()
            return await self._seen(valid=valid)

    async def leave(self) -> None:
        """Give up a game that is still on."""
        async with self._moved:
            self._table.forfeit(self._player)
            self._moved.notify_all()

    async def _seen(self, *, valid: bool) -> Observation:
        await self._moved.wait_for(lambda: self._table.turn in (None, self._player))
        return self._table.observe(self._player, valid=valid)


def _paid(episode: Episode, table: Table, player: int) -> Episode:
    """The episode with what the game paid its player, also where the team left before the end."""
    payoffs = table.payoffs
    assert payoffs is not None
    score = table.game.score(payoffs[player])
    measures = {"payoff": payoffs[player], **table.game.measures(table.moment.state, player)}
    outcome = replace(episode.outcome, score=score, success=score == 1, measures=measures)
    return replace(episode, outcome=outcome)
