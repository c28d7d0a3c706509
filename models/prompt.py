"""A conversation as a chat template writes it, in token ids that nobody can forge.

Messages quote what users, tools and other models said. Where such a text spells a special token
(an end mark, a role), a tokenizer would take it for the real one, and the text could begin a turn
of its own. Here it stays text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from langchain_core.messages import BaseMessage
from transformers import PreTrainedTokenizerBase

from .tool_calls import template_messages

OPEN, CLOSE = "\ue000", "\ue001"
"""Marks around the number of a special token that is meant as text; from a private-use area."""


def prompt_ids(
    tokenizer: PreTrainedTokenizerBase,
    messages: Sequence[BaseMessage],
    tools: Sequence[dict[str, Any]] | None = None,
) -> list[int]:
    """The ids of the whole prompt, up to where the reply begins."""
    special = sorted(
        {str(token) for token in tokenizer.added_tokens_decoder.values() if token.special}
    )
    quoted = re.compile("|".join(map(re.escape, sorted(special, key=len, reverse=True))) or r"$^")
    conversation = template_messages(messages)
    marked = _replaced(
        conversation, quoted, lambda found: f"{OPEN}{special.index(found[0])}{CLOSE}"
    )
    text = tokenizer.apply_chat_template(
        marked, tools=list(tools) if tools else None, add_generation_prompt=True, tokenize=False
    )
    assert isinstance(text, str)
    ids: list[int] = []
    marks = re.compile(f"{OPEN}({'|'.join(map(str, range(len(special))))}){CLOSE}")
    for number, piece in enumerate(marks.split(text)):
        as_text = number % 2 == 1
        ids += tokenizer.encode(
            special[int(piece)] if as_text else piece,
            add_special_tokens=False,
            split_special_tokens=as_text,
        )
    return ids


def _replaced(value: Any, pattern: re.Pattern[str], write: Callable[[re.Match[str]], str]) -> Any:
    """`value` with what `pattern` finds in its texts written anew."""
    if isinstance(value, str):
        return pattern.sub(write, value)
    if isinstance(value, Mapping):
        return {name: _replaced(held, pattern, write) for name, held in value.items()}
    if isinstance(value, list):
        return [_replaced(held, pattern, write) for held in value]
    return value
