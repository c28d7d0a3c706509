"""Random logits under a mask: whatever a model would rather say, what comes follows the grammar."""

from __future__ import annotations

import json
import re
from typing import Annotated, Any, Literal, TypedDict

import pytest

torch = pytest.importorskip("torch", reason="needs the local extra")
pytest.importorskip("llguidance", reason="needs the local extra")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402
from jsonschema import Draft202012Validator  # noqa: E402
from langchain_core.messages import AIMessage  # noqa: E402
from pydantic import BaseModel, Field, ValidationError, field_validator  # noqa: E402
from transformers import AutoTokenizer  # noqa: E402

from symposia.models.engine.grammar import (  # noqa: E402
    Constraint,
    Grammar,
    GrammarError,
    Grammars,
)
from symposia.models.load import TINY  # noqa: E402
from symposia.models.structured import structured  # noqa: E402

TOKENIZER = AutoTokenizer.from_pretrained(TINY, local_files_only=True)
SIZE = len(TOKENIZER) + 7
"""More logits than tokens, as models have that pad their vocabulary."""
END = TOKENIZER.eos_token_id
GRAMMARS = Grammars(TOKENIZER, SIZE, [END])
REGEXES = (
    r"yes|no",
    r"[a-z]{50}",
    r"(ab)*c",
    r"(a|b)*abb",
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}",
    r"[^@ ]+@[a-z]+\.(com|org)",
    r"(foo|bar|bazqux)(,(foo|bar))*;",
    r"a{3,}b?",
    r"(?s).*",
    r"",
    r"[a-zß-ÿ]+é",
    r"((x|yz){3}!)+",
    r'"[^"]*"',
    r"(?i)hello( world)?",
    r"-?(0|[1-9][0-9]*)(\.[0-9]+)?",
    r"<answer>[^<]{1,40}</answer>",
    r"[αβγ]{2,5}",
    r"go to (shelf|drawer) [1-9]",
    r"(\(a\)|\[b\]|\{c\}){2,}",
    r"x+y+z+",
)


def draw(grammar: Grammar, max_tokens: int, seed: int) -> tuple[list[int], str]:
    """The ids and the text of one reply by a model that says anything."""
    generator = torch.Generator().manual_seed(seed)
    constraint = GRAMMARS.constraint(grammar, max_tokens)
    ids: list[int] = []
    while not constraint.finished:
        logits = 2 * torch.randn(SIZE, generator=generator)
        probabilities = logits.masked_fill(~constraint.mask(), -torch.inf).softmax(-1)
        ids.append(constraint.accept(int(probabilities.multinomial(1, generator=generator))))
    assert ids.count(END) == 1 and ids[-1] == END
    assert len(ids) <= max_tokens
    return ids, str(TOKENIZER.decode(ids[:-1], skip_special_tokens=False))


NAMES = st.text("abé\"'\\ 日{}", min_size=1, max_size=4)
FLOATS = st.integers(-1000, 1000).map(lambda n: n / 8)
LEAVES = st.one_of(
    st.builds(
        lambda low, more: {"type": "string", "minLength": low, "maxLength": low + more},
        st.integers(0, 4),
        st.integers(0, 9),
    ),
    st.just({"type": "string"}),
    st.just({"type": "boolean"}),
    st.just({"type": ["integer", "null"]}),
    st.builds(
        lambda low, more: {"type": "integer", "minimum": low, "maximum": low + more},
        st.integers(-500, 500),
        st.integers(0, 300),
    ),
    st.builds(
        lambda low, more: {"type": "number", "exclusiveMinimum": low, "maximum": low + more},
        FLOATS,
        st.sampled_from((1, 1.5, 40)),
    ),
    st.integers(2, 50).map(lambda step: {"type": "integer", "multipleOf": step}),
    st.lists(NAMES, min_size=1, max_size=4, unique=True).map(lambda names: {"enum": names}),
    st.sampled_from(({"const": {"a": [1, None, "é"]}}, {"type": "string", "format": "date"})),
)


