"""Programming questions: code from answers, hidden tests in the sandbox, the official files."""

import asyncio
import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from official import official

from symposia import Actor, EpisodeStore, ScriptedModel, answer, evaluate_sync, make_environment
from symposia.benchmarks import Environment
from symposia.tools.code import code_of
from symposia.tools.sandbox import PythonSandbox, UnavailableError

ADD = {
    "task_id": "HumanEval/7",
    "prompt": 'import math\n\n\ndef add(a, b):\n    """The sum, by math.fsum."""\n',
    "entry_point": "add",
    "canonical_solution": "    return math.fsum([a, b])\n",
    "test": "def check(add):\n    assert add(1, 2) == 3\n    assert add(2, 2) == 4",
}


async def _opened() -> None:
    async with PythonSandbox():
        pass


@pytest.fixture(autouse=True, scope="module")
def sandbox() -> None:
    try:
        asyncio.run(_opened())
    except UnavailableError as error:
        pytest.skip(f"no sandbox works here: {error}")


@pytest.fixture
def humaneval(tmp_path: Path):
    with gzip.open(tmp_path / "HumanEval.jsonl.gz", "wt") as stream:
        stream.write(json.dumps(ADD) + "\n" + json.dumps({**ADD, "entry_point": "a b"}))
    with make_environment("humaneval", data=tmp_path, seconds=5) as environment:
        yield environment


@pytest.fixture(scope="module")
def functions() -> Iterator[Environment]:
    with make_environment("functions", size=2, seconds=5) as environment:
        yield environment


def rows(file: Path):
    content = file.read_bytes()
    text = gzip.decompress(content) if file.suffix == ".gz" else content
    return [json.loads(line) for line in text.splitlines() if line.strip()]


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("x = 1", "x = 1"),
        ("Here:\n```python\nx = 1\n```\nDone.", "x = 1\n"),
        ("```\nx = 1\n```\nor\n```\nx = 2\n```", None),
        ("```python\nx = 1", None),
        (" \n", None),
    ],
)
def test_code_is_read_from_one_block_or_from_all(said, code):
    assert code_of(said) == code


def test_answers_may_be_the_function_or_what_goes_on_after_the_prompt(humaneval):
    (task,) = humaneval.tasks("test")
    assert humaneval.faults.total() == 1
    answers = {
        ADD["canonical_solution"]: (1.0, None),
        "total = math.fsum([a, b])\n    return total": (1.0, None),
        "```python\ndef add(a, b):\n    return math.fsum((a, b))\n```": (1.0, None),
        "def add(a, b):\n    return a": (0.0, "assertion"),
        "def add(a, b): return nothing": (0.0, "name"),
        "def add(a, b:": (0.0, "syntax"),
        "def add(a, b):\n    while True: pass": (0.0, "timeout"),
        "import os\nos._exit(0)\ndef add(a, b): pass": (0.0, "exit"),
        "```\n1\n```\n```\n2\n```": (0.0, "unreadable"),
    }
    for said, (reward, mistake) in answers.items():
        assert humaneval.reset(task).text.endswith(ADD["prompt"])
        end = humaneval.step(said)
        assert (end.reward, end.info["mistake"]) == (reward, mistake), said


def test_the_record_tells_how_many_tests_passed(humaneval, tmp_path):
    said = "<answer>\n    return {(1, 2): 3}.get((a, b))\n</answer>"
    team = answer(Actor(ScriptedModel([said])))
    with EpisodeStore(tmp_path) as store:
        report = evaluate_sync(team, humaneval, store=store, progress=False)
        (episode,) = store.episodes(report.run)
    assert episode.outcome.measures == {"passed": 0.0, "tests": 1.0}


def test_hidden_tests_are_in_nothing_that_an_agent_reads(humaneval):
    (task,) = humaneval.tasks("test")
    told = [humaneval.reset(task).text, humaneval.step("def add(a, b): return 7").text]
    assert "add(1, 2)" not in f"{told} {task!r} {humaneval.instructions}"


