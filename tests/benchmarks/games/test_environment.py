"""Games as environments: seats, opponents, scores, mistakes."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest

from symposia import ScriptedModel, ToolAgent, act, evaluate, make_environment
from symposia.benchmarks import TaskError
from symposia.benchmarks.games import Game, GameEnvironment, TicTacToe, TicTacToeEnvironment
from symposia.episodes import Task

NAMES = ("tictactoe", "kuhn", "negotiation", "bargaining")


def expert_scores(name: str, opponent: str, **options: Any) -> float:
    world: Any = make_environment(name, opponent=opponent, games=60, **options)
    scores = []
    for task in world.tasks():
        seen = world.reset(task)
        while not seen.done:
            seen = world.step(world.expert_action())
            assert seen.info["valid"]
        scores.append(seen.reward)
    return sum(scores) / len(scores)


@pytest.mark.parametrize(
    ("name", "opponent", "least"),
    [
        ("tictactoe", "random", 0.85),
        ("tictactoe", "minimax", 0.5),
        ("kuhn", "random", 0.5),
        ("negotiation", "random", 0.8),
        ("negotiation", "trader", 1.0),
        ("bargaining", "random", 0.7),
        ("bargaining", "conceder", 0.7),
        ("bargaining", "linear", 0.6),
    ],
)
def test_experts_beat_weaker_players(name: str, opponent: str, least: float) -> None:
    assert expert_scores(name, opponent) >= least


def test_minimax_draws_against_itself_always() -> None:
    assert expert_scores("tictactoe", "minimax") == 0.5


@pytest.mark.parametrize("name", NAMES)
def test_the_agent_takes_each_seat_in_turn_unless_one_is_named(name: str) -> None:
    world: Any = make_environment(name, games=4)
    players = world.game.players
    assert [task.kind for task in world.tasks()] == [*players, *players]
    for seat in players:
        own: Any = make_environment(name, games=2, player=seat)
        assert {task.kind for task in own.tasks()} == {seat}
        assert seat in own.reset(own.tasks()[0]).text


@pytest.mark.parametrize("name", NAMES)
def test_training_and_test_games_have_different_seeds(name: str) -> None:
    world = make_environment(name, games=5)
    seeds = [{task.data["seed"] for task in world.tasks(split)} for split in world.splits]
    assert not seeds[0] & seeds[1]


@pytest.mark.parametrize("name", NAMES)
def test_an_impossible_action_forfeits_the_game_unless_it_is_forgiven(name: str) -> None:
    world = make_environment(name)
    world.reset(world.tasks("test")[0])
    seen = world.step("[no such move] [nor this]")
    assert (seen.done, seen.reward, seen.info["stop"]) == (True, 0.0, "forfeit")
    assert "You have forfeited the game." in seen.text
    lenient = make_environment(name, forgiven=1)
    first = lenient.reset(lenient.tasks("test")[0])
    seen = lenient.step("[no such move] [nor this]")
    assert not seen.done and not seen.info["valid"]
    assert seen.text == f"That is impossible.\n{first.text}"
    assert seen.admissible == first.admissible
    assert lenient.step(first.admissible[0]).info.get("stop") != "forfeit"


def test_forfeits_pay_what_spiral_pays() -> None:
    world = make_environment("tictactoe", player="X")
    world.reset(world.tasks("test")[0])
    assert world.step("[9]").info["payoffs"] == [-1.5, 0.5]


def test_mistakes_are_forgiven_in_a_row_only() -> None:
    world = make_environment("tictactoe", player="X", forgiven=1)
    seen = world.reset(world.tasks("test")[0])
    for _ in range(2):
        assert not world.step("x").done
        seen = world.step(seen.admissible[0])
        assert not seen.done
    world.step("x")
    assert world.step("x").info["stop"] == "forfeit"


def test_the_step_limit_ends_a_game_without_a_winner() -> None:
    world = make_environment("tictactoe", max_steps=1, player="X")
    world.reset(world.tasks("test")[0])
    seen = world.step("[0]")
    assert (seen.done, seen.reward, seen.info["stop"]) == (True, 0.5, "step limit")
    bargain = make_environment("bargaining", max_steps=1, player="buyer")
    bargain.reset(bargain.tasks("test")[0])
    assert bargain.step("Hm.").reward == 0.0


def test_a_finished_game_takes_no_more_actions() -> None:
    world: Any = make_environment("kuhn", rules={"rounds": 1})
    seen = world.reset(world.tasks()[0])
    while not seen.done:
        seen = world.step(world.expert_action())
    again = world.step("[check]")
    assert (again.done, again.reward, again.text) == (True, 0.0, seen.text)
    with pytest.raises(RuntimeError, match="over"):
        world.expert_action()


def test_payoffs_chips_and_scores_agree() -> None:
    world: Any = make_environment("kuhn", games=40)
    for task in world.tasks():
        seen = world.reset(task)
        while not seen.done:
            seen = world.step(seen.admissible[-1])
        chips = seen.info["chips"]
        payoff = (chips > 0) - (chips < 0)
        assert seen.info["payoff"] == payoff
        assert sum(seen.info["payoffs"]) == 0
        assert seen.reward == (payoff + 1) / 2
        assert seen.text.endswith({1: "You win.", -1: "You lose.", 0: "It is a draw."}[payoff])


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"opponent": "god"}, "opponent='god': it is one of random, nash"),
        ({"player": "X"}, "player='X': it is one of player 0, player 1"),
        ({"rules": {"cards": 4}}, "kuhn has these: rounds"),
        ({"rules": 3}, "rules=3"),
        ({"rules": {"rounds": 0}}, "rounds=0"),
        ({"games": 0}, "games=0"),
        ({"seed": -1}, "seed=-1"),
        ({"seed": 999_999, "games": 2}, "seed=999999"),
        ({"forgiven": -1}, "forgiven=-1"),
        ({"max_steps": 0}, "max_steps=0"),
        ({"level": 1}, "its options are: rules, opponent, player"),
    ],
)
def test_wrong_settings_are_named(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make_environment("kuhn", **wrong)


def test_a_task_of_another_environment_is_refused() -> None:
    world = make_environment("tictactoe")
    for data in ({}, {"seed": 1}, {"seed": 1, "player": 2}, {"seed": "1", "player": 0}):
        with pytest.raises(TaskError, match="names no seed and player"):
            world.reset(Task("x", "", data=data))
    with pytest.raises(RuntimeError, match="reset"):
        make_environment("tictactoe").step("[0]")


def test_a_snapshot_belongs_to_its_task() -> None:
    world = make_environment("kuhn")
    first, second = world.tasks("test")[:2]
    world.reset(first)
    snapshot = world.snapshot()
    world.reset(second)
    with pytest.raises(ValueError, match="cannot continue"):
        world.restore(snapshot)


def test_your_own_game_is_two_lines_of_environment() -> None:
    class Misere(TicTacToe):
        """Three in a row lose."""

        name: ClassVar[str] = "misere"

        def payoffs(self, state: Any) -> tuple[float, ...]:
            first, second = super().payoffs(state)
            return (second, first)

    class MisereEnvironment(GameEnvironment):
        name: ClassVar[str] = "misere"
        played: ClassVar[type[Game[Any, Any]]] = Misere

    world = MisereEnvironment(player="X", games=20)
    lost = 0
    for task in world.tasks():
        seen = world.reset(task)
        while not seen.done:
            seen = world.step(world.expert_action())
        lost += seen.reward == 0
    assert lost > 10


async def test_a_team_plays_a_benchmark_of_games() -> None:
    def first_free(messages: list[Any]) -> str:
        free = messages[-1].text.rpartition("Free squares: ")[2]
        return f"<action>{free.partition(',')[0]}</action>"

    team = act(ToolAgent(ScriptedModel(first_free)))
    report = await evaluate(team, TicTacToeEnvironment(games=20), progress=False)
    assert not report.errors
    assert set(report.kinds) == {"X", "O"}
    assert report.summary.successes > 0
    assert report.manifest["config"]["options"]["opponent"] == "random"
