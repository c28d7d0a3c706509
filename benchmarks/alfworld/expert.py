"""An expert that knows only what the agent reads, so that a small model can imitate it.

It searches the receptacles in the order in which the first observation lists them, opens what is
closed, takes the object, prepares it (clean, heat, cool), and brings it to its target. It keeps a
map of what it has seen and decides from that map alone, so it goes on from any situation, also when
somebody else chose the last actions.

Example:
    >>> expert = SearchExpert(environment.reset(task).text)
    >>> action = expert.next_action()
    >>> expert.observe(action, environment.step(action).text)
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_NAME = r"(\w+ \d+)"
_SEEN = re.compile(rf"(?:On the {_NAME}, you see|The {_NAME} is open\. In it, you see) ([^.]*)\.")
_CLOSED = re.compile(rf"The {_NAME} is closed\.|You close the {_NAME}\.")
_TAKEN = re.compile(rf"You pick up the {_NAME} from the {_NAME}\.")
_PLACED = re.compile(rf"You (?:put|move) the {_NAME} (?:in/on|to) the {_NAME}\.")
_TREATED = re.compile(rf"You (clean|heat|cool) the {_NAME} using")
_CARRIED = re.compile(rf"You are carrying: a {_NAME}\.")
_GOES = re.compile(rf"go to {_NAME}")
_PUTS = re.compile(rf"(?:put|move) {_NAME} (?:in/on|to) {_NAME}")

_GOALS = (
    (r"put a (?P<how>clean|hot|cool) (?P<thing>\w+) in (?P<target>\w+)", 1),
    (r"(?P<how>clean|heat|cool) some (?P<thing>\w+) and put it in (?P<target>\w+)", 1),
    (r"(?:put|find) two (?P<thing>\w+) (?:and put them )?in (?P<target>\w+)", 2),
    (r"put (?:a|some) (?P<thing>\w+) (?:in|on) (?P<target>\w+)", 1),
    (r"(?:look at|examine the) (?P<thing>\w+) (?:under|with) the (?P<lamp>\w+)", 1),
)
_APPLIANCES = {"clean": "sinkbasin", "heat": "microwave", "cool": "fridge"}
_NOTHING = "Nothing happens."


@dataclass(frozen=True, slots=True)
class Goal:
    """What the task sentence asks for. Types are in lower case, as on screen."""

    thing: str
    target: str = ""
    """The receptacle type to put it in; empty when it is to be looked at under a lamp."""
    treatment: str = ""
    """`clean`, `heat`, `cool`, or empty."""
    lamp: str = ""
    count: int = 1

    @property
    def task_type(self) -> str:
        """The name of the task type, as in `TASK_TYPES`."""
        if self.lamp:
            return "look_at_obj_in_light"
        if self.treatment:
            return f"pick_{self.treatment}_then_place_in_recep"
        return "pick_two_obj_and_place" if self.count > 1 else "pick_and_place_simple"

    @classmethod
    def read(cls, text: str) -> Goal:
        """The goal in an observation that holds `Your task is to: ...`.

        Raises:
            ValueError: the sentence is none of ALFRED's.
        """
        sentence = text.rpartition("Your task is to:")[2].strip().rstrip(".")
        for pattern, count in _GOALS:
            if found := re.fullmatch(pattern, sentence):
                words = found.groupdict()
                how = words.get("how") or ""
                return cls(
                    thing=words["thing"],
                    target=words.get("target") or "",
                    treatment="heat" if how == "hot" else how,
                    lamp=words.get("lamp") or "",
                    count=count,
                )
        raise ValueError(f"not a task that the expert knows: {sentence!r}")


class SearchExpert:
    """Plays one game from what is shown.

    Args:
        first_observation: the text of the first observation, with the receptacles and the task.

    Raises:
        ValueError: the task sentence is none of ALFRED's.
    """

    def __init__(self, first_observation: str) -> None:
        self.goal = Goal.read(first_observation)
        room = first_observation.rpartition("Your task is to:")[0]
        self._receptacles: list[str] = re.findall(rf"\ba {_NAME}", room)
        self._contents: dict[str, list[str]] = {}
        self._closed: set[str] = set()
        self._here = ""
        self._held = ""
        self._treated: dict[str, str] = {}
        self._misfits: set[tuple[str, str]] = set()
        self._put_wording = "move {} to {}"

    def observe(self, action: str, text: str) -> None:
        """Learn from an action that was taken, by whomever, and from what it showed."""
        if text.startswith(_NOTHING):
            self._learn_from_failure(action)
            return
        if went := _GOES.fullmatch(action.strip()):
            self._here = went[1]
        for on, inside, items in _SEEN.findall(text):
            self._contents[on or inside] = re.findall(_NAME, items)
            self._closed.discard(on or inside)
        for arrived, shut in _CLOSED.findall(text):
            self._closed.add(arrived or shut)
        for thing, place in _TAKEN.findall(text):
            self._held = thing
            self._contents[place] = [
                each for each in self._contents.get(place, []) if each != thing
            ]
        for thing, place in _PLACED.findall(text):
            self._held = ""
            self._contents.setdefault(place, []).append(thing)
        for treatment, thing in _TREATED.findall(text):
            self._treated[thing] = treatment
        if carried := _CARRIED.search(text):
            self._held = carried[1]

    @property
    def sought(self) -> str:
        """The type of object that it looks for now; empty while nothing has to be found."""
        if not self._held:
            return self.goal.thing
        return self.goal.lamp if _type(self._held) == self.goal.thing else ""

    @property
    def aim(self) -> str:
        """What it is about, in words, as `find a mug and take it`."""
        thing, treatment = self.goal.thing, self.goal.treatment
        if not self._held:
            return f"find a {thing} and take it"
        if _type(self._held) != thing:
            return "free my hands"
        if treatment and self._treated.get(self._held) != treatment:
            return f"{treatment} the {self._held} with the {_APPLIANCES[treatment]}"
        if self.goal.lamp:
            return f"find a {self.goal.lamp} and use it"
        return f"bring the {self._held} to a {self.goal.target}"

    def next_action(self) -> str:
        """What the expert would do now."""
        if not self._held:
            place = self._known_place()
            return self._take_from(place) if place else self._search()
        if _type(self._held) != self.goal.thing:
            return self._put_down()
        treatment = self.goal.treatment
        if treatment and self._treated.get(self._held) != treatment:
            appliance = self._first(_APPLIANCES[treatment])
            return self._go(appliance) or f"{treatment} {self._held} with {appliance}"
        if self.goal.lamp:
            return self._use_lamp()
        return self._put_in(self._target())

    def _learn_from_failure(self, action: str) -> None:
        """`go to` fails where one already stands; a fitting `put` may fail for its wording."""
        went = _GOES.fullmatch(action.strip())
        if went and went[1] in self._receptacles:
            self._here = went[1]
        put = _PUTS.fullmatch(action.strip())
        if put and put[1] == self._held and put[2] == self._here and put[2] not in self._closed:
            if _type(put[1]) == self.goal.thing and _type(put[2]) == self.goal.target:
                old_wording = action.startswith("put")
                self._put_wording = "move {} to {}" if old_wording else "put {} in/on {}"
            else:
                self._misfits.add((_type(put[1]), _type(put[2])))

    def _known_place(self) -> str:
        """Where an object to take lies, nearest first; empty if none has been seen."""
        settled = self._target() if self.goal.count > 1 else ""
        places = sorted(self._contents, key=self._receptacles.index)
        for place in sorted(places, key=lambda each: each != self._here):
            if place != settled and self._wanted(place):
                return place
        return ""

    def _wanted(self, place: str) -> list[str]:
        return [each for each in self._contents[place] if _type(each) == self.goal.thing]

    def _take_from(self, place: str) -> str:
        return self._reach(place) or f"take {self._wanted(place)[0]} from {place}"

    def _search(self) -> str:
        """Look into the next receptacle not yet looked into; start anew after the last."""
        for place in sorted(self._receptacles, key=lambda each: each != self._here):
            if place not in self._contents and place:
                return self._reach(place) or f"examine {place}"
        self._contents.clear()
        return "look"

    def _use_lamp(self) -> str:
        for place, things in self._contents.items():
            for thing in things:
                if _type(thing) == self.goal.lamp:
                    return self._go(place) or f"use {thing}"
        return self._search()

    def _target(self) -> str:
        """The receptacle to fill: the one that already holds most of what is wanted."""
        targets = [each for each in self._receptacles if _type(each) == self.goal.target]
        return max(
            targets, key=lambda each: len(self._wanted(each)) if each in self._contents else 0
        )

    def _put_in(self, place: str) -> str:
        return self._reach(place) or self._put_wording.format(self._held, place)

    def _put_down(self) -> str:
        """Free the hands of what is not wanted: here, or at the first place that takes it."""
        for place in sorted(self._receptacles, key=lambda each: each != self._here):
            if (_type(self._held), _type(place)) not in self._misfits:
                return self._put_in(place)
        self._misfits.clear()
        return "look"

    def _reach(self, place: str) -> str:
        """What is left to do before one can take from `place` or put there; empty if nothing."""
        return self._go(place) or (f"open {place}" if place in self._closed else "")

    def _go(self, place: str) -> str:
        return "" if place == self._here else f"go to {place}"

    def _first(self, kind: str) -> str:
        return next(each for each in self._receptacles if _type(each) == kind)


def _type(name: str) -> str:
    return name.partition(" ")[0]
