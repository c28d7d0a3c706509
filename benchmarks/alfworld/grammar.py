"""The text of a game: how actions are worded and what they answer.

TextWorld's own parser reads the grammar; each rule is parsed once per process.
"""

from __future__ import annotations

import ast
import json
import re
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, Protocol

from .expressions import evaluate, parse_expression
from .facts import Binding, Facts, Predicate, parse_query

_TASK = re.compile(r'(?<="Your task is to: )[^"\\]*(?=")')
_ANY_TASK = "@task@"
_LIST = ("list_empty", "list_separator", "list_last_separator")


@dataclass(frozen=True, slots=True)
class Context:
    """What a piece of text is about: the world, the entities by variable name, and the bindings."""

    facts: Facts
    entities: Mapping[str, Any]
    """Every entity of the game by id, as TextWorld's `EntityInfo`."""
    variables: Mapping[str, Any]
    binding: Binding

    def where(self, query: tuple[Predicate, ...]) -> list[Context]:
        """One context for each way in which the query holds."""
        return [
            Context(
                self.facts,
                self.entities,
                {
                    **self.variables,
                    **{place[0]: self.entities[name] for place, name in found.items()},
                },
                found,
            )
            for found in self.facts.matches(query, self.binding)
        ]


class Part(Protocol):
    """A piece of the right-hand side of a rule."""

    def write(self, grammar: Grammar, context: Context) -> str: ...

    def is_constant(self, grammar: Grammar, fluents: frozenset[str]) -> bool:
        """True when the text depends on no fluent: on nothing that an action can change."""


@dataclass(frozen=True, slots=True)
class Literal:
    text: str

    def write(self, grammar: Grammar, context: Context) -> str:
        return self.text

    def is_constant(self, grammar: Grammar, fluents: frozenset[str]) -> bool:
        return True


@dataclass(frozen=True, slots=True)
class Reference:
    """`#symbol#`: the text of another rule."""

    symbol: str

    def write(self, grammar: Grammar, context: Context) -> str:
        return grammar.write(self.symbol, context)

    def is_constant(self, grammar: Grammar, fluents: frozenset[str]) -> bool:
        return grammar.is_constant(self.symbol, fluents)


@dataclass(frozen=True, slots=True)
class Expression:
    """`o.name`: a value of an entity."""

    tree: ast.expr

    def write(self, grammar: Grammar, context: Context) -> str:
        return str(evaluate(self.tree, context.variables))

    def is_constant(self, grammar: Grammar, fluents: frozenset[str]) -> bool:
        return True


@dataclass(frozen=True, slots=True)
class Each:
    """`{part | query}`: the part once for each match; in `[...]` the texts are joined as a list."""

    part: Part
    query: tuple[Predicate, ...] | None
    as_list: bool = False

    def write(self, grammar: Grammar, context: Context) -> str:
        contexts = [context] if self.query is None else context.where(self.query)
        texts = [self.part.write(grammar, each) for each in contexts]
        return grammar.enumerate(texts, context) if self.as_list else "".join(texts)

    def is_constant(self, grammar: Grammar, fluents: frozenset[str]) -> bool:
        return (
            not _changes(self.query or (), fluents)
            and self.part.is_constant(grammar, fluents)
            and (not self.as_list or all(grammar.is_constant(each, fluents) for each in _LIST))
        )


@dataclass(frozen=True, slots=True)
class Rule:
    """A wording and the condition under which it is used."""

    parts: tuple[Part, ...]
    condition: tuple[Predicate, ...]


@dataclass(frozen=True, slots=True)
class Wording:
    """How an action is typed, and which rule answers it."""

    template: tuple[Part, ...]
    feedback: tuple[Part, ...]
    source: str
    """The template as written in the grammar."""


