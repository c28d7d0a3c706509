from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from langchain_core.embeddings import Embeddings
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_core.tools import BaseTool, StructuredTool

from symposia.tools import ToolPolicy, ToolRegistry
from symposia.tools.index import ToolIndex
from symposia.tools.ready import submit


def make(name: str, about: str, **arguments: str) -> BaseTool:
    schema = {
        "type": "object",
        "properties": {n: {"type": "string", "description": d} for n, d in arguments.items()},
    }

    async def run(**given: Any) -> str:
        return name

    return StructuredTool(name=name, description=about, args_schema=schema, coroutine=run)


TOOLS = [
    make("getWeather", "Tells whether it rains or shines.", city="the place"),
    make("currency_convert", "Changes money from one country's kind into another."),
    make("book_flight", "Reserves a seat on a plane.", airport="where it starts"),
    make("HTTPGet", "Reads a page."),
    make("translate", "Café talk."),
]


def names(registry: ToolRegistry, query: str, k: int = 5) -> list[str]:
    return [tool.name for tool in registry.search(query, k)]


@pytest.mark.parametrize(
    ("query", "best"),
    [
        ("weather", "getWeather"),
        ("is it raining?", "getWeather"),
        ("convert 5 dollars", "currency_convert"),
        ("flights", "book_flight"),
        ("which airport", "book_flight"),
        ("http", "HTTPGet"),
        ("cafe", "translate"),
        ("CURRENCY_CONVERT", "currency_convert"),
    ],
)
def test_tools_are_found_by_name_description_and_arguments(query: str, best: str) -> None:
    assert names(ToolRegistry(TOOLS), query)[0] == best


def test_the_index_follows_what_is_added_and_removed() -> None:
    registry = ToolRegistry(TOOLS)
    registry.remove("getWeather")
    assert names(registry, "weather") == []
    registry.add(make("weather_2", "Weather again."))
    assert names(registry, "weather") == ["weather_2"]
    assert names(registry, "weather", 0) == []


REGISTRY = ToolRegistry(TOOLS)
FTS = st.sampled_from(['"', "*", "^", ":", "NEAR(", ")", "AND", "NOT", "-", "name:", "{", "\0"])


@given(st.one_of(st.text(max_size=80), st.lists(FTS, max_size=12).map(" ".join)))
def test_any_text_is_a_query(query: str) -> None:
    assert len(REGISTRY.search(query, 3)) <= 3


def test_long_queries_are_queries_too() -> None:
    assert names(REGISTRY, "weather " + "word " * 50_000)[0] == "getWeather"
    many = " ".join(f"w{n}" for n in range(5_000))
    assert names(REGISTRY, f"weather {many}") == ["getWeather"]


@settings(max_examples=50)
@given(st.lists(st.text(max_size=60), min_size=1, max_size=5))
def test_any_text_can_describe_a_tool(texts: list[str]) -> None:
    hostile = [make(f"t{n}", text, a=text) for n, text in enumerate(texts)]
    registry = ToolRegistry([*hostile, make("plain", "Finds needles.")])
    assert names(registry, "needles")[0] == "plain"


def test_equals_are_found_in_the_order_in_which_they_were_added() -> None:
    same = [make(name, "Does things.") for name in ("b", "c", "a")]
    assert names(ToolRegistry(same), "things") == ["b", "c", "a"]


def test_the_index_can_be_searched_from_many_threads() -> None:
    index = ToolIndex()
    index.add(TOOLS)
    found: list[str] = []
    threads = [
        threading.Thread(target=lambda: found.append(index.search("weather", 1)[0].name))
        for _ in range(16)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == ["getWeather"] * 16


class Topics(Embeddings):
    """Counts words of two topics."""

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return [self.embed_query(text) for text in texts]

    def embed_query(self, text: str) -> list[float]:
        low = text.lower()
        sky = sum(word in low for word in ("weather", "umbrella", "rain"))
        money = sum(word in low for word in ("money", "price", "currency"))
        return [float(sky), float(money), 0.1]


def test_with_embeddings_tools_are_found_by_meaning_as_well() -> None:
    registry = ToolRegistry(TOOLS, embeddings=Topics())
    assert names(registry, "umbrella")[0] == "getWeather"
    assert names(registry, "price")[0] == "currency_convert"
    assert names(registry, "flight")[0] == "book_flight"
    registry.remove("getWeather")
    assert "getWeather" not in names(registry, "umbrella")


# What a model is shown

MANY = [make(f"gadget_{n}", f"Turns gadget {n}.") for n in range(50)]


def shown(registry: ToolRegistry, *messages: Any) -> list[str]:
    return [tool.name for tool in registry.shown(messages)]


def test_few_tools_are_all_shown_and_many_are_not() -> None:
    assert len(ToolRegistry(MANY).shown()) == 50
    assert len(ToolRegistry(MANY, show=50).shown()) == 50
    registry = ToolRegistry([*MANY, *TOOLS, submit()], show=5, pinned=["HTTPGet"])
    assert shown(registry) == ["HTTPGet", "submit", "search_tools"]
    assert shown(registry, HumanMessage("the weather"))[3:] == ["getWeather"]
    assert [tool.name for tool in registry.shown("gadget 7")][3] == "gadget_7"


async def searched(registry: ToolRegistry, said: list[Any], **arguments: Any) -> ToolMessage:
    call = {"name": "search_tools", "args": arguments, "id": "1"}
    said.append(AIMessage("", tool_calls=[call]))
    (answer,) = await registry.answer(said)
    said.append(answer)
    return answer


async def test_what_the_model_searched_for_is_added_and_the_oldest_give_way() -> None:
    registry = ToolRegistry([*MANY, *TOOLS], show=4)
    said: list[Any] = [HumanMessage("the weather")]
    assert shown(registry, *said) == ["search_tools", "getWeather"]
    answer = await searched(registry, said, query="flight")
    assert answer.text == "book_flight: Reserves a seat on a plane."
    assert shown(registry, *said) == ["search_tools", "getWeather", "book_flight"]
    await searched(registry, said, query="gadget 7")
    assert shown(registry, *said)[1] == "gadget_7"
    assert len(shown(registry, *said)) == 4
    await searched(registry, said, remove=["gadget_7", "nonsense"])
    assert said[-1].text == "Removed: gadget_7.\nThere is no tool nonsense to remove."
    assert "gadget_7" not in shown(registry, *said)
    await searched(registry, said, query="zebra")
    assert said[-1].text.startswith("No tool matches.")
    await searched(registry, said)
    assert said[-1].text == "Give a query, or names to remove."


async def test_denied_tools_cannot_be_found_by_a_model() -> None:
    rules = {"getWeather": ToolPolicy(permission="deny")}
    registry = ToolRegistry(policy=None, show=3)
    registry.add(*TOOLS, *MANY, policies=rules)
    said: list[Any] = [HumanMessage("weather")]
    assert (await searched(registry, said, query="weather")).text.startswith("No tool matches")
    assert "getWeather" not in shown(registry, *said)


def test_the_view_is_the_same_after_a_checkpoint() -> None:
    from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

    registry = ToolRegistry([*MANY, *TOOLS], show=4)
    said: list[Any] = [HumanMessage("the weather")]
    asyncio.run(searched(registry, said, query="flight"))
    serde = JsonPlusSerializer()
    again = serde.loads_typed(serde.dumps_typed(said))
    assert shown(registry, *again) == shown(registry, *said)
