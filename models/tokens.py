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

from .base import ChatModel

TokenCounter = Callable[[Sequence[BaseMessage]], int]
"""From a conversation to its tokens."""


def token_counter(model: BaseChatModel, tools: Sequence[BaseTool] = ()) -> TokenCounter:
    """How `model` counts what it reads, when it may call `tools`.

    Without a counter of its own, a model's tokens are estimated (four characters each, and three a
    message, by langchain-core); so are the tools of hosted models.
    """

    def own(messages: Sequence[BaseMessage]) -> int:
        return model.get_num_tokens_from_messages(list(messages), list(tools) or None)

    def hosted(messages: Sequence[BaseMessage]) -> int:
        return model.get_num_tokens_from_messages(list(messages)) + described

    def estimated(messages: Sequence[BaseMessage]) -> int:
        return count_tokens_approximately(messages) + described

    counts = type(model).get_num_tokens_from_messages
    if counts is BaseLanguageModel.get_num_tokens_from_messages:
        described = count_tokens_approximately([], tools=list(tools))
        return hosted if model.custom_get_token_ids else estimated
    if isinstance(model, ChatModel):
        return own
    described = count_tokens_approximately([], tools=list(tools))
    return hosted
