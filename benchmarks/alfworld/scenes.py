"""Games made from a seed: a room, what lies in it, and one of the six kinds of task.

A made game is a dict in the format of the official `game.tw-pddl` files, so it plays on the same
engine and can be saved as one. The domain, the grammar, the wordings of goals and the rules of what
fits where come from the `alfworld` package.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from .alfred import abilities, fits, goals
from .packages import require_alfred
from .problems import write_problem
from .rooms import ROOMS, Room

TASK_TYPES = (
    "pick_and_place_simple",
    "look_at_obj_in_light",
    "pick_clean_then_place_in_recep",
    "pick_heat_then_place_in_recep",
    "pick_cool_then_place_in_recep",
    "pick_two_obj_and_place",
)
TRAINING_SEEDS = 1_000_000
"""By convention models train on seeds from here up; evaluation uses the seeds below."""

Size = str | tuple[int, int]
"""`small`, `medium`, `large`, or exact numbers of receptacles and objects: `(10, 8)` or `10x8`."""
SIZES = {"small": ((5, 7), (3, 5)), "medium": ((8, 12), (6, 10)), "large": ((15, 25), (15, 25))}
"""The ranges of the numbers of receptacles and of objects that can be carried."""
_SMALLEST, _LARGEST = (4, 3), (25, 60)

_APPLIANCE = {
    "pick_clean_then_place_in_recep": "SinkBasin",
    "pick_heat_then_place_in_recep": "Microwave",
    "pick_cool_then_place_in_recep": "Fridge",
}
_ABILITY = {
    "pick_clean_then_place_in_recep": "Cleanable",
    "pick_heat_then_place_in_recep": "Heatable",
    "pick_cool_then_place_in_recep": "Coolable",
}
_NEVER_TARGETS = {"SinkBasin", "BathtubBasin", "TowelHolder", "HandTowelHolder", "TVStand"}
_LAMP_STANDS = ("Desk", "SideTable", "Dresser")
_SURPRISE = 0.15
"""How often a thing lies where it fits but is not usually found."""
_MORE_OF_THE_SAME = 0.3
"""How often there are more objects of the wanted type than the task needs."""


@dataclass(frozen=True)
class Scene:
    """A room and a task in it."""

    task_type: str
    room: str
    sentence: str
    """The goal in ALFRED's words, without the full stop."""
    goal: str
    """The goal in PDDL, up to the end of the problem."""
    receptacles: tuple[str, ...]
    """The id of each receptacle."""
    places: tuple[tuple[str, str], ...]
    """The id of each object and of the receptacle that it lies in."""

    def game(self) -> dict[str, Any]:
        """The scene as the content of a `game.tw-pddl` file."""
        data = files("alfworld") / "data"
        grammar = (data / "alfred.twl2").read_text()
        return {
            "pddl_domain": (data / "alfred.pddl").read_text(),
            "grammar": grammar.replace("UNKNOWN GOAL", self.sentence),
            "pddl_problem": write_problem(self.receptacles, self.places, self.goal),
            "solvable": True,
            "walkthrough": [],
        }


def generate_game(seed: int, task_type: str | None = None, size: Size = "medium") -> dict[str, Any]:
    """The game of a seed: the same arguments always give the same game.

    Args:
        seed: any integer; see `TRAINING_SEEDS`.
        task_type: one of `TASK_TYPES`, or None for the types in turn, by the seed.
        size: how many receptacles and objects.

    Raises:
        ValueError: an unknown task type or size.
    """
    return generate_scene(seed, task_type, size).game()


def generate_scene(seed: int, task_type: str | None = None, size: Size = "medium") -> Scene:
    """The scene behind `generate_game`, with the same arguments and errors."""
    require_alfred()
    if task_type is not None and task_type not in TASK_TYPES:
        raise ValueError(f"unknown task type {task_type!r}; there are {', '.join(TASK_TYPES)}")
    kind = task_type or TASK_TYPES[seed % len(TASK_TYPES)]
    rng = random.Random(f"{seed} {kind} {size_name(size)}")
    count, objects = _numbers(rng, size_name(size))
    room, thing, target = rng.choice(_wishes(kind))
    furniture = _furnish(rng, ROOMS[room], kind, thing, target, count)
    receptacles = _identify(furniture)
    places = _place(rng, ROOMS[room], kind, thing, target, receptacles, objects)
    wording = goals()[kind]
    words = {"obj": thing, "recep": target, "toggle": "DeskLamp"}
    return Scene(
        task_type=kind,
        room=room,
        sentence=rng.choice(wording["templates"]).format(
            **{name: word.lower() for name, word in words.items()}
        ),
        goal=wording["pddl"].format(**words).replace("#", "-"),
        receptacles=tuple(receptacles),
        places=tuple(places),
    )


