from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from symposia.agents import Action, Answer, Critique, Issue, JsonFormat, TagFormat, Verdict
from symposia.agents import output_format as named_format

TAGS, JSON = TagFormat(), JsonFormat()
words = st.text(st.characters(codec="ascii", categories=("L", "N", "P", "Zs")), max_size=30).filter(
    lambda text: "<" not in text and ">" not in text
)
said = words.map(str.strip).filter(bool)
scores = st.floats(0, 1)
outputs = st.one_of(
    st.builds(Action, thought=words, action=said),
    st.builds(Answer, reasoning=words, answer=said),
    st.builds(
        Critique,
        verdict=st.sampled_from(["correct", "incorrect"]),
        issues=st.lists(
            st.builds(Issue, step=st.none() | st.integers(1, 9), reason=said), max_size=3
        ).map(tuple),
        suggestion=words,
        score=st.none() | scores,
    ),
    st.builds(
        Verdict,
        decision=st.sampled_from(["accept", "revise"]),
        winner=st.none() | st.integers(0, 9),
        scores=st.lists(scores, max_size=3).map(tuple),
        confidence=st.none() | scores,
        rationale=words,
    ),
)


@given(output=outputs)
@pytest.mark.parametrize("format", [TAGS, JSON], ids=["tags", "json"])
def test_what_is_rendered_is_read_back(format: TagFormat | JsonFormat, output: BaseModel) -> None:
    assert format.parse(format.render(output), type(output)) == output


@given(text=st.text())
@pytest.mark.parametrize("format", [TAGS, JSON], ids=["tags", "json"])
def test_no_text_makes_the_parser_raise(format: TagFormat | JsonFormat, text: str) -> None:
    for output in (Action, Critique, Verdict):
        read = format.parse(text, output)
        assert read is None or isinstance(read, output)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "go north",
        "<action></action>",
        "<action>go",
        "<action>a</action><action>b</action>",
        "<Action>go</Action>",
    ],
)
def test_an_unreadable_action_is_none(text: str) -> None:
    assert TAGS.parse(text, Action) is None


@pytest.mark.parametrize(
    "text",
    [
        "<decision>maybe</decision>",
        "<decision>accept or revise</decision>",
        "<decision>accept</decision><decision>revise</decision>",
        "<decision>accept</decision><scores>1.5</scores>",
        "<decision>accept</decision><confidence>very</confidence>",
        "accept",
    ],
)
def test_an_unreadable_verdict_is_none_and_never_guessed(text: str) -> None:
    assert TAGS.parse(text, Verdict) is None


def test_text_around_the_tags_does_not_matter() -> None:
    text = "Let me see.\n<thought>near</thought> so\n<action> open door </action> done"
    assert TAGS.parse(text, Action) == Action(thought="near", action="open door")


def test_a_tag_within_a_value_belongs_to_the_value() -> None:
    text = "<issues><reason>says <step>2</step></reason></issues><verdict>incorrect</verdict>"
    read = TAGS.parse(text, Critique)
    assert read is not None
    assert read.issues[0].reason == "says <step>2</step>"


@pytest.mark.parametrize(
    "text",
    [
        '{"action": "go"} {"action": "stay"}',
        '{"action": "go", "extra": 1}',
        '{"action": ""}',
        '```json\n{"action": "a"}\n```\n```json\n{"action": "b"}\n```',
        "[]",
        "null",
    ],
)
def test_json_that_is_not_exactly_one_output_is_none(text: str) -> None:
    assert JSON.parse(text, Action) is None


def test_json_in_a_fence_is_read() -> None:
    assert JSON.parse('Sure:\n```json\n{"action": "go"}\n```', Action) == Action(action="go")


def test_users_output_types_work_in_both_formats() -> None:
    class Plan(BaseModel):
        goal: str
        steps: list[str] = []
        cost: int | None = None

    plan = Plan(goal="eat", steps=["cook", "chew"], cost=3)
    for format in (TAGS, JSON):
        assert format.parse(format.render(plan), Plan) == plan
        assert "goal" in format.instructions(Plan)


def test_an_unknown_format_lists_those_that_exist() -> None:
    with pytest.raises(ValueError, match="choose one of tags, json"):
        named_format("yaml")
