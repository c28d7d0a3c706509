import hashlib
import json
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from symposia.benchmarks.alfworld import ALFWorld, generate_game
from symposia.benchmarks.alfworld.engine import Engine
from symposia.benchmarks.alfworld.rooms import OPENABLE
from symposia.benchmarks.alfworld.scenes import SIZES, TASK_TYPES, generate_scene

DIGEST = (
    "import hashlib, json\n"
    "from symposia.benchmarks.alfworld import generate_game\n"
    "sizes = ('small', 'large')\n"
    "games = [generate_game(seed, size=size) for seed in range(12) for size in sizes]\n"
    "print(hashlib.sha256(json.dumps(games).encode()).hexdigest())"
)


def lower_types(scene_ids: list[str]) -> Counter[str]:
    return Counter(each.partition("_bar_")[0] for each in scene_ids)


def test_the_same_seed_gives_the_same_bytes_in_every_process() -> None:
    games = [generate_game(seed, size=size) for seed in range(12) for size in ("small", "large")]
    here = hashlib.sha256(json.dumps(games).encode()).hexdigest()
    elsewhere = subprocess.run(
        [sys.executable, "-c", DIGEST],
        env=os.environ | {"PYTHONHASHSEED": "123"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert elsewhere.stdout.strip() == here


def test_different_seeds_give_different_games() -> None:
    assert len({generate_game(seed)["pddl_problem"] for seed in range(60)}) == 60


def test_task_types_come_in_turn() -> None:
    scenes = [generate_scene(seed) for seed in range(12)]
    assert [scene.task_type for scene in scenes] == list(TASK_TYPES) * 2
    assert generate_game(7) == generate_game(7, TASK_TYPES[1])


@pytest.mark.parametrize("size", SIZES)
def test_numbers_are_in_the_range_of_the_size(size: str) -> None:
    receptacles, objects = SIZES[size]
    for seed in range(30):
        scene = generate_scene(seed, size=size)
        assert receptacles[0] <= len(scene.receptacles) <= receptacles[1]
        movable = [name for name, _ in scene.places if not name.startswith("DeskLamp")]
        assert objects[0] <= len(movable) <= objects[1]


def test_exact_numbers_can_be_asked_for() -> None:
    scene = generate_scene(3, size=(9, 7))
    assert (len(scene.receptacles), len(scene.places)) == (9, 7)
    assert scene == generate_scene(3, size="9x7")


@pytest.mark.parametrize("size", ["huge", "3x3", "99x9", (1, 1), "4x", "-4x4"])
def test_an_unknown_size_is_refused(size: str | tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="unknown size"):
        generate_game(0, size=size)


def test_an_unknown_task_type_is_refused() -> None:
    with pytest.raises(ValueError, match="pick_and_place_simple"):
        generate_game(0, "juggle")


def test_two_of_the_object_are_there_for_the_task_of_two() -> None:
    for seed in range(40):
        scene = generate_scene(seed, "pick_two_obj_and_place", "4x3")
        (thing,) = set(re.findall(r"objectType \?o\d (\w+)Type", scene.goal))
        assert lower_types([name for name, _ in scene.places])[thing] >= 2


def test_goals_are_worded_as_in_the_benchmark() -> None:
    shapes = (
        r"put (a|some) \w+ (in|on) \w+",
        r"put a (clean|hot|cool) \w+ in \w+",
        r"(clean|heat|cool) some \w+ and put it in \w+",
        r"(put two \w+ in|find two \w+ and put them in) \w+",
        r"(look at \w+ under|examine the \w+ with) the desklamp",
    )
    for seed in range(120):
        sentence = generate_scene(seed).sentence
        assert any(re.fullmatch(shape, sentence) for shape in shapes), sentence


@pytest.mark.parametrize("seed", range(12))
def test_a_game_starts_unsolved_with_everything_closed_and_named(seed: int) -> None:
    scene = generate_scene(seed, size="small")
    engine = Engine()
    engine.load(scene.game())
    view = engine.reset()
    assert not view.won
    assert f"Your task is to: {scene.sentence}." in view.text
    for command in [each for each in view.commands if each.startswith("go to ")]:
        text = engine.step(command).text
        kind = command.split()[2]
        assert ("is closed" in text) == (kind in {each.lower() for each in OPENABLE})
    engine.close()


def test_a_saved_game_plays_like_the_made_one(tmp_path: Path, world: ALFWorld) -> None:
    file = tmp_path / "mine.tw-pddl"
    file.write_text(json.dumps(generate_game(4, size="small")))
    task = world.task_from_file(file)
    assert task.kind == TASK_TYPES[4]
    saved = world.reset(task)
    made = world.reset(world.tasks()[4])
    assert saved == made
