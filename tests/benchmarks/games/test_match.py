"""Matches: self-play, teams against each other, and what the record says of each player."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import BaseMessage

from symposia import Budget, EpisodeStore, ScriptedModel, ToolAgent, act
from symposia.benchmarks.games import Bargaining, Kuhn, Negotiation, TicTacToe, play_match


def team(reply: Any, name: str = "act", **settings: Any) -> Any:
    return act(ToolAgent(ScriptedModel(reply)), name=name, **settings)


def first_free(messages: list[BaseMessage]) -> str:
    free = messages[-1].text.rpartition("Free squares: ")[2]
    return f"<action>{free.partition(',')[0]}</action>"


def last_free(messages: list[BaseMessage]) -> str:
    return f"<action>{messages[-1].text.split()[-1]}</action>"


def caller(messages: list[BaseMessage]) -> str:
    return "<action>[call]</action>" if "[call]" in tail(messages) else "<action>[bet]</action>"


def tail(messages: list[BaseMessage]) -> str:
    return messages[-1].text.rpartition("Possible: ")[2]


async def test_one_team_plays_both_sides_of_a_game() -> None:
    cross, nought = await play_match(team(first_free), TicTacToe(), run="r")
    # X takes 0 2 4 6 and O 1 3 5: a diagonal
    assert [step.action for step in cross.steps] == [None, "[0]", "[2]", "[4]", "[6]"]
    assert [step.action for step in nought.steps] == [None, "[1]", "[3]", "[5]"]
    assert (cross.outcome.score, nought.outcome.score) == (1.0, 0.0)
    assert (cross.outcome.success, nought.outcome.success) == (True, False)
    assert cross.outcome.measures == {"payoff": 1.0}
    assert nought.outcome.measures == {"payoff": -1.0}
    assert cross.steps[-1].done and nought.steps[-1].done


async def test_the_record_says_which_player_took_each_turn(tmp_path: Path) -> None:
    played = await play_match(team(first_free), TicTacToe(), run="r", attempt=3)
    with EpisodeStore(tmp_path) as store:
        for episode in played:
            assert store.add(episode)
        kept = list(store.episodes("r"))
    assert {each.kind for each in kept} == {"X", "O"}
    for episode in kept:
        assert {turn.branch for turn in episode.turns} == {episode.kind}
        assert {turn.agent for turn in episode.turns} == {"agent"}
        assert episode.task == f"tictactoe:0/{episode.kind}"
        assert episode.attempt == 3
        parents = [turn.parent for turn in episode.turns]
        assert parents == [None, *(turn.id for turn in episode.turns[:-1])]
    assert len({each.seed for each in kept}) == 2


async def test_each_seat_may_have_a_team_of_its_own() -> None:
    cross, nought = await play_match(
        [team(first_free, "first"), team(last_free, "last")], TicTacToe()
    )
    assert (cross.team, nought.team) == ("first", "last")
    assert [step.action for step in nought.steps[1:]] == ["[8]", "[7]"]
    assert cross.outcome.score == 1.0


async def test_nothing_of_a_players_cards_reaches_the_other() -> None:
    for seed in range(12):
        game = Kuhn(rounds=1)
        deal = game.begin(seed).deals[0]
        folder = team(lambda m: f"<action>{'[fold]' if '[fold]' in tail(m) else '[bet]'}</action>")
        for player, episode in enumerate(await play_match([folder, folder], game, seed=seed)):
            shown = "\n".join(
                str(message["content"]) for turn in episode.turns for message in turn.messages[1:]
            )
            shown += "\n".join(step.text for step in episode.steps)
            assert f"Your card is {deal[player]}." in shown
            told = set(re.findall(r"card is (\w)", shown)) | set(
                re.findall(r"(\w) over (\w)", shown)
            )
            assert told == {deal[player]}


@pytest.mark.parametrize("seed", range(6))
async def test_zero_sum_games_pay_zero_in_all(seed: int) -> None:
    first, second = await play_match(team(caller), Kuhn(), seed=seed)
    assert first.outcome.measures["payoff"] + second.outcome.measures["payoff"] == 0
    assert first.outcome.measures["chips"] + second.outcome.measures["chips"] == 0
    assert first.outcome.score + second.outcome.score == 1


async def test_a_deal_pays_both_their_shares() -> None:
    seller = team(lambda messages: "<action>[Offer: $15]</action>")
    buyer = team(lambda messages: "<action>Fine. [Accept]</action>")
    sold, bought = await play_match([seller, buyer], Bargaining(cost=10, worth=20))
    assert sold.outcome.measures == {"payoff": 0.5, "profit": 5.0, "price": 15.0}
    assert (sold.outcome.score, bought.outcome.score) == (0.5, 0.5)
    assert "Deal at $15." in sold.steps[-1].text


async def test_players_read_what_the_other_said() -> None:
    first = team(lambda messages: "<action>Good morning.</action>")
    second = team(lambda messages: "<action>And to you.</action>")
    talks = await play_match([first, second], Negotiation(turns=4))
    assert 'Player 1 says: "And to you."' in talks[0].steps[1].text
    assert 'Player 0 says: "Good morning."' in talks[1].steps[0].text
    assert talks[0].outcome.score == 0.5


async def test_an_impossible_action_forfeits_the_match() -> None:
    cheat = team(lambda messages: "<action>[9]</action>")
    cross, nought = await play_match([team(first_free), cheat], TicTacToe())
    assert (cross.outcome.measures["payoff"], nought.outcome.measures["payoff"]) == (0.5, -1.5)
    assert (cross.outcome.score, nought.outcome.score) == (0.75, 0.0)
    assert nought.outcome.stop == "forfeit"
    assert "Another player has forfeited the game." in cross.steps[-1].text


async def test_a_forgiven_mistake_costs_a_turn_of_the_model_only() -> None:
    def clumsy(messages: list[BaseMessage]) -> str:
        if "impossible" in messages[-1].text:
            return first_free(messages)
        return "<action>[9]</action>"

    cross, _ = await play_match([team(clumsy), team(last_free)], TicTacToe(), forgiven=1)
    assert cross.outcome.measures["payoff"] == 1.0
    assert sum(step.action == "[9]" for step in cross.steps) == 3


@pytest.mark.parametrize(
    ("spoiler", "stop"),
    [
        (team(lambda messages: "what?"), "unreadable replies"),
        (team(first_free, max_steps=1), "step limit"),
    ],
)
async def test_a_team_that_stops_early_forfeits(spoiler: Any, stop: str) -> None:
    cross, nought = await play_match([spoiler, team(last_free)], TicTacToe())
    assert cross.outcome.stop == stop
    assert cross.outcome.measures["payoff"] == -1.5
    assert nought.outcome.measures["payoff"] == 0.5
    assert nought.steps[-1].done


async def test_a_model_that_breaks_is_one_players_error() -> None:
    def broken(messages: list[BaseMessage]) -> str:
        raise ConnectionError("the line is down")

    cross, nought = await play_match([team(first_free), team(broken)], TicTacToe())
    assert "the line is down" in nought.outcome.error
    assert cross.outcome.score == 0.75


async def test_budgets_are_each_players_own() -> None:
    cross, nought = await play_match(team(first_free), TicTacToe(), budget=Budget(calls=3))
    assert [len(each.turns) for each in (cross, nought)] == [3, 3]
    assert "3 model calls" in cross.outcome.stop
    assert (cross.outcome.score, nought.outcome.score) == (0.0, 0.75)


async def test_a_match_comes_out_the_same_again() -> None:
    def facts(played: Any) -> Any:
        return [([step.text for step in each.steps], each.outcome, each.seed) for each in played]

    first = await play_match(team(caller), Kuhn(), seed=4)
    assert facts(await play_match(team(caller), Kuhn(), seed=4)) == facts(first)
    assert facts(await play_match(team(caller), Kuhn(), seed=5)) != facts(first)


async def test_every_seat_needs_a_team() -> None:
    with pytest.raises(ValueError, match="2 players, not 3"):
        await play_match([team(first_free)] * 3, TicTacToe())
