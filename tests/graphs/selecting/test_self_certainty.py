from __future__ import annotations

from typing import Any

import pytest
from langchain_core.messages import AIMessage

from symposia import ScriptedModel, Task, load_model, play
from symposia.graphs.selecting import self_certainty

TASK = Task("t", "2 + 2?")


def measured(*replies: tuple[str, float]) -> ScriptedModel:
    """A model whose replies carry the self-certainty of two tokens, with this mean."""
    return ScriptedModel(
        [
            AIMessage(
                text,
                response_metadata={"measures": {"self_certainty": (mean - 0.1, mean + 0.1)}},
            )
            for text, mean in replies
        ]
    )


CARD = (
    ("<answer>A</answer>", 0.9),
    ("<answer>B</answer>", 0.2),
    ("<answer>B</answer>", 0.8),
    ("<answer>B</answer>", 0.1),
)


@pytest.mark.parametrize(
    ("vote", "power", "answer"),
    [
        ("borda", 0, "B"),
        ("borda", 1, "B"),
        ("borda", 2, "A"),
        ("weighted", 0.5, "B"),
        ("best", 0.5, "A"),
    ],
)
async def test_answers_vote_by_their_ranks(vote: Any, power: float, answer: str) -> None:
    """Power 0 gives 1 to 3, power 1 gives 4 to 6, power 2 gives 16 to 14."""
    team = self_certainty(measured(*CARD), 4, vote, power)
    assert (await play(team, TASK)).answer == answer


async def test_an_answer_that_cannot_be_read_never_wins() -> None:
    model = measured(("I am certain!", 9.0), ("<answer>4</answer>", 0.1))
    assert (await play(self_certainty(model, 2, "best"), TASK)).answer == "4"


async def test_a_model_that_does_not_tell_its_certainty_is_refused() -> None:
    team = self_certainty(ScriptedModel(lambda messages: "<answer>4</answer>"), 2)
    episode = await play(team, TASK)
    assert episode.answer == ""
    assert "carries no self-certainty: use a local model" in episode.outcome.error


async def test_a_local_model_is_asked_to_measure() -> None:
    model = load_model("tiny", temperature=1.0, max_tokens=4)
    final = await self_certainty(model, 2, "best").ainvoke({"task": TASK, "messages": []} | ASKED)
    measures = [each.measures["self_certainty"] for each in final["candidates"]]
    assert len(measures) == 2
    assert all(each > 0 for each in measures)


ASKED: dict[str, Any] = {"messages": [("human", "2 + 2?")]}


def test_bad_settings_are_refused() -> None:
    with pytest.raises(ValueError, match="vote='most': choose one of borda, weighted, best"):
        self_certainty(ScriptedModel([]), vote="most")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="power=-1"):
        self_certainty(ScriptedModel([]), power=-1)
