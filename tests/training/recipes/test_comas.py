from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from symposia import make_environment
from symposia.benchmarks import play
from symposia.episodes import Episode, EpisodeStore, Task, Tokens, Turn
from symposia.models import ScriptedModel
from symposia.models.load import TINY
from symposia.training.advantages import reinforce_pp, token_rewards
from symposia.training.loop import Plan, train
from symposia.training.loop.recipe import Stage
from symposia.training.recipes.comas import CoMAS, discussions
from symposia.training.rewards import comas
from symposia.training.sample import Sample
from symposia.training.trainer import UpdateSettings

TASK = Task("p", "What is 1 + 1?")
STAGE = Stage(iteration=0, iterations=1, tasks=[TASK], attempts=1, seed=0)


def turn(round: int, role: str, number: int, length: int = 2, **told: Any) -> Turn:
    tokens = Tokens((1, 2), tuple(range(3, 3 + length)), (-0.5,) * length)
    return Turn(
        id=f"{round}-{role}-{number}",
        agent=f"{role}-{number}",
        branch=f"{round}/{number}",
        messages=(),
        reply={},
        tokens=tokens,
        finish="stop",
        **told,
    )


def episode(scores: list[int | None], seed: int = 1, **changes: Any) -> Episode:
    """One round of agents, each of whom evaluates the next one's solution and marks its own."""
    agents = range(len(scores))
    rounds = [
        {
            "references": [],
            "evaluators": [(number + 1) % len(scores) for number in agents],
            "scorers": list(agents),
            "scores": scores,
        }
    ]
    turns = [turn(1, role, n) for role in ("solver", "evaluator", "scorer") for n in agents]
    told: dict[str, Any] = {"turns": tuple(turns), "findings": {"rounds": rounds}, **changes}
    return Episode(run="r", task=TASK.id, seed=seed, **told)


async def rows(recipe: CoMAS, *episodes: Episode) -> dict[str, Sample]:
    made = await recipe.rows(episodes, STAGE)
    return {row.turns[0]: row for row in made if isinstance(row, Sample)}


def test_a_mark_is_shared_out_between_solver_and_evaluator() -> None:
    """Check 1 of the method."""
    assert [comas(score) for score in (1, 2, 3)] == [(0, 1, 0), (0.5, 0.5, 0), (1, 0, 0)]
    assert comas(None) == (0, 0, -1)


async def test_tokens_are_compared_with_all_that_the_agent_wrote() -> None:
    """Check 3 of the method, and the same two replies in one agent's batch."""
    solver, evaluator = reinforce_pp([token_rewards(1, [0.0]), token_rewards(0, [0.0] * 3)])
    assert solver == pytest.approx([1.7320508])
    assert evaluator == pytest.approx([-0.5773503] * 3)

    played = episode([3, 1])
    short = [turn(1, "solver", 0, 1), turn(1, "evaluator", 1, 3), turn(1, "scorer", 0)]
    only = [{"references": [], "evaluators": [1], "scorers": [0], "scores": [3]}]
    played = replace(played, turns=tuple(short), findings={"rounds": only})
    made = await rows(CoMAS(agents=2, shared=True, scorer="frozen"), played)
    assert made["1-solver-0"].advantages[2:] == pytest.approx([1.7320508])
    assert made["1-evaluator-1"].advantages[2:] == pytest.approx([-0.5773503] * 3)


async def test_a_reply_trains_the_agent_that_wrote_it_and_earns_by_its_own_mark() -> None:
    made = await rows(CoMAS(agents=3), episode([2, 1, 3]))
    assert {id: row.policy for id, row in made.items()} == {
        f"1-{role}-{n}": f"agent-{n}"
        for role in ("solver", "evaluator", "scorer")
        for n in range(3)
    }

    def of(number: int) -> list[float]:
        roles = ("solver", "evaluator", "scorer")
        return [round(made[f"1-{role}-{number}"].advantages[-1], 3) for role in roles]

    # Agent 0 solved for 2, evaluated what was marked 3: it earned 0.5, 0, 0; and so on.
    assert of(0) == [1.414, -0.707, -0.707]
    assert of(1) == [-0.707, 1.414, -0.707]
    assert of(2) == [0.707, 0.707, -1.414]


async def test_a_scorer_loses_by_normalising_over_the_batch_and_not_by_role() -> None:
    played = [episode([3, 1, 2, 3]), episode([1, 1, 3, 2], seed=2)]
    by_batch = await rows(CoMAS(), *played)
    scorers = [row for id, row in by_batch.items() if "scorer" in id]
    assert scorers and all(row.advantages[-1] < 0 for row in scorers)
    by_role = await rows(CoMAS(normalise_by="role"), *played)
    assert not [id for id in by_role if "scorer" in id], "nothing is to be learnt there"
    held = await rows(CoMAS(normalise_by="role", kl=0.1), *played)
    assert all(row.advantages[-1] == 0 for id, row in held.items() if "scorer" in id)


async def test_an_unreadable_mark_costs_the_scorer_alone() -> None:
    played = [episode([None, 3, 3]), episode([3, 1, None], seed=2)]
    made = await CoMAS(agents=3, normalise_by="role", kl=0.1).rows(played, STAGE)
    earned = {row.turns[0]: row.advantages[-1] for row in made[:9] if isinstance(row, Sample)}
    # In the first episode the mark of scorer 0 could not be read, in the second that of scorer 2.
    assert earned["1-scorer-0"] == pytest.approx(-1) and earned["1-scorer-2"] == pytest.approx(1)
    assert earned["1-scorer-1"] == 0
    # Nobody else is blamed for it beyond earning nothing, as one who was marked 1 as a solver.
    assert earned["1-solver-0"] == pytest.approx(-1)
    assert earned["1-evaluator-1"] == pytest.approx(0)


