from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import BaseMessage
from tokenised import read, tokenised, tokenizer

from symposia import make_environment
from symposia.benchmarks import play
from symposia.episodes import Episode, Task
from symposia.graphs.leave_tree import tree_of
from symposia.models import ScriptedModel
from symposia.models.load import TINY
from symposia.training import Row
from symposia.training.loop import Plan, Stage, train
from symposia.training.recipes.rest_mcts import ReSTMCTS
from symposia.training.trainer import UpdateSettings
from symposia.training.trainer.learner import Learner
from symposia.training.trainer.policy import Policy

TASK = Task("t", "What is 2 + 3 + 4?")


def policy(messages: list[BaseMessage]) -> str:
    """Right and wrong steps in turn."""
    count[0] += 1
    right = count[0] % 2
    if "2 + 3 = 5" in messages[-1].text:
        return f"<step>5 + 4 = {9 if right else 8}</step><answer>{9 if right else 8}</answer>"
    return f"<step>{'2 + 3 = 5' if right else 'I do not know'}</step>"


count = [0]


async def searched() -> Episode:
    count[0] = 0
    models: dict[str, Any] = {
        "policy": ScriptedModel(policy),
        "judge": ScriptedModel(lambda m: "<decision>revise</decision><scores>0.5</scores>"),
    }
    recipe = ReSTMCTS(expansions=3, branches=2, max_depth=2)
    return tokenised(await play(recipe.team(models, stage()), TASK))


async def nine(task: str, answer: str) -> float:
    return float(answer == "9")


async def never(task: str, answer: str) -> float:
    return 0.0


def stage(score: Any = nine) -> Stage:
    return Stage(0, 1, [TASK], 1, 0, score=score, tokenizer=tokenizer())


async def test_the_policy_learns_the_steps_that_lead_to_right_ends() -> None:
    episode = await searched()
    rows = [row for row in await ReSTMCTS().rows([episode], stage()) if row.policy == "policy"]
    learnt = [read(row)[1] for row in rows]
    assert any("2 + 3 = 5" in text for text in learnt)
    assert any("<answer>9</answer>" in text for text in learnt)
    assert not any("8" in text or "I do not know" in text for text in learnt)


async def test_the_judge_learns_the_value_of_each_partial_solution_where_it_was_asked() -> None:
    episode = await searched()
    rows = [row for row in await ReSTMCTS().rows([episode], stage()) if row.policy == "judge"]
    tree = tree_of(episode)
    assert len(rows) == len(tree) - 1
    told = {}
    for row in rows:
        prompt, learnt = read(row)
        proposed = prompt.rpartition("Proposed reply:")[2]
        found = re.search(r"<scores>(.*)</scores>", learnt)
        assert found is not None
        told.setdefault(re.findall(r"= 5|= 9|= 8|know", proposed)[0], float(found[1]))
    # Two steps to the right end: 1/2, then 1. The wrong second step: 1/2 - (1/2) / 2.
    assert told == {"= 5": 0.5, "= 9": 1.0, "= 8": 0.25, "know": 0.0}


async def test_a_tree_without_a_right_end_teaches_nothing() -> None:
    assert await ReSTMCTS().rows([await searched()], stage(never)) == []
    assert await ReSTMCTS().rows([Episode("r", "t")], stage()) == []
    with pytest.raises(ValueError, match="does not take them"):
        await ReSTMCTS().rows([await searched()], stage(None))


async def test_both_can_be_trained_on_these_rows(tmp_path: Path) -> None:
    rows = await ReSTMCTS().rows([await searched()], stage())
    settings = UpdateSettings(learning_rate=1e-3, epochs=4, device="cpu")
    weights = Policy(TINY, None, "cpu")
    weights.begin(tmp_path / "0", 0)
    learner = Learner(weights, settings)
    for policy in ReSTMCTS.policies:
        mine = [row for row in rows if isinstance(row, Row) and row.policy == policy]
        told: list[dict[str, float]] = []
        learner.update(
            tmp_path / "0",
            mine,
            ReSTMCTS().objective(policy, stage()),
            tmp_path / policy,
            heard=told.append,
        )
        assert told[-1]["loss"] < told[0]["loss"]


async def test_a_model_that_cannot_write_steps_stays_as_it_is(tmp_path: Path) -> None:
    plan = Plan(
        base=TINY,
        iterations=1,
        tasks=1,
        attempts=1,
        test_tasks=1,
        max_tokens=32,
        evaluate_every=0,
        update=UpdateSettings(learning_rate=1e-3, device="cpu"),
    )
    recipe = ReSTMCTS(expansions=2, branches=2, max_depth=2)
    done = await train(recipe, make_environment("arithmetic", size=2), plan, tmp_path)
    assert {name: at.name for name, at in done.versions.items()} == {
        "policy": "0000",
        "judge": "0000",
    }
