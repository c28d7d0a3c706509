"""How fast tools are found among many, and what a model is spared by seeing few of them.

Indexing and searching are measured against rank_bm25 (a Python BM25 that users reach for; installed
for this script only, else a scan that counts common words stands in) over the same texts in the
same run, interleaved, in CPU time of one thread. Building the registry itself (policies, wrappers,
index) is printed apart. Tokens are those that the tools' JSON schemas take in a prompt, counted by
the tokenizer of `tiny` where it can be loaded, else four characters to one.

    python benchmarks/perf/tools.py
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import time
from collections.abc import Callable
from typing import Any

from langchain_core.tools import BaseTool, StructuredTool
from langchain_core.utils.function_calling import convert_to_openai_tool

from symposia.tools import ToolRegistry
from symposia.tools.index import ToolIndex

VERBS = [
    "get",
    "list",
    "create",
    "update",
    "delete",
    "find",
    "send",
    "open",
    "close",
    "convert",
    "translate",
    "book",
    "cancel",
]
THINGS = [
    "invoice",
    "flight",
    "hotel",
    "weather",
    "currency",
    "calendar",
    "message",
    "ticket",
    "order",
    "customer",
    "document",
    "image",
    "song",
    "recipe",
    "route",
    "stock",
    "patient",
    "lesson",
    "survey",
    "contract",
    "parcel",
    "sensor",
    "account",
    "meeting",
    "playlist",
]
PLACES = [
    "store",
    "office",
    "archive",
    "cloud",
    "phone",
    "car",
    "factory",
    "school",
    "clinic",
    "library",
    "market",
    "team",
]


def make(number: int, chance: random.Random) -> BaseTool:
    """A tool such as a catalogue of services has: a name, two sentences, a few arguments."""
    verb, thing, place = chance.choice(VERBS), chance.choice(THINGS), chance.choice(PLACES)
    words = " ".join(chance.choices(THINGS + PLACES, k=12))
    properties = {
        name: {"type": "string", "description": f"the {name} of the {thing}"}
        for name in chance.sample(["id", "name", "date", "limit", "owner", "status", "query"], 3)
    }

    async def run(**arguments: Any) -> str:
        return ""

    return StructuredTool(
        name=f"{verb}_{thing}_{number}",
        description=f"{verb.title()}s a {thing} in the {place}. Also serves {words}.",
        args_schema={"type": "object", "properties": properties},
        coroutine=run,
    )


def alternative(texts: list[str]) -> tuple[str, Callable[[str], list[int]]]:
    """rank_bm25 over the texts, or a scan; and its name."""
    tokens = [text.lower().replace("_", " ").split() for text in texts]
    try:
        from rank_bm25 import BM25Okapi
    except ImportError:
        sets = [set(words) for words in tokens]

        def scan(query: str) -> list[int]:
            asked = set(query.lower().split())
            return sorted(range(len(sets)), key=lambda i: (-len(asked & sets[i]), i))[:5]

        return "scan", scan
    ranked = BM25Okapi(tokens)

    def search(query: str) -> list[int]:
        scores = ranked.get_scores(query.lower().split())
        return list(scores.argsort()[::-1][:5])

    return "rank_bm25", search


def count_tokens() -> tuple[str, Callable[[str], int]]:
    try:
        from symposia.models import load_model

        tokenizer = load_model("tiny").engine.tokenizer  # type: ignore[attr-defined]
        return "tokens of tiny", lambda text: len(tokenizer.encode(text))
    except ImportError:
        return "tokens, estimated", lambda text: len(text) // 4


def seconds(work: Callable[..., Any], *given: Any, **options: Any) -> tuple[float, Any]:
    began = time.process_time()
    made = work(*given, **options)
    return time.process_time() - began, made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tools", type=int, default=5_000)
    parser.add_argument("--searches", type=int, default=200)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--show", type=int, default=20)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    chance = random.Random(0)
    tools = [make(number, chance) for number in range(options.tools)]
    texts = [f"{tool.name} {tool.description} {' '.join(tool.args)}" for tool in tools]
    queries = [
        f"{chance.choice(VERBS)} the {chance.choice(THINGS)} for the {chance.choice(PLACES)}"
        for _ in range(options.searches)
    ]

    built, indexed, other_indexed, ours, others = [], [], [], [], []
    for _ in range(options.repeats):
        took, registry = seconds(ToolRegistry, tools, show=options.show)
        built.append(took)
        indexed.append(seconds(ToolIndex().add, tools)[0])
        took, (name, search) = seconds(alternative, texts)
        other_indexed.append(took)
        for query in queries:
            ours.append(seconds(registry.search, query)[0])
            others.append(seconds(search, query)[0])

    unit, count = count_tokens()

    def schemas(shown: list[BaseTool]) -> int:
        return count(json.dumps([convert_to_openai_tool(tool) for tool in shown]))

    result = {
        "tools": options.tools,
        "registry_seconds": statistics.median(built),
        "index_seconds": statistics.median(indexed),
        "search_ms": {
            "median": 1e3 * statistics.median(ours),
            "p95": 1e3 * statistics.quantiles(ours, n=20)[-1],
            "max": 1e3 * max(ours),
        },
        "alternative": name,
        "alternative_index_seconds": statistics.median(other_indexed),
        "alternative_search_ms": 1e3 * statistics.median(others),
        "search_ratio": statistics.median(b / a for a, b in zip(ours, others, strict=True)),
        "unit": unit,
        "schema_tokens_all": schemas(list(registry)),
        "schema_tokens_shown": schemas(registry.shown(queries[0])),
    }
    if options.json:
        print(json.dumps(result, indent=2))
        return
    spared = result["schema_tokens_all"] / result["schema_tokens_shown"]
    print(
        f"CPU time, {options.tools:,} tools: indexed in {result['index_seconds']:.2f} s "
        f"({name} {result['alternative_index_seconds']:.2f} s), "
        f"registry with index in {result['registry_seconds']:.2f} s\n"
        f"search: median {result['search_ms']['median']:.2f} ms, "
        f"95 % {result['search_ms']['p95']:.2f} ms ({name} median "
        f"{result['alternative_search_ms']:.2f} ms, {result['search_ratio']:.1f} times ours)\n"
        f"schemas in a prompt ({unit}): {result['schema_tokens_all']:,} for all tools, "
        f"{result['schema_tokens_shown']:,} for the {options.show} shown: {spared:.0f} times less"
    )


if __name__ == "__main__":
    main()
