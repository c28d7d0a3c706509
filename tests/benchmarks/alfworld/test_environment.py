import json
import pickle
import random
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symposia.benchmarks.alfworld import TRAINING_SEEDS, ALFWorld, SearchExpert, generate_game
from symposia.benchmarks.environment import TaskError
from symposia.episodes import Task


def test_generated_tasks_are_small_and_stable(world: ALFWorld) -> None:
    tasks = world.tasks()
    assert len(tasks) == 120
    assert tasks[0].id == "alfworld:generated/small/0"
    assert tasks[0].data == {"seed": 0, "size": "small"}
    assert json.loads(json.dumps(tasks[0].data)) == tasks[0].data
    assert tasks == world.tasks("generated")
    assert tasks[0].prompt.endswith(".")


def test_seeds_do_not_mix_evaluation_and_training() -> None:
    with pytest.raises(ValueError, match="mix evaluation and training"):
        ALFWorld(seed=TRAINING_SEEDS - 1, games=2)


def test_an_unknown_split_lists_those_that_exist(world: ALFWorld) -> None:
    with pytest.raises(ValueError, match="generated, train, valid_seen, valid_unseen"):
        world.tasks("test")


def test_the_first_observation_holds_the_room_and_the_task(world: ALFWorld) -> None:
    task = world.tasks()[0]
    first = world.reset(task)
    assert first.text.startswith("-= Welcome to TextWorld, ALFRED! =-\n\nYou are in the middle of")
    assert first.text.endswith(f"Your task is to: {task.prompt}")
    assert list(first.admissible) == sorted(first.admissible)
    assert (first.reward, first.done, first.info["steps"]) == (0.0, False, 0)


def test_an_inadmissible_command_costs_a_step(world: ALFWorld) -> None:
    world.reset(world.tasks()[0])
    answer = world.step("dance")
    assert answer.text == "Nothing happens."
    assert answer.info == {"won": False, "steps": 1, "valid": False}


def test_going_where_one_stands_does_nothing(world: ALFWorld) -> None:
    first = world.reset(world.tasks()[0])
    world.step(first.admissible[0])
    assert world.step(first.admissible[0]).text == "Nothing happens."


def test_the_step_limit_ends_a_task_without_reward() -> None:
    with ALFWorld(size="small", max_steps=3) as world:
        world.reset(world.tasks()[0])
        answers = [world.step("look") for _ in range(4)]
    assert [each.done for each in answers] == [False, False, True, True]
    assert [each.reward for each in answers] == [0.0] * 4
    assert answers[-1].info == {"won": False, "steps": 3, "valid": True, "stop": "step limit"}


def test_reward_comes_once(world: ALFWorld) -> None:
    observation = world.reset(world.tasks()[0])
    expert = SearchExpert(observation.text)
    while not observation.done:
        action = expert.next_action()
        observation = world.step(action)
        expert.observe(action, observation.text)
    assert observation.reward == 1.0
    after = world.step("look")
    assert (after.reward, after.done, after.info["won"]) == (0.0, True, True)


@pytest.mark.parametrize("wording", ["move {} to {}", "put {} in/on {}", "put {} in {}"])
def test_put_and_move_mean_the_same(wording: str, world: ALFWorld) -> None:
    observation = world.reset(world.tasks()[0])
    expert = SearchExpert(observation.text)
    while not (action := expert.next_action()).startswith("move"):
        observation = world.step(action)
        expert.observe(action, observation.text)
    assert action in observation.admissible
    thing, _, place = action.removeprefix("move ").partition(" to ")
    answer = world.step(wording.format(thing, place))
    assert answer.text == f"You move the {thing} to the {place}."
    assert answer.info["valid"]


def test_official_games_keep_their_older_wording(official: Path) -> None:
    with ALFWorld(data=official) as world:
        task = next(t for t in world.tasks("valid_seen") if t.kind == "pick_and_place_simple")
        observation = world.reset(task)
        expert = SearchExpert(observation.text)
        while not (action := expert.next_action()).startswith("move"):
            observation = world.step(action)
            expert.observe(action, observation.text)
        old = action.replace("move", "put").replace(" to ", " in/on ")
        assert old in observation.admissible
        assert world.step(action).text.startswith("You put the")


def test_a_step_before_reset_is_a_mistake_of_the_program() -> None:
    with pytest.raises(RuntimeError, match="reset"):
        ALFWorld().step("look")


def test_closing_twice_is_safe_and_a_closed_world_can_start_again() -> None:
    world = ALFWorld(size="small")
    first = world.reset(world.tasks()[0])
    world.close()
    world.close()
    assert world.reset(world.tasks()[0]) == first
    world.close()


def test_forks_and_pickled_copies_play_on_their_own(world: ALFWorld) -> None:
    first, second = world.tasks()[:2]
    shown = world.reset(first)
    for copy in (world.fork(), pickle.loads(pickle.dumps(world))):
        with copy:
            assert copy.options == world.options
            assert copy.reset(second).text != shown.text
            assert world.step("look").info["valid"]
    assert world.reset(first) == shown


def test_options_tell_what_is_played() -> None:
    options = ALFWorld(size=(9, 7), games=3, seed=5, data=Path("here"), explain=True).options
    assert options == {
        "data": "here",
        "size": "9x7",
        "games": 3,
        "seed": 5,
        "max_steps": 50,
        "explain": True,
        "wording": None,
        "prompt": "plain",
        "prompts": None,
        "expert": None,
    }
    assert ALFWorld(**options).options == json.loads(json.dumps(options))


