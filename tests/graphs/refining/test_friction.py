from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import BaseMessage, HumanMessage

from symposia import ScriptedModel
from symposia.agents import Answer, Candidate, Critique, Issue
from symposia.benchmarks import play
from symposia.episodes import Budget, Episode, Task
from symposia.graphs.refining.friction import friction, new_one, solved_by, temperature
from symposia.graphs.refining.teacher import MASK, Gold, Teacher, masked
from symposia.models.formats import output_format

TASK = Task("t", "6 * 7?")
GOLDS = {"t": Gold("42", ("forty-two",), "6 * 7 = 42")}
HINT = "<reasoning>{}</reasoning><verdict>incorrect</verdict>"


def says(*answers: object) -> list[str]:
    return [f"<answer>{answer}</answer>" for answer in answers]


def read(episode: Episode, number: int) -> str:
    return "\n\n".join(message["content"] for message in episode.turns[number].messages)


async def taught(
    answers: list[str], hints: list[str], *options: Any, **more: Any
) -> tuple[Episode, list[Candidate]]:
    team = friction(ScriptedModel(answers), GOLDS, *options, teacher=ScriptedModel(hints), **more)
    episode = await play(team, TASK)
    again = friction(ScriptedModel(answers), GOLDS, *options, teacher=ScriptedModel(hints), **more)
    state = await again.ainvoke({"task": TASK, "messages": [HumanMessage(TASK.prompt)]})
    return episode, state["said"]


async def test_wrong_wrong_right_leaves_after_the_third_answer() -> None:
    episode, said = await taught(says(40, 41, 42), [HINT.format("hm")] * 2)
    assert episode.answer == "42"
    assert [t.agent for t in episode.turns] == ["solver", "oracle teacher"] * 2 + ["solver"]
    assert solved_by(said, GOLDS["t"].right, 6) == [False, False, True, True, True, True]


async def test_the_solver_reads_all_its_answers_and_all_feedback() -> None:
    hints = [HINT.format("check the tens"), HINT.format("check the ones")]
    episode, _ = await taught(says(40, 41, 42), hints)
    last = read(episode, 4)
    assert all(part in last for part in ("40", "41", "check the tens", "check the ones"))


async def test_an_answer_in_the_feedback_reaches_the_solver_masked() -> None:
    hint = HINT.format("The answer is 42, that is forty-two (42.0, +42), not 142 or 42.5")
    episode, _ = await taught(says(40, 42), [hint])
    heard = read(episode, 2)
    assert f"The answer is {MASK}, that is {MASK} ({MASK}, +{MASK}), not 142 or 42.5" in heard


async def test_the_teacher_reads_the_gold_and_the_solver_never_does() -> None:
    episode, _ = await taught(says(40, 41), [HINT.format("no")] * 2, "solution", rounds=1)
    teacher, solver = read(episode, 1), read(episode, 0) + read(episode, 2)
    assert "The right answer:\n> 42" in teacher and "A solution:\n> 6 * 7 = 42" in teacher
    assert '- "40"' in teacher
    assert "42" not in solver
    reflection, _ = await taught(says(40, 41), [HINT.format("no")] * 2, "reflection", rounds=1)
    assert "A solution" not in read(reflection, 1)


async def test_a_verdict_says_that_it_is_wrong_and_costs_no_call() -> None:
    episode, _ = await taught(says(40, 41, 42), [], "verdict")
    assert episode.total.calls == 3
    assert "<verdict>incorrect</verdict>\nReply again." in read(episode, 1)


async def test_a_teacher_that_praises_a_wrong_answer_is_overruled() -> None:
    praise = "<reasoning>fine</reasoning><verdict>correct</verdict>"
    episode, _ = await taught(says(40, 42), [praise])
    assert episode.answer == "42"
    assert "<verdict>incorrect</verdict>" in read(episode, 2)


async def test_whoever_never_finds_it_is_told_ten_times() -> None:
    episode, said = await taught(says(*range(11)), [HINT.format("no")] * 10)
    assert (episode.total.calls, episode.answer) == (21, "10")
    assert not any(solved_by(said, GOLDS["t"].right, 11))


class Thermometer(ScriptedModel):
    """Notes the temperature of each call."""

    read: list[Any] = []

    async def _agenerate(self, *args: Any, **kwargs: Any) -> Any:
        self.read.append(kwargs.get("temperature"))
        return await super()._agenerate(*args, **kwargs)


@pytest.mark.parametrize("samples", [1, 2])
async def test_temperatures_rise_by_015_to_15(samples: int) -> None:
    solver = Thermometer(says(*range(11 * samples)), read=[])
    team = friction(solver, {"t": Gold("none")}, "verdict", warming=True, samples=samples)
    await play(team, TASK)
    wanted = [0.0, 0.15, 0.3, 0.45, 0.6, 0.75, 0.9, 1.05, 1.2, 1.35, 1.5]
    assert solver.read == pytest.approx([each for each in wanted for _ in range(samples)])
    assert temperature(20) == 1.5


async def test_without_warming_the_temperature_is_left_to_the_model() -> None:
    solver = Thermometer(says(1, 2), read=[])
    await play(friction(solver, GOLDS, "verdict", rounds=1), TASK)
    assert solver.read == [None, None]


