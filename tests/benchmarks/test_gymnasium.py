"""The adapter for Gymnasium: texts, named actions, pictures in text, scores from returns."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symposia import ScriptedModel, ToolAgent, act, evaluate, make_environment
from symposia.benchmarks import Environment, TaskError
from symposia.benchmarks.gym import GymnasiumText
from symposia.episodes import Task

gymnasium = pytest.importorskip("gymnasium", reason='needs pip install "symposia[gym]"')
spaces = gymnasium.spaces
LETTERS = "abcdefghijklmnopqrstuvwxyz "
MOVES = ["left", "down", "right", "up"]


class Guess(gymnasium.Env[str, str]):
    """Say the word that was drawn; each guess costs a point, the right one brings five."""

    observation_space = spaces.Text(80, charset=LETTERS)
    action_space = spaces.Text(10, charset=LETTERS)
    words = ("ant", "bee", "cat")

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[str, dict[str, Any]]:
        super().reset(seed=seed)
        self.word = self.words[int(self.np_random.integers(3))]
        return f"one of {' '.join(self.words)}", {}

    def step(self, action: str) -> tuple[str, float, bool, bool, dict[str, Any]]:
        right = action == self.word
        return "yes" if right else "no", 4.0 if right else -1.0, right, False, {}


class Unsteady(Guess):
    """Gives other rewards each time, whatever the seed."""

    made = 0

    def step(self, action: str) -> tuple[str, float, bool, bool, dict[str, Any]]:
        type(self).made += 1
        return "", float(self.made), False, False, {}


class Masked(gymnasium.Env[str, int]):
    """Only one door is open."""

    observation_space = spaces.Text(20)
    action_space = spaces.Discrete(3, start=1)

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[str, dict[str, Any]]:
        return "doors", {"action_mask": [0, 1, 0]}

    def step(self, action: int) -> tuple[str, float, bool, bool, dict[str, Any]]:
        return f"door{action}", float(action == 2), True, False, {}


@pytest.fixture(autouse=True, scope="module")
def registered() -> Iterator[None]:
    gymnasium.register("symposia-tests/Guess-v0", entry_point=Guess, max_episode_steps=6)
    yield
    del gymnasium.registry["symposia-tests/Guess-v0"]


def guess(**options: Any) -> Any:
    options = {"goal": "Guess the word.", "returns": (-6, 4), "episodes": 6, **options}
    return make_environment("gymnasium", env="symposia-tests/Guess-v0", **options)


def lake(**options: Any) -> Any:
    settings = {"is_slippery": False}
    return GymnasiumText("FrozenLake-v1", actions=MOVES, settings=settings, **options)


def test_a_registered_environment_of_texts_is_played() -> None:
    world = guess()
    task = world.tasks()[0]
    assert task.id == "symposia-tests/Guess-v0:0"
    seen = world.reset(task)
    assert seen.text == "Guess the word.\n\none of ant bee cat"
    assert world.instructions == "An action is a text of at most 10 characters."
    for word in Guess.words:
        seen = world.step(word)
        if seen.done:
            break
    assert seen.text == "yes"
    assert seen.info["stop"] in ("solved", "ended")


def test_the_return_becomes_a_score_at_the_end_only() -> None:
    scores = set()
    world = guess()
    for task in world.tasks():
        world.reset(task)
        word = world._env.unwrapped.word
        miss = world.step("dog")
        assert (miss.reward, miss.done, miss.info["return"]) == (0.0, False, -1.0)
        hit = world.step(word)
        assert hit.info["return"] == 3.0
        scores.add(hit.reward)
    assert scores == {0.9}
    best = guess(returns=(0, 3))
    best.reset(best.tasks()[0])
    assert best.step(best._env.unwrapped.word).reward == 1.0
    assert best.step("dog").reward == 0.0


def test_the_environments_own_limit_and_ours_end_an_episode() -> None:
    for world in (guess(), guess(max_steps=6)):
        world.reset(world.tasks()[0])
        for _ in range(5):
            assert not world.step("dog").done
        seen = world.step("dog")
        assert (seen.done, seen.reward, seen.info["stop"]) == (True, 0.0, "step limit")


@pytest.mark.parametrize(
    "action", ["", "DOG", "far too long a word", "\ud800", "dog!", "x" * 10**6]
)
def test_an_impossible_text_costs_a_step_and_changes_nothing(action: str) -> None:
    world = guess()
    world.reset(world.tasks()[0])
    seen = world.step(action)
    assert not seen.info["valid"] and seen.info["steps"] == 1
    assert seen.text == "That is no action here."
    assert world.step(world._env.unwrapped.word).info["return"] == 4.0


def test_a_picture_in_text_is_read_with_its_colours_in_words() -> None:
    world = lake()
    seen = world.reset(world.tasks()[0])
    assert seen.text == "{red S}FFF\nFHFH\nFFFH\nHFFG"
    assert seen.admissible == tuple(MOVES)
    assert world.instructions == "Actions: left, down, right, up."
    assert "S{red F}FF" in world.step(" Right ").text
    for action in ("left", "down", "down", "right", "down", "right", "right"):
        seen = world.step(action)
    assert (seen.reward, seen.done, seen.info["stop"]) == (1.0, True, "solved")


def test_actions_without_names_are_numbers() -> None:
    world = GymnasiumText("Taxi-v4", returns=(-200, 20))
    seen = world.reset(world.tasks()[0])
    assert set(seen.admissible) < set("012345")  # where walls stand, the mask bars the way
    assert "{magenta" in seen.text
    assert world.step("1").info["reward"] == -1.0
    assert not world.step("6").info["valid"]


def test_a_mask_bars_actions_and_numbers_may_start_above_zero() -> None:
    world = GymnasiumText(Masked, actions=["red", "blue", "white"])
    assert world.reset(world.tasks()[0]).admissible == ("blue",)
    seen = world.step("blue")
    assert (seen.text, seen.reward) == ("door2", 1.0)
    assert world.options["env"] == "Masked"


def test_an_observation_may_be_put_into_words_by_a_function() -> None:
    def cards(hand: Any, env: Any) -> str:
        return f"You hold {hand[0]}, the dealer shows {hand[1]}."

    world = GymnasiumText("Blackjack-v1", actions=["stick", "hit"], observe=cards, returns=(-1, 1))
    for task in world.tasks()[:20]:
        assert world.reset(task).text.startswith("You hold ")
        seen = world.step("stick")
        assert seen.done
        assert seen.reward == {-1.0: 0.0, 0.0: 0.5, 1.0: 1.0, 1.5: 1.0}[seen.info["return"]]


def test_splits_have_seeds_of_their_own() -> None:
    world = guess()
    test, train = ({t.data["seed"] for t in world.tasks(split)} for split in world.splits)
    assert not test & train


ACTIONS = st.lists(st.one_of(st.sampled_from(MOVES), st.text(max_size=20)), max_size=12)


@given(ACTIONS, ACTIONS, ACTIONS, st.integers(0, 99), st.booleans())
def test_snapshots_give_identical_futures_and_nothing_raises(
    before: list[str], between: list[str], after: list[str], number: int, slippery: bool
) -> None:
    world = GymnasiumText(
        "FrozenLake-v1", actions=MOVES, settings={"is_slippery": slippery}, max_steps=30
    )
    other = world.fork()
    task = world.tasks()[number]
    with world, other:
        shown = [world.reset(task), *map(world.step, before)]
        assert [other.reset(task), *map(other.step, before)] == shown
        snapshot = world.snapshot()
        for action in between:
            world.step(action)
        assert world.restore(snapshot) == shown[-1]
        future = [world.step(action) for action in after]
        assert other.restore(copy.deepcopy(snapshot)) == shown[-1]
        assert [other.step(action) for action in after] == future
        for seen in (*shown, *future):
            assert 0.0 <= seen.reward <= 1.0
            json.dumps(seen.info)


def test_an_environment_that_does_not_repeat_itself_is_not_restored() -> None:
    world = GymnasiumText(Unsteady)
    world.reset(world.tasks()[0])
    world.step("dog")
    with pytest.raises(ValueError, match="other rewards under the same seed"):
        world.restore(world.snapshot())


def test_a_snapshot_belongs_to_its_task() -> None:
    world = guess()
    world.reset(world.tasks()[0])
    snapshot = world.snapshot()
    world.reset(world.tasks()[1])
    with pytest.raises(ValueError, match="cannot continue"):
        world.restore(snapshot)


async def test_a_team_walks_over_the_lake() -> None:
    path = ["down", "down", "right", "right", "down", "right"]
    said = lambda messages: path[sum(message.type == "ai" for message in messages)]  # noqa: E731
    walker = act(ToolAgent(ScriptedModel(lambda m: f"<action>{said(m)}</action>")))
    world = lake(goal="Walk from S to G; H are holes.", episodes=5)
    report = await evaluate(walker, world, progress=False)
    assert report.summary.successes == 5
    assert json.dumps(report.manifest["config"]["options"])


def test_options_make_the_same_environment_again() -> None:
    for world in (guess(), lake()):
        again = make_environment(
            "gymnasium",
            **{**world.options, "actions": None} if not world.options["actions"] else world.options,
        )
        assert again.options == world.options


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"env": "NoSuchLake-v1"}, "NoSuchLake"),
        ({"env": "FrozenLake-v1", "settings": {"depth": 3}}, "depth"),
        ({"env": "FrozenLake-v1", "actions": ["left", "right"]}, "give 4 different names"),
        ({"env": "FrozenLake-v1", "actions": ["a", "b", "c", "A "]}, "give 4 different names"),
        ({"env": "Blackjack-v1"}, "which is no text: give `observe`"),
        ({"env": Guess, "actions": ["a"]}, "need no names"),
        ({"env": Guess, "settings": {"x": 1}}, "your function makes the environment"),
        ({"env": Guess, "returns": (1, 1)}, "returns="),
        ({"env": Guess, "returns": (0, float("inf"))}, "returns="),
        ({"env": Guess, "episodes": 0}, "episodes=0"),
        ({"env": Guess, "max_steps": 0}, "max_steps=0"),
        ({}, "its options are: env, actions"),
    ],
)
def test_wrong_settings_are_named(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make_environment("gymnasium", **wrong)


def test_spaces_that_are_no_text_are_refused() -> None:
    class Boxed(Guess):
        action_space = spaces.Box(0, 1)  # type: ignore[assignment]

    with pytest.raises(ValueError, match="only Text and Discrete"):
        GymnasiumText(Boxed)


def test_a_task_without_a_seed_is_refused() -> None:
    world: Environment = guess()
    with pytest.raises(TaskError, match="names no seed"):
        world.reset(Task("x", ""))
    with pytest.raises(RuntimeError, match="reset"):
        guess().step("ant")


def test_without_the_package_the_pip_command_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "gymnasium", None)
    with pytest.raises(ImportError, match=r'pip install "symposia\[gym\]"'):
        GymnasiumText("FrozenLake-v1")
