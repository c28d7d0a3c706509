from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage

from symposia.memory.working import Change, begun, changes, removal_ratios, turns


def test_four_added_and_three_removed_in_the_window_are_three_quarters() -> None:
    seen = [Change(added=("a", "b")), Change(("a",), ("c", "d")), Change(("b", "c"))]
    assert removal_ratios(seen) == [0.0, 0.25, 0.75]


def test_the_window_moves_and_the_ratio_is_capped_at_one() -> None:
    seen = [Change(added=("a", "b", "c")), Change(), Change(), Change(("a", "b", "c"), ("d",))]
    assert removal_ratios(seen) == [0.0, 0.0, 0.0, 1.0]
    assert removal_ratios(seen, window=4)[-1] == 0.75
    assert removal_ratios([Change(), Change(("a",))], window=1) == [None, 1.0]
    for window in (0, -3):
        with pytest.raises(ValueError, match=f"window={window}"):
            removal_ratios(seen, window)


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5))), st.integers(1, 5))
def test_ratios_are_shares(counts: list[tuple[int, int]], window: int) -> None:
    seen = [Change(("r",) * removed, ("a",) * added) for removed, added in counts]
    ratios = removal_ratios(seen, window)
    assert len(ratios) == len(seen)
    assert all(ratio is None or 0 <= ratio <= 1 for ratio in ratios)


def answer(name: str, artifact: object) -> ToolMessage:
    return ToolMessage("done", name=name, artifact=artifact, tool_call_id="1")


def test_changes_are_read_turn_by_turn_and_only_from_where_they_may_stand() -> None:
    messages: list[BaseMessage] = [
        begun(HumanMessage("one"), Change()),
        answer("search_tools", {"added": ["a", "b"], "removed": []}),
        answer("weather", {"added": ["x"], "removed": ["a"]}),
        answer("search_tools", "no mapping"),
        AIMessage("done"),
        HumanMessage("not read, try again"),
        begun(HumanMessage("two"), Change(("a",), ("c",))),
        answer("remove_tools", {"removed": ["b"]}),
    ]
    assert turns(messages) == [Change((), ("a", "b")), Change(("a", "b"), ("c",))]
    assert len(list(changes(messages))) == 4


def test_a_message_keeps_its_id_and_what_stood_beside_it() -> None:
    message = HumanMessage("?", id="7", additional_kwargs={"x": 1})
    marked = begun(message, Change(added=("a",)))
    assert (marked.id, marked.content, marked.additional_kwargs["x"]) == ("7", "?", 1)
    assert message.additional_kwargs == {"x": 1}
