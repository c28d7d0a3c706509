"""Continuous batching: requests join and leave while others go on.

A step reads a piece of the prompts that wait, at most `CHUNK` tokens, and then writes one token for
every request that runs. Prompts that begin as a known one did are read from there on; of those that
wait with the same unknown beginning one goes first, and the others find it known. Requests for
the base and for different adapters share passes, but never what was read. A model in which
sequences cannot stand side by side gets its requests one at a time, with its own kind of cache.
"""

from __future__ import annotations

import math
from collections import defaultdict, deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import torch
from transformers import DynamicCache
from transformers.cache_utils import Cache

from .adapters import Adapters
from .cache import KeysValues, SideBySide
from .prefixes import Prefixes, blocks
from .request import Row
from .sampling import draw, entropy, sampling_logprobs, self_certainty

CHUNK = 2048
"""Prompt tokens read between two steps of those that run, padding included."""
CALM = 500
"""Steps after which a batch that shrank for want of memory may grow again."""
COLDEST = 1e-5
"""A smaller temperature is greedy."""


@dataclass
class Work:
    """What was computed, in tokens and passes; of all lanes of an engine together."""

    prompt_tokens: int = 0
    """Tokens in the prompts that were read, and in continuations that were scored."""
    reused_tokens: int = 0
    """Those of them that were known from before."""
    sampled_tokens: int = 0
    passes: int = 0
    """Forward passes."""


@dataclass
class _Reading:
    """Prompts that are being read together."""

    rows: list[Row]
    cache: Cache
    known: list[int]
    """How many tokens of each prompt the cache began with."""
    ids: torch.Tensor
    """What is left to read, padded on the left, [rows, longest]."""
    real: torch.Tensor
    """Which of these are no padding."""
    done: int = 0
    """Columns that were read."""


