from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import pytest
from langchain_core.messages import AIMessage, BaseMessage
from pieces import piece, pieces, writer

from symposia.agents import Actor, TeamState
from symposia.benchmarks import play
from symposia.episodes import Budget, Episode, Task
from symposia.graphs import answer, segment
from symposia.graphs.segment import Control, Go, Writing
from symposia.models import ScriptedModel, load_model

TASK = Task("t", "Ada has 4 books. Ben gives Ada 3 more. How many books are there now?")


async def run(model: Any, control: Control, **options: Any) -> Episode:
    return await play(segment(Actor(model), control, **options), TASK)


def go_on(writing: Writing, paths: Sequence[Writing], state: TeamState) -> Go:
    return Go(max_tokens=4)


async def test_a_reply_is_written_piece_by_piece_and_then_read() -> None:
    model = pieces(
        [
            piece("<reasoning>4 + 3"),
            piece(" = 7</reasoning>"),
            piece("<answer>7</answer>", end=True),
        ]
    )
    episode = await run(model, go_on)
    assert (episode.answer, len(episode.turns)) == ("7", 3)
    assert episode.turns[2].messages[-1] == {
        "role": "assistant",
        "content": "<reasoning>4 + 3 = 7</reasoning>",
    }


async def test_what_is_put_in_stands_in_the_reply_and_is_not_counted() -> None:
    seen: list[tuple[int, str]] = []

    def control(writing: Writing, paths: Sequence[Writing], state: TeamState) -> Go:
        seen.append((writing.written, writing.text))
        return Go(inject=" so ", max_tokens=2) if writing.pauses == 1 else Go(max_tokens=2)

    await run(pieces([piece("one two"), piece("three", end=True)]), control)
    assert seen == [(0, ""), (2, "one two"), (3, "one two so three")]


async def test_pieces_can_be_dropped_and_cut() -> None:
    texts: list[str] = []

    def control(writing: Writing, paths: Sequence[Writing], state: TeamState) -> Go:
        texts.append(writing.text)
        return (Go(), Go(), Go(keep=1, trim=3), Go(done=True))[writing.pauses]

    await run(pieces([piece("first "), piece("second "), piece("third")]), control)
    assert texts[-1] == "firthird"


async def test_an_end_can_be_taken_back_once() -> None:
    def control(writing: Writing, paths: Sequence[Writing], state: TeamState) -> Go:
        again = writing.ended and len(writing.pieces) == 1
        return Go(inject=" Wait. ") if again else Go()

    model = pieces([piece("<answer>6</answer>", end=True), piece("hm", end=True)])
    episode = await run(model, control)
    assert episode.turns[1].messages[-1]["content"] == "<answer>6</answer> Wait. "
    assert episode.outcome.stop == "answered"


async def test_a_stop_string_belongs_to_the_reply() -> None:
    def control(writing: Writing, paths: Sequence[Writing], state: TeamState) -> Go:
        return Go(until=("</reasoning>",)) if not writing.pieces else Go()

    model = pieces(
        [piece("<reasoning>7", stop="</reasoning>"), piece("<answer>7</answer>", end=True)]
    )
    episode = await run(model, control)
    assert episode.turns[1].messages[-1]["content"] == "<reasoning>7</reasoning>"
    assert episode.answer == "7"


async def test_paths_are_written_side_by_side_and_one_that_fails_stops_no_other() -> None:
    count = [0]

    def say(messages: list[BaseMessage]) -> Any:
        count[0] += 1
        return RuntimeError("down") if count[0] == 2 else piece("<answer>7</answer>", end=True)

    episode = await run(ScriptedModel(say), go_on, paths=3)
    assert episode.answer == "7"
    assert [turn.branch for turn in episode.turns] == ["0", "1", "2"]
    broken = await run(ScriptedModel([RuntimeError("down")] * 2), go_on, paths=2)
    assert "each of 2 branches failed" in broken.outcome.error


async def test_pauses_are_limited_and_a_spent_budget_takes_what_there_is() -> None:
    endless = writer(lambda text: piece("<answer>7</answer>" if not text else " more"))
    assert (await run(endless, go_on, max_pauses=5)).total.calls == 5
    spent = await play(segment(Actor(endless), go_on), TASK, budget=Budget(calls=2))
    assert spent.outcome.stop == "budget of 2 model calls is spent"
    assert spent.answer == "7"


async def test_a_model_that_writes_nothing_and_does_not_end_is_an_error() -> None:
    episode = await run(pieces([piece("")]), go_on)
    assert "wrote nothing and did not end" in episode.outcome.error


async def test_a_local_model_goes_on_from_exactly_its_tokens() -> None:
    model = load_model("tiny")
    whole = await play(segment(Actor(model), lambda *_: Go()), TASK)
    cut = await play(segment(Actor(model), lambda *_: Go(max_tokens=5)), TASK)
    greedy = load_model("tiny", temperature=0.0)
    once = await play(segment(Actor(greedy), lambda *_: Go()), TASK)
    many = await play(segment(Actor(greedy), lambda *_: Go(max_tokens=5)), TASK)
    assert once.answer == many.answer != ""
    tokens = [turn.tokens for turn in many.turns]
    assert all(tokens)
    for before, after in pairwise(tokens):
        assert before and after
        assert after.prompt_ids == before.prompt_ids + before.completion_ids
    said = tuple(t for each in tokens if each for t in each.completion_ids)
    assert once.turns[0].tokens and said == once.turns[0].tokens.completion_ids
    assert whole.answer and cut.answer


async def test_a_text_put_in_after_the_end_takes_the_end_token_back() -> None:
    model = load_model("tiny", temperature=0.0)

    def control(writing: Writing, paths: Sequence[Writing], state: TeamState) -> Go:
        first = writing.ended and not any(piece.injected for piece in writing.pieces)
        return Go(inject=" Wait.", max_tokens=8) if first else Go(max_tokens=60)

    episode = await play(segment(Actor(model), control), TASK)
    first, second = (turn.tokens for turn in episode.turns)
    assert first and second
    end = first.completion_ids[-1]
    assert end not in second.prompt_ids[len(first.prompt_ids) :]


@pytest.mark.parametrize("limit", ["paths", "max_pauses"])
def test_numbers_are_positive(limit: str) -> None:
    with pytest.raises(ValueError, match=f"{limit}=0"):
        segment(Actor(ScriptedModel([])), go_on, **{limit: 0})


async def test_a_model_that_does_not_tell_what_stopped_it_is_refused_stop_strings() -> None:
    silent = AIMessage("Let me see", response_metadata={"finish_reason": "stop"})
    episode = await run(ScriptedModel([silent]), lambda w, p, s: Go(until=("```",)))
    assert "`stop_reason`" in episode.outcome.error


@pytest.mark.parametrize("given", [None, {"max_tokens": 4}])
async def test_a_control_that_says_nothing_readable_is_an_error_that_tells_how(given: Any) -> None:
    control: Any = lambda writing, paths, state: given  # noqa: E731
    episode = await run(pieces([piece("4")]), control)
    assert r"it has to return a `Go`, and `Go(done=True)` to end" in episode.outcome.error


def test_only_an_agent_can_be_paused() -> None:
    team: Any = answer(Actor(ScriptedModel([])))
    with pytest.raises(TypeError, match="CompiledStateGraph is no agent"):
        segment(team, go_on)
