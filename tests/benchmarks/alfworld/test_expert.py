import random
import re
from pathlib import Path

import pytest

from symposia.benchmarks.alfworld import ALFWorld, SearchExpert
from symposia.benchmarks.alfworld.expert import Goal
from symposia.benchmarks.alfworld.scenes import TASK_TYPES
from symposia.episodes import Observation, Task


def play(world: ALFWorld, task: Task, noise: float = 0.0, seed: int = 0) -> Observation:
    rng = random.Random(seed)
    observation = world.reset(task)
    expert = SearchExpert(observation.text)
    while not observation.done:
        action = expert.next_action()
        if rng.random() < noise:
            action = rng.choice(observation.admissible)
        observation = world.step(action)
        expert.observe(action, observation.text)
    return observation


@pytest.mark.parametrize("size", ["small", "medium"])
def test_the_expert_solves_every_task_type(size: str) -> None:
    with ALFWorld(size=size, games=12) as world:
        for task in world.tasks():
            last = play(world, task)
            assert last.reward == 1.0, task
            assert last.info["won"]


def test_the_expert_recovers_from_random_actions(world: ALFWorld) -> None:
    with ALFWorld(size="small", games=18, max_steps=150) as world:
        for seed, task in enumerate(world.tasks()):
            assert play(world, task, noise=0.4, seed=seed).reward == 1.0, task


def test_the_expert_solves_official_games(official: Path) -> None:
    with ALFWorld(data=official, max_steps=100) as world:
        tasks = world.tasks("valid_seen")
        chosen = [next(task for task in tasks if task.kind == kind) for kind in TASK_TYPES]
        assert [play(world, task).reward for task in chosen] == [1.0] * len(TASK_TYPES)


def test_receptacles_are_searched_in_the_order_listed(world: ALFWorld) -> None:
    first = world.reset(world.tasks()[0])
    expert = SearchExpert(first.text)
    listed = re.findall(r"a (\w+ \d+)", first.text)
    searched = []
    while not (action := expert.next_action()).startswith("take"):
        if action.startswith("go to"):
            searched.append(action.removeprefix("go to "))
        expert.observe(action, world.step(action).text)
    assert searched == listed[: len(searched)]


def test_hands_full_of_something_else_are_emptied_first() -> None:
    expert = SearchExpert(
        "you see a shelf 1, and a desk 1.\n\nYour task is to: put a mug in shelf."
    )
    expert.observe("go to desk 1", "You arrive at desk 1. On the desk 1, you see a pen 2, a mug 1.")
    expert.observe("take pen 2 from desk 1", "You pick up the pen 2 from the desk 1.")
    assert expert.next_action() == "move pen 2 to desk 1"
    expert.observe("move pen 2 to desk 1", "You move the pen 2 to the desk 1.")
    assert expert.next_action() == "take mug 1 from desk 1"


def test_the_older_wording_is_tried_when_the_newer_fails() -> None:
    expert = SearchExpert("you see a shelf 1.\n\nYour task is to: put a mug in shelf.")
    expert.observe("inventory", "You are carrying: a mug 1.")
    expert.observe("go to shelf 1", "You arrive at loc 3. On the shelf 1, you see nothing.")
    assert expert.next_action() == "move mug 1 to shelf 1"
    expert.observe("move mug 1 to shelf 1", "Nothing happens.")
    assert expert.next_action() == "put mug 1 in/on shelf 1"


@pytest.mark.parametrize(
    ("sentence", "goal"),
    [
        ("put a mug in shelf", Goal("mug", "shelf")),
        ("put some mug on shelf", Goal("mug", "shelf")),
        ("put a clean mug in shelf", Goal("mug", "shelf", "clean")),
        ("put a hot mug in shelf", Goal("mug", "shelf", "heat")),
        ("heat some mug and put it in shelf", Goal("mug", "shelf", "heat")),
        ("cool some mug and put it in shelf", Goal("mug", "shelf", "cool")),
        ("put two mug in shelf", Goal("mug", "shelf", count=2)),
        ("find two mug and put them in shelf", Goal("mug", "shelf", count=2)),
        ("look at mug under the desklamp", Goal("mug", lamp="desklamp")),
        ("examine the mug with the desklamp", Goal("mug", lamp="desklamp")),
    ],
)
def test_goals_are_read_from_the_task_sentence(sentence: str, goal: Goal) -> None:
    assert Goal.read(f"Your task is to: {sentence}.") == goal


def test_a_task_it_does_not_know_is_refused() -> None:
    with pytest.raises(ValueError, match="dance"):
        SearchExpert("Your task is to: dance.")
