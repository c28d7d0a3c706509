import io
import json
import tarfile
from collections import Counter
from pathlib import Path

import pytest

from symposia.benchmarks.alfworld import ALFWorld, generate_game
from symposia.benchmarks.alfworld.scenes import TASK_TYPES
from symposia.benchmarks.environment import TaskError

TRIALS = {
    "json_2.1.1/valid_seen/pick_heat_then_place_in_recep-Mug-None-Shelf-1/trial_b": 3,
    "json_2.1.1/valid_seen/pick_heat_then_place_in_recep-Mug-None-Shelf-1/trial_a": 9,
    "json_2.1.1/valid_seen/look_at_obj_in_light-Pen-None-DeskLamp-2/trial_c": 1,
    "json_2.1.1/train/pick_and_place_simple-Pen-None-Desk-3/trial_d": 0,
}
LEFT_OUT = {
    "json_2.1.1/valid_seen/pick_and_place_simple-AppleSliced-None-Fridge-1/trial_e": 6,
    "json_2.1.1/valid_seen/pick_and_place_with_movable_recep-Mug-Pan-Sink-1/trial_f": 12,
}
UNSOLVABLE = "json_2.1.1/valid_seen/pick_and_place_simple-Mug-None-Shelf-1/trial_g"


def contents() -> dict[str, bytes]:
    """Files as `alfworld-download` leaves them, games and others."""
    games = {
        folder: generate_game(seed, size="small") for folder, seed in (TRIALS | LEFT_OUT).items()
    }
    games[UNSOLVABLE] = generate_game(0, size="small") | {"solvable": False}
    files = {f"{folder}/game.tw-pddl": json.dumps(game) for folder, game in games.items()}
    files |= {f"{folder}/traj_data.json": "{}" for folder in games}
    files["json_2.1.1/valid_seen/without_a_game/trial_h/traj_data.json"] = "{}"
    files["logic/alfred.pddl"] = "(define)"
    return {name: text.encode() for name, text in files.items()}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("alfworld")
    for name, content in contents().items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return root


def pack(path: Path, files: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w:xz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pack(tmp_path_factory.mktemp("archives") / "games.tar.xz", contents())


@pytest.fixture(params=["root", "version folder", "archive", "folder of archives"])
def data(request: pytest.FixtureRequest, folder: Path, archive: Path) -> Path:
    return {
        "root": folder,
        "version folder": folder / "json_2.1.1",
        "archive": archive,
        "folder of archives": archive.parent,
    }[request.param]


def test_every_layout_gives_the_solvable_games_of_a_split(data: Path) -> None:
    with ALFWorld(data=data) as world:
        tasks = world.tasks("valid_seen")
        assert [task.id for task in tasks] == [
            "alfworld:valid_seen/look_at_obj_in_light-Pen-None-DeskLamp-2/trial_c",
            "alfworld:valid_seen/pick_heat_then_place_in_recep-Mug-None-Shelf-1/trial_a",
            "alfworld:valid_seen/pick_heat_then_place_in_recep-Mug-None-Shelf-1/trial_b",
        ]
        assert [task.kind for task in tasks] == [TASK_TYPES[1], TASK_TYPES[3], TASK_TYPES[3]]
        assert len(world.tasks("train")) == 1
        assert len(world.tasks("games")) == 4
        first = world.reset(tasks[0])
        assert first.text.endswith(f"Your task is to: {tasks[0].prompt}")
        assert json.loads(json.dumps(tasks[0].data)) == tasks[0].data


def test_the_environment_variable_names_the_default(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALFWORLD_DATA", str(folder))
    assert len(ALFWorld().tasks("valid_seen")) == 3


def test_a_folder_of_one_split_is_that_split(folder: Path) -> None:
    assert len(ALFWorld(data=folder / "json_2.1.1" / "train").tasks("train")) == 1


def test_a_split_that_is_not_there_names_those_that_are(data: Path) -> None:
    with pytest.raises(ValueError, match="of train, valid_seen"):
        ALFWorld(data=data).tasks("valid_unseen")


def test_without_data_the_remedies_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for world in (ALFWorld(), ALFWorld(data=tmp_path / "nowhere")):
        with pytest.raises(ValueError, match=r"alfworld-download.*ALFWORLD_DATA.*'generated'"):
            world.tasks("valid_seen")


def test_an_archive_is_repacked_once(archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tasks = ALFWorld(data=archive).tasks("valid_seen")
    monkeypatch.setattr(tarfile, "open", lambda *_: pytest.fail("opened again"))
    with ALFWorld(data=archive) as world:
        assert world.tasks("valid_seen") == tasks
        world.reset(tasks[0])


def test_names_in_an_archive_cannot_escape(tmp_path: Path, cache: Path) -> None:
    game = json.dumps(generate_game(0, size="small")).encode()
    names = ["../../escaped/train/game.tw-pddl", "/escaped/train/game.tw-pddl"]
    archive = pack(tmp_path / "evil.tar.xz", dict.fromkeys(names, game))
    assert len(ALFWorld(data=archive).tasks("games")) == 2
    written = [*tmp_path.rglob("*"), *cache.parent.rglob("*escaped*")]
    assert written == [archive]
    assert not Path("/escaped").exists()


def test_a_damaged_archive_is_reported(tmp_path: Path, archive: Path) -> None:
    broken = tmp_path / "broken.tar.xz"
    for content in (b"rubbish", archive.read_bytes()[:-2000]):
        broken.write_bytes(content)
        with pytest.raises(ValueError, match=r"broken\.tar\.xz cannot be read"):
            ALFWorld(data=broken).tasks("train")


def test_a_damaged_game_in_an_archive_is_reported_at_reset(tmp_path: Path) -> None:
    name = "json_2.1.1/train/pick_and_place_simple-Pen-None-Desk-3/trial_d/game.tw-pddl"
    archive = pack(tmp_path / "games.tar.xz", {name: b'{"grammar": '})
    with ALFWorld(data=archive) as world:
        (task,) = world.tasks("train")
        with pytest.raises(TaskError, match=r"games\.tar\.xz:json_2\.1\.1/train.*JSONDecodeError"):
            world.reset(task)


def test_the_official_archive_holds_140_games(official: Path) -> None:
    tasks = ALFWorld(data=official).tasks("valid_seen")
    assert len(tasks) == 140
    assert Counter(task.kind for task in tasks) == dict(zip(TASK_TYPES, (35, 13, 27, 16, 25, 24)))
    assert all(task.prompt for task in tasks)
