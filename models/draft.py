"""A reply that is written in pieces: sampled, interrupted, added to, gone on with.

What methods of segmented generation need: write up to a stop string, look at what is there, put in
a text of one's own, and let the model go on from exactly those tokens.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.runnables import RunnableConfig

from .local import LocalChatModel


@dataclass
class Draft:
    """A reply to some messages, as far as it is written.

    Args:
        model: who writes.
        messages: what it replies to.
        config: the run's config, for the recorder and the seed.
    """

    model: LocalChatModel
    messages: Sequence[BaseMessage]
    config: RunnableConfig | None = None
    ids: list[int] = field(default_factory=list)
    """The tokens of the reply so far."""
    sampled: list[bool] = field(default_factory=list)
    """Which of them the model sampled; the others were put in."""
    ended: bool = False
    """Whether the model ended the reply."""

    @property
    def text(self) -> str:
        """The reply so far, without special tokens."""
        return self.text_of(self.ids)

    def text_of(self, ids: Sequence[int]) -> str:
        """The text of some of its tokens, without special tokens."""
        text = self.model.engine.tokenizer.decode(list(ids), skip_special_tokens=True)
        assert isinstance(text, str)
        return text

    def encoded(self, text: str) -> list[int]:
        """The tokens that `inject` puts in for a text."""
        ids: list[int] = self.model.engine.tokenizer.encode(text, add_special_tokens=False)
        return ids

    async def write(self, stop: Sequence[str] = (), **options: Any) -> AIMessage:
        """Let the model go on, until a stop string, the end or its `max_tokens`.

        The tokens of a stop string stay in the draft: they were sampled.

        Args:
            options: for this piece: `max_tokens`, `temperature`, ...

        Returns:
            The piece, with its tokens and log-probabilities, as any reply of the model.

        Raises:
            ValueError: the reply has ended.
        """
        if self.ended:
            raise ValueError("the reply has ended; inject a text to take its end back and go on")
        piece = await self.model.ainvoke(
            list(self.messages),
            self.config,
            stop=list(stop) or None,
            prefix=tuple(self.ids),
            **options,
        )
        ids = piece.response_metadata["tokens"]["completion_ids"]
        self._add(ids, sampled=True)
        self.ended = bool(ids) and ids[-1] in self.model.engine.ends
        return piece

    def inject(self, text: str) -> None:
        """Put in a text, as if it had been written. An end mark before it is taken back."""
        if self.ended:
            self.ids.pop()
            self.sampled.pop()
            self.ended = False
        self._add(self.encoded(text), sampled=False)

    def _add(self, ids: Sequence[int], sampled: bool) -> None:
        self.ids += ids
        self.sampled += [sampled] * len(ids)
