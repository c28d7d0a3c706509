"""Atlas: questions and claims about a small invented country. No data is needed.

Its encyclopedia has a page for each person, town and river. A question goes from page to page: one
step ("Where was Ada Brook born?"), two ("Which river runs through the town where ... was born?"),
or a comparison of two pages. A claim is supported, refuted, or about something that no page tells.
"""

from __future__ import annotations

import random
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal, get_args

from ...episodes import Task
from ..settings import require_whole
from .encyclopedia import Encyclopedia
from .environment import Lookup, Place
from .fever import LABELS, read_label
from .hotpotqa import exact_match, f1

Ask = Literal["questions", "claims"]
PEOPLE, TOWNS = 60, 20
_FIRST = ("Ada", "Bo", "Cleo", "Dara", "Emil", "Fay", "Gus", "Hana", "Ivo", "June", "Kit", "Lea")
_LAST = ("Brook", "Carver", "Dunn", "Ember", "Frost", "Gale", "Hart", "Ives", "Keel", "Lark")
_TOWN = ("Ash", "Birch", "Clay", "Dove", "Elm", "Fern", "Glen", "Hay", "Iron", "Kiln", "Oak")
_RIVERS = ("Arrow", "Bellow", "Cinder", "Drift", "Eddy", "Fallow", "Gossamer", "Heron")
_TRADES = ("baker", "painter", "botanist", "weaver", "sailor", "printer", "surgeon", "carpenter")


@dataclass(frozen=True, slots=True)
class Person:
    name: str
    trade: str
    town: str
    born: int


@dataclass(frozen=True, slots=True)
class Town:
    name: str
    river: str
    founded: int


@dataclass(frozen=True, slots=True)
class World:
    """All that is true."""

    people: tuple[Person, ...]
    towns: dict[str, Town]

    @staticmethod
    def draw(seed: int) -> World:
        """The country of a seed."""
        rng = random.Random(f"atlas {seed}")
        names = [f"{first} {last}" for first in _FIRST for last in _LAST]
        places = [f"{start}{end}" for start in _TOWN for end in ("ford", "mere")]
        towns = {
            place: Town(place, rng.choice(_RIVERS), rng.randint(1100, 1700))
            for place in rng.sample(places, TOWNS)
        }
        years = rng.sample(range(1750, 1990), PEOPLE)
        people = tuple(
            Person(each, rng.choice(_TRADES), rng.choice(list(towns)), born)
            for each, born in zip(rng.sample(names, PEOPLE), years)
        )
        return World(people, towns)

    def pages(self) -> list[dict[str, str]]:
        """What the encyclopedia says."""
        pages = [
            {
                "title": p.name,
                "text": f"{p.name} was a {p.trade}. {p.name} was born in {p.town} in {p.born}.",
            }
            for p in self.people
        ]
        for t in self.towns.values():
            natives = ", ".join(p.name for p in self.people if p.town == t.name) or "nobody known"
            text = (
                f"{t.name} is a town on the river {t.river}. It was founded in {t.founded}. "
                f"People born in {t.name}: {natives}."
            )
            pages.append({"title": t.name, "text": text})
        for river in _RIVERS:
            along = ", ".join(t.name for t in self.towns.values() if t.river == river) or "none"
            text = f"The {river} is a river. Towns on the {river}: {along}."
            pages.append({"title": river, "text": text})
        return pages


@dataclass(frozen=True, slots=True)
class _Asked:
    kind: str
    prompt: str
    answer: str
    titles: tuple[str, ...]
    """The pages that tell it, in the order in which they are read."""


