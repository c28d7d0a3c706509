"""Supervised rows of conversations that nobody sampled as they stand.

A trained message is laid out as it would have been sampled: after the prompt that the chat template
makes of all messages before it, its own tokens, then the end token. Texts that spell a special
token stay text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from langchain_core.messages import BaseMessage, convert_to_messages
from transformers import PreTrainedTokenizerBase

from ...episodes import Turn
from ...models.prompt import PromptWriter
from ..sample import Row


def written(
    tokenizer: PreTrainedTokenizerBase,
    messages: Sequence[BaseMessage],
    trained: Sequence[bool],
    *,
    agent: str = "",
    policy: str = "",
    extras: Mapping[str, float] | None = None,
) -> list[Row]:
    """The rows of a conversation: one, as long as each prompt goes on from the tokens before it.

    Args:
        tokenizer: with the chat template of the model that is trained.
        messages: the conversation. Messages with text alone can be trained.
        trained: of each message, whether its tokens are targets; only an assistant's may be.
        agent: whose words the targets are.
        policy: the weights that are trained.
        extras: further numbers of the rows.

    Raises:
        ValueError: nothing is trained, a trained message is not an assistant's or calls tools, or
            there are not as many marks as messages.
    """
    if len(trained) != len(messages):
        raise ValueError(f"{len(trained)} marks for {len(messages)} messages")
    writer = PromptWriter(tokenizer)
    rows: list[tuple[list[int], list[bool]]] = []
    for place, (message, wanted) in enumerate(zip(messages, trained, strict=True)):
        if not wanted:
            continue
        prompt = writer.ids(messages[:place])
        completion = _completion(tokenizer, message)
        if rows and prompt[: len(rows[-1][0])] == rows[-1][0]:
            ids, mask = rows[-1]
            mask += [False] * (len(prompt) - len(ids)) + [True] * len(completion)
            ids += prompt[len(ids) :] + completion
        else:
            rows.append((prompt + completion, [False] * len(prompt) + [True] * len(completion)))
    if not rows:
        raise ValueError("no message of the conversation is trained")
    return [
        Row(tuple(ids), tuple(mask), agent=agent, policy=policy, extras=dict(extras or {}))
        for ids, mask in rows
    ]


def _completion(tokenizer: PreTrainedTokenizerBase, message: BaseMessage) -> list[int]:
    calls: Any = getattr(message, "tool_calls", None)
    if message.type != "ai" or calls:
        raise ValueError(f"a trained message is an assistant's text, and this is {message!r}")
    return completion_ids(tokenizer, message.text)


def completion_ids(tokenizer: PreTrainedTokenizerBase, text: str) -> list[int]:
    """A reply's own tokens and the end token, as it would have been sampled."""
    ids: list[int] = tokenizer.encode(text, add_special_tokens=False, split_special_tokens=True)
    return [*ids, tokenizer.eos_token_id]


def reply_text(turn: Turn) -> str:
    """The text of what a turn replied; empty where the call failed."""
    if turn.reply is None:
        return ""
    (message,) = convert_to_messages([turn.reply])
    return message.text