def size_name(size: Size) -> str:
    """A size in words: `medium`, or `10x8` for 10 receptacles and 8 objects.

    Raises:
        ValueError: there is no such size.
    """
    name = size if isinstance(size, str) else "x".join(map(str, size))
    if name in SIZES:
        return name
    numbers = re.fullmatch(r"(\d{1,3})x(\d{1,3})", name)
    limits = zip(_SMALLEST, map(int, numbers.groups()), _LARGEST, strict=True) if numbers else ()
    if numbers and all(least <= number <= most for least, number, most in limits):
        return name
    raise ValueError(
        f"unknown size {name!r}; there are {', '.join(SIZES)}, and 4x3 to 25x60 "
        "(receptacles x objects)"
    )


def _numbers(rng: random.Random, name: str) -> tuple[int, int]:
    if name in SIZES:
        receptacles, objects = SIZES[name]
        return rng.randint(*receptacles), rng.randint(*objects)
    count, _, things = name.partition("x")
    return int(count), int(things)


@cache
def _wishes(task_type: str) -> list[tuple[str, str, str]]:
    """Every (room, object type, target type) that the task can be about."""
    lamp = task_type == "look_at_obj_in_light"
    appliance = _APPLIANCE.get(task_type)
    wishes = []
    for name, room in ROOMS.items():
        needed = "Desk" if lamp else appliance
        if needed and needed not in room.furniture:
            continue
        for thing, usual in room.things.items():
            if task_type in _ABILITY and thing not in abilities()[_ABILITY[task_type]]:
                continue
            targets = [""] if lamp else sorted(set(room.furniture) - _NEVER_TARGETS - {appliance})
            for target in targets:
                elsewhere = set(usual.split()) - {target}
                if elsewhere and (lamp or thing in fits()[target]):
                    wishes.append((name, thing, target))
    return wishes


def _furnish(
    rng: random.Random, room: Room, task_type: str, thing: str, target: str, count: int
) -> list[str]:
    """The types of `count` receptacles, with what the task needs among them."""
    needed = [target] if target else [rng.choice([s for s in _LAMP_STANDS if s in room.furniture])]
    needed += [_APPLIANCE[task_type]] if task_type in _APPLIANCE else []
    needed.append(rng.choice([place for place in room.things[thing].split() if place != target]))
    chosen = Counter(set(needed))
    while chosen.total() < count:
        left = {
            kind: weight for kind, (most, weight) in room.furniture.items() if chosen[kind] < most
        }
        chosen.update(rng.choices(list(left), list(left.values())))
    return sorted(chosen.elements())


def _place(
    rng: random.Random,
    room: Room,
    task_type: str,
    thing: str,
    target: str,
    receptacles: dict[str, str],
    count: int,
) -> list[tuple[str, str]]:
    """Which object lies where: those of the task, more to reach `count`, and a lamp if needed."""
    wanted = 2 if task_type == "pick_two_obj_and_place" else 1
    wanted += rng.random() < _MORE_OF_THE_SAME
    placeable = {
        kind: spots
        for kind in room.things
        if (spots := [r for r, type_ in receptacles.items() if kind in fits().get(type_, ())])
    }
    others = [kind for kind in placeable if kind != thing]
    kinds = [thing] * wanted
    while others and len(kinds) < count:
        kinds += [rng.choice(others)] * min(rng.choice((1, 1, 1, 2, 3)), count - len(kinds))
    rng.shuffle(kinds)
    placed = []
    for identity, kind in _identify(kinds).items():
        spots = placeable[kind]
        if kind == thing and task_type not in _ABILITY:
            spots = [r for r in spots if receptacles[r] != target]
        usual = [r for r in spots if receptacles[r] in room.things[kind].split()]
        placed.append((identity, rng.choice(spots if rng.random() < _SURPRISE else usual or spots)))
    if task_type == "look_at_obj_in_light":
        stands = [r for r, type_ in receptacles.items() if type_ in _LAMP_STANDS]
        placed.append(("DeskLamp_bar_01", rng.choice(stands)))
    return placed


def _identify(kinds: list[str]) -> dict[str, str]:
    """An id for each, mapped to its type; ALFWorld's demangler reads the names from the ids."""
    seen: Counter[str] = Counter()
    identified = {}
    for kind in kinds:
        seen[kind] += 1
        if kind.endswith("Basin"):
            identified[f"{kind.removesuffix('Basin')}_bar_{seen[kind]:02d}_bar_{kind}"] = kind
        else:
            identified[f"{kind}_bar_{seen[kind]:02d}"] = kind
    return identified
