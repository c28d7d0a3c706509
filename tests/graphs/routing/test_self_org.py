from __future__ import annotations

from typing import Any

import networkx as nx
import numpy as np
import pytest
from langchain_core.embeddings import Embeddings

from symposia import ScriptedModel
from symposia.benchmarks import play
from symposia.episodes import Budget, Episode, Task
from symposia.graphs.routing.self_org import central, contributions, organised, self_org

TASK = Task("t", "Which way?")
CARD = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])


class Compass(Embeddings):
    """East is (1, 0), north (0, 1)."""

    def embed_query(self, text: str) -> list[float]:
        return [float("east" in text), float("north" in text)]

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return [self.embed_query(text) for text in texts]


def says(*answers: str) -> ScriptedModel:
    return ScriptedModel([f"<answer>{answer}</answer>" for answer in answers])


async def asked(*models: ScriptedModel, budget: Budget | None = None, **options: Any) -> Episode:
    team = self_org(models, agents=len(models), embeddings=Compass(), **options)
    return await play(team, TASK, budget=budget)


def heard(episode: Episode, agent: str, number: int) -> str:
    turns = [turn for turn in episode.turns if turn.agent == agent]
    return "\n\n".join(message["content"] for message in turns[number].messages)


def test_contributions_are_cosines_with_the_mean() -> None:
    assert contributions(CARD) == pytest.approx([0.8944272, 0.8944272, 0.4472136])


def test_edges_go_from_those_who_contribute_more_to_those_near_them() -> None:
    assert sorted(organised(CARD, near=0.0).edges) == [(0, 2), (1, 2)]
    assert list(organised(CARD, near=0.5).edges) == []
    assert sorted(organised(CARD, near=None, nearest=1).edges) == [(0, 2)]
    assert sorted(organised(CARD, near=None, nearest=2).edges) == [(0, 2), (1, 2)]


def test_the_answer_nearest_to_the_weighted_mean_stands_and_the_first_of_equals() -> None:
    gives = contributions(CARD)
    assert gives @ CARD / gives.sum() == pytest.approx([0.8, 0.2])
    assert central(CARD) == 0
    assert central(CARD[::-1]) == 1
    assert central(np.zeros((3, 2))) is None
    assert central(np.array([[0.0, 0.0], [0.0, 1.0]])) == 1


def test_no_answers_whatever_make_a_cycle() -> None:
    draw = np.random.default_rng(0)
    for _ in range(1000):
        vectors = draw.normal(size=(draw.integers(2, 9), draw.integers(1, 5)))
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        graph = organised(vectors, near=float(draw.uniform(-1, 1)), nearest=int(draw.integers(3)))
        assert nx.is_directed_acyclic_graph(graph)


async def test_an_agent_reads_those_upstream_and_the_others_keep_their_answers() -> None:
    episode = await asked(says("east"), says("east"), says("north", "east"), near=0.0)
    assert episode.answer == "east"
    assert [turn.agent for turn in episode.turns] == ["agent-0", "agent-1", "agent-2", "agent-2"]
    prompt = heard(episode, "agent-2", 1)
    assert "agent-0 0:\n> <answer>east</answer>" in prompt
    assert "agent-1 1:\n> <answer>east</answer>" in prompt


async def test_an_agent_that_is_near_nobody_is_not_asked_again() -> None:
    episode = await asked(says("east"), says("east"), says("north"), near=0.5)
    assert (episode.answer, episode.total.calls) == ("east", 3)


async def test_the_graph_is_drawn_anew_in_each_round() -> None:
    models = says("east"), says("east"), says("north", "north", "east")
    episode = await asked(*models, near=0.0, rounds=3)
    assert episode.total.calls == 5
    assert (await asked(says("east"), says("north"), near=0.0)).total.calls == 2, "equals"


async def test_those_who_contribute_most_are_read_first() -> None:
    class Fan(Compass):
        def embed_query(self, text: str) -> list[float]:
            angle = {"a": 0.0, "b": 0.3, "c": 0.4, "d": 1.2}[text.split("answer>")[1][0]]
            return [float(np.cos(angle)), float(np.sin(angle))]

    models = says("a", "a"), says("b", "b"), says("c", "c"), says("d", "d")
    team = self_org(models, agents=4, rounds=1, near=0.0, embeddings=Fan())
    prompt = heard(await play(team, TASK), "agent-3", 1)
    places = [prompt.index(f"> <answer>{name}<") for name in "cba"]
    assert places == sorted(places)


async def test_silent_agents_neither_lead_nor_win() -> None:
    episode = await asked(ScriptedModel(["hm"]), says("north"), says("north"))
    assert (episode.answer, episode.total.calls) == ("north", 3)
    nobody = await asked(ScriptedModel(["hm"]), ScriptedModel([""]))
    assert (nobody.answer, nobody.outcome.error) == ("", "")


async def test_a_spent_budget_leaves_the_answer_nearest_to_all() -> None:
    models = says("north"), says("east"), says("east")
    episode = await asked(*models, near=0.0, budget=Budget(calls=3))
    assert (episode.answer, episode.total.calls) == ("east", 3)
    assert "is spent" in episode.outcome.stop


async def test_lexical_vectors_are_there_by_default() -> None:
    texts = "go up the hill", "go up the steep hill", "swim in a cold lake"
    team = self_org([says(text) for text in texts], agents=3, rounds=0)
    assert (await play(team, TASK)).answer in texts[:2]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"agents": 1}, "1 peers"),
        ({"near": None}, "near=None, nearest=0: nobody could read anybody"),
        ({"nearest": -1}, "nearest=-1"),
        ({"rounds": -1}, "rounds=-1"),
    ],
)
def test_what_is_no_team_is_refused(options: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        self_org(says("east"), **options)
    with pytest.raises(ValueError, match="models is empty"):
        self_org([])
