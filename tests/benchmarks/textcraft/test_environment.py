import json
import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symposia import EpisodeStore, ScriptedModel, Task, ToolAgent, act, evaluate, make_environment
from symposia.benchmarks import TaskError
from symposia.benchmarks.textcraft import TextCraft, environment, generate_goal, make_plan
from symposia.benchmarks.textcraft.generator import MOST_ACTIONS, MOST_DEPTH
from symposia.episodes import Observation

WORLD = TextCraft(expert="planner")
GOALS = WORLD.tasks()
PLACES = st.integers(0, 60).map(str)
"""Stand for an admissible action, counted round."""
ACTIONS = st.one_of(
    PLACES,
    st.just("plan"),
    st.text(max_size=60),
    st.text(max_size=30).map(lambda text: f"get 1 {text}"),
    st.tuples(st.text(max_size=20), st.text(max_size=20))
    .map(" using ".join)
    .map("craft {}".format),
    st.sampled_from(
        [
            *("get 0 planks", f"get {'9' * 5000} amber log", "craft using using using", "\ud800"),
            *("craft 0 a using 0 b, 0 b", "inventory", "craft a using ,", "get ٣ amber log"),
        ]
    ),
)
WALKS = st.lists(ACTIONS, max_size=25)
TASKS = st.integers(0, 119)


def walk(world: TextCraft, seen: Observation, actions: list[str]) -> list[Observation]:
    """What is shown from `seen` on."""
    shown = [seen]
    for action in actions:
        last = shown[-1]
        if action.isdecimal() and action.isascii():
            action = last.admissible[int(action) % len(last.admissible)]
        elif action == "plan":
            action = (last.info["expert_plan"] or ["inventory"])[0]
        shown.append(world.step(action))
    return shown


@settings(max_examples=100)
@given(WALKS, TASKS)
def test_no_actions_ever_raise(actions: list[str], number: int) -> None:
    for seen in walk(WORLD, WORLD.reset(GOALS[number]), actions):
        assert 0.0 <= seen.reward <= 1.0
        assert json.loads(json.dumps(seen.info)) == seen.info


@settings(max_examples=40)
@given(WALKS, TASKS)
def test_what_is_shown_depends_on_nothing_but_task_and_actions(
    actions: list[str], number: int
) -> None:
    other = pickle.loads(pickle.dumps(WORLD))
    task = GOALS[number]
    assert walk(other, other.reset(task), actions) == walk(WORLD, WORLD.reset(task), actions)


@settings(max_examples=40)
@given(WALKS, WALKS, WALKS, TASKS)
def test_a_snapshot_gives_identical_futures_here_and_in_a_fork(
    before: list[str], between: list[str], after: list[str], number: int
) -> None:
    task = GOALS[number]
    walk(WORLD, WORLD.reset(task), before)
    held = WORLD.snapshot().observation
    snapshot = pickle.loads(pickle.dumps(WORLD.snapshot()))
    walk(WORLD, held, between)
    assert WORLD.restore(snapshot) == held
    future = walk(WORLD, held, after)
    fork = WORLD.fork()
    fork.reset(task)
    assert fork.restore(snapshot) == held
    assert walk(fork, held, after) == future


def follow(world: TextCraft, task: Task) -> Observation:
    seen = world.reset(task)
    while not seen.done:
        seen = world.step(seen.info["expert_plan"][0])
    return seen


def test_the_planner_crafts_every_generated_goal() -> None:
    for task in GOALS:
        seen = follow(WORLD, task)
        assert (seen.reward, seen.info["stop"]) == (1.0, "solved"), task
        assert seen.info["steps"] <= MOST_ACTIONS


@pytest.mark.parametrize("depth", range(1, MOST_DEPTH + 1))
def test_generated_goals_have_the_depth_asked_for(depth: int) -> None:
    for seed in range(20):
        goal = generate_goal(seed, depth)
        assert goal.book.depth(goal.item) == depth
        assert goal.book.left_out == {}
        assert make_plan(goal.book, {}, goal.item)


def test_the_same_seed_gives_the_same_task_in_every_process() -> None:
    code = (
        "import hashlib; from symposia.benchmarks.textcraft import TextCraft\n"
        "world = TextCraft(games=30)\n"
        "text = ''.join(world.reset(task).text for task in world.tasks())\n"
        "print(hashlib.sha256(text.encode()).hexdigest())"
    )
    digests = {
        subprocess.check_output(
            [sys.executable, "-c", code], env=os.environ | {"PYTHONHASHSEED": seed}, text=True
        )
        for seed in ("1", "2")
    }
    assert len(digests) == 1


def test_different_seeds_give_different_goals() -> None:
    assert len({WORLD.reset(task).text for task in GOALS}) == 120


def test_the_goal_is_listed_with_distractors_that_share_an_ingredient() -> None:
    task = GOALS[2]
    bare = TextCraft(distractors=0).reset(task).text
    full = WORLD.reset(task).text
    assert full.startswith("Crafting commands:\ncraft ")
    assert full.endswith(f"\n\nGoal: {task.prompt}")
    added = set(full.splitlines()) - set(bare.splitlines())
    assert 0 < len(added) <= 10
    words = set(bare.replace(",", "").split())
    assert all(words & set(line.partition(" using ")[2].split()) for line in added)