class Grammar:
    """The rules and action wordings of one game.

    Raises:
        ValueError: the text is not a grammar, or holds an expression that is not allowed.
    """

    def __init__(self, text: str) -> None:
        tasks = set(_TASK.findall(text))
        task = tasks.pop() if len(tasks) == 1 else _ANY_TASK
        document = _document(text if task == _ANY_TASK else _TASK.sub(_ANY_TASK, text))
        self.actions: Mapping[str, Wording] = document.actions
        self._rules: dict[str, list[Rule]] = dict(document.rules)
        for symbol, rules in document.sources.items():
            self._rules[symbol] = [_rule(each, task) for each in rules]

    def write(self, symbol: str, context: Context) -> str:
        """The text of a symbol: its first rule whose condition holds.

        Raises:
            ValueError: no rule applies.
        """
        for rule in self._rules.get(symbol, ()):
            if any(True for _ in context.facts.matches(rule.condition, context.binding)):
                return self.compose(rule.parts, context)
        raise ValueError(f"the grammar has no rule for #{symbol}# here")

    def compose(self, parts: tuple[Part, ...], context: Context) -> str:
        return "".join(part.write(self, context) for part in parts)

    def is_constant(self, symbol: str, fluents: frozenset[str]) -> bool:
        """True when the text of a symbol depends on no fluent."""
        return all(
            not _changes(rule.condition, fluents)
            and all(part.is_constant(self, fluents) for part in rule.parts)
            for rule in self._rules.get(symbol, ())
        )

    def enumerate(self, texts: list[str], context: Context) -> str:
        """`a, b, and c`, with the separators that the grammar defines."""
        if not texts:
            return self.write(_LIST[0], context)
        if len(texts) == 1:
            return texts[0]
        separator, last = (self.write(each, context) for each in _LIST[1:])
        return separator.join(texts[:-1]) + last + texts[-1]


@dataclass(frozen=True)
class _Document:
    actions: dict[str, Wording]
    rules: dict[str, list[Rule]]
    sources: dict[str, list[dict[str, Any]]]
    """The rules that hold the task sentence, as JSON."""


@lru_cache(maxsize=64)
def _document(text: str) -> _Document:
    """Parse a grammar whose task sentence is masked, so that games share the work."""
    actions: dict[str, Wording] = {}
    rules: dict[str, list[dict[str, Any]]] = {}
    try:
        for node in _document_parser().parse(text, rule_name="pddlStart").parts:
            if hasattr(node, "template"):
                template, answer = node.template.template[1:-1], node.feedback.name[1:-1]
                actions[node.name.lower()] = Wording(parse(template), parse(answer), template)
                block = node.grammar.code if node.grammar else None
            else:
                block = node.code
            if block:
                rules.update(_rules_of(block))
        return _Document(
            actions,
            {symbol: [_rule(rule) for rule in each] for symbol, each in rules.items()},
            {symbol: each for symbol, each in rules.items() if _ANY_TASK in json.dumps(each)},
        )
    except (Exception, RecursionError) as error:
        raise ValueError(f"the grammar cannot be read: {_first_line(error)}") from error


def _rules_of(block: str) -> dict[str, list[dict[str, Any]]]:
    lines = textwrap.dedent(block[3:-3]).split("\n")
    kept = "\n".join(line for line in lines if not line.lstrip().startswith("#"))
    rules: dict[str, list[dict[str, Any]]] = json.loads(kept)
    return rules


def _rule(source: Mapping[str, Any], task: str = _ANY_TASK) -> Rule:
    condition = source.get("condition", "")
    return Rule(
        parse(source["rhs"].replace(_ANY_TASK, task)),
        parse_query(condition) if condition else (),
    )


@lru_cache(maxsize=8192)
def parse(text: str) -> tuple[Part, ...]:
    """The parts of a right-hand side such as `You open the {r.name}.`"""
    return tuple(_part(node) for node in _rule_parser().parse(text, rule_name="symbols"))


@cache
def _document_parser() -> Any:
    from textworld.envs.pddl.logic.model import PddlLogicModelBuilderSemantics
    from textworld.envs.pddl.logic.parser import PddlLogicParser

    return PddlLogicParser(semantics=PddlLogicModelBuilderSemantics(), parseinfo=True)


@cache
def _rule_parser() -> Any:
    from textworld.envs.pddl.textgen.model import CSGModelBuilderSemantics
    from textworld.envs.pddl.textgen.parser import CSGParser

    return CSGParser(semantics=CSGModelBuilderSemantics(), parseinfo=True)


def _part(node: Any) -> Part:
    match type(node).__name__:
        case "TerminalSymbol":
            return Literal(node.literal)
        case "NonterminalSymbol":
            return Reference(node.symbol)
        case "EvalSymbol":
            return Expression(parse_expression(node.statement))
        case "ConditionalSymbol":
            return Each(_part(node.expression), _query(node.given))
        case "ListSymbol":
            each = node.symbol
            return Each(_part(each.expression), _query(each.given), as_list=True)
        case other:
            raise ValueError(f"unknown grammar symbol {other}")


def _query(text: str | None) -> tuple[Predicate, ...] | None:
    return parse_query(text) if text else None


def _changes(query: tuple[Predicate, ...], fluents: frozenset[str]) -> bool:
    return any(name.removeprefix("not_") in fluents for name, _ in query)


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
