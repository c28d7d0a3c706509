"""All teams that are known by name, whatever their method, under models that misbehave."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from langchain_core.messages import BaseMessage

from symposia import Budget, ScriptedModel, Task, play
from symposia.graphs.spec import TeamSpec
from symposia.graphs.teams import TEAMS

QUESTION = Task("q", "Ada has 4 books. Ben gives Ada 3 more. How many books are there now?")
ANSWERING = [pytest.param(spec, id=name) for name, spec in TEAMS.items() if not spec.acts]
EVERY = [pytest.param(spec, id=name) for name, spec in TEAMS.items()]
MISBEHAVING: list[Callable[[list[BaseMessage]], str]] = [
    lambda messages: "",
    lambda messages: "x" * 100_000,
    lambda messages: messages[-1].text,
]


@pytest.mark.parametrize("spec", ANSWERING)
async def test_a_model_that_raves_or_echoes_never_breaks_a_team_nor_its_budget(
    spec: TeamSpec,
) -> None:
    for script in MISBEHAVING:
        team = spec.build(ScriptedModel(script))
        episode = await play(team, QUESTION, budget=Budget(calls=7))
        assert episode.outcome.error == ""
        assert episode.total.calls <= 7


@pytest.mark.parametrize("spec", ANSWERING)
async def test_a_model_that_fails_is_told_of_and_asked_no_more_than_once_a_branch(
    spec: TeamSpec,
) -> None:
    team = spec.build(ScriptedModel(lambda messages: ValueError("the server is down")))
    episode = await play(team, QUESTION)
    assert "the server is down" in episode.outcome.error
    assert episode.total.calls <= 40  # the widest fan-out: the chains of MAgICoRe


@pytest.mark.parametrize("spec", EVERY)
def test_every_team_says_what_it_does_and_draws_itself(spec: TeamSpec) -> None:
    assert spec.summary and not spec.summary.endswith(".")
    assert "graph TD" in spec.build(ScriptedModel([])).get_graph(xray=True).draw_mermaid()
