"""reasoning-gym: every family, its own scorer, and answers that would be run as code."""

from __future__ import annotations

import gc
import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("reasoning_gym", reason='needs pip install "symposia[reasoning]"')

from hypothesis import given, settings
from hypothesis import strategies as st
from langchain_core.messages import BaseMessage

from symposia import Actor, ScriptedModel, ToolAgent, act, answer, evaluate, make_environment
from symposia.benchmarks import TaskError
from symposia.benchmarks.reasoning import ReasoningGym
from symposia.benchmarks.reasoning.answers import FORMULAS, LITERALS, NUMBERS, refusal
from symposia.episodes import Observation, Task

EVALUATED = sorted(LITERALS | NUMBERS | FORMULAS)


@pytest.fixture(scope="module")
def world() -> ReasoningGym:
    """A puzzle of each family."""
    everything = ReasoningGym()
    return ReasoningGym(size=len(everything.families))


def answered(world: ReasoningGym, task: Task, text: str) -> Observation:
    world.reset(task)
    return world.step(text)


def test_every_family_has_its_puzzle_and_its_scorer_accepts_the_right_answer(
    world: ReasoningGym,
) -> None:
    tasks = world.tasks()
    assert [task.kind for task in tasks] == list(world.families)
    assert len(tasks) > 100
    without = set()
    for task in tasks:
        right = task.reference["answer"]
        if right is None:  # the scorer checks the answer instead
            without.add(task.kind)
            continue
        seen = answered(world, task, right)
        assert (seen.reward, seen.done, seen.info["stop"]) == (1.0, True, "solved"), task.id
    assert without <= {"boxnet", "graph_color", "propositional_logic", "rubiks_cube", "rush_hour"}


def test_one_family_is_played_by_name_with_its_own_settings() -> None:
    world = make_environment(
        "reasoning-gym", family="chain_sum", size=3, config={"min_terms": 5, "max_terms": 5}
    )
    tasks = world.tasks("test")
    assert [task.kind for task in tasks] == ["chain_sum"] * 3
    for task in tasks:
        assert task.prompt.count("+") + task.prompt.count(" - ") == 4
        seen = world.reset(task)
        assert seen.text == task.prompt and not seen.done


def test_puzzles_follow_the_seed_and_splits_do_not_share_any() -> None:
    def ids(split: str, seed: int) -> list[str]:
        world = ReasoningGym(family="basic_arithmetic", size=5, seed=seed)
        return [task.id for task in world.tasks(split)]

    assert ids("test", 0) == ids("test", 0)
    assert ids("test", 0)[1:] == ids("test", 1)[:-1]
    assert not set(ids("test", 0)) & set(ids("train", 0))


@pytest.mark.parametrize(
    "family", ["list_functions", "acre", "gsm_symbolic", "word_ladder", "maze", "needle_haystack"]
)
def test_a_family_makes_the_same_puzzles_again_in_this_process(family: str) -> None:
    first, second = (ReasoningGym(family=family, size=5).tasks() for _ in range(2))
    assert [task.id for task in first] == [task.id for task in second]
    assert len({task.prompt for task in first}) > 1


def test_the_answer_is_taken_out_of_tags() -> None:
    world = ReasoningGym(family="chain_sum", size=1)
    (task,) = world.tasks()
    right = task.reference["answer"]
    for text in (right, f" {right}\n", f"so <answer> {right} </answer>", f"<answer>{right}"):
        assert answered(world, task, text).reward == 1.0
    assert answered(world, task, f"<answer>{right}</answer><answer>no</answer>").reward == 0.0


def test_there_is_one_attempt() -> None:
    world = ReasoningGym(family="chain_sum", size=1)
    (task,) = world.tasks()
    first = answered(world, task, "no")
    again = world.step(task.reference["answer"])
    assert (again.done, again.reward, again.text) == (True, 0.0, first.text)


ATTACKS = (
    "[open({file!r}, 'w')]",
    "__import__('pathlib').Path({file!r}).touch()",
    "[].__class__.__base__.__subclasses__()[0] or open({file!r}, 'w')",
    "(lambda: open({file!r}, 'w'))()",
    "x + open({file!r}, 'w').write('x')",
    "exp(open({file!r}, 'w'))",
    "[c for c in open({file!r}, 'w')]",
    "1 if open({file!r}, 'w') else 2",
    "f\"{{open({file!r}, 'w')}}\"",
    "sin(x, evaluate=open({file!r}, 'w'))",
)


