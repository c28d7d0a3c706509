"""Mathematical questions: what counts as the same answer, and the official files."""

import gzip
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from official import official

from symposia import Actor, ScriptedModel, answer, evaluate_sync, make_environment

pytest.importorskip("math_verify", reason='needs pip install "symposia[math]"')

from symposia.benchmarks.questions.equality import same_answer

ROBE = {
    "question": "A robe takes 2 bolts of blue fiber and half that much white. How many in total?",
    "answer": "It takes 2/2=<<2/2=1>>1 bolt.\nIn total 2+1=<<2+1=3>>3 bolts.\n#### 3",
}


@pytest.mark.parametrize(
    ("said", "gold"),
    [
        ("18", "18"),
        ("$18", "18"),
        ("18.0", "18"),
        ("18 dollars", "18"),
        ("1,000", "1000"),
        ("1/2", r"\frac12"),
        (r"so it is \boxed{\frac{1}{2}}", "0.5"),
        ("-2,1", "1,-2"),
        ("x=5", "5"),
        ("90", r"90^\circ"),
        ("Evelyn", r"\text{Evelyn}"),
        ("p-q", "p - q"),
    ],
)
def test_answers_that_mean_the_same_are_equal(said, gold):
    assert same_answer(said, gold)


@pytest.mark.parametrize(
    ("said", "gold"),
    [
        ("", "3"),
        ("17 or 18", "18"),
        ("18, 19", "18"),
        ("18 of 20", "18"),
        ("0.333", r"\frac13"),
        ("q-p", "p - q"),
        ("1" * 2000, "1"),
        ("9^(9^9)", "3"),
        ("100000000!", "3"),
    ],
)
def test_other_answers_guesses_and_bombs_are_wrong(said, gold):
    assert not same_answer(said, gold)


@given(st.text(max_size=30))
def test_no_text_makes_the_comparison_fail(text):
    assert same_answer(text, "7215") in (True, False)


def test_a_team_is_graded_on_a_file_of_its_own_and_bad_lines_are_counted(tmp_path, caplog):
    rows = [json.dumps(ROBE), "{broken", json.dumps({**ROBE, "answer": "no mark"}), "[1]", ""]
    (tmp_path / "test.jsonl").write_text("\n".join(rows))
    environment = make_environment("gsm8k", data=tmp_path)
    team = answer(Actor(ScriptedModel(lambda messages: "<answer>3 bolts</answer>")))
    report = evaluate_sync(team, environment, progress=False)
    assert (report.summary.episodes, report.summary.successes) == (1, 1)
    assert report.rows[0].kind == "2 steps"
    assert sum(environment.faults.values()) == 3
    assert "line 2 holds no question" in caplog.text


def test_the_gold_answer_is_in_nothing_that_an_agent_reads(tmp_path):
    row = {"problem": "What is it?", "answer": "7215", "solution": "7215", "subject": "Algebra"}
    with gzip.open(tmp_path / "test.jsonl.gz", "wt") as stream:
        stream.write(json.dumps(row))
    environment = make_environment("math500", data=tmp_path / "test.jsonl.gz")
    (task,) = environment.tasks("test")
    with environment:
        seen = [environment.reset(task), environment.step("7214"), environment.step("7214")]
    assert "7215" not in f"{task!r} {[s.text for s in seen]} {environment.instructions}"
    assert [s.reward for s in seen] == [0, 0, 0]


def test_a_missing_file_is_named_with_the_mend(tmp_path, monkeypatch):
    monkeypatch.delenv("SYMPOSIA_DATA", raising=False)
    with pytest.raises(ValueError, match=r"pass data=FOLDER with test\.jsonl, or set SYMPOSIA"):
        make_environment("gsm8k").tasks("test")
    with pytest.raises(ValueError, match=r"no aime24\.jsonl in"):
        make_environment("aime", data=tmp_path).tasks("2024")


@pytest.mark.parametrize(
    ("name", "split", "file", "count"),
    [
        ("gsm8k", "test", "gsm8k/test.jsonl", 1319),
        ("gsm8k", "train", "gsm8k/train.jsonl", 7473),
        ("math500", "test", "math500/test.jsonl", 500),
        ("aime", "2024", "math_small/aime24.jsonl", 30),
    ],
)
def test_the_official_files_are_read_whole(name, split, file, count):
    environment = make_environment(name, data=official(file))
    tasks = environment.tasks(split)
    assert len(tasks) == len({task.id for task in tasks}) == count
    assert not environment.faults
    for task in tasks[:: max(count // 40, 1)]:
        environment.reset(task)
        assert environment.step(task.reference).reward == 1, task


def test_generated_problems_are_answered_by_their_number_and_differ_by_split_and_seed():
    environment = make_environment("arithmetic", size=20, seed=3)
    tasks = environment.tasks("test")
    assert tasks == make_environment("arithmetic", size=20, seed=3).tasks("test")
    others = [*environment.tasks("train"), *make_environment("arithmetic", size=20).tasks("test")]
    assert len({task.prompt for task in (*tasks, *others)}) == 60
    for task in tasks:
        environment.reset(task)
        before = environment.snapshot()
        assert environment.step(f" {task.reference}\n").reward == 1
        assert environment.step(str(task.reference)).reward == 0, "the first answer counts"
        environment.restore(before)
        assert environment.step(str(task.reference + 1)).reward == 0
