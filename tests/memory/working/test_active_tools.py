from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage

from symposia.memory.working import ActiveTools
from symposia.tools import ToolRegistry
from symposia.tools.ready import submit


def sensor(number: int) -> Any:
    def read() -> str:
        return f"value {number}"

    read.__name__, read.__doc__ = f"sensor_{number}", f"Read sensor {number} of kind {number % 7}."
    return read


REGISTRY = ToolRegistry([*map(sensor, range(300)), submit()])


def call(name: str, id: str = "1", **arguments: Any) -> Any:
    return {"name": name, "args": arguments, "id": id, "type": "tool_call"}


async def told(tools: ActiveTools, messages: list[BaseMessage], *calls: Any) -> list[BaseMessage]:
    """The conversation after a message that makes some calls."""
    said = [*messages, AIMessage("", tool_calls=list(calls))]
    return said + [(await tools.call(each, said)).message(each["id"]) for each in calls]


START: list[BaseMessage] = [HumanMessage("What do the sensors say?")]


async def test_what_a_search_finds_can_be_called_and_nothing_else() -> None:
    tools = ActiveTools(REGISTRY, found=2)
    refused = await tools.call(call("sensor_12"), START)
    assert refused.error and refused.error.kind == "unknown"
    assert refused.content == "The tool 'sensor_12' is not in hand. Find it by search_tools first."
    messages = await told(tools, START, call("search_tools", query="sensor 12"))
    assert "sensor_12: Read sensor 12 of kind 5." in messages[-1].text
    assert "sensor_12" in tools.active(messages)
    assert (await tools.call(call("sensor_12"), messages)).content == "value 12"


async def test_what_was_removed_is_gone_and_strangers_are_named() -> None:
    tools = ActiveTools(REGISTRY, found=2)
    messages = await told(tools, START, call("search_tools", query="sensor 12"))
    other = next(name for name in tools.active(messages) if name != "sensor_12")
    messages = await told(tools, messages, call("remove_tools", names=["sensor_12", "nobody"]))
    assert messages[-1].text == "Removed: sensor_12.\nNot in hand: nobody."
    assert tools.active(messages) == [other]


async def test_past_the_limit_nothing_is_added_and_the_model_is_told() -> None:
    tools = ActiveTools(REGISTRY, limit=6, found=5)  # submit, two of its own, three to find
    messages = await told(tools, START, call("search_tools", query="sensor"))
    assert len(tools.active(messages)) == 3
    assert "Not added, because the limit of 3 tools is reached:" in messages[-1].text
    assert len(tools.shown(messages)) == 6
    by_name = {tool.name: tool for tool in tools.shown(messages)}
    assert by_name["search_tools"].description.endswith("You hold 3 of at most 3 tools.")


async def test_calls_of_one_message_count_one_after_the_other() -> None:
    tools = ActiveTools(REGISTRY, limit=6, found=2)
    messages = await told(
        tools,
        START,
        call("search_tools", "1", query="sensor 1"),
        call("search_tools", "2", query="sensor 20"),
        call("remove_tools", "3", names=["sensor_1"]),
        call("sensor_1", "4"),
    )
    assert "Not added" not in messages[2].text
    assert "Not added" in messages[3].text
    assert len(tools.active(messages)) == 2
    assert "not in hand" in messages[5].text


@settings(max_examples=40)
@given(
    st.lists(
        st.lists(
            st.one_of(
                st.builds(lambda n: ("search_tools", {"query": f"sensor {n}"}), st.integers(0, 99)),
                st.builds(
                    lambda ns: ("remove_tools", {"names": [f"sensor_{n}" for n in ns]}),
                    st.lists(st.integers(0, 99), max_size=4),
                ),
                st.just(("search_tools", {"query": 7})),
                st.just(("remove_tools", {})),
                st.just(("sensor_1", {})),
            ),
            min_size=1,
            max_size=3,
        ),
        max_size=5,
    ),
    st.integers(4, 9),
    st.integers(1, 7),
)
async def test_no_model_is_ever_sent_more_than_the_limit(
    turns: list[list[tuple[str, dict[str, Any]]]], limit: int, found: int
) -> None:
    tools = ActiveTools(REGISTRY, limit=limit, found=found)
    messages = START
    for turn in turns:
        asked = [call(name, str(n), **arguments) for n, (name, arguments) in enumerate(turn)]
        messages = await told(tools, messages, *asked)
        names = [tool.name for tool in tools.shown(messages)]
        assert len(names) == len(set(names)) <= limit
        assert {"submit", "search_tools", "remove_tools"} <= set(names)


async def test_a_smaller_limit_holds_for_a_conversation_that_had_more() -> None:
    messages = await told(ActiveTools(REGISTRY), START, call("search_tools", query="sensor"))
    assert len(ActiveTools(REGISTRY, limit=4).shown(messages)) == 4


async def test_wrong_arguments_are_refused_and_change_nothing() -> None:
    tools = ActiveTools(REGISTRY)
    for wrong in (call("search_tools", query=["x"]), call("remove_tools", names="sensor_1")):
        result = await tools.call(wrong, [*START, AIMessage("", tool_calls=[wrong])])
        assert result.error and result.error.kind == "arguments"


def test_settings_that_cannot_hold_are_refused() -> None:
    with pytest.raises(ValueError, match="limit=3 leaves no room for tools beside submit, search"):
        ActiveTools(REGISTRY, limit=3)
    with pytest.raises(ValueError, match="limit=0 leaves no room"):
        ActiveTools(ToolRegistry([sensor(1)]), limit=0, meta=())
    with pytest.raises(ValueError, match="found=0"):
        ActiveTools(REGISTRY, found=0)
    with pytest.raises(ValueError, match="meta="):
        ActiveTools(REGISTRY, meta=["forget"])
    with pytest.raises(ValueError, match="show=20"):
        ActiveTools(ToolRegistry([sensor(1)], show=20))

    def remove_tools() -> str:
        """Mine."""
        return ""

    with pytest.raises(ValueError, match="called 'remove_tools', which is taken"):
        ActiveTools(ToolRegistry([remove_tools]))
