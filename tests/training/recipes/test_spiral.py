"""SPIRAL: advantages by role, rows from both sides, and self-play through the loop."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rollouts import small, stage, turn

from symposia import ScriptedModel, make_environment
from symposia.benchmarks.games import Kuhn, play_match
from symposia.episodes import Episode, EpisodeStore, Outcome
from symposia.training.loop import train
from symposia.training.recipes.spiral import SPIRAL
from symposia.training.trainer import UpdateSettings


def game(
    number: int, payoff: float, seat: str = "player 0", turns: int = 1, **more: Any
) -> Episode:
    held = tuple(turn(f"{number}/{seat}/{at}", branch=seat) for at in range(turns))
    outcome = Outcome(score=(max(payoff, -1) + 1) / 2, measures={"payoff": payoff})
    return Episode("run", f"kuhn:{number}/{seat}", kind=seat, turns=held, outcome=outcome, **more)


async def test_payoffs_are_compared_with_what_the_role_came_to_expect() -> None:
    now = stage()
    rows = await SPIRAL().rows([game(0, 1), game(1, 1), game(2, -1)], now)
    assert [row.advantages[-1] for row in rows] == pytest.approx([1, 0.95, -1.0975])
    assert now.memory["baselines"] == {"kuhn/player 0": pytest.approx(0.042625)}


async def test_what_roles_expect_lasts_into_the_next_iteration() -> None:
    now = stage(memory={"baselines": {"kuhn/player 0": 0.5, "kuhn/player 1": -0.5}})
    rows = await SPIRAL().rows([game(0, 1), game(0, -1, "player 1")], now)
    assert [row.advantages[-1] for row in rows] == pytest.approx([0.5, -0.5])
    assert [row.group for row in rows] == ["kuhn/player 0", "kuhn/player 1"]


async def test_a_draw_teaches_nothing_while_nothing_is_expected() -> None:
    now = stage()
    assert await SPIRAL().rows([game(0, 0), game(0, 0, "player 1")], now) == []
    assert set(now.memory["baselines"].values()) == {0}


async def test_every_turn_of_a_player_is_a_row_and_may_be_discounted() -> None:
    rows = await SPIRAL(gamma=0.5).rows([game(0, 1, turns=3)], stage())
    assert [row.advantages[-1] for row in rows] == [0.25, 0.5, 1]
    assert all(row.trained == 2 for row in rows)


async def test_a_batch_is_drawn_from_all_turns() -> None:
    played = [game(at, 1, turns=2) for at in range(10)]
    rows = await SPIRAL(batch=5).rows(played, stage(seed=3))
    assert len(rows) == 5
    assert rows == await SPIRAL(batch=5).rows(played, stage(seed=3))
    assert rows != await SPIRAL(batch=5).rows(played, stage(seed=4))


async def test_an_illegal_move_costs_its_author_and_pays_the_other() -> None:
    replies = iter(["<action>[check]</action>", "<action>[raise]</action>"])
    model = ScriptedModel(lambda messages: next(replies))
    team = SPIRAL().team({"policy": model}, stage())
    first, second = await play_match(team, Kuhn(rounds=1))
    assert first.outcome.measures["payoff"] == 0.5
    assert second.outcome.measures["payoff"] == -1.5


async def test_an_unreadable_reply_is_not_asked_for_again() -> None:
    model = ScriptedModel(["what?"])
    first, second = await play_match(SPIRAL().team({"policy": model}, stage()), Kuhn())
    assert (first.outcome.measures["payoff"], len(first.turns)) == (-1.5, 1)
    assert (second.outcome.measures["payoff"], len(second.turns)) == (0.5, 0)


async def test_games_that_broke_and_the_opponents_turns_are_not_trained() -> None:
    broken = game(1, -1.5)
    broken = replace(broken, outcome=replace(broken.outcome, error="the line is down"))
    other = game(2, 1, team="opponent")
    now = stage()
    assert await SPIRAL().rows([broken, other], now) == []
    assert now.memory["baselines"] == {}


async def test_an_earlier_opponent_moves_up_when_it_is_beaten() -> None:
    recipe = SPIRAL(opponent="rounds")
    now = stage(versions={"policy": 2}, memory={"opponents": {"versions": [0, 1], "at": 0}})
    assert recipe.earlier(now) == {"opponent": ("policy", 0)}
    await recipe.rows([game(0, 1)], now)
    assert now.memory["opponents"]["versions"] == [0, 1, 2]
    assert recipe.earlier(now) == {"opponent": ("policy", 1)}


def test_settings_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match="opponent='nash'"):
        SPIRAL(opponent="nash")
    with pytest.raises(ValueError, match="batch=0"):
        SPIRAL(batch=0)


@pytest.mark.parametrize("opponent", ["itself", "rounds"])
async def test_self_play_goes_through_the_loop(tmp_path: Path, opponent: Any) -> None:
    """`tiny` knows no poker: who has to speak first forfeits, which is what there is to learn."""
    out = await train(
        SPIRAL(opponent=opponent, length=16),
        make_environment("kuhn", opponent="random", rules={"rounds": 1}, games=4),
        small(iterations=2, attempts=2, max_tokens=16, update=UpdateSettings(1e-4, device="cpu")),
        tmp_path,
    )
    assert out.versions["policy"].name == "0002"
    with EpisodeStore(tmp_path) as store:
        played = list(store.episodes("collect-0001"))
        tested = list(store.episodes("evaluate-0002"))
    assert {each.kind for each in played} == {"player 0", "player 1"}
    assert len(played) == 4 * 2 * 2  # both sides of each match
    assert {len({e.task for e in played if e.kind == seat}) for seat in Kuhn.players} == {4}
    assert len(tested) == 2  # against the built-in player, one episode a game
    teams = {each.team for each in played}
    assert teams == ({"act"} if opponent == "itself" else {"act", "opponent"})
