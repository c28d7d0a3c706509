"""The shipped tokenizer and its chat template."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoTokenizer

from symposia.models.load import TINY

tokenizer: Any = AutoTokenizer.from_pretrained(TINY)
texts = st.text(max_size=60)
talks = st.lists(st.tuples(texts, texts), max_size=3)


def rendered(messages: list[dict[str, str]], prompt: bool) -> list[int]:
    return list(
        tokenizer.apply_chat_template(
            messages, add_generation_prompt=prompt, tokenize=True, return_dict=False
        )
    )


def conversation(system: str, turns: list[tuple[str, str]]) -> list[dict[str, str]]:
    messages = [{"role": "system", "content": system}]
    for user, assistant in turns:
        messages.append({"role": "user", "content": user})
        messages.append({"role": "assistant", "content": assistant})
    return messages


@settings(max_examples=200)
@given(texts)
def test_any_text_round_trips(text: str) -> None:
    ids = tokenizer.encode(text, add_special_tokens=False)
    assert tokenizer.decode(ids, skip_special_tokens=False) == text


@settings(max_examples=50)
@given(texts, talks, texts, texts, texts)
def test_a_longer_conversation_starts_with_the_shorter_one_and_its_reply(
    system: str, talk: list[tuple[str, str]], question: str, reply: str, after: str
) -> None:
    asked = [*conversation(system, talk), {"role": "user", "content": question}]
    before = rendered(asked, prompt=True)
    completion = [*tokenizer.encode(reply, add_special_tokens=False), tokenizer.eos_token_id]
    longer = [
        *asked,
        {"role": "assistant", "content": reply},
        {"role": "user", "content": after},
    ]
    assert rendered(longer, prompt=True)[: len(before) + len(completion)] == before + completion


def test_tool_results_are_told_by_the_user() -> None:
    told = [{"role": "tool", "content": "42"}]
    assert rendered(told, False) == rendered([{"role": "user", "content": "42"}], False)


def test_content_may_come_in_parts() -> None:
    parts = [{"type": "text", "text": "4"}, {"type": "text", "text": "2"}]
    in_parts: Any = [{"role": "user", "content": parts}]
    assert rendered(in_parts, False) == rendered([{"role": "user", "content": "42"}], False)


def test_an_unknown_role_is_refused() -> None:
    with pytest.raises(Exception, match="unknown role: wizard"):
        rendered([{"role": "wizard", "content": "hello"}], False)


def test_only_what_the_assistant_says_is_masked_for_training() -> None:
    told = tokenizer.apply_chat_template(
        conversation("be brief", [("look", "<action>look</action>")]),
        return_dict=True,
        return_assistant_tokens_mask=True,
    )
    said = [i for i, mask in zip(told["input_ids"], told["assistant_masks"], strict=True) if mask]
    assert tokenizer.decode(said) == "<action>look</action><|end|>"


def test_tags_are_single_tokens() -> None:
    assert len(tokenizer.encode("<action></action>", add_special_tokens=False)) == 2
