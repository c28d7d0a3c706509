"""Finding and reading games: the official folders, folders of games, and archives of either.

A `.tar.xz` has no random access, so an archive is repacked once into the cache folder: each game in
a file of its own, with an index. Names inside an archive never become names on the disk.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import re
import tarfile
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from ...episodes import Task
from ..cache import cache_folder
from ..environment import TaskError
from .scenes import TASK_TYPES

GAME_FILE = "game.tw-pddl"
OFFICIAL_SPLITS = ("train", "valid_seen", "valid_unseen")
_NEEDED = ("pddl_domain", "grammar", "pddl_problem")
_INDEX = "index.json"
_SENTENCE = re.compile(r'Your task is to: ([^"\\]*)')
_UNSOLVABLE = re.compile(r'"solvable":\s*false')
_UNSUPPORTED = ("movable", "Sliced")
"""Kinds of trial that the benchmark leaves out, by what their folder is called."""
_SIGNS = (
    ("toggleable", "look_at_obj_in_light"),
    ("isClean", "pick_clean_then_place_in_recep"),
    ("isHot", "pick_heat_then_place_in_recep"),
    ("isCool", "pick_cool_then_place_in_recep"),
    ("not (=", "pick_two_obj_and_place"),
)
"""What in a goal tells its task type; without any it is `pick_and_place_simple`."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A game that was found: where it is, and what the task list needs of its content."""

    path: str
    """The path of the game file, inside the archive where there is one."""
    kind: str
    sentence: str

    @property
    def trial(self) -> str:
        """The last two folders: task and trial."""
        return "/".join(PurePosixPath(self.path).parts[-3:-1])


def find_tasks(data: str | Path | None, split: str) -> list[Task]:
    """The solvable games of a split as tasks, sorted by folder name.

    Args:
        data: the official root (the folder that holds `json_2.1.1`), any folder of games, an
            archive of one, or a folder of archives. None: `$ALFWORLD_DATA`, else where
            `alfworld-download` puts them.
        split: an official split, or `games` for every game there is.

    Raises:
        ValueError: there is no such data, or no game of this split; the message says what there is.
    """
    root = _root(data)
    archives = [root] if root.is_file() else sorted(root.glob("*.tar.*"))
    if archives:
        indexed = [(archive, entry) for archive in archives for entry in _index(archive)]
        paths = [entry.path for _, entry in indexed]
        tasks = [_task(split, a, entry) for a, entry in indexed if _in_split(entry.path, split)]
    else:
        files = {f"{root.name}/{path.relative_to(root)}": path for path in _walk(root)}
        paths = list(files)
        games = ((str(files[each]), _text(files[each])) for each in paths if _in_split(each, split))
        tasks = [_task(split, None, entry) for entry in _entries(games)]
    if not paths:
        raise ValueError(
            f"the split {split!r} needs ALFWorld's games, and there are none in {root}: run "
            "`alfworld-download`, set ALFWORLD_DATA or pass data=...; or use the split "
            "'generated', which needs none"
        )
    if not tasks:
        held = [each for each in OFFICIAL_SPLITS if any(_in_split(path, each) for path in paths)]
        raise ValueError(
            f"no games of the split {split!r} in {root}; it holds {len(paths)} games"
            + (f" of {', '.join(held)}" if held else " (the split 'games' means all of them)")
        )
    return sorted(tasks, key=lambda task: task.id)


def read_game(data: dict[str, Any]) -> dict[str, Any]:
    """The game that the `data` of a task from `find_tasks` or `task_from_file` points to.

    Raises:
        TaskError: it is missing, damaged or not a game; the message names the file.
    """
    path, archive = str(data["file"]), data.get("archive")
    name = f"{archive}:{path}" if archive else path
    try:
        file = _repacked(Path(archive)) / _packed_name(path) if archive else Path(path)
        raw = file.read_bytes()
        game = json.loads(gzip.decompress(raw) if archive else raw)
    except (OSError, EOFError, ValueError, tarfile.TarError) as error:
        raise TaskError(f"{name}: {type(error).__name__}: {error}") from error
    if not isinstance(game, dict):
        raise TaskError(f"{name}: a game is a JSON object, not {type(game).__name__}")
    missing = [key for key in _NEEDED if not isinstance(game.get(key), str)]
    if missing:
        raise TaskError(f"{name}: not a game: no text under {', '.join(missing)}")
    return game


