"""Why a command had no effect: the unknown object, the closed door, the full hands."""

from __future__ import annotations

import re

from .engine import Engine

_THING = r"(\S+ \d+)"
_PATTERNS = {
    "go": re.compile(rf"go to {_THING}"),
    "open": re.compile(rf"(open) {_THING}"),
    "close": re.compile(rf"(close) {_THING}"),
    "take": re.compile(rf"take {_THING} from {_THING}"),
    "put": re.compile(rf"(?:put|move) {_THING} (?:in/on|to) {_THING}"),
    "treat": re.compile(rf"(clean|heat|cool) {_THING} with {_THING}"),
    "use": re.compile(rf"(use) {_THING}"),
    "examine": re.compile(rf"(examine) {_THING}"),
    "slice": re.compile(rf"slice {_THING} with {_THING}"),
}
_APPLIANCE = {"clean": "sinkbasin", "heat": "microwave", "cool": "fridge"}
_UNKNOWN = (
    "The command is not understood. Receptacles and objects are named with their number, "
    "as in: take mug 1 from shelf 2."
)
_LONGEST = 200
"""Longer commands, in characters, are not looked into."""


def explain(command: str, engine: Engine) -> str:
    """One sentence on why `command` is not admissible now; it tells nothing out of sight."""
    for kind, pattern in _PATTERNS.items():
        found = pattern.fullmatch(command.strip()[:_LONGEST])
        if found:
            return getattr(_Explainer(engine), kind)(*found.groups()) or _UNKNOWN
    return _UNKNOWN


class _Explainer:
    """What stands in the way, as seen by the agent. Each method explains one kind of command."""

    def __init__(self, engine: Engine) -> None:
        self._facts = engine.facts
        self._ids = {name.strip(): identity for identity, name in engine.names.items()}
        self._names = {identity: name for name, identity in self._ids.items()}

    def go(self, place: str) -> str:
        return self._no_receptacle(place) or f"You are already at the {place}."

    def open(self, _: str, place: str) -> str:
        if problem := self._not_at(place):
            return problem
        if not self._holds("openable", place):
            return f"The {place} cannot be opened or closed."
        return f"The {place} is already {'open' if self._holds('opened', place) else 'closed'}."

    close = open

    def take(self, thing: str, place: str) -> str:
        if problem := self._not_at(place) or self._shut(place):
            return problem
        if held := self._held():
            return f"You already carry the {held}."
        if not self._holds("inreceptacle", thing, place):
            return f"There is no {thing} in or on the {place}."
        return f"The {thing} cannot be picked up."

    def put(self, thing: str, place: str) -> str:
        problem = self._not_held(thing) or self._not_at(place) or self._shut(place)
        return problem or f"The {thing} does not fit the {place}."

    def treat(self, verb: str, thing: str, place: str) -> str:
        if problem := self._not_held(thing) or self._not_at(place):
            return problem
        if not place.startswith(_APPLIANCE[verb]):
            return f"You need a {_APPLIANCE[verb]} to {verb} something."
        return f"The {thing} is not something to {verb}."

    def use(self, _: str, thing: str) -> str:
        return self._not_seen(thing) or f"The {thing} cannot be used."

    def examine(self, _: str, name: str) -> str:
        return self._not_at(name) if self._is_receptacle(name) else self._not_seen(name)

    def slice(self, thing: str, knife: str) -> str:
        return self._not_held(knife) or self._not_seen(thing) or f"The {thing} cannot be sliced so."

    def _no_receptacle(self, name: str) -> str:
        return "" if self._is_receptacle(name) else f"There is no receptacle called {name}."

    def _not_at(self, place: str) -> str:
        if problem := self._no_receptacle(place):
            return problem
        return "" if place in self._here() else f"You are not at the {place}."

    def _shut(self, place: str) -> str:
        shut = self._holds("openable", place) and not self._holds("opened", place)
        return f"The {place} is closed." if shut else ""

    def _not_held(self, thing: str) -> str:
        return "" if thing == self._held() else f"You do not carry a {thing}."

    def _not_seen(self, thing: str) -> str:
        places = [place for place in self._here() if not self._shut(place)]
        seen = any(self._holds("inreceptacle", thing, place) for place in places)
        return "" if seen or thing == self._held() else f"You see no {thing} here."

    def _here(self) -> list[str]:
        """The receptacles where the agent stands."""
        spot = next((fact[2] for fact in self._facts if fact[0] == "atlocation"), "")
        return [
            self._names[fact[1]]
            for fact in self._facts
            if fact[0] == "receptacleatlocation" and fact[2] == spot
        ]

    def _held(self) -> str:
        return next((self._names[fact[2]] for fact in self._facts if fact[0] == "holds"), "")

    def _is_receptacle(self, name: str) -> bool:
        return any(f[0] == "receptacletype" and f[1] == self._ids.get(name) for f in self._facts)

    def _holds(self, predicate: str, *names: str) -> bool:
        if any(name not in self._ids for name in names):
            return False
        return self._facts.holds(predicate, *(self._ids[name] for name in names))
