"""Decoding that follows a grammar: every reply parses, whatever the model would rather say.

A `Grammar` describes what may be said. A `Grammars` belongs to one tokenizer and makes a
`Constraint` per request: before each token `mask()` says which tokens may come, after it `accept()`
moves on. A constraint always knows an ending that fits in the tokens left. A token after which it
knows none is replaced by the next token of that ending, so a reply is whole before its budget ends.

The masks are llguidance's; it knows any fast Hugging Face tokenizer by the bytes of its tokens.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, Self

import numpy as np
import torch
from llguidance import LLMatcher, LLTokenizer
from llguidance.hf import from_tokenizer
from pydantic import BaseModel
from pydantic.errors import PydanticUserError
from transformers import PreTrainedTokenizerFast

from .endings import byte_tokenizer, ends_with, find_ending

COMPILED_GRAMMARS = 256
"""How many compiled grammars are kept for one tokenizer."""
LONGEST_SPELT = 16
"""Bytes of the longest tokens that endings are made of."""

KEYWORDS = frozenset(
    {"$schema", "$id", "$ref", "$defs", "definitions", "type", "enum", "const", "format"}
    | {"anyOf", "allOf", "oneOf", "pattern", "minLength", "maxLength", "multipleOf"}
    | {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"}
    | {"items", "prefixItems", "minItems", "maxItems"}
    | {"properties", "patternProperties", "additionalProperties", "required"}
    | {"minProperties", "maxProperties"}
    | {"$comment", "title", "description", "default", "examples", "discriminator"}
    | {"deprecated", "readOnly", "writeOnly"}
)
"""Those of JSON schema that llguidance follows, and those that assert nothing."""
NAMED = ("properties", "patternProperties", "$defs", "definitions")
"""Keywords that hold schemas by name."""
LISTED = ("anyOf", "allOf", "oneOf", "prefixItems")
"""Keywords that hold a list of schemas."""
NESTED = ("items", "additionalProperties")
"""Keywords that hold one schema."""


class GrammarError(ValueError):
    """A schema or pattern that cannot be followed, or too few tokens to follow it."""


@dataclass(frozen=True, slots=True)
class Grammar:
    """What a reply must look like. Make one with `json_schema` or `regex`: they check it."""

    kind: Literal["json_schema", "regex"]
    source: str
    """The schema as JSON, or the pattern."""

    @classmethod
    def json_schema(cls, schema: Mapping[str, Any] | type[BaseModel]) -> Self:
        """JSON of this schema, without blanks between its parts.

        Properties come in the schema's order. A pydantic type's objects hold its fields only,
        unless it says `extra="allow"`.

        Raises:
            GrammarError: a part is invalid, unknown or cannot be enforced; the message has its
                path.
        """
        schema = _of_type(schema) if isinstance(schema, type) else schema
        for path, part in _parts(schema, "#"):
            if isinstance(part, Mapping) and (unknown := set(part) - KEYWORDS):
                raise GrammarError(
                    f"the JSON schema has {', '.join(sorted(unknown))} at {path}, which cannot be "
                    "enforced: correct the spelling, or leave it out and check the parsed reply"
                )
            if isinstance(part, Mapping) and _lets_a_bound_slip(part):
                raise GrammarError(
                    f"the JSON schema has an exclusive bound at {path} with the other bound less "
                    "than 1 away, which llguidance cannot keep: write the bound inclusively, a "
                    "little inside"
                )
        try:
            grammar = cls("json_schema", json.dumps(schema, allow_nan=False))
        except (TypeError, ValueError) as error:
            raise GrammarError(f"the JSON schema cannot be written as JSON: {error}") from error
        if problem := grammar.problem():
            path, problem = _culprit(schema, problem)
            raise GrammarError(
                f"the JSON schema cannot be followed at {path}: {problem}. Change that "
                "part, or leave it out and check the parsed reply"
            )
        return grammar

    @classmethod
    def regex(cls, pattern: str) -> Self:
        """Text that `pattern` matches from its first to its last character (Rust's syntax).

        Raises:
            GrammarError: the pattern is invalid, or looks around or back.
        """
        grammar = cls("regex", pattern)
        if problem := grammar.problem():
            raise GrammarError(
                f"the pattern {pattern!r} cannot be followed: {problem}. Write it without "
                "look-around, word boundaries and back-references, as Rust's regex crate has it"
            )
        return grammar

    def problem(self) -> str:
        """Why the grammar cannot be followed, on one line; empty if it can."""
        failed, messages = LLMatcher.validate_grammar_with_warnings(self.compiled())
        return _readable("; ".join(messages)) if failed or messages else ""

    def compiled(self) -> str:
        """The grammar as llguidance reads it."""
        if self.kind == "regex":
            return LLMatcher.grammar_from_regex(self.source)
        return LLMatcher.grammar_from_json_schema(
            self.source, overrides={"whitespace_flexible": False}
        )


class Grammars:
    """The grammars of one tokenizer, compiled once each. Any thread may use it.

    Args:
        tokenizer: a fast Hugging Face tokenizer.
        vocabulary: logits per token, the model's vocabulary size.
        ends: ids of the tokens that end a reply.
    """

    def __init__(
        self, tokenizer: PreTrainedTokenizerFast, vocabulary: int, ends: Collection[int]
    ) -> None:
        self._vocabulary = Vocabulary(
            from_tokenizer(tokenizer, n_vocab=vocabulary, eos_token=sorted(ends)), sorted(ends)
        )
        self._bytes = byte_tokenizer()
        self._compile = lru_cache(COMPILED_GRAMMARS)(self._compiled)

    def constraint(self, grammar: Grammar, max_tokens: int) -> Constraint:
        """A fresh constraint for a reply of at most `max_tokens` tokens, the end token included.

        Raises:
            GrammarError: no text that follows the grammar is known to fit.
        """
        parser, letters, ending = self._compile(grammar)
        plan = self._vocabulary.spell(ending)
        if plan is None:
            raise GrammarError(
                f"the tokenizer has no tokens for {ending!r}, a text that follows the grammar: "
                "use characters that the tokenizer was made for"
            )
        if len(plan) >= max_tokens:
            raise GrammarError(
                f"a short reply that follows the grammar takes {len(plan) + 1} tokens with its "
                f"end, and there is room for {max_tokens}: raise max_tokens, or shorten the "
                "prompt if the context is full"
            )
        way_out = WayOut(letters.deep_copy(), ending, plan, grammar.source.encode())
        return Constraint(parser.deep_copy(), way_out, self._vocabulary, max_tokens)

    def _compiled(self, grammar: Grammar) -> tuple[LLMatcher, LLMatcher, bytes]:
        """Parsers over tokens and over bytes, and a short text that follows the grammar."""
        source = grammar.compiled()
        parser = LLMatcher(self._vocabulary.tokens, source)
        letters = LLMatcher(self._bytes, source)
        if parser.is_error():
            raise GrammarError(f"{grammar} cannot be followed: {_readable(parser.get_error())}")
        ending = find_ending(letters, grammar.source.encode())
        if ending is None:
            raise GrammarError(f"no text that follows {grammar} was found: make it simpler")
        return parser, letters, ending


class Vocabulary:
    """The bytes of every token, and back."""

    def __init__(self, tokens: LLTokenizer, ends: Sequence[int]) -> None:
        self.tokens = tokens
        self.size: int = tokens.vocab_size
        self.ends = ends
        plain = [i for i in range(self.size) if not tokens.is_special_token(i)]
        self._bytes = {i: tokens.decode_bytes([i]) for i in plain}
        self._ids = {text: i for i, text in self._bytes.items()}

    def text(self, token: int) -> bytes:
        """The bytes of a token; none for special ones."""
        return self._bytes.get(token, b"")

    def spell(self, text: bytes) -> list[int] | None:
        """Tokens that make up `text`, long ones first; None if a byte has no token."""
        ids, at = [], 0
        while at < len(text):
            sizes = range(min(LONGEST_SPELT, len(text) - at), 0, -1)
            size = next((n for n in sizes if text[at : at + n] in self._ids), None)
            if size is None:
                return None
            ids.append(self._ids[text[at : at + size]])
            at += size
        return ids


@dataclass(frozen=True, slots=True)
class WayOut:
    """Where a reply stands, and how it can be brought to its end from there."""

    letters: LLMatcher
    """A parser of bytes that has read the reply so far."""
    ending: bytes
    """After this text the grammar lets the reply end."""
    plan: list[int]
    """The tokens of `ending`, without the end token."""
    spelt: bytes
    """What the grammar may spell out, see `find_ending`."""

    def after(self, token: int, vocabulary: Vocabulary) -> WayOut | None:
        """The way out after `token` came, or None when none is known."""
        text = vocabulary.text(token)
        letters = self.letters.deep_copy()
        if not text or not letters.consume_tokens(list(text)):
            return None
        if self.plan[:1] == [token]:
            return WayOut(letters, self.ending[len(text) :], self.plan[1:], self.spelt)
        if ends_with(letters, self.ending):
            return WayOut(letters, self.ending, self.plan, self.spelt)
        if self.ending.startswith(text):
            ending: bytes | None = self.ending[len(text) :]
        else:
            ending = find_ending(letters, self.spelt)
        plan = None if ending is None else vocabulary.spell(ending)
        return None if ending is None or plan is None else WayOut(letters, ending, plan, self.spelt)


class Constraint:
    """One reply on its way through a grammar. Made by `Grammars.constraint`.

    At all times an ending is known that fits in the tokens left, so the reply follows the grammar
    when it ends. Where the budget leaves no choice, the ending's next token comes.

    Args:
        parser: of tokens, at the start of the reply.
        way_out: a text that follows the grammar.
        vocabulary: the tokenizer's.
        max_tokens: tokens that may come, the end token included; more than `way_out` needs.
    """

    def __init__(
        self, parser: LLMatcher, way_out: WayOut, vocabulary: Vocabulary, max_tokens: int
    ) -> None:
        self._parser = parser
        self._way_out = way_out
        self._vocabulary = vocabulary
        self._left = max_tokens
        self.finished = False
        """Whether the end token came."""

    def mask(self) -> torch.Tensor:
        """Which tokens may come next: booleans [vocabulary], on the CPU, at least one true."""
        if self._left == len(self._way_out.plan) + 1:
            mask = torch.zeros(self._vocabulary.size, dtype=torch.bool)
            mask[self._way_out.plan[:1] or self._vocabulary.ends] = True
            return mask
        packed = np.frombuffer(self._parser.compute_bitmask(), dtype=np.uint8)
        bits = np.unpackbits(packed, count=self._vocabulary.size, bitorder="little")
        return torch.from_numpy(bits.view(np.bool_))

    def accept(self, token: int) -> int:
        """Go on with `token`, drawn under `mask()`, and return the token that comes.

        That is another one, the next of the known ending, if no ending is known that would fit
        after `token`.

        Raises:
            ValueError: the grammar does not allow `token` here.
            GrammarError: the grammar became too complex for llguidance.
        """
        end = token in self._vocabulary.ends
        allowed = self._parser.is_accepting() if end else self._parser.validate_tokens([token])
        if self.finished or not allowed:
            raise ValueError(f"the grammar does not allow token {token} here: draw under mask()")
        if not end and not self._go(token):
            end = not self._way_out.plan
            token = self._vocabulary.ends[0] if end else self._way_out.plan[0]
            if not end:
                self._go(token)
        self.finished = end
        return token

    def _go(self, token: int) -> bool:
        """Take `token` if an ending that fits is known after it."""
        way_out = self._way_out.after(token, self._vocabulary)
        if way_out is None or len(way_out.plan) + 1 >= self._left:
            return False
        if not self._parser.consume_token(token):
            raise GrammarError(f"llguidance gave up: {_readable(self._parser.get_error())}")
        self._way_out = way_out
        self._left -= 1
        return True


def _parts(schema: Any, path: str) -> Iterator[tuple[str, Any]]:
    """A schema and all schemas in it, outer ones first, with their paths."""
    yield path, schema
    if not isinstance(schema, Mapping):
        return
    for key, held in schema.items():
        if key in NAMED and isinstance(held, Mapping):
            for name, part in held.items():
                yield from _parts(part, f"{path}/{key}/{name}")
        elif key in LISTED and isinstance(held, list):
            for i, part in enumerate(held):
                yield from _parts(part, f"{path}/{key}/{i}")
        elif key in NESTED:
            yield from _parts(held, f"{path}/{key}")


def _culprit(schema: Mapping[str, Any], problem: str) -> tuple[str, str]:
    """The innermost part that has a problem like `problem` by itself: its path, and what it is."""
    shared = {key: schema[key] for key in ("$defs", "definitions") if key in schema}
    culprit = "#", problem
    for path, part in _parts(schema, "#"):
        alone = {**shared, **part} if isinstance(part, Mapping) else {"items": part}
        found = Grammar("json_schema", json.dumps(alone)).problem()
        if found.partition(":")[0] == problem.partition(":")[0]:
            culprit = path, found
    return culprit


def _lets_a_bound_slip(part: Mapping[str, Any]) -> bool:
    """Whether llguidance (1.9.1) takes an exclusive bound of `part` for an inclusive one."""
    low, high = part.get("exclusiveMinimum"), part.get("exclusiveMaximum")
    span = (part.get("minimum", low), part.get("maximum", high))
    if part.get("type") == "integer" or not all(isinstance(b, int | float) for b in span):
        return False
    whole = any(isinstance(b, int | float) and b == int(b) for b in (low, high))
    return whole and span[1] - span[0] < 1


def _of_type(output: type[BaseModel]) -> dict[str, Any]:
    """The schema of a pydantic type, in which objects hold its fields only."""
    try:
        schema = output.model_json_schema()
    except PydanticUserError as error:
        raise GrammarError(f"{output.__name__} has no JSON schema: {error.message}") from error
    for _, part in _parts(schema, "#"):
        if isinstance(part, dict) and "properties" in part:
            part.setdefault("additionalProperties", False)
    return schema


def _readable(message: str) -> str:
    """The reason in a message of llguidance, on one line."""
    _, _, reason = message.rpartition("error: ")
    return reason.strip().splitlines()[0] if reason.strip() else message
