"""What is asked of the engine, and what comes of it."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Collection
from concurrent.futures import Future
from dataclasses import dataclass

from transformers import PreTrainedTokenizerBase

from .grammar import Constraint, Grammar

Listener = Callable[[int], None]
"""Hears of each token as it is sampled, in the engine's thread."""


@dataclass(frozen=True, slots=True)
class Request:
    """What to generate.

    Raises:
        ValueError: a number is out of range.
    """

    prompt: tuple[int, ...]
    max_tokens: int = 256
    temperature: float = 1.0
    """0 is greedy."""
    top_p: float = 1.0
    top_k: int = 0
    stop: tuple[str, ...] = ()
    """Generation ends when one of these appears; the text is cut before it."""
    seed: int = 0
    grammar: Grammar | None = None
    """What the text must follow."""
    adapter: str | None = None
    """The LoRA adapter that answers; None for the model itself."""
    measure: bool = False
    """Take the full-vocabulary measures at every token."""
    top: int = 0
    """How many of the likeliest tokens to report at every token."""

    def __post_init__(self) -> None:
        in_range = {
            "max_tokens": self.max_tokens >= 1,
            "temperature": 0 <= self.temperature < math.inf,
            "top_p": 0 < self.top_p <= 1,
            "top_k": self.top_k >= 0,
            "top": self.top >= 0,
        }
        for name, fine in in_range.items():
            if not fine:
                raise ValueError(f"{name}={getattr(self, name)} is out of range")


@dataclass(frozen=True, slots=True)
class Measures:
    """Of the model's own distribution p over the vocabulary V (no temperature), at each token."""

    entropy: tuple[float, ...]
    """-sum p log p, in nats."""
    self_certainty: tuple[float, ...]
    """KL(uniform || p) = -log |V| - mean log p, in nats (Kang et al. 2025, arXiv 2502.18581)."""


@dataclass(frozen=True, slots=True)
class Completion:
    """What was generated."""

    ids: tuple[int, ...]
    """Sampled ids, the end token included when there was one."""
    logprobs: tuple[float, ...]
    """Under the distribution sampled from; for greedy requests, under the model's own."""
    text: str
    """Without special tokens, cut before the stop string."""
    finish: str
    """`stop` or `length`."""
    measures: Measures | None = None
    """When they were asked for."""
    top: tuple[tuple[tuple[int, float], ...], ...] = ()
    """At each token the likeliest ids and their log-probabilities, likeliest first."""


class Row:
    """One request on its way.

    Args:
        ends: ids of the tokens that end a reply.
        silent: ids of special tokens, which write no text.
        limit: tokens that the reply may have.
        begin: makes the constraint of the request's grammar.
    """

    def __init__(
        self,
        request: Request,
        tokenizer: PreTrainedTokenizerBase,
        ends: Collection[int],
        silent: Collection[int],
        limit: int,
        begin: Callable[[], Constraint | None],
        listener: Listener | None,
    ) -> None:
        self.request = request
        self.future: Future[Completion] = Future()
        self._heard = 0
        self._settled = False
        self._tokenizer = tokenizer
        self._ends = ends
        self._silent = silent
        self._limit = limit
        self._begin = begin
        self._listener = listener
        self._window = 4 + max((len(stop.encode()) for stop in request.stop), default=0)
        self.restart()

    def restart(self) -> None:
        """Begin again; the same seed gives the same tokens. What was heard is not said twice."""
        self.random = random.Random(self.request.seed)
        self.constraint = self._begin()
        self.ids: list[int] = []
        self.logprobs: list[float] = []
        self.entropy: list[float] = []
        self.certainty: list[float] = []
        self.top: list[tuple[tuple[int, float], ...]] = []
        self.finish = ""
        self.error: Exception | None = None

    @property
    def ended(self) -> bool:
        """Whether the caller was told what came of it."""
        return self._settled

    @property
    def cancelled(self) -> bool:
        """Whether nobody wants it any more."""
        if self.future.cancelled() and not self._settled:
            self._settle()
        return self.future.cancelled()

    def end(self, outcome: Completion | Exception) -> None:
        """Give the caller what came of it, unless it was cancelled."""
        if self.cancelled or not self._settle():
            return
        if isinstance(outcome, Exception):
            self.future.set_exception(outcome)
        else:
            self.future.set_result(outcome)

    def _settle(self) -> bool:
        """From now on the request cannot be cancelled; if it was, tell those who wait."""
        self._settled = True
        return self.future.set_running_or_notify_cancel()

    @property
    def position(self) -> int:
        """Where the last token stands, from 0."""
        return len(self.request.prompt) + len(self.ids) - 1

    @property
    def read(self) -> tuple[int, ...]:
        """The tokens whose keys and values the model has made: all but the last."""
        return (*self.request.prompt, *self.ids[:-1])

    def push(self, token: int, logprob: float) -> None:
        """The next token came."""
        self.ids.append(token)
        self.logprobs.append(logprob)
        if self.error or token in self._ends or self._stops():
            self.finish = "stop"
        elif len(self.ids) >= self._limit:
            self.finish = "length"
        if self._listener is not None and len(self.ids) > self._heard:
            self._heard += 1
            try:
                self._listener(token)
            except BaseException as error:  # the others have nothing to do with it
                self.error, self.finish = RuntimeError(f"the listener failed: {error!r}"), "stop"

    def completion(self) -> Completion:
        """What was generated, when it is finished."""
        text = self._decode(self.ids)
        ends = [at for at in map(text.find, self.request.stop) if at >= 0]
        measures = Measures(tuple(self.entropy), tuple(self.certainty))
        return Completion(
            ids=tuple(self.ids),
            logprobs=tuple(self.logprobs),
            text=text[: min(ends)] if ends else text,
            finish=self.finish,
            measures=measures if self.request.measure else None,
            top=tuple(self.top),
        )

    def _stops(self) -> bool:
        """Whether a stop string ends with the last token. A token that is not special writes a
        byte at least, so the last few suffice."""
        if not self.request.stop:
            return False
        recent = self.ids[-8 * self._window :]
        written = [token for token in recent if token not in self._silent]
        tail = self._decode(written[-self._window :])
        return any(stop in tail for stop in self.request.stop)

    def _decode(self, ids: list[int]) -> str:
        text = self._tokenizer.decode(ids, skip_special_tokens=True)
        assert isinstance(text, str)
        return text
