"""Which facts and actions can ever come about: the slowest part of a translation, done faster.

The planner's translator asks this of a logic program of three kinds of rules (joins on shared
variables, products, projections) and takes the answer in the order in which it was derived. This
evaluates the same rules in the same order on plain tuples; translations come out byte for byte the
same (tests compare them). Auxiliary facts, which nobody reads, are left out of the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import chain, product
from operator import itemgetter
from typing import Any

Row = tuple[Any, ...]
"""The arguments of a fact."""
Derive = Callable[[Any, Row], None]
"""Takes note of a derived fact: its predicate and its arguments."""
Enter = Callable[[Row], None]
"""Tells a rule of a fact that one of its conditions matches."""


@contextmanager
def faster_grounding() -> Iterator[None]:
    """Let the translator ground with `derive_all`, and give it back its own at the end."""
    from fast_downward.translate import build_model

    own = build_model.compute_model
    build_model.compute_model = derive_all
    try:
        yield
    finally:
        build_model.compute_model = own


def derive_all(program: Any) -> list[Any]:
    """All facts that a program derives, as the translator's atoms, in the order of derivation."""
    from fast_downward.translate import build_model, pddl

    rules = build_model.convert_rules(program)
    matching = build_model.Unifier(rules)
    given = sorted(fact.atom for fact in program.facts)
    waiting: list[tuple[Any, Row]] = [(atom.predicate, tuple(atom.args)) for atom in given]
    known = set(waiting)

    def derive(predicate: Any, row: Row) -> None:
        fact = (predicate, row)
        if fact not in known:
            known.add(fact)
            waiting.append(fact)

    enter = {(rule, n): way for rule in rules for n, way in enumerate(_ways(rule, derive))}
    unconditional = {
        predicate: [enter[match] for match in generator.matches]
        for predicate, generator in matching.predicate_to_rule_generator.items()
        if isinstance(generator, build_model.LeafGenerator)
    }
    for predicate, row in waiting:
        if predicate in unconditional:
            for way in unconditional[predicate]:
                way(row)
        elif predicate in matching.predicate_to_rule_generator:
            for match in matching.unify(pddl.Atom(predicate, row)):
                enter[match](row)
    derived = waiting[len(given) :]
    return given + [pddl.Atom(*fact) for fact in derived if not _is_auxiliary(fact[0])]


def _ways(rule: Any, derive: Derive) -> list[Enter]:
    """For each condition of a rule what to do with a fact that matches it."""
    match type(rule).__name__:
        case "ProjectRule":
            return [_project(rule, derive)]
        case "JoinRule":
            indexes: tuple[dict[Row, list[Row]], ...] = ({}, {})
            return [_join(rule, side, indexes, derive) for side in (0, 1)]
        case "ProductRule":
            rows: list[list[Row]] = [[] for _ in rule.conditions]
            return [_multiply(rule, place, rows, derive) for place in range(len(rows))]
        case other:
            raise ValueError(f"the translator has a kind of rule that is not known here: {other}")


def _project(rule: Any, derive: Derive) -> Enter:
    predicate, (effect, constants) = rule.effect.predicate, _effect(rule, [0])

    def enter(row: Row) -> None:
        derive(predicate, effect(row + constants))

    return enter


def _join(rule: Any, side: int, indexes: tuple[dict[Row, list[Row]], ...], derive: Derive) -> Enter:
    predicate, (effect, constants) = rule.effect.predicate, _effect(rule, [side, 1 - side])
    key_of = _picker(rule.common_var_positions[side])
    own, others = indexes[side], indexes[1 - side]

    def enter(row: Row) -> None:
        key = key_of(row)
        own.setdefault(key, []).append(row)
        for other in others.get(key, ()):
            derive(predicate, effect(row + other + constants))

    return enter


def _multiply(rule: Any, place: int, rows: list[list[Row]], derive: Derive) -> Enter:
    others = [n for n in range(len(rows)) if n != place]
    predicate, (effect, constants) = rule.effect.predicate, _effect(rule, [place, *others])

    def enter(row: Row) -> None:
        rows[place].append(row)
        for combination in product(*(rows[n] for n in others)):
            derive(predicate, effect((*row, *chain.from_iterable(combination), *constants)))

    return enter


def _effect(rule: Any, order: list[int]) -> tuple[Callable[[Row], Row], Row]:
    """How to read a rule's effect off the rows of its conditions, in this order, and its constants.

    The rows and the constants are joined to one row, of which the effect takes some places.
    """
    joined = list(chain.from_iterable(rule.conditions[n].args for n in order))
    width = len(joined)
    places: list[int] = []
    constants: list[Any] = []
    for number, argument in enumerate(rule.effect.args):
        if isinstance(argument, int):
            places.append(max(n for n, variable in enumerate(joined) if variable == number))
        else:
            places.append(width + len(constants))
            constants.append(argument)
    return _picker(places), tuple(constants)


def _picker(places: list[int]) -> Callable[[Row], Row]:
    """A function from a row to the tuple of what stands at some of its places."""
    if len(places) > 1:
        return itemgetter(*places)
    if places:
        (only,) = places
        return lambda row: (row[only],)
    return lambda row: ()


def _is_auxiliary(predicate: Any) -> bool:
    return isinstance(predicate, str) and "$" in predicate
