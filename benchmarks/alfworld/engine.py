"""ALFWorld's engine: the planner library of TextWorld, its grammar, and ALFWorld's names.

Observations, admissible commands and the end of a game are those of `textworld.envs.pddl`,
character for character; what differs is that nothing is parsed, translated or copied twice. Nothing
in TextWorld is changed. The translator is not thread-safe: use one engine per process.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from .facts import Binding, Facts
from .grammar import Context, Grammar
from .packages import require_alfworld
from .translation import translate, translate_for_search

_ATOM = re.compile(r"(Negated)?Atom (\S+?)\((.*)\)")
_idle_libraries: list[Any] = []
"""Copies of the planner library that closed engines left: unloading one crashes the process, since
all copies share a registry."""
NOTHING = "Nothing happens."
"""The answer to a command that is not admissible."""


@dataclass(frozen=True, slots=True)
class View:
    """What the engine shows after a reset or a step."""

    text: str
    commands: tuple[str, ...]
    """The admissible commands, sorted."""
    won: bool


@dataclass(frozen=True, slots=True)
class Operator:
    """A grounded action of the planner: its name in the domain and the objects it is about."""

    action: str
    binding: Binding
    command: str | None = None
    """How it is typed; None where that depends on the state."""


class Engine:
    """One game at a time, on its own copy of the planner library.

    Args:
        cache: the folder for translations; by default the user's cache folder.

    Raises:
        ImportError: `textworld` or `alfworld` is missing; the message says how to install them.
    """

    def __init__(self, *, cache: Path | None = None) -> None:
        self._planner = require_alfworld()
        self._library: Any = _idle_libraries.pop() if _idle_libraries else self._planner.load_lib()
        self._cache = cache
        self._searchable = False

    def load(self, game: Mapping[str, Any]) -> None:
        """Prepare a game from its `pddl_domain`, `pddl_problem` and `grammar`; `reset` starts it.

        Raises:
            ValueError: the PDDL or the grammar cannot be read.
        """
        self._source = (game["pddl_domain"], game["pddl_problem"])
        self._grammar = Grammar(game["grammar"])
        self._translation = translate(*self._source, cache=self._cache)
        self._sas = self._translation.sas.encode()
        self._operators: dict[int, Operator] = {}
        self._library.load_sas(self._sas)
        self._initial = self._initial_facts()
        self._entities = _entities(self._initial, self._translation.objects)
        fluents = frozenset(self._translation.fluents)
        self._constant = {
            action
            for action, wording in self._grammar.actions.items()
            if all(part.is_constant(self._grammar, fluents) for part in wording.template)
        }

    def reset(self) -> View:
        """Start the loaded game from its beginning."""
        self._start()
        return self._show(self._grammar.write("intro", self._context({})))

    def step(self, command: str) -> View:
        """Take a command; one that is not admissible changes nothing and answers `NOTHING`."""
        chosen = self._admissible.get(command.strip())
        if chosen is None:
            return View(NOTHING, self._view.commands, self._view.won)
        self._apply(*chosen)
        operator = self._operators[chosen[0]]
        feedback = self._grammar.actions[operator.action].feedback
        return self._show(self._grammar.compose(feedback, self._context(operator.binding)))

    @property
    def history(self) -> tuple[tuple[int, int], ...]:
        """The operators applied since the start, each with its number of effects, for `replay`."""
        return tuple(self._history)

    def replay(self, history: Iterable[tuple[int, int]], text: str) -> View:
        """Return to where `history` leads in the loaded game; `text` was shown there."""
        self._start()
        for number, effects in history:
            self._apply(number, effects)
        return self._show(text)

    def plan(self) -> list[str]:
        """Commands that win the game from here, found by the planner; empty if it finds none."""
        if not self._searchable:
            sas = translate_for_search(*self._source)
            self._library.load_sas_replan(sas.encode())
            self._searchable = True
        if not self._library.replan(False):
            return []
        steps = (self._planner.Operator * self._library.get_last_plan_length())()
        self._library.get_last_plan(steps)
        return [self._command(self._operator(step.name)) for step in steps]

    def close(self) -> None:
        """Hand the library on to the next engine. Safe to call twice."""
        if self._library is not None:
            _idle_libraries.append(self._library)
            self._library = None

    @property
    def names(self) -> dict[str, str]:
        """The name on screen of each entity by its id, for example `mug_bar_01` → `mug 1`."""
        return {identity: entity.name for identity, entity in self._entities.items()}

    @property
    def put_template(self) -> str:
        """How the grammar words putting an object down, for example `move {o} to {r}`."""
        wording = self._grammar.actions.get("putobject")
        return wording.source if wording else ""

    def _start(self) -> None:
        self._library.load_sas(self._sas)
        self._searchable = False
        self._history: list[tuple[int, int]] = []
        self.facts = self._initial.copy()
        """What holds now; to be read only."""

    def _initial_facts(self) -> Facts:
        facts = Facts(self._translation.objects, self._translation.types)
        for predicate, *arguments in self._translation.facts:
            facts.add(predicate, tuple(arguments))
        atoms = (self._planner.Atom * self._library.get_state_size())()
        self._library.get_state(atoms)
        for atom in atoms:
            holds, predicate, names = _read_atom(atom.name)
            if holds:
                facts.add(predicate, names)
        return facts

    def _apply(self, number: int, effects: int) -> None:
        changed = (self._planner.Atom * effects)()
        self._library.apply_operator(number, changed)
        self._history.append((number, effects))
        for atom in changed:
            holds, predicate, names = _read_atom(atom.name)
            opposite = f"not_{predicate}"
            self.facts.discard(opposite if holds else predicate, names)
            self.facts.add(predicate if holds else opposite, names)

    def _show(self, text: str) -> View:
        applicable = (self._planner.Operator * self._library.get_applicable_operators_count())()
        self._library.get_applicable_operators(applicable)
        self._admissible: dict[str, tuple[int, int]] = {}
        for each in applicable:
            operator = self._operators.get(each.id)
            if operator is None:
                operator = self._operators[each.id] = self._operator(each.name)
            command = operator.command or self._command(operator)
            self._admissible.setdefault(command, (each.id, each.nb_effect_atoms))
        self._view = View(text, tuple(sorted(self._admissible)), self._library.check_goal())
        return self._view

    def _operator(self, name: str) -> Operator:
        action, *objects = name.split()
        parameters = self._translation.actions[action]
        binding = {(n, kind): thing for (n, kind), thing in zip(parameters, objects, strict=False)}
        operator = Operator(action, binding)
        if action in self._constant:
            return replace(operator, command=self._command(operator))
        return operator

    def _command(self, operator: Operator) -> str:
        wording = self._grammar.actions[operator.action]
        return self._grammar.compose(wording.template, self._context(operator.binding))

    def _context(self, binding: Binding) -> Context:
        variables = {name: self._entities[thing] for (name, _), thing in binding.items()}
        return Context(self.facts, self._entities, variables, binding)


@lru_cache(maxsize=65536)
def _read_atom(text: str) -> tuple[bool, str, tuple[str, ...]]:
    """Whether the atom holds, its predicate and its arguments."""
    found = _ATOM.fullmatch(text)
    if found is None:
        raise ValueError(f"the planner returned an atom that cannot be read: {text!r}")
    negated, predicate, names = found.groups()
    return negated is None, predicate, tuple(names.split(", ")) if names else ()


def _entities(facts: Facts, objects: Mapping[str, str]) -> dict[str, Any]:
    """TextWorld's record of each object that some fact mentions, named as ALFWorld does."""
    from alfworld.agents.utils.misc import Demangler
    from textworld.generator.game import EntityInfo

    entities = {name: EntityInfo(name, objects[name]) for _, *names in facts for name in names}
    demangler = Demangler(game_infos=entities)
    for identity, entity in entities.items():
        entity.name = demangler.demangle_alfred_name(identity)
        entity.definite, entity.indefinite = "the", "a"
    return entities