@pytest.mark.parametrize("family", EVALUATED)
def test_an_answer_never_runs_as_code(family: str, tmp_path: Path) -> None:
    world = ReasoningGym(family=family, size=1)
    (task,) = world.tasks()
    file = tmp_path / "written"
    for attack in ATTACKS:
        seen = answered(world, task, attack.format(file=str(file)))
        assert seen.reward == 0.0
        assert seen.info["refused"]
        assert not file.exists()


def test_the_attacks_would_work_without_the_check(tmp_path: Path) -> None:
    """The test above can fail."""
    world = ReasoningGym(family="spiral_matrix", size=1)
    (task,) = world.tasks()
    file = tmp_path / "written"
    world._scorers["spiral_matrix"].score_answer(ATTACKS[0].format(file=str(file)), task.reference)
    assert file.exists()


@pytest.mark.parametrize("family", EVALUATED)
def test_right_answers_pass_the_check(family: str) -> None:
    world = ReasoningGym(family=family, size=15)
    for task in world.tasks():
        right = task.reference["answer"]
        if "Integral" in right:  # a puzzle of the library that it could not solve itself
            continue
        assert refusal(family, right, task.reference) == ""
        assert family in FORMULAS or answered(world, task, right).reward == 1.0


@pytest.mark.parametrize(
    ("formula", "accepted"),
    [
        ("3 * (4 + 4)", True),
        ("-2.5/7", True),
        ("2**3", True),
        ("2**-1", True),
        ("9**9**9", False),
        ("9**99999", False),
        ("((9**99)**99)**99", False),
        ("x + 1", False),
        ("sqrt(4)", False),
        ("(" * 400 + "1" + ")" * 400, False),
        ("1+" * 300 + "1", False),
        ("True", False),
        ("'2'", False),
        ("2,3", False),
        ("1\x00", False),
        ("\u0662", False),
    ],
)
def test_arithmetic_is_numbers_and_small_powers(formula: str, accepted: bool) -> None:
    assert (refusal("countdown", formula, {"answer": "1", "metadata": {}}) == "") is accepted


@pytest.mark.parametrize(
    ("formula", "accepted"),
    [
        ("x**3/3 - 2*x**(1/2) + C", True),
        ("exp(2*x)*sin(x) + log(x)/pi", True),
        ("2**x", True),
        ("x.diff", False),
        ("Integer(3)", False),
        ("exp(x)(y)", False),
        ("exp", False),
        ("sin(*x)", False),
        ("x[0]", False),
        ("x := 2", False),
    ],
)
def test_formulas_are_letters_and_usual_functions_besides(formula: str, accepted: bool) -> None:
    entry = {"answer": "1", "metadata": {}}
    assert (refusal("simple_integration", formula, entry) == "") is accepted