def test_hidden_tests_of_mbpp_are_in_nothing_that_an_agent_reads(tmp_path):
    row = {
        "task_id": 2,
        "prompt": "Write a function that doubles.",
        "test_list": ["assert double(1) == 2", "assert double(2) == 4"],
        "test": "assert double(41) == 82",
    }
    with gzip.open(tmp_path / "MbppPlus-OriginFmt.jsonl.gz", "wt") as stream:
        stream.write(json.dumps(row))
    with make_environment("mbpp-plus", data=tmp_path) as environment:
        (task,) = environment.tasks("test")
        seen = environment.reset(task)
        shown = [task.prompt, seen.text, environment.instructions, json.dumps(task.data)]
    assert "82" in task.reference
    assert not any("82" in text for text in shown)
    assert task.data["tests"] == ["assert double(1) == 2"]


def test_a_team_is_graded_in_worker_processes_by_its_passes(tmp_path):
    environment = make_environment("functions", size=6)
    tasks = {task.prompt: task for task in environment.tasks("test")}

    def reply(messages):
        task = next(task for prompt, task in tasks.items() if prompt in messages[-1].text)
        wrong = task.id.endswith("/0")
        return f"<answer>{'f = 1' if wrong else environment.solution(task)}</answer>"

    report = evaluate_sync(answer(Actor(ScriptedModel(reply))), environment, progress=False)
    assert (report.summary.episodes, report.summary.successes) == (6, 5)
    assert environment.tasks("test") == make_environment("functions", size=6).tasks("test")


PIECES = ["```python\n", "```", "def f(x):", " return x\n", "f = ", "lambda x: 3", "\x00", "\ud800"]


@settings(max_examples=8)
@given(answer=st.one_of(st.text(max_size=60), st.lists(st.sampled_from(PIECES)).map("".join)))
def test_no_answer_raises_or_scores_outside_the_bounds_and_snapshots_hold(
    functions: Environment, answer: str
) -> None:
    task = functions.tasks("test")[0]
    start = functions.reset(task)
    snapshot = functions.snapshot()
    seen = functions.step(answer)
    assert seen.done and seen.reward in (0.0, 1.0)
    json.dumps(seen.info)
    assert functions.restore(snapshot) == start
    assert functions.step(answer) == seen


def test_a_setting_that_cannot_take_effect_is_refused():
    with pytest.raises(ValueError, match="seconds=0"):
        make_environment("functions", seconds=0)
    with pytest.raises(ValueError, match="no_such"):
        make_environment("functions", backend="no_such")


def test_official_humaneval_solutions_pass():
    with make_environment("humaneval", data=official("humaneval/HumanEval.jsonl.gz")) as world:
        tasks = world.tasks("test")
        assert len(tasks) == 164 and not world.faults
        for task, row in list(zip(tasks, rows(official("humaneval/HumanEval.jsonl.gz"))))[::20]:
            world.reset(task)
            assert world.step(row["canonical_solution"]).reward == 1, task.id
            world.reset(task)
            assert world.step("    return None\n").reward == 0, task.id


def test_official_mbpp_solutions_pass():
    file = official("mbppplus/mbpp_full.jsonl")
    with make_environment("mbpp", data=file) as world:
        sizes = {split: len(world.tasks(split)) for split in world.splits}
        assert sizes == {"test": 500, "validation": 90, "train": 374, "prompt": 10}
        code = {row["task_id"]: row["code"] for row in rows(file)}
        for task in world.tasks("test")[::60]:
            world.reset(task)
            assert world.step(code[task.data["number"]]).reward == 1, task.id


def test_official_mbpp_plus_solutions_pass():
    file = official("mbppplus/MbppPlus-OriginFmt.jsonl.gz")
    pytest.importorskip("numpy")
    with make_environment("mbpp-plus", data=file, seconds=30) as world:
        tasks = world.tasks("test")
        assert len(tasks) == 378
        code = {row["task_id"]: row["code"] for row in rows(file)}
        for task in tasks[::90]:
            world.reset(task)
            assert world.step(code[task.data["number"]]).reward == 1, task.id


def test_a_team_may_see_the_first_test_of_a_task_and_what_it_needs(tmp_path):
    row = {
        "task_id": 1,
        "text": "Write twice.",
        "test_setup_code": "import math",
        "test_list": ["assert twice(1) == 2", "assert twice(2) == 4"],
        "challenge_test_list": ["assert twice(9) == 18"],
    }
    (tmp_path / "mbpp_full.jsonl").write_text(json.dumps(row))
    with make_environment("mbpp", data=tmp_path) as environment:
        (task,) = environment.tasks("prompt")
    assert task.data["tests"] == ["import math\nassert twice(1) == 2"]
    assert "twice(9)" not in json.dumps(task.data) + task.prompt