def test_a_snapshot_gives_identical_futures(world: ALFWorld) -> None:
    rng = random.Random(1)

    def walk(steps: int) -> None:
        nonlocal observation
        for _ in range(steps):
            observation = world.step(rng.choice(observation.admissible))

    for task in world.tasks()[:6]:
        observation = world.reset(task)
        walk(9)
        held = observation
        snapshot = pickle.loads(pickle.dumps(world.snapshot()))
        actions = [rng.choice(["look", "inventory", *observation.admissible]) for _ in range(12)]
        future = [world.step(action) for action in actions]
        assert world.restore(snapshot) == held
        assert [world.step(action) for action in actions] == future
        world.reset(task)
        assert world.restore(snapshot) == held
        assert [world.step(action) for action in actions] == future


def test_a_snapshot_belongs_to_its_task(world: ALFWorld) -> None:
    first, second = world.tasks()[:2]
    world.reset(first)
    snapshot = world.snapshot()
    world.reset(second)
    with pytest.raises(ValueError, match="cannot continue"):
        world.restore(snapshot)


ANY_TASK = Task("alfworld:generated/small/0", "", data={"seed": 0, "size": "small"})


@cache
def answering(explain: bool) -> ALFWorld:
    return ALFWorld(explain=explain)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.text(max_size=200),
            st.sampled_from(["", " \n\t", "move  to ", "go to {r}", "put a 1 in/on b 2", "\ud800"]),
            st.integers(1, 10**6).map(lambda n: "go to " * (n // 60)),
        ),
        max_size=6,
    )
)
@pytest.mark.parametrize("explain", [False, True])
def test_any_action_is_answered(explain: bool, actions: list[str]) -> None:
    world = answering(explain)
    world.reset(ANY_TASK)
    for action in actions:
        observation = world.step(action)
        assert 0.0 <= observation.reward <= 1.0
        assert observation.text.startswith("Nothing happens.") or observation.info["valid"]


def test_explain_says_why_a_command_had_no_effect() -> None:
    with ALFWorld(size="large", explain=True) as world:
        first = world.reset(next(t for t in world.tasks() if "heat" in t.kind))
        assert "go to fridge 1" in first.admissible
        taken = None
        why = {}

        def ask(action: str) -> str:
            answer = world.step(action).text
            assert answer.startswith("Nothing happens. ")
            return answer.removeprefix("Nothing happens. ")

        why["unknown"] = ask("go to throne 1")
        why["nonsense"] = ask("Look")
        why["elsewhere"] = ask("open fridge 1")
        why["empty hands"] = ask("move mug 1 to fridge 1")
        world.step("go to microwave 1")
        why["there"] = ask("go to microwave 1")
        why["closed"] = ask("take mug 1 from microwave 1")
        world.step("open microwave 1")
        why["opened"] = ask("open microwave 1")
        why["not in it"] = ask("take throne 1 from microwave 1")
        for command in [each for each in first.admissible if each.startswith("go to")]:
            options = world.step(command).admissible
            taken = next((each for each in options if each.startswith("take ")), None)
            if taken:
                break
        assert taken is not None
        world.step(taken)
        thing = taken.removeprefix("take ").partition(" from ")[0]
        why["full hands"] = ask(taken)
        why["wrong appliance"] = ask(f"heat {thing} with {taken.partition(' from ')[2]}")
    assert why["unknown"] == "There is no receptacle called throne 1."
    assert why["nonsense"].startswith("The command is not understood.")
    assert why["elsewhere"] == "You are not at the fridge 1."
    assert why["empty hands"] == "You do not carry a mug 1."
    assert why["there"] == "You are already at the microwave 1."
    assert why["closed"] == "The microwave 1 is closed."
    assert why["opened"] == "The microwave 1 is already open."
    assert why["not in it"] == "There is no throne 1 in or on the microwave 1."
    assert why["full hands"] == f"You already carry the {thing}."
    assert why["wrong appliance"] == "You need a microwave to heat something."


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "JSONDecodeError"),
        (b"not json", "JSONDecodeError"),
        (b"\xff\xfe\x00", "UnicodeDecodeError"),
        (b"[]", "a game is a JSON object, not list"),
        (b'{"grammar": "", "pddl_domain": ""}', "no text under pddl_problem"),
        (b'{"grammar": 1, "pddl_domain": "", "pddl_problem": ""}', "no text under grammar"),
    ],
)
def test_a_damaged_file_is_reported_with_its_path(
    content: bytes, reason: str, tmp_path: Path, world: ALFWorld
) -> None:
    file = tmp_path / "game.tw-pddl"
    file.write_bytes(content)
    task = Task("alfworld:file/x", "", data={"file": str(file)})
    for attempt in (lambda: world.task_from_file(file), lambda: world.reset(task)):
        with pytest.raises(TaskError, match=reason) as error:
            attempt()
        assert str(file) in str(error.value)


@pytest.mark.parametrize("key", ["pddl_domain", "pddl_problem", "grammar"])
def test_a_truncated_game_is_reported_and_the_world_lives_on(
    key: str, tmp_path: Path, world: ALFWorld
) -> None:
    game = generate_game(0, size="small")
    game[key] = game[key][: len(game[key]) // 2]
    file = tmp_path / "game.tw-pddl"
    file.write_text(json.dumps(game))
    with pytest.raises(TaskError, match=r"game\.tw-pddl cannot be played"):
        world.reset(world.task_from_file(file))
    assert world.reset(world.tasks()[0]).text


def test_a_missing_file_is_reported(tmp_path: Path, world: ALFWorld) -> None:
    with pytest.raises(TaskError, match=r"nowhere\.tw-pddl"):
        world.task_from_file(tmp_path / "nowhere.tw-pddl")


def test_a_task_without_a_game_is_reported(world: ALFWorld) -> None:
    with pytest.raises(TaskError, match="neither a seed nor a game file"):
        world.reset(Task("alfworld:odd", ""))