async def test_what_failed_or_was_cut_off_is_not_trained() -> None:
    played = episode([2, 1, 3])
    cut = [replace(t, finish="length") if t.id == "1-solver-0" else t for t in played.turns]
    made = await rows(CoMAS(agents=3), replace(played, turns=tuple(cut)))
    assert "1-solver-0" not in made and "1-evaluator-1" in made

    broken = [replace(t, error="down") if t.id == "1-evaluator-1" else t for t in played.turns]
    played = replace(played, turns=tuple(broken))
    assert [each.turns[0].id for each in discussions(played)] == ["1-solver-1", "1-solver-2"]
    made = await rows(CoMAS(agents=3), played)
    assert not {"1-solver-0", "1-evaluator-1", "1-scorer-0"} & set(made)
    assert {"1-solver-1", "1-evaluator-2", "1-solver-2", "1-evaluator-0"} & set(made)


async def test_random_marks_are_the_episodes_own_and_owe_nothing_to_the_scorers() -> None:
    recipe = CoMAS(normalise_by="role", reward="random", kl=0.1)

    async def credit(scores: list[int | None], seed: int) -> list[float]:
        made = await rows(recipe, *(episode(scores, seed=seed + n) for n in range(4)))
        return [row.advantages[-1] for row in made.values()]

    assert await credit([3, 3, 3, 3], 1) == await credit([1, 2, 1, 2], 1)
    assert await credit([3, 3, 3, 3], 1) != await credit([3, 3, 3, 3], 9)


async def test_a_frozen_scorer_and_a_shared_model_say_whose_weights_learn() -> None:
    frozen = CoMAS(agents=2, scorer="frozen")
    assert frozen.policies == ("agent-0", "agent-1", "scorer")
    made = await rows(CoMAS(agents=2, scorer="frozen", kl=0.1), episode([3, 1]))
    assert {row.policy for row in made.values()} == {"agent-0", "agent-1"}
    assert not [id for id in made if "scorer" in id]
    models = {name: ScriptedModel(lambda messages: "", name=name) for name in frozen.policies}
    played = await play(frozen.team(models, STAGE), TASK)
    wrote = {(turn.agent, turn.model) for turn in played.turns}
    assert wrote == {
        *((f"{role}-{n}", f"agent-{n}") for role in ("solver", "evaluator") for n in (0, 1)),
        *((f"scorer-{n}", "scorer") for n in (0, 1)),
    }

    shared = CoMAS(agents=2, shared=True)
    assert shared.policies == ("agents",)
    assert {row.policy for row in (await rows(shared, episode([3, 1]))).values()} == {"agents"}


@pytest.mark.parametrize(
    "choice", [{"normalise_by": "agent"}, {"scorer": "none"}, {"reward": "truth"}]
)
def test_choices_that_do_not_exist_are_refused(choice: dict[str, Any]) -> None:
    ((name, value),) = choice.items()
    with pytest.raises(ValueError, match=f"{name}={value!r}: choose"):
        CoMAS(**choice)


def test_a_team_that_cannot_be_is_refused_before_anything_is_played() -> None:
    with pytest.raises(ValueError, match="references=3: a round has 2"):
        CoMAS(agents=2, references=3)
    with pytest.raises(ValueError, match="must not be negative"):
        CoMAS(kl=-0.1)


def test_two_controls_of_which_one_cannot_take_effect_are_refused() -> None:
    with pytest.raises(ValueError, match="choose one of the two controls"):
        CoMAS(reward="random", scorer="frozen")


async def test_training_moves_the_agents_and_never_the_frozen_scorer(tmp_path: Path) -> None:
    recipe = CoMAS(agents=2, rounds=1, references=0, words="roles", scorer="frozen")
    environment = make_environment("arithmetic", size=4)
    plan = Plan(
        base=TINY,
        iterations=1,
        tasks=1,
        attempts=2,
        test_tasks=1,
        evaluate_every=0,
        temperature=1.0,
        update=UpdateSettings(learning_rate=1e-3, device="cpu"),
    )
    outcome = await train(recipe, environment, plan, tmp_path)
    assert {policy: at.name for policy, at in outcome.versions.items()} == {
        "agent-0": "0001",
        "agent-1": "0001",
        "scorer": "0000",
    }
    with EpisodeStore(tmp_path) as store:
        played = list(store.episodes("collect-0000"))
        after = next(iter(store.episodes("evaluate-0001")))
    assert [len(list(discussions(each))) for each in played] == [2, 2]
    assert [turn.agent for turn in after.turns] == ["solver-0", "solver-1"]

    # Check 4 of the method: whatever the truth is, it has no part in what is trained.
    async def asked(task: str, answer: str) -> float:
        raise AssertionError("the recipe looked at the truth")

    made = []
    for reference in ("7", "999"):
        tasks = [replace(task, reference=reference) for task in environment.tasks("train")]
        made.append(await recipe.rows(played, replace(STAGE, tasks=tasks, score=asked)))
    assert made[0] and made[0] == made[1]
