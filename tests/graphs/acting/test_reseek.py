from __future__ import annotations

from typing import ClassVar

from symposia.benchmarks import Environment, play
from symposia.benchmarks.sessions import Sessions
from symposia.episodes import Episode, Observation, Task
from symposia.graphs.acting import reseek
from symposia.models import ScriptedModel

TASK = Task("books:0", "Who wrote it?")


class Books(Environment):
    """Searches find nothing, until one names the title."""

    name: ClassVar[str] = "books"
    splits: ClassVar[tuple[str, ...]] = ("all",)

    def tasks(self, split: str) -> list[Task]:
        return [TASK]

    def reset(self, task: Task) -> Observation:
        return Observation(task.prompt)

    def step(self, action: str) -> Observation:
        if action.startswith("finish"):
            return Observation("", reward=float("Ada" in action), done=True)
        return Observation("By Ada." if "title" in action else "Nothing.")


def turn(action: str, useful: str = "") -> str:
    return f"<action>{action}</action>" + (f"<useful>{useful}</useful>" if useful else "")


async def run(*turns: str) -> Episode:
    async with Sessions(Books()) as sessions, sessions.world(TASK) as world:
        return await play(reseek(ScriptedModel(list(turns))), TASK, world)


async def test_it_searches_judges_and_answers() -> None:
    episode = await run(
        turn("search[book]"), turn("search[title]", "no"), turn("finish[Ada]", "yes")
    )
    assert episode.outcome.success
    assert "<useful>no</useful>" in str(episode.turns[2].messages)


async def test_after_a_useless_result_it_may_not_answer() -> None:
    episode = await run(
        turn("search[book]"),
        turn("finish[Bob]", "no"),
        turn("search[title]", "no"),
        turn("finish[Ada]", "yes"),
    )
    actions = [step.action for step in episode.steps]
    assert actions == [None, "search[book]", "search[title]", "finish[Ada]"]
    assert "search again before you answer" in episode.turns[2].messages[-1]["content"]


async def test_a_result_has_to_be_judged() -> None:
    episode = await run(turn("search[title]"), turn("finish[Ada]"), turn("finish[Ada]", "yes"))
    assert "Say first whether" in episode.turns[2].messages[-1]["content"]
    assert episode.outcome.success


async def test_after_four_searches_only_an_answer_is_taken() -> None:
    searches = [turn("search[book]")] + [turn("search[more]", "no")] * 4
    episode = await run(*searches, turn("finish[Bob]", "no"), turn("finish[Ada]", "yes"))
    assert [step.action for step in episode.steps[-2:]] == ["search[more]", "finish[Ada]"]
    assert len(episode.steps) == 1 + 4 + 1
    assert "No search is left" in episode.turns[5].messages[-1]["content"]
    endless = await run(*searches, *searches[-2:])
    assert (len(endless.steps), endless.outcome.stop) == (5, "actions refused")
