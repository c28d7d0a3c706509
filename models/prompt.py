"""A conversation as a chat template writes it, in token ids that nobody can forge.

Messages quote what users, tools and other models said. Where such a text spells a special token
(an end mark, a role), a tokenizer would take it for the real one, and the text could begin a turn
of its own. Here it stays text.

A tokenizer cuts a text at its added tokens before all else, and encodes what is between them piece
by piece. So a piece that was met in an earlier prompt, as all but the last of a long conversation
were, is not encoded again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from langchain_core.messages import BaseMessage
from transformers import AddedToken, PreTrainedTokenizerBase

from .tool_calls import template_messages

OPEN, CLOSE = "\ue000", "\ue001"
"""Marks around the number of a special token that is meant as text; from a private-use area."""
KNOWN = 4096
"""Pieces of text whose ids are kept."""


class PromptWriter:
    """Writes the prompts of one tokenizer's chat template."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        self._tokenizer = tokenizer
        added = list(tokenizer.added_tokens_decoder.values())
        self._special = sorted({str(token) for token in added if token.special})
        self._quoted = re.compile(_any_of(self._special) or r"$^")
        numbers = "|".join(map(str, range(len(self._special))))
        self._marks = re.compile(f"{OPEN}({numbers or '$^'}){CLOSE}")
        self._added = {str(token): at for at, token in tokenizer.added_tokens_decoder.items()}
        apart = tokenizer.is_fast and added and all(map(_stands_alone, added))
        self._cuts = re.compile(f"({_any_of(self._added)})") if apart else None
        self._known = lru_cache(KNOWN)(self._encoded)

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
            if number % 2:
                ids += self._tokenizer.encode(
                    self._special[int(piece)], add_special_tokens=False, split_special_tokens=True
                )
            else:
                ids += self._piecewise(piece)
        return ids

    def _piecewise(self, text: str) -> list[int]:
        if self._cuts is None:
            return list(self._encoded("", text))
        before, ids = "", []
        for number, piece in enumerate(self._cuts.split(text)):
            if number % 2:
                before = piece
                ids.append(self._added[piece])
            elif piece:
                ids += self._known(before, piece)
        return ids

    def _encoded(self, before: str, text: str) -> tuple[int, ...]:
        """The ids of a text: at the very beginning they may be others than behind a token."""
        ids = self._tokenizer.encode(before + text, add_special_tokens=False)
        return tuple(ids[1:] if before else ids)

    def _mark(self, found: re.Match[str]) -> str:
        return f"{OPEN}{self._special.index(found[0])}{CLOSE}"


def _any_of(tokens: Iterable[str]) -> str:
    """A pattern that finds the longest of some tokens."""
    return "|".join(map(re.escape, sorted(tokens, key=len, reverse=True)))


def _stands_alone(token: AddedToken) -> bool:
    """Whether a tokenizer finds an added token wherever it is written, and nothing besides."""
    return not (token.normalized or token.lstrip or token.rstrip or token.single_word)


def _replaced(value: Any, pattern: re.Pattern[str], write: Callable[[re.Match[str]], str]) -> Any:
    """`value` with what `pattern` finds in its texts written anew."""
    if isinstance(value, str):
        return pattern.sub(write, value)
    if isinstance(value, Mapping):
        return {name: _replaced(held, pattern, write) for name, held in value.items()}
    if isinstance(value, list):
        return [_replaced(held, pattern, write) for held in value]
    return value
