from __future__ import annotations

import json
from pathlib import Path
from typing import Any, ClassVar

import pytest
from langchain_core.messages import BaseMessage
from tokenised import read, tokenised

from symposia import make_environment
from symposia.agents import Candidate, Verdict
from symposia.benchmarks import Environment, evaluate
from symposia.episodes import Episode, EpisodeStore, Observation, Task
from symposia.models import ScriptedModel
from symposia.models.load import TINY
from symposia.training.files import load_examples
from symposia.training.loop import Plan, Stage, train
from symposia.training.recipes.b_star import BSTaR, answers, grade_of
from symposia.training.trainer import UpdateSettings


class Sevens(Environment):
    """The answer is always 7."""

    name: ClassVar[str] = "sevens"
    splits: ClassVar[tuple[str, ...]] = ("all",)
    max_steps = 1

    def __init__(self, count: int = 4) -> None:
        self.count = count

    def tasks(self, split: str) -> list[Task]:
        return [Task(f"t{n}", f"Question {n}?") for n in range(self.count)]

    def reset(self, task: Task) -> Observation:
        return Observation(task.prompt)

    def step(self, action: str) -> Observation:
        return Observation("", reward=float(action == "7"), done=True)


class Tempered(ScriptedModel):
    """A script that knows its temperature."""

    temperature: float | None = None

    def _reply(self, messages: list[BaseMessage]) -> Any:
        return self.script(self.temperature, messages)


class Writer:
    """Cold, it says one right thing again and again; hot, many things, of which some are wrong."""

    def __init__(self) -> None:
        self.said: dict[float | None, int] = {}

    def __call__(self, temperature: float | None, messages: list[BaseMessage]) -> str:
        count = self.said[temperature] = self.said.get(temperature, 0) + 1
        way = count if temperature == 1.0 else 0
        wrong = temperature == 2.0 or (temperature == 1.0 and count % 4 == 0)
        return f"<reasoning>way {way}</reasoning>\n<answer>{6 if wrong else 7}</answer>"


async def content(state: Any) -> dict[str, Any]:
    """A judge that finds every answer good."""
    return {"score": 1.0}


async def played(
    recipe: BSTaR, tmp_path: Path, attempts: int = 4, memory: dict[str, Any] | None = None
) -> tuple[list[Episode], Stage]:
    world = Sevens()
    tasks = world.tasks("all")
    stage = Stage(0, 2, tasks, attempts, 0, memory=memory or {}, score=score)
    team = recipe.team({"policy": Tempered(Writer())}, stage)
    with EpisodeStore(tmp_path) as store:
        await evaluate(
            team, world, tasks=tasks, attempts=attempts, store=store, run="r", progress=False
        )
        return [tokenised(each) for each in store.episodes("r")], stage


async def score(task: str, answer: str) -> float:
    return float(answer == "7")


async def test_the_temperature_that_balances_best_on_the_probes_is_the_next_one(
    tmp_path: Path,
) -> None:
    recipe = BSTaR(judge=content, temperatures=(0.5, 1.0, 2.0), temperature=0.5, enough=3)
    episodes, stage = await played(recipe, tmp_path)
    rows = await recipe.rows(episodes, stage)
    assert stage.memory["temperature"] == 1.0
    (told,) = stage.memory["balance"]
    assert told["temperature"] == 0.5 and told["score"] == pytest.approx(1 / 3)
    prompts = [read(row)[0] for row in rows]
    assert len(rows) == 3, "each of the other tasks keeps one of four equal answers"
    assert not any("Question 0?" in prompt for prompt in prompts), "the probe is not learnt"


async def test_what_is_kept_is_right_distinct_and_as_much_as_is_wanted(tmp_path: Path) -> None:
    recipe = BSTaR(judge=content, temperatures=(0.5, 1.0), temperature=0.5, target=5)
    episodes, stage = await played(recipe, tmp_path, memory={"temperature": 1.0})
    rows = await recipe.rows(episodes, stage)
    learnt = [read(row) for row in rows]
    assert len(set(learnt)) == len(learnt) >= 5
    assert all("<answer>7</answer>" in said for _, said in learnt)
    by_task = [sum(f"Question {n}?" in prompt for prompt, _ in learnt) for n in range(4)]
    assert by_task[0] == 0 and max(by_task) - min(by_task[1:]) <= 1


async def test_an_answer_is_worth_its_rightness_and_a_fifth_of_its_grade(tmp_path: Path) -> None:
    async def doubtful(state: Any) -> dict[str, Any]:
        return {"score": 0.25}

    recipe = BSTaR(judge=doubtful, temperatures=(0.5,), temperature=0.5)
    episodes, stage = await played(recipe, tmp_path, attempts=1)
    rewards = [each.reward for e in episodes for each in await answers(e, stage)]
    assert rewards == pytest.approx([1 + 0.2 * -0.5] * 4)


@pytest.mark.parametrize(
    ("candidate", "grade"),
    [
        (Candidate("a", score=1.0), 1.0),
        (Candidate("a", score=0.5), 0.0),
        (Candidate("a"), -1.0),
        (Candidate("a", verdict=Verdict(decision="accept", scores=(0.9, 0.25, 1.0))), -0.5),
    ],
)
def test_the_least_of_the_steps_grades_counts_and_no_grade_is_the_lowest(
    candidate: Candidate, grade: float
) -> None:
    assert grade_of(candidate) == pytest.approx(grade)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"temperatures": ()}, "no temperatures"),
        ({"temperatures": (0.0,)}, r"temperature=0\.0"),
        ({"probes": 1.0}, r"probes=1\.0"),
        ({"enough": 0}, "enough=0"),
        ({"target": 0}, "target=0"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        BSTaR(**settings)


def test_what_cannot_take_effect_is_refused() -> None:
    stage = Stage(0, 1, Sevens().tasks("all"), 1, 0)
    warm = Tempered(Writer(), temperature=0.7)
    with pytest.raises(ValueError, match=r"samples at temperature 0\.7, and b-star begins at 1"):
        BSTaR().team({"policy": warm}, stage)
    with pytest.raises(ValueError, match="has no temperature to set"):
        BSTaR().team({"policy": ScriptedModel(["7"])}, stage)
    with pytest.raises(ValueError, match="at least 2 a stage"):
        BSTaR().probed(Stage(0, 1, Sevens(1).tasks("all"), 1, 0))


async def test_the_bundled_model_learns_what_the_balanced_threshold_keeps(tmp_path: Path) -> None:
    plan = Plan(
        base=TINY,
        iterations=2,
        tasks=6,
        attempts=2,
        test_tasks=4,
        max_tokens=120,
        evaluate_every=0,
        update=UpdateSettings(learning_rate=1e-3, device="cpu"),
    )
    recipe = BSTaR(temperatures=(0.7, 1.0), enough=2)
    done = await train(recipe, make_environment("arithmetic", size=12), plan, tmp_path)
    assert done.versions["policy"].name == "0002"
    first, second = (
        load_examples(tmp_path / "iterations" / at / "rows" / "policy.npz")
        for at in ("0000", "0001")
    )
    assert first and second

    memory = json.loads((tmp_path / "iterations" / "0001" / "update.json").read_text())["memory"]
    assert memory["balance"][0]["temperature"] == 1.0
    assert memory["balance"][1]["temperature"] in (0.7, 1.0)
