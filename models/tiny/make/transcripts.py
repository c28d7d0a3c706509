"""Household episodes of the expert, kept on disk as plain text.

A transcript holds what was shown and done; `conversations` turns it into what a model reads. Some
actions are random, or plainly wrong, instead of the expert's, so that a model can learn to go on
from anywhere. Worker processes play the games in chunks, one file a chunk, so an interrupted run
goes on where it was.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import re
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from rich.progress import track

from ....benchmarks.alfworld.environment import ALFWorld
from ....benchmarks.alfworld.expert import SearchExpert
from ....benchmarks.alfworld.rooms import ROOMS
from ....benchmarks.alfworld.scenes import TRAINING_SEEDS

NOISE = 0.08
"""How often an action is a random admissible one."""
SLIPS = 0.08
"""How often an action is put together from names at random; mostly nothing happens then."""
STUBBORN = 0.4
"""How often a slip is made again."""
LIMIT = 50
"""Actions in an episode at most; one that is not solved by then is left out."""
CHUNK = 100
"""Games in a file."""
SIZES = {"small": 0.42, "medium": 0.48, "large": 0.10}
"""How common the sizes of scenes are."""


@dataclass(frozen=True, slots=True)
class Move:
    """One action, what it showed, and what else could have been done."""

    action: str
    text: str
    """The observation after the action."""
    expert: str
    """What the expert would do here; the action itself unless that was random."""
    other: str
    """A random admissible action that is not the expert's."""


@dataclass(frozen=True, slots=True)
class Transcript:
    """One solved episode."""

    seed: int
    kind: str
    """The task type."""
    opening: str
    """The first observation."""
    moves: tuple[Move, ...]

    def renamed(self, rng: random.Random) -> Transcript:
        """The same episode with the types of its portable objects permuted at random.

        The expert's choices stay right, since they depend on sameness of names only. It multiplies
        the data and teaches to copy names from the context rather than to guess them.
        """
        shown = " ".join([self.opening, *(f"{m.text} {m.action} {m.other}" for m in self.moves)])
        types = sorted(set(_THING.findall(shown)))
        names = dict(zip(types, rng.sample(types, len(types)), strict=True))

        def rename(text: str) -> str:
            return _THING.sub(lambda found: names[found[0]], text)

        moves = tuple(
            Move(rename(m.action), rename(m.text), rename(m.expert), rename(m.other))
            for m in self.moves
        )
        return Transcript(self.seed, self.kind, rename(self.opening), moves)


_NAME = re.compile(r"\b[a-z]+ \d+\b")
_COMMANDS = (
    *("go to {}", "open {}", "use {}", "take {} from {}", "move {} to {}"),
    *("heat {} with {}", "clean {} with {}", "cool {} with {}", "take {} from {}", "go to {}"),
)
FURNITURE = sorted({kind.lower() for room in ROOMS.values() for kind in room.furniture})
"""The types of receptacles, as on screen."""
THINGS = sorted({thing.lower() for room in ROOMS.values() for thing in room.things})
"""The types of portable objects."""
NAMES = sorted({*THINGS, *FURNITURE})
"""The types of objects and of receptacles."""
_THING = re.compile(rf"\b(?:{'|'.join(THINGS)})\b")


def play(environment: ALFWorld, seed: int, rng: random.Random) -> Transcript | None:
    """The expert's episode on the environment's first task, with random actions among its own.

    None where the task was not solved in `LIMIT` actions.
    """
    task = environment.tasks("generated")[0]
    seen = environment.reset(task)
    opening = seen.text
    expert = SearchExpert(opening)
    moves: list[Move] = []
    slip = ""
    while not seen.done:
        best = expert.next_action()
        others = [each for each in seen.admissible if each not in (best, "help")]
        other = rng.choice(others)
        if slip and rng.random() < STUBBORN:
            action = slip
        elif rng.random() < NOISE:
            action = other
        elif rng.random() < SLIPS:
            action = slip = _slip(rng, [opening, *(move.text for move in moves)])
        else:
            action, slip = best, ""
        seen = environment.step(action)
        expert.observe(action, seen.text)
        moves.append(Move(action, seen.text, best, other))
    return Transcript(seed, task.kind, opening, tuple(moves)) if seen.reward else None


def _slip(rng: random.Random, texts: list[str]) -> str:
    """A command about things that were mentioned, or nearly: their numbers may be off."""
    known = _NAME.findall(" ".join(texts))
    first, second = (
        name if rng.random() < 0.7 else f"{name.split()[0]} {rng.randint(1, 4)}"
        for name in rng.choices(known, k=2)
    )
    return rng.choice(_COMMANDS).format(first, second)


def generate(folder: Path, games: int, *, workers: int = 2, first: int = TRAINING_SEEDS) -> None:
    """Play `games` games from seed `first` up and keep their transcripts in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    starts = [
        start for start in range(first, first + games, CHUNK) if not _file(folder, start).exists()
    ]
    play_chunk = partial(_play_chunk, folder, first + games)
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        done = pool.imap_unordered(play_chunk, starts)
        for _ in track(done, f"games, {CHUNK} at a time", total=len(starts)):
            pass


def read(folder: Path) -> Iterator[Transcript]:
    """The transcripts in a folder, by seed."""
    for path in sorted(folder.glob("games-*.jsonl")):
        for line in path.read_text().splitlines():
            record = json.loads(line)
            moves = tuple(Move(**move) for move in record.pop("moves"))
            yield Transcript(**record, moves=moves)


def _file(folder: Path, start: int) -> Path:
    return folder / f"games-{start:09d}.jsonl"


def _play_chunk(folder: Path, stop: int, start: int) -> None:
    lines = []
    with tempfile.TemporaryDirectory() as cache:
        os.environ["SYMPOSIA_CACHE"] = cache
        for seed in range(start, min(start + CHUNK, stop)):
            rng = random.Random(f"transcript {seed}")
            (size,) = rng.choices(list(SIZES), list(SIZES.values()))
            with ALFWorld(size=size, games=1, seed=seed, max_steps=LIMIT) as environment:
                transcript = play(environment, seed, rng)
            if transcript is not None:
                lines.append(json.dumps(asdict(transcript)) + "\n")
    draft = _file(folder, start).with_suffix(".part")
    draft.write_text("".join(lines))
    draft.replace(_file(folder, start))
