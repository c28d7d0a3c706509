from __future__ import annotations

import time

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
FIELDS = ("action", "answer", "issues", "reason", "reasoning", "scores", "step", "verdict")
PIECES = ["<", ">", "/", "\\", "```", "{", "}", '"', " ", "\n", "a", "4", "\x1c", "\xa0"]
PIECES += [f"{left}{field}>" for field in FIELDS for left in ("<", "</", "<\\/")]
tag_like = st.lists(st.sampled_from(PIECES), max_size=8).map("".join)
scores = st.floats(0, 1)


def outputs(words: st.SearchStrategy[str]) -> st.SearchStrategy[BaseModel]:
    said = words.filter(lambda text: text.strip(" \xa0\n") != "")
    return st.one_of(
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


@given(output=outputs(words) | outputs(tag_like))
@pytest.mark.parametrize("format", [TAGS, JSON], ids=["tags", "json"])
def test_what_is_rendered_is_read_back(format: TagFormat | JsonFormat, output: BaseModel) -> None:
    assert format.parse(format.render(output), type(output)) == output


@given(lists=st.lists(tag_like.map(str.strip), max_size=3), text=tag_like.map(str.strip))
def test_tags_within_values_never_make_another_value(lists: list[str], text: str) -> None:
    class Plan(BaseModel):
        answer: str
        reasoning: list[str] = []

    plan = Plan(answer=text, reasoning=lists)
    for format in (TAGS, JSON):
        assert format.parse(format.render(plan), Plan) == plan


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
        "<action>go</action><action>",
        "<action>go</action></action>",
        "<action>go</action> or rather <action>stay",
        "<action>go <action>look</action>",
        "<action><action>go</action></action>",
        "</thought><action>go</action>",
        "<thought>hm<action>go</action>",
        "<thought>say <action>look</thought></action><action>go</action>",
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


def test_a_field_that_is_said_again_in_the_same_words_is_read() -> None:
    assert TAGS.parse("<action>go</action>\n<action> go </action>", Action) == Action(action="go")


def test_an_answer_within_the_reasoning_is_not_the_answer() -> None:
    text = "<reasoning>say <answer>3</answer></reasoning><answer>4</answer>"
    read = TAGS.parse(text, Answer)
    assert read == Answer(reasoning="say <answer>3</answer>", answer="4")


@pytest.mark.parametrize(
    "text",
    [
        "<answer>" * 50_000,
        "<answer><reasoning>" * 50_000,
        "<reasoning>" + "<answer>" * 50_000,
        "<answer>" + "<\\" * 50_000,
        "<" * 500_000,
        "```" * 50_000,
        "```" + "\n" * 500_000,
        '{"answer":' * 50_000,
    ],
    ids=lambda text: text[:22].replace("\n", " "),
)
@pytest.mark.parametrize("format", [TAGS, JSON], ids=["tags", "json"])
def test_long_garbage_is_refused_at_once(format: TagFormat | JsonFormat, text: str) -> None:
    began = time.process_time()
    assert format.parse(text, Answer) is None
    assert time.process_time() - began < 0.5


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
        '{"action": "go", "action": "stay"}',
        '{"action": "go", "action": "go"}',
        'Not {"action": "stay"} but\n```json\n{"action": "go"}\n```',
        '```json\n{"action": "go"}\n```\nor {"action": "stay"}',
        '```json\n{"action": "go"}',
        '{"action": "\ud800"}',
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
