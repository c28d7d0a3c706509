"""What following a grammar costs: microseconds a token, with three libraries in the same run.

Each library walks the same replies: before each token it fills a mask over the vocabulary, then it
takes the token. The tokens are those of schema-conforming texts, so that all do the same work. The
time to compile a schema is beside it. The last row is all that `models/grammar.py` does for a
token, which also keeps an ending at hand. A library that is not installed is left out.

    pip install xgrammar outlines-core; python benchmarks/perf/grammar.py
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from typing import Any, Protocol

import torch
from transformers import AutoTokenizer

from symposia.models.engine.grammar import Grammar, Grammars
from symposia.models.load import TINY

PERSON = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "maxLength": 40},
        "age": {"type": "integer", "minimum": 0, "maximum": 150},
        "mood": {"enum": ["calm", "curious", "tired"]},
        "tags": {"type": "array", "items": {"type": "string"}, "maxItems": 5},
        "home": {
            "type": "object",
            "properties": {"street": {"type": "string"}, "number": {"type": "integer"}},
            "required": ["street", "number"],
            "additionalProperties": False,
        },
    },
    "required": ["name", "age", "mood", "tags", "home"],
    "additionalProperties": False,
}
"""All that the three libraries can follow."""
REPLIES = [
    {
        "name": f"Number {i}",
        "age": 7 * i,
        "mood": ["calm", "curious", "tired"][i % 3],
        "tags": ["reads", "the kitchen cabinet"][: i % 3],
        "home": {"street": "Long Street", "number": 100 + i},
    }
    for i in range(20)
]


class Walk(Protocol):
    """One reply on its way."""

    def mask(self) -> Any: ...
    def accept(self, token: int) -> Any: ...


Library = Callable[[dict[str, Any]], Callable[[], Walk]]
"""Compiles a schema, and gives a maker of walks."""


def ours(tokenizer: Any, size: int) -> Library:
    grammars = Grammars(tokenizer, size, [tokenizer.eos_token_id])

    def compiled(schema: dict[str, Any]) -> Callable[[], Walk]:
        grammar = Grammar.json_schema(schema)
        grammars.constraint(grammar, 4096)
        return lambda: grammars.constraint(grammar, 4096)

    return compiled


def llguidance(tokenizer: Any, size: int) -> Library:
    from llguidance import LLMatcher
    from llguidance.hf import from_tokenizer
    from llguidance.torch import allocate_token_bitmask, fill_next_token_bitmask

    tokens = from_tokenizer(tokenizer, n_vocab=size)
    bits = allocate_token_bitmask(1, size)

    class Matcher:
        def __init__(self, matcher: Any) -> None:
            self.matcher = matcher

        def mask(self) -> None:
            fill_next_token_bitmask(self.matcher, bits)

        def accept(self, token: int) -> None:
            assert self.matcher.consume_token(token)

    def compiled(schema: dict[str, Any]) -> Callable[[], Walk]:
        compact = LLMatcher.grammar_from_json_schema(
            schema, overrides={"whitespace_flexible": False}
        )
        matcher = LLMatcher(tokens, compact)
        assert not matcher.is_error(), matcher.get_error()
        return lambda: Matcher(matcher.deep_copy())

    return compiled


def xgrammar(tokenizer: Any, size: int) -> Library:
    import xgrammar

    info = xgrammar.TokenizerInfo.from_huggingface(tokenizer, vocab_size=size)
    bits = xgrammar.allocate_token_bitmask(1, size)

    class Matcher:
        def __init__(self, grammar: Any) -> None:
            self.matcher = xgrammar.GrammarMatcher(grammar)

        def mask(self) -> None:
            self.matcher.fill_next_token_bitmask(bits)

        def accept(self, token: int) -> None:
            assert self.matcher.accept_token(token)

    def compiled(schema: dict[str, Any]) -> Callable[[], Walk]:
        compiler = xgrammar.GrammarCompiler(info, max_threads=1, cache_enabled=False)
        grammar = compiler.compile_json_schema(
            json.dumps(schema), any_whitespace=False, separators=(",", ":")
        )
        return lambda: Matcher(grammar)

    return compiled


def outlines_core(tokenizer: Any, size: int) -> Library:
    from outlines_core import Guide, Index, Vocabulary
    from outlines_core.json_schema import build_regex_from_schema

    letters = {v: k for k, v in _byte_letters().items()}
    known: dict[bytes, list[int]] = {}
    for text, i in tokenizer.get_vocab().items():
        if i not in tokenizer.all_special_ids:
            known.setdefault(bytes(letters[c] for c in text), []).append(i)
    vocabulary = Vocabulary(tokenizer.eos_token_id, known)
    bits = torch.zeros((size + 31) // 32, dtype=torch.int32)

    class Matcher:
        def __init__(self, index: Any) -> None:
            self.guide = Guide(index)

        def mask(self) -> None:
            self.guide.write_mask_into(bits.data_ptr(), bits.numel(), bits.element_size())

        def accept(self, token: int) -> None:
            self.guide.advance(token, return_tokens=False)

    def compiled(schema: dict[str, Any]) -> Callable[[], Walk]:
        index = Index(build_regex_from_schema(json.dumps(schema), r""), vocabulary)
        return lambda: Matcher(index)

    return compiled


def _byte_letters() -> dict[int, str]:
    """The letters by which byte-level vocabularies write bytes."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [b for b in range(256) if b not in plain]
    return {b: chr(b) for b in plain} | {b: chr(256 + i) for i, b in enumerate(others)}


def measured(library: Library, replies: list[list[int]], rounds: int) -> dict[str, float]:
    began = time.perf_counter()
    walk = library(PERSON)
    compiling = time.perf_counter() - began
    costs = []
    for _ in range(rounds):
        spent = 0.0
        for reply in replies:
            one = walk()
            began = time.perf_counter()
            for token in reply:
                one.mask()
                one.accept(token)
            spent += time.perf_counter() - began
        costs.append(spent / sum(map(len, replies)) * 1e6)
    return {
        "compile_ms": compiling * 1e3,
        "first_us_per_token": costs[0],
        "us_per_token": statistics.median(costs),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default=str(TINY), help="a Hugging Face folder")
    parser.add_argument("--rounds", type=int, default=9, help="the first is also shown alone")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    tokenizer = AutoTokenizer.from_pretrained(options.model, local_files_only=True)
    texts = [json.dumps(r, separators=(",", ":")) for r in REPLIES]
    replies = [tokenizer.encode(t, add_special_tokens=False) for t in texts]
    rows: dict[str, dict[str, float]] = {}
    for make in (llguidance, xgrammar, outlines_core, ours):
        try:
            library = make(tokenizer, len(tokenizer))
        except ImportError as error:
            print(f"{make.__name__} is left out: {error}")
            continue
        rows[make.__name__] = measured(library, replies, options.rounds)
    if options.json:
        print(json.dumps(rows, indent=2))
        return
    for name, row in rows.items():
        print(
            f"{name:14s} compile {row['compile_ms']:8.2f} ms, a token "
            f"{row['us_per_token']:7.1f} us (first round {row['first_us_per_token']:7.1f})"
        )


if __name__ == "__main__":
    main()