class Atlas(Lookup):
    """Questions or claims about an invented country, to look up; no data is needed.

    Args:
        ask: `questions`, or `claims` that are judged as FEVER's are.
        size: tasks in a split.
        seed: of the country and of its tasks.
        expert: `reader` opens the right pages and answers.
        max_steps: actions until a task ends without an answer.

    Raises:
        ValueError: a setting is out of range, or there is no such expert.

    Example:
        "Which river runs through the town where Ada Brook was born?" -> Heron
    """

    name = "atlas"
    splits = ("test", "train")
    experts: ClassVar[tuple[str, ...]] = ("reader",)

    def __init__(
        self,
        *,
        ask: Ask = "questions",
        size: int = 60,
        seed: int = 0,
        expert: str | None = None,
        max_steps: int = 7,
    ) -> None:
        super().__init__(max_steps=max_steps)
        if ask not in get_args(Ask):
            raise ValueError(f"ask={ask!r}: it is one of {', '.join(get_args(Ask))}")
        require_whole("size", size, least=1)
        require_whole("seed", seed)
        self.require_expert(expert)
        self.ask, self.size, self.seed, self.expert = ask, size, seed, expert
        self._pages: _Pages | None = None

    @property
    def options(self) -> dict[str, Any]:
        own = {"ask": self.ask, "size": self.size, "seed": self.seed, "expert": self.expert}
        return {**own, **super().options}

    def tasks(self, split: str) -> Sequence[Task]:
        self.require_split(split)
        world = World.draw(self.seed)
        makers = QUESTIONS if self.ask == "questions" else CLAIMS
        tasks = []
        for number in range(self.size):
            rng = random.Random(f"atlas {self.ask} {split} {self.seed} {number}")
            asked = makers[number % len(makers)](world, rng)
            identity = f"atlas:{self.ask}/{split}/{self.seed}/{number}"
            reference = (asked.answer, asked.titles)
            tasks.append(Task(identity, asked.prompt, asked.kind, reference=reference))
        return tasks

    def encyclopedia(self) -> Encyclopedia:
        if self._pages is None:
            self._pages = _Pages(World.draw(self.seed))
        return self._pages.encyclopedia

    def grade(self, task: Task, answer: str) -> tuple[float, dict[str, Any]]:
        gold, _ = task.reference
        if self.ask == "claims":
            return float(read_label(answer) == gold), {"label": read_label(answer)}
        return float(exact_match(answer, gold)), {"f1": f1(answer, gold)}

    def plan(self, task: Task, place: Place) -> list[str] | None:
        if self.expert is None or place.done:
            return None
        answer, titles = task.reference
        unread = titles[place.steps :]
        return [*(f"search[{title}]" for title in unread), f"finish[{answer}]"]


class _Pages:
    """The encyclopedia of a country, in a file that goes with it."""

    def __init__(self, world: World) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="symposia-atlas-")
        file = Path(self._folder.name) / "atlas.sqlite"
        Encyclopedia.build(file, world.pages(), progress=False)
        self.encyclopedia = Encyclopedia(file)


def _birthplace(world: World, rng: random.Random) -> _Asked:
    person = rng.choice(world.people)
    return _Asked("one page", f"Where was {person.name} born?", person.town, (person.name,))


def _river(world: World, rng: random.Random) -> _Asked:
    person = rng.choice(world.people)
    town = world.towns[person.town]
    question = f"Which river runs through the town where {person.name} was born?"
    return _Asked("two pages", question, town.river, (person.name, town.name))


def _older(world: World, rng: random.Random) -> _Asked:
    one, other = rng.sample(world.people, 2)
    first = min(one, other, key=lambda person: person.born)
    question = f"Who was born first, {one.name} or {other.name}?"
    return _Asked("comparison", question, first.name, (one.name, other.name))


def _same_town(world: World, rng: random.Random) -> _Asked:
    one = rng.choice(world.people)
    natives = [p for p in world.people if p is not one and p.town == one.town]
    pool = natives if natives and rng.random() < 0.5 else [p for p in world.people if p is not one]
    other = rng.choice(pool)
    answer = "yes" if one.town == other.town else "no"
    question = f"Were {one.name} and {other.name} born in the same town?"
    return _Asked("comparison", question, answer, (one.name, other.name))


def _claim(label: str) -> Callable[[World, random.Random], _Asked]:
    def make(world: World, rng: random.Random) -> _Asked:
        person = rng.choice(world.people)
        trades = [trade for trade in _TRADES if trade != person.trade]
        said = {
            "SUPPORTS": f"{person.name} was a {person.trade} from {person.town}.",
            "REFUTES": f"{person.name} was a {rng.choice(trades)} from {person.town}.",
            "NOT ENOUGH INFO": f"{person.name} was married to a {rng.choice(trades)}.",
        }[label]
        return _Asked(label.lower(), said, label, (person.name,))

    return make


QUESTIONS = (_birthplace, _river, _older, _same_town)
CLAIMS = tuple(map(_claim, LABELS))
