from __future__ import annotations

import pytest
from langchain_core.messages import AIMessage, BaseMessage
from pieces import piece

from symposia.benchmarks import play
from symposia.episodes import Episode, Task
from symposia.graphs.acting import thor
from symposia.models import ScriptedModel

TASK = Task("t", "What is 6 * 7?")


async def run_of(code: str) -> tuple[str, bool]:
    return ("NameError: six", True) if "six" in code else ("42", False)


def model(codes: list[str]) -> ScriptedModel:
    """Writes these blocks, then the answer."""
    left = iter(codes)

    def say(messages: list[BaseMessage]) -> AIMessage:
        text = messages[-1].text if isinstance(messages[-1], AIMessage) else ""
        if text.endswith("```python"):
            return piece(f"\n{next(left)}\n", stop="```")
        if "```output" in text:
            return piece("So <answer>42</answer>", end=True)
        return piece("Let me compute. ", stop="```python")

    return ScriptedModel(say)


async def run(codes: list[str], **options: int) -> Episode:
    return await play(thor(model(codes), run=run_of, **options), TASK)


async def test_the_output_of_a_block_is_put_in_after_it() -> None:
    episode = await run(["print(6 * 7)"])
    assert episode.answer == "42"
    said = episode.turns[-1].messages[-1]["content"]
    assert said == "Let me compute. ```python\nprint(6 * 7)\n```\n```output\n42\n```\n"


async def test_a_block_that_fails_is_taken_back_with_the_reasoning_before_it() -> None:
    episode = await run(["print(six * 7)", "print(6 * 7)"], dropped=8)
    assert episode.answer == "42"
    assert "six" not in episode.turns[-1].messages[-1]["content"]
    assert episode.turns[2].messages[-1]["content"] == "Let me c"


async def test_where_all_is_taken_back_the_model_is_given_no_empty_beginning() -> None:
    episode = await run(["print(six * 7)", "print(6 * 7)"])
    assert episode.answer == "42"
    assert episode.turns[2].messages == episode.turns[0].messages


async def test_after_the_last_try_the_error_is_read_like_an_output() -> None:
    episode = await run(["six"] * 5, tries=4)
    assert "```output\nNameError: six\n```" in episode.turns[-1].messages[-1]["content"]
    assert episode.total.calls == 2 * 5 + 1


async def test_a_block_without_an_end_is_taken_as_it_is() -> None:
    def endless(messages: list[BaseMessage]) -> AIMessage:
        text = messages[-1].text if isinstance(messages[-1], AIMessage) else ""
        return piece("x = 1") if "```" in text else piece("Let me. ", stop="```python")

    episode = await play(thor(ScriptedModel(endless), run=run_of), TASK)
    assert (episode.total.calls, episode.outcome.stop) == (2, "no readable reply")


def test_numbers_are_in_range() -> None:
    with pytest.raises(ValueError, match="blocks=0"):
        thor(ScriptedModel([]), blocks=0)
