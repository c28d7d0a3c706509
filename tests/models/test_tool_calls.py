from __future__ import annotations

import json
from typing import Any

import pytest

pytest.importorskip("torch", reason="needs the local extra")
pytest.importorskip("jsonschema", reason="needs the local extra")

from hypothesis import assume, given, settings
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_core.tools import tool
from langchain_core.utils.function_calling import convert_to_openai_tool
from transformers import AutoTokenizer

from symposia.models.load import TINY
from symposia.models.tool_calls import (
    NoToolsError,
    check_tools,
    read_reply,
    template_messages,
)

FRAME = (
    "{%% if tools %%}<|system|>{%% for t in tools %%}{{ t | tojson }}{%% endfor %%}<|end|>"
    "{%% endif %%}{%% for m in messages %%}<|{{ m.role if m.role != 'tool' else 'user' }}|>"
    "{{ m.content or '' }}{%% if m.tool_calls %%}%s{%% endif %%}<|end|>{%% endfor %%}"
    "{%% if add_generation_prompt %%}<|assistant|>{%% endif %%}"
)
TAGGED = FRAME % (
    "{% for c in m.tool_calls %}<tool_call>\n"
    '{"name": {{ c.function.name | tojson }}, "arguments": {{ c.function.arguments | tojson }}}\n'
    "</tool_call>{% endfor %}"
)
LISTED = FRAME % (
    "[TOOL_CALLS] [{% for c in m.tool_calls %}"
    '{"name": {{ c.function.name | tojson }}, "arguments": {{ c.function.arguments | tojson }}}'
    "{{ ', ' if not loop.last }}{% endfor %}]"
)
BARE = FRAME % (
    "{% set c = m.tool_calls[0] %}"
    '{"name": {{ c.function.name | tojson }}, "parameters": {{ c.function.arguments | tojson }}}'
)
CLOSE = "</tool_call>"
RESPONSE = {
    "start_anchor": "<|assistant|>",
    "fields": {
        "content": {"close": "<|end|>"},
        "tool_calls": {
            "open": "<tool_call>",
            "close": CLOSE,
            "content": "json",
            "repeats": True,
            "transform": {"type": "function", "function": "{content}"},
        },
    },
}


@tool
def look(place: str, times: int = 1, tags: list[str] | None = None) -> str:
    """Look around a place."""
    return place


@tool
def wait() -> str:
    """Do nothing."""
    return ""


TOOLS = [convert_to_openai_tool(each) for each in (look, wait)]
TEXT = st.text(st.characters(codec="utf-8"), max_size=30)
LOOK = st.builds(
    lambda place, others: {"name": "look", "args": {"place": place, **others}},
    TEXT,
    st.fixed_dictionaries(
        {}, optional={"times": st.integers(), "tags": st.lists(TEXT, max_size=3)}
    ),
)
CALL = LOOK | st.just({"name": "wait", "args": {}})


def tokenizer(template: str, response: dict[str, Any] | None = None) -> Any:
    made = AutoTokenizer.from_pretrained(TINY, local_files_only=True)
    made.chat_template = template
    made.response_template = response
    return made


KINDS = {
    "tagged": tokenizer(TAGGED),
    "listed": tokenizer(LISTED),
    "bare": tokenizer(BARE),
    "response": tokenizer(TAGGED, RESPONSE),
}


def read(kind: str, text: str) -> AIMessage:
    tiny = KINDS[kind]
    prompt = tiny.apply_chat_template(
        [{"role": "user", "content": "?"}], tools=TOOLS, add_generation_prompt=True
    )["input_ids"]
    completion = tiny.encode(text, add_special_tokens=False)
    return read_reply(prompt, completion, tiny, TOOLS, {tiny.eos_token_id})


def rendered(kind: str, message: AIMessage) -> str:
    """What a model that says `message` writes, by its own template."""
    messages = template_messages([HumanMessage("?"), message])
    text = KINDS[kind].apply_chat_template(messages, tools=TOOLS, tokenize=False)
    return text.rpartition("?<|end|><|assistant|>")[2]


@pytest.mark.parametrize("kind", list(KINDS))
def test_a_template_that_shows_tools_is_fine(kind: str) -> None:
    check_tools(KINDS[kind], TOOLS, "some model")


@pytest.mark.parametrize("kind", list(KINDS))
@settings(deadline=None, max_examples=60)
@given(calls=st.lists(CALL, min_size=1, max_size=3))
def test_calls_that_the_template_renders_are_read_back(
    kind: str, calls: list[dict[str, Any]]
) -> None:
    calls = calls[:1] if kind == "bare" else calls
    assume(kind != "response" or CLOSE not in json.dumps(calls))
    said = AIMessage("", tool_calls=[{**c, "id": str(i)} for i, c in enumerate(calls)])
    back = read(kind, rendered(kind, said))
    assert not back.invalid_tool_calls
    assert [{"name": c["name"], "args": c["args"]} for c in back.tool_calls] == calls
    assert len({c["id"] for c in back.tool_calls}) == len(calls)


def test_a_response_template_ends_a_call_at_its_mark_and_what_is_cut_off_is_refused() -> None:
    call = {"name": "look", "args": {"place": CLOSE}, "id": "0"}
    back = read("response", rendered("response", AIMessage("", tool_calls=[call])))
    assert not back.tool_calls
    (refused,) = back.invalid_tool_calls
    assert "the response template cannot read it" in str(refused["error"])


