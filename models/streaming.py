"""Text as it is sampled, token by token."""

from __future__ import annotations

from collections.abc import Sequence

from transformers import PreTrainedTokenizerBase


class Pieces:
    """Cuts a growing reply into pieces that stay as they are.

    Held back are bytes of an unfinished character, and what may be the beginning of a stop string.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase, stop: Sequence[str]) -> None:
        self._tokenizer = tokenizer
        self._stop = stop
        self._ids: list[int] = []
        self._said = 0

    def push(self, token: int) -> str:
        """The text that is certain now and was not before."""
        self._ids.append(token)
        text = self._tokenizer.decode(self._ids, skip_special_tokens=True)
        assert isinstance(text, str)
        whole = text.rstrip("\ufffd")
        certain = len(whole)
        for stop in self._stop:
            begins = (n for n in range(len(stop), 0, -1) if whole.endswith(stop[:n]))
            found = whole.find(stop)
            certain = min(certain, found if found >= 0 else len(whole) - next(begins, 0))
        return self._until(text, certain)

    def rest(self, text: str) -> str:
        """What is left to say of the whole reply."""
        return self._until(text, len(text))

    def _until(self, text: str, end: int) -> str:
        piece = text[self._said : end]
        self._said = max(self._said, end)
        return piece