def test_the_step_limit_ends_a_task_without_reward_and_nothing_happens_after() -> None:
    world = TextCraft(max_steps=2)
    world.reset(world.tasks()[0])
    seen = [world.step("inventory") for _ in range(3)]
    assert [each.done for each in seen] == [False, True, True]
    assert seen[-1].info == {"won": False, "steps": 2, "valid": True, "stop": "step limit"}


def test_reward_comes_once() -> None:
    seen = follow(WORLD, GOALS[0])
    after = WORLD.step("inventory")
    assert (seen.reward, after.reward, after.done) == (1.0, 0.0, True)


def test_admissible_actions_have_an_effect() -> None:
    for task in GOALS[:10]:
        seen = WORLD.reset(task)
        for action in seen.admissible:
            WORLD.reset(task)
            assert WORLD.step(action).info["valid"], action


def test_a_snapshot_belongs_to_its_task() -> None:
    first, second = GOALS[:2]
    WORLD.reset(first)
    snapshot = WORLD.snapshot()
    WORLD.reset(second)
    with pytest.raises(ValueError, match="cannot continue"):
        WORLD.restore(snapshot)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"depth": 0}, "depth=0: it must be a whole number, at least 1"),
        ({"depth": 7}, "depth=7: it must be at most 6"),
        ({"distractors": -1}, "distractors=-1"),
        ({"games": 1.5}, r"games=1\.5"),
        ({"seed": "x"}, "seed='x'"),
        ({"max_steps": 0}, "max_steps=0"),
        ({"expert": "oracle"}, "expert='oracle': textcraft has planner"),
    ],
)
def test_a_setting_out_of_range_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make_environment("textcraft", **options)


def test_options_tell_what_is_played() -> None:
    options = TextCraft(data=Path("here"), depth=3, games=2, seed=5, expert="planner").options
    assert TextCraft(**options).options == json.loads(json.dumps(options))


def test_official_splits_need_data_and_say_so() -> None:
    with pytest.raises(ValueError, match=r"data=FOLDER.*'generated'"):
        TextCraft().tasks("test")
    with pytest.raises(ValueError, match="generated, test, train, all"):
        TextCraft().tasks("valid")


def test_a_task_of_other_data_is_refused(official: Path) -> None:
    with pytest.raises(TaskError, match="neither a goal nor a seed with a depth"):
        WORLD.reset(Task("textcraft:odd", ""))
    with pytest.raises(TaskError, match=r"no recipe in .* crafts 'minecraft:unobtainium'"):
        TextCraft(data=official).reset(Task("t", "", data={"goal": "minecraft:unobtainium"}))
    with pytest.raises(TaskError, match="neither a goal nor a seed with a depth"):
        WORLD.reset(Task("t", "", data={"seed": 1, "depth": 99}))


def test_the_official_goals_and_their_depths_are_those_of_the_paper(official: Path) -> None:
    world = TextCraft(data=official, expert="planner")
    assert world.faults == {
        "not a crafting recipe": 225,
        "takes a block apart": 19,
        "closes a circle": 3,
    }
    tasks = world.tasks("test")
    assert [task.kind for task in tasks] == ["depth 4"] * 11 + ["depth 3"] * 112 + ["depth 2"] * 77
    assert tasks[1].prompt == "craft hopper minecart."
    assert len(world.tasks("train")) == 197
    assert len(world.tasks("all")) == 397
    assert len(TextCraft(data=official / "recipes", depth=4).tasks("all")) == 11


def test_the_planner_crafts_every_official_goal(official: Path) -> None:
    world = TextCraft(data=official, expert="planner")
    assert all(follow(world, task).reward == 1.0 for task in world.tasks("all"))


def test_recipes_are_read_once_for_all_copies(
    official: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = TextCraft(data=official)
    task = world.tasks("test")[0]
    monkeypatch.setattr(environment, "read_book", lambda folder: pytest.fail("read again"))
    assert world.fork().reset(task) == world.reset(task)


def test_the_commands_of_a_published_task_are_listed(official: Path) -> None:
    """Task 0 of the results that the paper's authors published lists these, and distractors."""
    world = TextCraft(data=official, distractors=0)
    seen = world.reset(world.tasks("test")[0])
    commands, goal = seen.text.split("\n\n")
    assert set(commands.splitlines()[1:]) == {
        "craft 2 diorite using 2 quartz, 2 cobblestone",
        "craft 1 granite using 1 diorite, 1 quartz",
        "craft 4 polished granite using 4 granite",
        "craft 4 polished granite stairs using 6 polished granite",
    }
    assert goal == "Goal: craft polished granite stairs."


async def test_agents_are_shown_the_same_with_and_without_an_expert(tmp_path: Path) -> None:
    heard: list[list[str]] = []

    def listen(messages: list[Any]) -> str:
        heard[-1] += [message.text for message in messages]
        return "<action>inventory</action>"

    for expert in (None, "planner"):
        heard.append([])
        world = make_environment("textcraft", games=2, max_steps=2, expert=expert)
        with EpisodeStore(tmp_path / str(expert)) as store:
            await evaluate(
                act(ToolAgent(ScriptedModel(listen))),
                world,
                store=store,
                run="r",
                progress=False,
                concurrency=1,
            )
    assert heard[0] == heard[1]
    assert not any("expert" in text for text in heard[1])