async def test_what_was_tried_is_listed_with_the_options_that_were_not() -> None:
    task = Task("t", "A, B or C?", data={"options": ["A", "B", "C"]})
    solver = ScriptedModel(says("A", "B", "C"))
    team = friction(solver, {"t": Gold("C")}, "verdict", listing=True)
    episode = await play(team, task)
    assert "tried" not in read(episode, 0)
    last = read(episode, 2)
    assert 'These answers were tried and are wrong:\n- "A"\n- "B"\n' in last
    assert 'These were not tried yet:\n- "C"\n' in last


async def test_among_25_samples_the_one_that_is_new_is_picked() -> None:
    said = [Candidate(by="solver", draft=Answer(answer=each)) for each in "AB"]
    held = [Candidate(by="solver", draft=Answer(answer=each)) for each in "AB" * 12 + "C"]
    update = await new_one({"task": TASK, "said": said, "candidates": held})
    assert update["draft"].answer == "C"
    old = await new_one({"task": TASK, "said": said, "candidates": held[:24]})
    assert old["draft"].answer in ("A", "B")
    assert await new_one({"task": TASK, "candidates": [Candidate(by="solver")]}) == {}


async def test_samples_are_drawn_with_all_feedback_in_view() -> None:
    read_: list[str] = []

    def reply(messages: list[BaseMessage]) -> str:
        read_.append(messages[-1].text)
        return says("41" if len(read_) == 6 else "40")[0]

    team = friction(ScriptedModel(reply), GOLDS, "verdict", samples=3, rounds=1)
    episode = await play(team, TASK)
    assert (episode.answer, episode.total.calls) == ("41", 6)
    assert all("not accepted" in each or "incorrect" in each for each in read_[3:])


async def test_without_golds_the_models_own_critique_decides() -> None:
    model = ScriptedModel(
        [*says(40), "<verdict>incorrect</verdict>", *says(41), "<verdict>correct</verdict>"]
    )
    team = friction(model, listing=True)
    episode = await play(team, TASK)
    assert (episode.answer, team.name) == ("41", "friction")


def test_a_team_with_a_teacher_who_knows_is_labelled() -> None:
    assert friction(ScriptedModel([]), GOLDS).name == "oracle_friction"


async def test_a_spent_budget_leaves_the_last_answer() -> None:
    team = friction(ScriptedModel(says(40)), GOLDS)
    episode = await play(team, TASK, budget=Budget(calls=1))
    assert (episode.answer, episode.outcome.stop) == ("40", "budget of 1 model calls is spent")


async def test_a_task_that_the_teacher_does_not_know_is_an_error_that_says_so() -> None:
    team = friction(ScriptedModel(says(40)), {"other": Gold("1")})
    episode = await play(team, TASK)
    assert "there is no right answer for the task 't'" in episode.outcome.error


@pytest.mark.parametrize(
    ("golds", "feedback", "samples", "message"),
    [
        (GOLDS, "praise", 1, "feedback='praise': choose verdict, reflection, solution"),
        (None, "verdict", 1, "feedback='verdict' needs golds"),
        ({"t": Gold("1")}, "solution", 1, r"there is no solution for \['t'\]"),
        (GOLDS, "verdict", 0, "samples=0"),
    ],
)
def test_what_cannot_be_had_is_refused(
    golds: Any, feedback: Any, samples: int, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        friction(ScriptedModel([]), golds, feedback, samples=samples)


@pytest.mark.parametrize(
    ("gold", "text", "wanted"),
    [
        (Gold("B", ("the second",)), "a B, not b: The Second", f"a {MASK}, not b: {MASK}"),
        (Gold("1,000"), "1000 or 1000.0 or 10000", f"{MASK} or {MASK} or 10000"),
        (Gold("Nile (river)"), "the NILE (river)!", f"the {MASK}!"),
        (Gold("", ("x+y",)), "x+y and xx+y", f"{MASK} and xx+y"),
    ],
)
def test_answers_are_masked_as_whole_words_and_as_numbers(
    gold: Gold, text: str, wanted: str
) -> None:
    assert gold.mask(text) == wanted


words = st.text(st.characters(categories=["L", "N", "P", "Zs"]), min_size=1, max_size=12)


@given(answer=words.filter(lambda text: text.strip().strip(" .,;:!\"'")), before=words, after=words)
def test_no_part_of_feedback_keeps_the_answer_as_a_word(
    answer: str, before: str, after: str
) -> None:
    gold = Gold(answer)
    told = f"{before} {answer} {after}"
    feedback = Critique(
        verdict="correct", reasoning=told, suggestion=told, issues=(Issue(reason=told),)
    )
    safe = masked(feedback, gold)
    assert safe.verdict == "incorrect"
    for text in (safe.reasoning, safe.suggestion, safe.issues[0].reason):
        assert MASK in text
        assert f" {answer.strip()} " not in text.replace(before, "").replace(after, "")


def test_the_teacher_is_an_oracle_by_name() -> None:
    assert Teacher(GOLDS, "verdict", ScriptedModel([])).name == "oracle teacher"
    assert output_format("tags").render(masked(Critique(verdict="correct"), GOLDS["t"])) == (
        "<verdict>incorrect</verdict>"
    )