def objects(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.dictionaries(NAMES, st.tuples(inner, st.booleans()), max_size=4).map(
        lambda fields: {
            "type": "object",
            "properties": {name: schema for name, (schema, _) in fields.items()},
            "required": [name for name, (_, required) in fields.items() if required],
            "additionalProperties": False,
        }
    )


def nested(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(
        objects(inner),
        st.builds(
            lambda items, low, more: {
                "type": "array",
                "items": items,
                "minItems": low,
                "maxItems": low + more,
            },
            inner,
            st.integers(0, 2),
            st.integers(0, 3),
        ),
        st.lists(inner, min_size=1, max_size=3).map(lambda several: {"anyOf": several}),
    )


SCHEMAS = objects(st.recursive(LEAVES, nested, max_leaves=6))


@settings(deadline=None, max_examples=30, derandomize=True)
@given(schema=SCHEMAS, seed=st.integers(0, 10_000))
def test_every_reply_follows_its_schema(schema: dict[str, Any], seed: int) -> None:
    grammar = Grammar.json_schema(schema)
    for max_tokens in (room(grammar), room(grammar) + 30):
        value = json.loads(draw(grammar, max_tokens, seed)[1])
        Draft202012Validator(schema).validate(value)


def room(grammar: Grammar) -> int:
    """The fewest tokens for which a constraint is given."""
    with pytest.raises(GrammarError, match="raise max_tokens") as refused:
        GRAMMARS.constraint(grammar, 0)
    return int(re.search(r"takes (\d+) tokens", str(refused.value))[1])


@pytest.mark.parametrize("pattern", REGEXES)
def test_every_reply_follows_its_pattern(pattern: str) -> None:
    grammar = Grammar.regex(pattern)
    for seed in range(3):
        for max_tokens in (room(grammar), room(grammar) + 9, 60):
            text = draw(grammar, max_tokens, seed)[1]
            assert re.fullmatch(pattern, text), text


@pytest.mark.parametrize("pattern", REGEXES)
def test_no_token_that_a_mask_allows_is_refused(pattern: str) -> None:
    grammar = Grammar.regex(pattern)
    ids, _ = draw(grammar, 60, seed=1)
    for position in range(0, min(len(ids), 12), 4):
        constraint = begun(grammar, ids[:position])
        allowed = constraint.mask().nonzero().flatten().tolist()
        for token in allowed[:: len(allowed) // 20 + 1]:
            begun(grammar, [*ids[:position], token])


def begun(grammar: Grammar, ids: list[int]) -> Constraint:
    """A constraint after `ids`."""
    constraint = GRAMMARS.constraint(grammar, 60)
    for token in ids:
        constraint.accept(token)
    return constraint


def test_the_end_is_allowed_exactly_where_the_grammar_may_end() -> None:
    constraint = GRAMMARS.constraint(Grammar.regex("ab?"), 20)
    may_end = []
    for letter in "ab":
        may_end.append(bool(constraint.mask()[END]))
        constraint.accept(TOKENIZER.encode(letter, add_special_tokens=False)[0])
    assert may_end == [False, True]
    assert constraint.mask().nonzero().flatten().tolist() == [END]
    constraint.accept(END)
    assert constraint.finished


def test_special_tokens_and_padding_are_never_allowed() -> None:
    mask = GRAMMARS.constraint(Grammar.regex("(?s).*"), 20).mask()
    assert mask.shape == (SIZE,) and mask.dtype == torch.bool
    special = [i for i in TOKENIZER.all_special_ids if i != END]
    assert not mask[special].any() and not mask[len(TOKENIZER) :].any()
    assert mask.sum() > 1000


def test_a_token_outside_the_mask_is_an_error() -> None:
    constraint = GRAMMARS.constraint(Grammar.regex("a"), 20)
    for token in (END, TOKENIZER.encode("b", add_special_tokens=False)[0], 2, SIZE - 1):
        with pytest.raises(ValueError, match=f"does not allow token {token} here"):
            constraint.accept(token)


def test_a_budget_that_fits_only_the_shortest_reply_gets_it() -> None:
    schema = {"type": "array", "items": {"type": "string", "minLength": 3}, "minItems": 2}
    grammar = Grammar.json_schema(schema)
    shortest = room(grammar)
    assert {len(json.loads(draw(grammar, shortest, seed)[1])) for seed in range(4)} == {2}
    with pytest.raises(GrammarError, match=rf"takes {shortest} tokens .* room for {shortest - 1}"):
        GRAMMARS.constraint(grammar, shortest - 1)


def test_recursive_types_end() -> None:
    for seed in range(8):
        Tree.model_validate_json(draw(Grammar.json_schema(Tree), 120, seed)[1])


class Tree(BaseModel):
    name: Annotated[str, Field(min_length=1)]
    children: list[Tree] = []
    kind: Literal["leaf", "branch"] | int


def test_grammars_are_values() -> None:
    assert Grammar.regex("a") == Grammar.regex("a") != Grammar.regex("b")
    assert len({Grammar.json_schema(Tree), Grammar.json_schema(Tree)}) == 1


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ({"type": "strin"}, "at #/properties/a: Invalid type: strin"),
        ({"type": "string", "maxLenght": 3}, "maxLenght at #/properties/a"),
        ({"type": "array", "uniqueItems": True}, "uniqueItems at #/properties/a"),
        ({"not": {"type": "string"}}, "not at #/properties/a"),
        ({"type": "string", "pattern": "("}, "at #/properties/a: unclosed group"),
        ({"type": "string", "pattern": "(?=a)b"}, "look-around"),
        ({"type": "string", "format": "zebra"}, "Unknown format: zebra"),
        (
            {"type": "integer", "minimum": 5, "maximum": 3},
            "a: Unsatisfiable schema: minimum (5)",
        ),
        ({"type": "string", "minLength": "3"}, "minLength"),
        ({"$ref": "#/nowhere"}, "'/nowhere' does not exist"),
        ({"$ref": "http://example.invalid/schema"}, "example.invalid"),
        ({"const": float("nan")}, "cannot be written as JSON"),
        ({"type": "number", "exclusiveMinimum": 0, "maximum": 0.5}, "bound at #/properties/a"),
        ({"enum": []}, "at #/properties/a"),
        ({"anyOf": [{"type": "null"}, {"type": "array", "items": {"contains": 1}}]}, "contains"),
        (7, "at #/properties/a: schema must be an object or boolean"),
    ],
)
def test_parts_of_a_schema_that_cannot_be_enforced_are_named(part: Any, message: str) -> None:
    schema = {"type": "object", "properties": {"a": part}, "required": ["a"]}
    with pytest.raises(GrammarError, match=re.escape(message)):
        Grammar.json_schema(schema)


@pytest.mark.parametrize("pattern", ["(", "a(?=b)", r"\bfoo", r"(a)\1", "a{2,1}", "[z-a]"])
def test_patterns_that_cannot_be_followed_are_named(pattern: str) -> None:
    with pytest.raises(GrammarError, match=re.escape(f"the pattern {pattern!r}")):
        Grammar.regex(pattern)


def reply(schema: Any, seed: int = 0) -> AIMessage:
    return AIMessage(draw(structured(schema)[0], 120, seed)[1])


def test_structured_replies_are_values_of_the_type() -> None:
    assert isinstance(structured(Tree)[1].invoke(reply(Tree)), Tree)

    class Place(TypedDict):
        room: Literal["kitchen", "hall"]
        shelf: int

    for schema in (Place, {"name": "tree", "parameters": Tree.model_json_schema()}):
        assert isinstance(structured(schema)[1].invoke(reply(schema)), dict)


def test_structured_replies_that_do_not_parse_raise_or_come_raw() -> None:
    class Even(BaseModel):
        number: int

        @field_validator("number")
        @classmethod
        def is_even(cls, number: int) -> int:
            assert number % 2 == 0
            return number

    odd = AIMessage('{"number":3}')
    with pytest.raises(ValidationError):
        structured(Even)[1].invoke(odd)
    raw = structured(Even, include_raw=True)[1]
    failed, fine = raw.invoke(odd), raw.invoke(AIMessage('{"number":4}'))
    assert failed["raw"] is odd and failed["parsed"] is None
    assert isinstance(failed["parsing_error"], ValueError)
    assert fine["parsed"] == Even(number=4) and fine["parsing_error"] is None
