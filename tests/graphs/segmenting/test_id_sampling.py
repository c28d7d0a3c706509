from __future__ import annotations

from collections.abc import Sequence

import pytest
from pieces import piece, pieces, writer

from symposia.agents import Actor, TeamState
from symposia.benchmarks import play
from symposia.episodes import Task
from symposia.graphs import segment
from symposia.graphs.segment import Go, Writing
from symposia.graphs.segmenting.id_sampling import TRIGGER, deepening, id_sampling
from symposia.models import ScriptedModel

TASK = Task("t", "2 + 2?")


async def test_checks_come_at_budgets_that_double() -> None:
    at: list[int] = []
    steer = deepening(4, 2, 40, TRIGGER, force=False)

    def spied(writing: Writing, paths: Sequence[Writing], state: TeamState) -> Go:
        go = steer(writing, paths, state)
        assert isinstance(go, Go)
        if go.inject:
            at.append(writing.written)
        return Go(inject=go.inject, max_tokens=1, done=go.done)

    endless = writer(lambda text: piece("so", 1))
    episode = await play(segment(Actor(endless), spied, max_pauses=99), TASK)
    assert at == [4, 8, 16, 32]
    assert episode.total.calls == 40


@pytest.mark.parametrize(("force", "checks"), [(False, 0), (True, 1)])
async def test_an_early_end_is_accepted_or_checked_once(force: bool, checks: int) -> None:
    model = pieces([piece("<answer>4</answer>", 3, end=True), piece("yes", 1, end=True)])
    team = id_sampling(model, first=4, cap=40, n=1, force=force)
    episode = await play(team, TASK)
    assert episode.answer == "4"
    assert episode.total.calls == 1 + checks
    asked = [turn.messages[-1]["content"] for turn in episode.turns[1:]]
    assert [TRIGGER in text for text in asked] == [True] * checks


async def test_a_reply_that_has_used_its_tokens_up_is_not_checked_any_more() -> None:
    model = pieces([piece("<answer>4</answer>", 8, end=True)])
    episode = await play(id_sampling(model, first=8, cap=8, n=1, force=True), TASK)
    assert (episode.answer, episode.total.calls) == ("4", 1)


async def test_pieces_are_as_long_as_the_budget_allows() -> None:
    model = pieces([piece("a", 4), piece("b", 4), piece("<answer>4</answer>", 2, end=True)])
    episode = await play(id_sampling(model, first=4, cap=40, n=1), TASK)
    assert (episode.answer, episode.total.calls) == ("4", 3)


async def test_the_majority_of_the_replies_decides() -> None:
    answers = iter("344")
    model = writer(lambda text: piece(f"<answer>{next(answers)}</answer>", 3, end=True))
    assert (await play(id_sampling(model, n=3), TASK)).answer == "4"


def test_a_budget_that_never_grows_is_refused() -> None:
    with pytest.raises(ValueError, match="growth=1"):
        id_sampling(ScriptedModel([]), growth=1)
