"""Counting the tokens of a conversation, as exactly as its model can.

Models of this process and scripted ones count exactly what they will read, tools among it. Hosted
ones count as their LangChain class does; whatever cannot count is estimated from characters.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from langchain_core.language_models import BaseChatModel, BaseLanguageModel
from langchain_core.messages import BaseMessage
from langchain_core.messages.utils import count_tokens_approximately
from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_tool

from .base import ChatModel

TokenCounter = Callable[[Sequence[BaseMessage]], int]
"""From a conversation to its tokens."""
UNCOUNTED = BaseLanguageModel.get_num_tokens_from_messages
"""What a model has that does not count itself: it would load GPT-2's tokenizer from the network."""


def token_counter(model: BaseChatModel, tools: Sequence[BaseTool] = ()) -> TokenCounter:
    """How `model` counts what it reads, when it may call `tools`.

    Without a counter of its own, a model's tokens are estimated (four characters each, and three a
    message, by langchain-core); so are the tools of hosted models.
    """

    uncounted = type(model).get_num_tokens_from_messages is UNCOUNTED
    if isinstance(model, ChatModel) and not uncounted:
        schemas = [convert_to_openai_tool(tool) for tool in tools]
        return lambda messages: model.get_num_tokens_from_messages(list(messages), schemas)
    described = count_tokens_approximately([], tools=list(tools))
    if uncounted and model.custom_get_token_ids is None:
        return lambda messages: count_tokens_approximately(messages) + described
    return lambda messages: model.get_num_tokens_from_messages(list(messages)) + described