@pytest.mark.parametrize("kind", list(KINDS))
@settings(deadline=None, max_examples=150)
@given(
    text=st.lists(
        TEXT
        | st.sampled_from(
            ("<tool_call>", "</tool_call>", "[TOOL_CALLS]", "<|python_tag|>", "<|end|>", "[", "{}")
        )
        | CALL.map(lambda c: json.dumps({"name": c["name"], "arguments": c["args"]}))
        | CALL.map(lambda c: json.dumps({"name": c["name"], "parameters": c["args"]})[:-1])
    ).map("".join)
)
def test_no_text_at_all_raises(kind: str, text: str) -> None:
    message = read(kind, text)
    assert all(c["name"] in ("look", "wait") for c in message.tool_calls)
    assert all(c["error"] for c in message.invalid_tool_calls)
    AIMessage.model_validate_json(message.model_dump_json())


@settings(deadline=None, max_examples=100)
@given(ids=st.lists(st.integers(0, 1279), max_size=40), kind=st.sampled_from(list(KINDS)))
def test_no_tokens_at_all_raise(ids: list[int], kind: str) -> None:
    assert read_reply([4], ids, KINDS[kind], TOOLS, {1})


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        ('{"name": "fly", "arguments": {}}', "there is no tool 'fly'; there are: look, wait"),
        ('{"name": ["look"], "arguments": {}}', "there is no tool"),
        ('{"name": "look", "arguments": {}}', "'place' is a required property"),
        ('{"name": "look", "arguments": {"place": 3}}', "3 is not of type 'string'"),
        ('{"name": "look", "arguments": "place"}', "must be an object"),
        ('{"name": "look"}', "must be an object"),
        ("[1]", "a call is an object"),
        ('{"name": "look", "arguments": {"place": "a", "place": "b"}}', "more than once"),
        ('{"name": "wait", "arguments": {"x": NaN}}', "NaN is not JSON"),
        ('{"name": "look", "arguments": {"place": "\\ud800"}}', "surrogate"),
        ('{"name": "look", "arguments": {"place": "a"}', "Expecting"),
        ("__import__('os')", "Expecting value"),
        ("[" * 100_000, "too deeply"),
        ("9" * 5000, "digits"),
    ],
)
def test_what_is_no_call_of_a_tool_is_invalid_and_says_why(call: str, reason: str) -> None:
    message = read("tagged", f"<tool_call>{call}</tool_call>")
    assert message.tool_calls == []
    assert reason in message.invalid_tool_calls[0]["error"]


def test_a_good_call_survives_a_bad_neighbour_and_text_stays_text() -> None:
    good = '<tool_call>{"name": "look", "arguments": {"place": "</tool_call>"}}</tool_call>'
    message = read("tagged", f"I look. {good}<tool_call>broken")
    assert message.text == "I look."
    assert message.tool_calls[0]["args"] == {"place": "</tool_call>"}
    assert len(message.invalid_tool_calls) == 1


@pytest.mark.parametrize("kind", list(KINDS))
def test_plain_answers_are_no_calls(kind: str) -> None:
    for text in ("four", '{"answer": 4}', ""):
        message = read(kind, text)
        assert (message.text, message.tool_calls, message.invalid_tool_calls) == (text, [], [])


def test_ids_repeat_with_the_tokens_and_differ_between_prompts() -> None:
    text = rendered("tagged", AIMessage("", tool_calls=[{"name": "wait", "args": {}, "id": "1"}]))
    completion = KINDS["tagged"].encode(text, add_special_tokens=False)
    ids = [
        read_reply(prompt, completion, KINDS["tagged"], TOOLS, {1}).tool_calls[0]["id"]
        for prompt in ([1], [1], [2])
    ]
    assert ids[0] == ids[1] != ids[2]
    assert all(each.isalnum() and len(each) == 9 for each in ids)


def test_templates_read_arguments_as_objects() -> None:
    call = {"name": "look", "args": {"place": "here"}, "id": "1"}
    messages = template_messages(
        [AIMessage("", tool_calls=[call]), ToolMessage("a room", tool_call_id="1")]
    )
    assert messages[0]["tool_calls"][0]["function"]["arguments"] == {"place": "here"}
    assert messages[1]["role"] == "tool"


def test_models_that_cannot_call_tools_are_named() -> None:
    own = AutoTokenizer.from_pretrained(TINY, local_files_only=True)
    with pytest.raises(NoToolsError, match="chat template of tiny does not show tools"):
        check_tools(own, TOOLS, "tiny")
    with pytest.raises(
        NoToolsError, match=r"how odd writes tool calls is not known: .*response_template"
    ):
        check_tools(tokenizer(FRAME % "!"), TOOLS, "odd")
    refusing = "{% if tools %}{{ raise_exception('no tools here') }}{% endif %}"
    with pytest.raises(NoToolsError, match="refuses tools: no tools here"):
        check_tools(tokenizer(refusing), TOOLS, "strict")
    wrong = {"type": "function", "function": {"name": "w", "parameters": {"type": "thing"}}}
    with pytest.raises(ValueError, match="schema of the tool w is wrong"):
        check_tools(KINDS["tagged"], [wrong], "x")
