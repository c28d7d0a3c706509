from __future__ import annotations

from pathlib import Path

import pytest
from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage
from langchain_core.tools import tool

from symposia import ScriptedModel
from symposia.models.tokens import token_counter


@tool
def look(place: str) -> str:
    """Look somewhere, and tell what is there."""
    return place


MESSAGES = [SystemMessage("Be short."), HumanMessage("2 + 2 = ? <end>"), AIMessage("hm")]


async def test_a_local_model_counts_exactly_what_it_reads_with_its_tools(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    from random_models import TEMPLATE, make_folder

    from symposia.models.local import LocalChatModel

    template = "{% if tools %}{{ tools | tojson }}<tool_call>{% endif %}" + TEMPLATE
    folder = make_folder(tmp_path, template=template, context=1024)
    model = LocalChatModel(path=folder, max_tokens=1)
    bare, bound = await model.ainvoke(MESSAGES), await model.bind_tools([look]).ainvoke(MESSAGES)
    assert bare.usage_metadata and bound.usage_metadata
    assert token_counter(model)(MESSAGES) == bare.usage_metadata["input_tokens"]
    assert token_counter(model, [look])(MESSAGES) == bound.usage_metadata["input_tokens"]
    assert bound.usage_metadata["input_tokens"] > bare.usage_metadata["input_tokens"]


async def test_a_scripted_model_counts_words_as_its_replies_say() -> None:
    model = ScriptedModel(["yes"])
    reply = await model.ainvoke(MESSAGES)
    assert reply.usage_metadata
    assert token_counter(model, [look])(MESSAGES) == reply.usage_metadata["input_tokens"] == 9


def test_a_model_that_cannot_count_is_estimated_with_its_tools() -> None:
    model = GenericFakeChatModel(messages=iter(()))
    messages = [HumanMessage("x" * 400)]
    bare = token_counter(model)(messages)
    assert 100 <= bare <= 110
    assert token_counter(model, [look])(messages) > bare + 10


def test_a_tokenizer_of_the_users_own_is_used() -> None:
    model = GenericFakeChatModel(messages=iter(()), custom_get_token_ids=lambda text: [0] * 1000)
    assert token_counter(model)(MESSAGES) == 3000
