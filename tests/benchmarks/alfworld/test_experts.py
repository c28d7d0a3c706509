import json
import pickle
import random
from pathlib import Path
from typing import Any

import pytest

from symposia import ScriptedModel, ToolAgent, act, evaluate, make_environment
from symposia.benchmarks.alfworld import TASK_TYPES, ALFWorld, generate_game
from symposia.benchmarks.alfworld.expert import Goal
from symposia.benchmarks.alfworld.experts import EXPERTS
from symposia.benchmarks.alfworld.games import read_game
from symposia.episodes import Observation
from symposia.graphs import follow


@pytest.mark.parametrize("expert", EXPERTS)
async def test_every_expert_solves_every_type_of_task_as_a_team(expert: str) -> None:
    world = make_environment("alfworld", games=6, size="small", expert=expert)
    report = await evaluate(follow(name=expert), world, workers=1, progress=False)
    assert report.stops == {"solved": 6}
    assert set(report.kinds) == set(TASK_TYPES)
    assert report.summary.calls == 0


@pytest.mark.parametrize("expert", EXPERTS)
async def test_every_expert_solves_official_games(expert: str, official: Path) -> None:
    world = ALFWorld(data=official, expert=expert)
    tasks = world.tasks("valid_seen")
    chosen = [next(task for task in tasks if task.kind == kind) for kind in TASK_TYPES]
    if expert == "planner":  # on large rooms it takes a minute and more
        chosen = sorted(tasks, key=lambda task: len(read_game(task.data)["pddl_problem"]))[:2]
    team = follow(name=expert)
    report = await evaluate(team, world, tasks=chosen, workers=1, progress=False)
    assert report.stops == {"solved": len(chosen)}


def stock_expert(game: dict[str, Any], folder: Path) -> Any:
    """ALFWorld's own environment with its own expert, which reads the goal from a file beside."""
    import textworld
    from alfworld.agents.environment.alfred_tw_env import AlfredDemangler, AlfredExpert
    from textworld.envs.pddl import PddlEnv

    goal = Goal.read(f"Your task is to: {sentence(game)}")
    about = {
        "task_type": goal.task_type,
        "pddl_params": {
            "object_target": goal.thing,
            "parent_target": goal.target,
            "toggle_target": goal.lamp,
        },
    }
    (folder / "traj_data.json").write_text(json.dumps(about))
    (folder / "game.tw-pddl").write_text(json.dumps(game))
    infos = textworld.EnvInfos(admissible_commands=True, won=True, facts=True)
    env = AlfredExpert(AlfredDemangler(shuffle=False)(PddlEnv(infos)), expert_type="handcoded")
    env.load(str(folder / "game.tw-pddl"))
    return env


def sentence(game: dict[str, Any]) -> str:
    return game["grammar"].partition("Your task is to: ")[2].partition('"')[0]


@pytest.mark.parametrize("seed", [0, 1, 2, 3, 4, 6, 7])
def test_the_handcoded_expert_is_that_of_the_package(seed: int, tmp_path: Path) -> None:
    """Whenever the package is right about its hands: until it puts something down."""
    stock = stock_expert(generate_game(seed, size="small"), tmp_path)
    state = stock.reset()
    with ALFWorld(size="small", games=8, expert="handcoded") as world:
        seen = world.reset(world.tasks()[seed])
        while not seen.done:
            assert seen.info["expert_plan"] == state["extra.expert_plan"]
            action = seen.info["expert_plan"][0]
            seen, (state, _, _) = world.step(action), stock.step(action)
    assert seen.info["won"]


def walk(world: ALFWorld, seen: Observation, steps: int, rng: random.Random) -> list[Observation]:
    """Random actions and the expert's, mixed."""
    shown = []
    for _ in range(steps):
        plan = seen.info["expert_plan"] if rng.random() < 0.5 else []
        seen = world.step(plan[0] if plan else rng.choice(seen.admissible))
        shown.append(seen)
    return shown


@pytest.mark.parametrize("expert", EXPERTS)
def test_an_expert_advises_the_same_after_a_return(expert: str) -> None:
    with ALFWorld(size="small", expert=expert, max_steps=200) as world:
        for seed, task in enumerate(world.tasks()[:3]):
            seen = walk(world, world.reset(task), 6, random.Random(seed))[-1]
            snapshot = pickle.loads(pickle.dumps(world.snapshot()))
            future = walk(world, seen, 8, random.Random(seed))
            assert world.restore(snapshot) == seen
            assert walk(world, seen, 8, random.Random(seed)) == future
            world.reset(task)
            world.restore(snapshot)
            assert walk(world, seen, 8, random.Random(seed)) == future


def test_experts_leave_random_numbers_alone() -> None:
    random.seed(5)
    expected = random.random()
    random.seed(5)
    with ALFWorld(size="small", expert="handcoded") as world:
        walk(world, world.reset(world.tasks()[0]), 6, random.Random(1))
    assert random.random() == expected


def test_the_planner_wins_from_anywhere() -> None:
    with ALFWorld(size="small", expert="planner", max_steps=100) as world:
        for seed, task in enumerate(world.tasks()[:6]):
            seen = walk(world, world.reset(task), 8, random.Random(seed))[-1]
            while not seen.done:
                seen = world.step(seen.info["expert_plan"][0])
            assert seen.info["won"]
            assert seen.info["expert_plan"] == []


def test_advice_is_worded_as_the_commands_are() -> None:
    with ALFWorld(size="small", expert="planner", wording="put") as world:
        seen = world.reset(world.tasks()[0])
        assert seen.info["expert_plan"][-1].startswith("put ")
        while not seen.done:
            action = seen.info["expert_plan"][0]
            assert action in seen.admissible
            seen = world.step(action)


def test_an_unknown_expert_lists_those_that_exist() -> None:
    with pytest.raises(
        ValueError, match="expert='oracle': alfworld has handcoded, planner, search"
    ):
        ALFWorld(expert="oracle")


async def test_agents_are_shown_the_same_with_and_without_an_expert() -> None:
    heard: list[list[str]] = []

    def listen(messages: list[Any]) -> str:
        heard[-1] += [message.text for message in messages]
        return "<action>look</action>"

    for expert in (None, "planner"):
        heard.append([])
        world = ALFWorld(size="small", games=2, max_steps=2, expert=expert)
        agent = ToolAgent(ScriptedModel(listen))
        await evaluate(act(agent), world, workers=1, progress=False, concurrency=1)
    assert heard[0] == heard[1]