class Lane:
    """Requests that may share passes.

    Args:
        model: the language model.
        adapters: those of the model; the requests' own must mix, or be one and the same.
        most: requests that run together at most.
        prefix_bytes: keys and values kept of what was read, for each adapter.
        work: where to count.
    """

    def __init__(
        self, model: Any, adapters: Adapters, most: int, prefix_bytes: int, work: Work
    ) -> None:
        self.model = model
        self.adapters = adapters
        self.device: torch.device = model.device
        self.whole = shares_a_batch(model.config)
        self.limit = self.most = most if self.whole else 1
        self._calm = 0
        """Steps since the batch shrank or grew."""
        self.prefixes: defaultdict[str | None, Prefixes] = defaultdict(
            lambda: Prefixes(prefix_bytes)
        )
        """What is known of the base and of each adapter."""
        self.work = work
        self.arrived: deque[Row] = deque()
        """Where any thread may put a request; the next step sees it."""
        self.waiting: deque[Row] = deque()
        self.running: list[Row] = []
        self.held: set[str | None] = set()
        """Adapters whose requests must not begin, since their weights are about to change."""
        self._reading: _Reading | None = None
        self._cache: Cache = self._new_cache()

    @property
    def busy(self) -> bool:
        """Whether there is anything to do."""
        return bool(
            self.running
            or self._reading
            or self.arrived
            or any(row.request.adapter not in self.held for row in self.waiting)
        )

    def under_way(self, adapter: str | None) -> bool:
        """Whether a request for an adapter has begun and not ended."""
        rows = [*self.running, *(self._reading.rows if self._reading else ())]
        return any(row.request.adapter == adapter for row in rows)

    @torch.inference_mode()
    def step(self) -> None:
        """Read a piece of what waits, then write a token for each that runs."""
        self._take_in()
        self._drop_cancelled()
        if self._reading is None:
            self._reading = self._admit()
        if self._reading is not None:
            self._read(self._reading)
        if self.running:
            self._write()
        if not self.running and not self._reading:
            self._cache = self._new_cache()  # a long prompt's memory is not held for ever
        self._calm += 1
        if self.most < self.limit and self._calm >= CALM:
            self.most, self._calm = min(2 * self.most, self.limit), 0

    def dismiss(self) -> list[Row]:
        """Forget what waits, and return it."""
        self._take_in()
        rows, self.waiting = list(self.waiting), deque()
        return rows

    def release(self, adapter: str | None) -> list[Row]:
        """Forget what is known of an adapter and what waits for it, and return the latter."""
        self.prefixes.pop(adapter, None)
        rows = self.dismiss()
        self.waiting.extend(row for row in rows if row.request.adapter != adapter)
        return [row for row in rows if row.request.adapter == adapter]

    def shrink(self, most: int) -> None:
        """Let fewer run together, for a while."""
        self.most, self._calm = max(most, 1), 0
        self.prefixes.clear()

    def stop(self) -> list[Row]:
        """Forget what is under way, and return what has not ended."""
        rows = [row for row in self.running if not row.ended]
        if self._reading:
            rows += [row for row in self._reading.rows if not row.ended and row not in rows]
        self.running, self._reading, self._cache = [], None, self._new_cache()
        return rows

    def _take_in(self) -> None:
        while self.arrived:
            self.waiting.append(self.arrived.popleft())

    def _new_cache(self) -> Cache:
        if self.whole:
            return SideBySide(self.device)
        return DynamicCache(config=self.model.config)

    def _drop_cancelled(self) -> None:
        self.waiting = deque(row for row in self.waiting if not row.cancelled)
        self._keep([not row.cancelled for row in self.running])
        if self._reading and all(row.cancelled for row in self._reading.rows):
            self._reading = None

    def _admit(self) -> _Reading | None:
        """The next prompts to read together: those that wait longest, as many as fit."""
        room = self.most - len(self.running)
        chosen: list[tuple[Row, int, KeysValues | None]] = []
        coming: set[tuple[str | None, int]] = set()
        longest = 0
        later: deque[Row] = deque()
        while self.waiting and len(chosen) < room:
            row = self.waiting.popleft()
            prompt, adapter = row.request.prompt, row.request.adapter
            if adapter in self.held:
                later.append(row)
                continue
            known, states = self._known(row)
            unread = blocks(prompt, len(prompt) - 1)
            new = [(adapter, chained) for chained, stop in unread if stop > known]
            size = max(longest, len(prompt) - known) * (len(chosen) + 1)
            if chosen and size > CHUNK:
                self.waiting.appendleft(row)
                break
            if self.whole and new and new[0] in coming:
                later.append(row)
                continue
            coming.update(new)
            chosen.append((row, known, states))
            longest = max(longest, len(prompt) - known)
        self.waiting.extendleft(reversed(later))
        if not chosen:
            return None
        return self._begin(chosen, longest)

    def _known(self, row: Row) -> tuple[int, KeysValues | None]:
        if not self.whole:
            return 0, None
        prompt = row.request.prompt
        return self.prefixes[row.request.adapter].find(prompt, len(prompt) - 1)

    def _begin(self, chosen: list[tuple[Row, int, KeysValues | None]], longest: int) -> _Reading:
        cache = self._new_cache()
        if isinstance(cache, SideBySide):
            cache.add([states for _, _, states in chosen])
        ids = torch.zeros(len(chosen), longest, dtype=torch.long)
        real = torch.zeros(len(chosen), longest, dtype=torch.bool)
        for i, (row, known, _) in enumerate(chosen):
            left = row.request.prompt[known:]
            ids[i, longest - len(left) :] = torch.tensor(left)
            real[i, longest - len(left) :] = True
            self.work.prompt_tokens += len(row.request.prompt)
            self.work.reused_tokens += known
        return _Reading(
            rows=[row for row, _, _ in chosen],
            cache=cache,
            known=[known for _, known, _ in chosen],
            ids=ids.to(self.device),
            real=real.to(self.device),
        )

    def _read(self, reading: _Reading) -> None:
        """Read on; when all is read, sample the first token of each and let them run."""
        longest = reading.ids.shape[1]
        piece = slice(reading.done, min(reading.done + max(CHUNK // len(reading.rows), 1), longest))
        real = reading.real[:, piece]
        known = torch.tensor(reading.known, device=self.device)[:, None]
        positions = known + reading.real.cumsum(-1)[:, piece] - 1
        positions = positions.clamp(min=0)
        logits = self._forward(reading.rows, reading.cache, reading.ids[:, piece], real, positions)
        reading.done = piece.stop
        if reading.done < longest:
            return
        self._sample(reading.rows, logits)
        going = [not row.finish and not row.cancelled for row in reading.rows]
        self._join(reading, going)
        self._reading = None
        for row in reading.rows:
            self._finish(row)

    def _join(self, reading: _Reading, going: list[bool]) -> None:
        cache = reading.cache
        if not isinstance(cache, SideBySide) or not isinstance(self._cache, SideBySide):
            self._cache = cache
            self.running = [row for row, goes in zip(reading.rows, going, strict=True) if goes]
            return
        joining = []
        for i, (row, goes) in enumerate(zip(reading.rows, going, strict=True)):
            prefixes = self.prefixes[row.request.adapter]
            unknown = not prefixes.knows(row.request.prompt)
            if goes or unknown:
                states = cache.take(i)
                if unknown:
                    prefixes.add(row.request.prompt, states)
                if goes:
                    joining.append(states)
                    self.running.append(row)
        if joining:
            self._cache.add(joining)

    def _write(self) -> None:
        ids = torch.tensor([[row.ids[-1]] for row in self.running], device=self.device)
        positions = torch.tensor([[row.position] for row in self.running], device=self.device)
        real = torch.ones_like(ids, dtype=torch.bool)
        rows = self.running
        logits = self._forward(rows, self._cache, ids, real, positions)
        self._sample(rows, logits)
        if any(row.finish for row in rows):
            self._remember(rows)
            self._keep([not row.finish for row in rows])
            for row in rows:
                self._finish(row)

    def _remember(self, rows: list[Row]) -> None:
        if isinstance(self._cache, SideBySide):
            for i, row in enumerate(rows):
                prefixes = self.prefixes[row.request.adapter]
                if row.finish and not prefixes.knows(row.read):
                    prefixes.add(row.read, self._cache.take(i))

    def _keep(self, kept: list[bool]) -> None:
        """Drop all other running rows. The last takes the place of one that is dropped."""
        rows = list(self.running)
        for i in reversed([i for i, keep in enumerate(kept) if not keep]):
            if isinstance(self._cache, SideBySide):
                self._cache.remove(i)
            rows[i] = rows[-1]
            rows.pop()
        self.running = rows

    def _finish(self, row: Row) -> None:
        if not row.finish:
            return
        try:
            row.end(row.error or row.completion())
        except Exception as error:  # a tokenizer that cannot decode, say: this one's alone
            row.end(error)

    def _forward(
        self,
        rows: list[Row],
        cache: Cache,
        ids: torch.Tensor,
        real: torch.Tensor,
        positions: torch.Tensor,
    ) -> torch.Tensor:
        """Logits [rows, vocabulary] after the last column of `ids` [rows, columns]."""
        mask = cache.open(real) if isinstance(cache, SideBySide) else None
        with self.adapters.active([row.request.adapter for row in rows]):
            out = self.model(
                input_ids=ids,
                attention_mask=mask,
                position_ids=positions,
                past_key_values=cache,
                use_cache=True,
                logits_to_keep=1,
            )
        if isinstance(cache, SideBySide):
            cache.close(real)
        self.work.passes += 1
        logits: torch.Tensor = out.logits[:, -1]
        return logits

    def _sample(self, rows: list[Row], logits: torch.Tensor) -> None:
        """Draw the next token of each row from `logits` [rows, vocabulary]."""
        logits = logits.float()
        own = logits
        if any(row.constraint for row in rows):
            allowed = torch.ones_like(logits, dtype=torch.bool)
            for i, row in enumerate(rows):
                if row.constraint:
                    try:
                        allowed[i] = row.constraint.mask().to(self.device)
                    except Exception as error:  # the others know nothing of this one's grammar
                        row.error = error
            logits = logits.masked_fill(~allowed, -torch.inf)
        temperatures = [_temperature(row) for row in rows]
        temperature = self._column(temperatures, torch.float32)
        logprobs = sampling_logprobs(
            logits,
            temperature,
            self._column((r.request.top_k for r in rows), torch.long),
            self._column((r.request.top_p for r in rows), torch.float32),
        )
        if any(temperatures):
            uniform = self._column((r.random.random() for r in rows), torch.float64)
            tokens = draw(logprobs, uniform, temperature == 0).tolist()
        else:
            tokens = logprobs.argmax(-1).tolist()
        for i, row in enumerate(rows):
            if row.constraint and not row.error:
                try:
                    token = row.constraint.accept(tokens[i])
                except Exception as error:
                    row.error = error
                    continue
                if token != tokens[i]:  # top-k and top-p may have cut what the grammar puts in
                    tokens[i] = token
                    logprobs[i] = (logits[i] / (temperatures[i] or 1.0)).log_softmax(-1)
        chosen = torch.tensor(tokens, device=self.device)[:, None]
        self._measure(rows, own)
        for row, token, logprob in zip(rows, tokens, logprobs.gather(-1, chosen)[:, 0].tolist()):
            if math.isnan(logprob):
                who = f"the adapter {row.request.adapter!r}" if row.request.adapter else "the model"
                row.error = FloatingPointError(f"{who} gives logits that are no numbers")
            row.push(token, logprob)
        self.work.sampled_tokens += len(rows)

    def _measure(self, rows: list[Row], logits: torch.Tensor) -> None:
        measured = [i for i, row in enumerate(rows) if row.request.measure]
        if measured:
            own = logits[measured].log_softmax(-1)
            each = zip(measured, entropy(own).tolist(), self_certainty(own).tolist(), strict=True)
            for i, nats, certainty in each:
                rows[i].entropy.append(nats)
                rows[i].certainty.append(certainty)
        for i, row in enumerate(rows):
            if row.request.top:
                best = logits[i].log_softmax(-1).topk(row.request.top)
                row.top.append(tuple(zip(best.indices.tolist(), best.values.tolist(), strict=True)))

    def _column(self, values: Iterable[float], dtype: torch.dtype) -> torch.Tensor:
        return torch.tensor(list(values), dtype=dtype, device=self.device)


def _temperature(row: Row) -> float:
    """The row's, or 0 where it is too small to divide by."""
    asked = row.request.temperature
    return asked if asked >= COLDEST else 0.0


def shares_a_batch(config: Any) -> bool:
    """Whether sequences of different lengths may stand side by side in a model.

    They may where every layer attends to its whole context through an attention that takes any
    mask, and where what a token's position means does not depend on its neighbours'.
    """
    attention = getattr(config, "_attn_implementation", None)
    config = config.get_text_config()
    kinds = getattr(config, "layer_types", None)
    windows = kinds is None and getattr(config, "sliding_window", None)
    ropes = str(getattr(config, "rope_parameters", None) or getattr(config, "rope_scaling", None))
    return (
        attention == "sdpa"
        and (kinds is None or set(kinds) == {"full_attention"})
        and not windows
        and not getattr(config, "alibi", False)
        and not hasattr(config, "state_size")
        and "longrope" not in ropes
        and "dynamic" not in ropes
    )