def test_a_formula_that_takes_too_long_is_given_up_and_the_next_is_scored(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = ReasoningGym(family="intermediate_integration", size=1, seed=1)
    (task,) = world.tasks()
    monkeypatch.setattr("symposia.benchmarks.reasoning.scoring.LIMIT", 1.0)
    seen = answered(world, task, "1/(x**99 + x**98 + 1)/(x**97 + sqrt(x**3 + 1))")
    assert seen.reward == 0.0
    assert "took longer than 1 s" in seen.info["refused"]
    monkeypatch.undo()
    assert answered(world, task, task.reference["answer"]).reward == 1.0
    process = world._formulas._process
    assert answered(world.fork(), task, task.reference["answer"]).reward == 1.0
    assert world._formulas._process is process
    del world
    gc.collect()
    assert process.wait(timeout=5) is not None


def test_a_scorers_process_that_dies_is_started_again(world: ReasoningGym) -> None:
    task = next(each for each in world.tasks() if each.kind == "simple_integration")
    assert answered(world, task, task.reference["answer"]).reward == 1.0
    world._formulas._process.kill()
    world._formulas._process.wait()
    assert answered(world, task, task.reference["answer"]).reward == 1.0


NASTY = ("", " ", "\x00", "\ud800", "é漢字", "1e999999999", "nan", "-inf", "1/0", "9" * 5000)
HUGE = ("word " * 4000, "(" * 3000, "[" * 3000, '{"a":' * 1500, "\u00ac" * 3000, "1,2\n" * 2000)


def test_nothing_that_is_said_raises_or_scores_outside_the_bounds(world: ReasoningGym) -> None:
    for task in world.tasks():
        for text in (*NASTY, *HUGE, str(task.reference["answer"]) * 50):
            seen = answered(world, task, text)
            assert 0.0 <= seen.reward <= 1.0
            assert seen.done
            json.dumps(seen.info)


def test_nothing_is_wrong_in_every_family_of_text(world: ReasoningGym) -> None:
    for task in world.tasks():
        assert answered(world, task, " ").reward == 0.0


@settings(max_examples=150)
@given(st.integers(0, 1000), st.text(max_size=60))
def test_no_text_raises(world: ReasoningGym, number: int, text: str) -> None:
    tasks = world.tasks()
    assert 0.0 <= answered(world, tasks[number % len(tasks)], text).reward <= 1.0


async def test_teams_of_both_kinds_answer_and_never_read_the_gold() -> None:
    """The gold, where it is a canary, is in no prompt; the question is."""
    world = ReasoningGym(size=20)
    canary = "the gold canary"
    tasks = [
        Task(t.id, t.prompt, t.kind, t.data, {**t.reference, "answer": canary, "metadata": {}})
        for t in world.tasks()
    ]
    read: list[str] = []

    def reply(messages: list[BaseMessage]) -> str:
        read.append("\n".join(message.text for message in messages))
        return "<answer>1</answer>" if "<answer>" in messages[0].text else "<action>1</action>"

    for team in (answer(Actor(ScriptedModel(reply))), act(ToolAgent(ScriptedModel(reply)))):
        report = await evaluate(team, world, tasks=tasks, progress=False, concurrency=1)
        assert len(report.rows) == 20
    assert len(read) == 40
    for number, text in enumerate(read):
        assert tasks[number % 20].prompt.strip() in text
        assert canary not in text
    for task in tasks:
        seen = (world.reset(task), world.step("1"))
        assert not any(canary in each.text + json.dumps(each.info) for each in seen)


async def test_a_team_that_knows_the_answers_solves_all() -> None:
    world = ReasoningGym(family="chain_sum", size=10)
    gold = {task.prompt: task.reference["answer"] for task in world.tasks()}

    def reply(messages: list[BaseMessage]) -> str:
        right = next(each for prompt, each in gold.items() if prompt in messages[-1].text)
        return f"<answer>{right}</answer>"

    report = await evaluate(answer(Actor(ScriptedModel(reply))), world, progress=False)
    assert report.summary.successes == 10
    assert report.stops == {"solved": 10}


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"size": 0}, "size=0"),
        ({"seed": -1}, "seed=-1"),
        ({"seed": 999_999, "size": 2}, "seed=999999"),
        ({"config": {"min_terms": 2}}, "name it"),
        ({"config": 3, "family": "chain_sum"}, "config=3"),
        ({"level": 2}, "its options are: family, size, seed, config"),
    ],
)
def test_wrong_settings_are_named(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make_environment("reasoning-gym", **wrong)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"family": "sums"}, "family='sums': it is 'all' or one of ab, acre"),
        ({"family": "composite"}, "family='composite'"),
        ({"family": "chain_sum", "config": {"terms": 3}}, "has no 'terms'; it has .*max_terms"),
        ({"family": "chain_sum", "config": {"min_terms": -1}}, "chain_sum: "),
    ],
)
def test_unknown_families_and_settings_are_named_with_the_first_task(
    wrong: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        make_environment("reasoning-gym", **wrong).tasks("test")


def test_a_task_without_its_reference_is_refused() -> None:
    with pytest.raises(TaskError, match="take it from `tasks`"):
        ReasoningGym().reset(Task("x", "What is 1 + 1?", "chain_sum"))


def test_without_the_package_the_pip_command_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "reasoning_gym", None)
    with pytest.raises(ImportError, match=r'pip install "symposia\[reasoning\]"'):
        ReasoningGym().tasks()