def task_from_file(path: str | Path) -> Task:
    """The task of one game file.

    Raises:
        TaskError: it is missing, damaged or not a game.
    """
    file = Path(path).absolute()
    read_game({"file": str(file)})
    entry = _entry(str(file), _text(file))
    trial = entry.trial if file.name == GAME_FILE else file.stem
    return Task(f"alfworld:file/{trial}", entry.sentence, entry.kind, {"file": str(file)})


def _root(data: str | Path | None) -> Path:
    chosen = data or os.environ.get("ALFWORLD_DATA")
    root = Path(chosen).expanduser() if chosen else Path.home() / ".cache" / "alfworld"
    return root.absolute()


def _walk(root: Path) -> Iterator[Path]:
    for folder, _, names in os.walk(root):
        if GAME_FILE in names:
            yield Path(folder, GAME_FILE)


def _in_split(path: str, split: str) -> bool:
    return split == "games" or split in PurePosixPath(path).parts


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")


def _entries(games: Iterable[tuple[str, str]]) -> Iterator[Entry]:
    """The supported and solvable ones among (path, content) pairs."""
    for path, content in games:
        folders = path.split("/")[-3:-1]
        if any(sign in folder for sign in _UNSUPPORTED for folder in folders):
            continue
        if not _UNSOLVABLE.search(content):
            yield _entry(path, content)


def _entry(path: str, content: str) -> Entry:
    kind = PurePosixPath(path).parts[-3:][0].partition("-")[0]
    if kind not in TASK_TYPES:
        goal = content.rpartition("(:goal")[2].partition('"')[0]
        kind = next((name for sign, name in _SIGNS if sign in goal), TASK_TYPES[0])
    sentence = _SENTENCE.search(content)
    return Entry(path, kind, sentence[1] if sentence else "")


def _task(split: str, archive: Path | None, entry: Entry) -> Task:
    data = {"file": entry.path} | ({"archive": str(archive)} if archive else {})
    return Task(f"alfworld:{split}/{entry.trial}", entry.sentence, entry.kind, data)


def _index(archive: Path) -> list[Entry]:
    try:
        index = _repacked(archive) / _INDEX
        return [Entry(**entry) for entry in json.loads(index.read_text())]
    except (OSError, EOFError, ValueError, tarfile.TarError) as error:
        raise ValueError(f"the archive {archive} cannot be read: {error}") from error


def _repacked(archive: Path) -> Path:
    """The folder with an archive's games, made when it is first needed."""
    facts = archive.stat()
    folder = cache_folder() / "alfworld" / "archives"
    pack = folder / _digest(f"{archive.name} {facts.st_size} {facts.st_mtime_ns}")
    if not pack.exists():
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as scratch:
            draft = Path(scratch, "pack")
            draft.mkdir()
            with tarfile.open(archive) as source:
                _repack(source, draft)
            _rename(draft, pack)
    return pack


def _repack(source: tarfile.TarFile, folder: Path) -> None:
    entries: list[Entry] = []
    for member in source:
        path = str(PurePosixPath(member.name))
        content = source.extractfile(member) if path.endswith(f"/{GAME_FILE}") else None
        if content is not None:
            raw = content.read()
            (folder / _packed_name(path)).write_bytes(gzip.compress(raw, 1, mtime=0))
            entries += _entries([(path, raw.decode(errors="replace"))])
    (folder / _INDEX).write_text(json.dumps([asdict(entry) for entry in entries]))


def _rename(draft: Path, pack: Path) -> None:
    """Put the finished draft in place, unless another process was faster."""
    try:
        draft.rename(pack)
    except OSError:
        if not pack.exists():
            raise


def _packed_name(path: str) -> str:
    return f"{_digest(path)}.json.gz"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]
