from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import AIMessage
from langchain_core.outputs import ChatResult

from symposia import ScriptedModel, Task, play
from symposia.graphs.selecting import self_certainty
from symposia.models import Cassette

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


@pytest.mark.parametrize(
    ("probabilities", "nats"),
    [((0.25,) * 4, 0.0), ((0.97, 0.01, 0.01, 0.01), 2.0752), ((0.7, 0.1, 0.1, 0.1), 0.4298)],
)
def test_certainty_is_how_far_from_guessing_a_token_was(
    probabilities: tuple[float, ...], nats: float
) -> None:
    torch = pytest.importorskip("torch")
    from symposia.models.engine.sampling import self_certainty as measure

    measured = measure(torch.tensor([probabilities]).log())
    assert measured.item() == pytest.approx(nats, abs=1e-4)


class Measuring(ScriptedModel):
    """Measures its replies when it is asked to, as a local model does."""

    measure: bool = False

    async def _agenerate(self, messages: Any, *args: Any, **options: Any) -> ChatResult:
        result = await super()._agenerate(messages, *args, **options)
        if options.get("measure"):
            measures = {"self_certainty": (1.5, 2.5)}
            result.generations[0].message.response_metadata["measures"] = measures
        return result


async def test_a_model_under_a_cassette_is_asked_too_and_replayed_without_it(
    tmp_path: Path,
) -> None:
    path = tmp_path / "calls.jsonl"
    recording = Cassette(path, "lenient").wrap(Measuring(["<answer>4</answer>"] * 2), name="m")
    assert (await play(self_certainty(recording, 2), TASK)).answer == "4"
    replaying = Cassette(path).wrap(name="m")
    episode = await play(self_certainty(replaying, 2), TASK)
    assert (episode.answer, episode.outcome.error) == ("4", "")


async def test_a_model_that_can_measure_is_asked_to() -> None:
    model = Measuring(["<answer>4</answer>"] * 2)
    final = await self_certainty(model, 2).ainvoke({"task": TASK})
    assert [each.measures["self_certainty"] for each in final["candidates"]] == [2.0, 2.0]


async def test_a_hosted_model_under_a_cassette_is_refused_like_one_without(tmp_path: Path) -> None:
    hosted = ScriptedModel(lambda messages: "<answer>4</answer>")
    model = Cassette(tmp_path / "calls.jsonl", "lenient").wrap(hosted)
    episode = await play(self_certainty(model, 2), TASK)
    assert "carries no self-certainty" in episode.outcome.error


def test_bad_settings_are_refused() -> None:
    with pytest.raises(ValueError, match="vote='most': choose one of borda, weighted, best"):
        self_certainty(ScriptedModel([]), vote="most")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="power=-1"):
        self_certainty(ScriptedModel([]), power=-1)
