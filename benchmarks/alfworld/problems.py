"""A scene written as a PDDL problem of the ALFRED domain."""

from __future__ import annotations

import re
from collections.abc import Sequence

from .alfred import abilities, fits
from .rooms import OPENABLE, VESSELS

_KNIVES = ("Knife", "ButterKnife")
_APPLIANCES = ("SinkBasin", "Microwave", "Fridge")
"""With the knives, the types that the domain itself mentions: every problem must declare them."""


def write_problem(receptacles: Sequence[str], places: Sequence[tuple[str, str]], goal: str) -> str:
    """The problem in which each receptacle stands at a spot of its own and all doors are closed.

    Args:
        receptacles: the id of each receptacle.
        places: the id of each object and of the receptacle that it lies in.
        goal: the goal, up to the end of the problem.
    """
    kinds = {name: _type(name) for name in receptacles}
    objects = {name: _type(name) for name, _ in places}
    spots = {name: f"loc_bar_{number}" for number, name in enumerate(kinds, start=1)}
    thing_types = sorted({*objects.values(), *_wanted_types(goal), *_KNIVES})
    place_types = sorted({*kinds.values(), *_APPLIANCES})
    declared = [
        "agent1 - agent",
        *(f"{kind}Type - otype" for kind in thing_types),
        *(f"{kind}Type - rtype" for kind in place_types),
        *(f"{name} - object" for name in objects),
        *(f"{name} - receptacle" for name in kinds),
        *(f"{place} - location" for place in ("loc_bar_0", *spots.values())),
    ]
    facts = ["atLocation agent1 loc_bar_0"]
    for name, kind in kinds.items():
        facts += [
            f"receptacleType {name} {kind}Type",
            f"receptacleAtLocation {name} {spots[name]}",
        ]
        facts += [f"openable {name}"] * (kind in OPENABLE)
    for place in place_types:
        facts += [
            f"canContain {place}Type {t}Type" for t in thing_types if t in fits().get(place, ())
        ]
    for name, kind in objects.items():
        facts.append(f"objectType {name} {kind}Type")
        able = [ability.lower() for ability, those in abilities().items() if kind in those]
        facts += [f"{ability} {name}" for ability in able]
        facts += [f"pickupable {name}"] * ("toggleable" not in able)
        facts += [f"isReceptacleObject {name}"] * (kind in VESSELS)
    for name, place in places:
        facts += [f"inReceptacle {name} {place}", f"objectAtLocation {name} {spots[place]}"]
    return (
        "(define (problem scene)\n(:domain alfred)\n(:objects\n"
        + "".join(f"  {line}\n" for line in declared)
        + ")\n(:init\n"
        + "".join(f"  ({fact})\n" for fact in facts)
        + ")\n"
        + goal
    )


def _type(identity: str) -> str:
    name, *rest = identity.split("_bar_")
    return rest[-1] if rest[-1].endswith("Basin") else name


def _wanted_types(goal: str) -> set[str]:
    return set(re.findall(r"\(objectType \S+ (\w+)Type\)", goal))
