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


class PromptWriter:
    """Writes the prompts of one tokenizer's chat template."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        self._tokenizer = tokenizer
        added = tokenizer.added_tokens_decoder.values()
        self._special = sorted({str(token) for token in added if token.special})
        longest_first = sorted(self._special, key=len, reverse=True)
        self._quoted = re.compile("|".join(map(re.escape, longest_first)) or r"$^")
        numbers = "|".join(map(str, range(len(self._special))))
        self._marks = re.compile(f"{OPEN}({numbers or '$^'}){CLOSE}")

    def ids(
        self, messages: Sequence[BaseMessage], tools: Sequence[dict[str, Any]] | None = None
    ) -> list[int]:
        """The ids of the whole prompt, up to where the reply begins."""
        text = self._tokenizer.apply_chat_template(
            _replaced(template_messages(messages), self._quoted, self._mark),
            tools=list(tools) if tools else None,
            add_generation_prompt=True,
            tokenize=False,
        )
        assert isinstance(text, str)
        ids: list[int] = []
        for number, piece in enumerate(self._marks.split(text)):
            as_text = number % 2 == 1
            ids += self._tokenizer.encode(
                self._special[int(piece)] if as_text else piece,
                add_special_tokens=False,
                split_special_tokens=as_text,
            )
        return ids

    def _mark(self, found: re.Match[str]) -> str:
        return f"{OPEN}{self._special.index(found[0])}{CLOSE}"


def _replaced(value: Any, pattern: re.Pattern[str], write: Callable[[re.Match[str]], str]) -> Any:
    """`value` with what `pattern` finds in its texts written anew."""
    if isinstance(value, str):
        return pattern.sub(write, value)
    if isinstance(value, Mapping):
        return {name: _replaced(held, pattern, write) for name, held in value.items()}
    if isinstance(value, list):
        return [_replaced(held, pattern, write) for held in value]
    return value
