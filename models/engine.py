"""The local engine: batched generation with a transformers causal language model.

The engine knows token ids and nothing about chat. Requests come from any thread; one worker thread
gathers those that wait into a batch, so that concurrent episodes share each forward pass.
"""

from __future__ import annotations

import queue
import random
import threading
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, DynamicCache, PreTrainedTokenizerBase

from .sampling import draw, sampling_logprobs

MAX_BATCH = 64
"""Requests generated together."""


@dataclass(frozen=True, slots=True)
class Request:
    """What to generate."""

    prompt: tuple[int, ...]
    max_tokens: int = 256
    temperature: float = 1.0
    """0 is greedy."""
    top_p: float = 1.0
    top_k: int = 0
    stop: tuple[str, ...] = ()
    """Generation ends when one of these appears; the text is cut before it."""
    seed: int = 0


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


class ContextLengthError(ValueError):
    """A prompt leaves no room in the model's context."""


class Engine:
    """A causal language model behind a queue.

    Args:
        path: a Hugging Face folder (safetensors, tokenizer with chat template).
        device: where it runs, `cpu` or `cuda`.
        max_batch: requests generated together at most.
    """

    def __init__(self, path: str, device: str = "cpu", max_batch: int = MAX_BATCH) -> None:
        self.tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(
            path, local_files_only=True
        )
        model: Any = AutoModelForCausalLM.from_pretrained(path, local_files_only=True, dtype="auto")
        self.model = model.to(device).eval()
        self.device = torch.device(device)
        self.max_batch = max_batch
        self.context: int = self.model.config.max_position_embeddings
        ends = self.model.generation_config.eos_token_id
        self.ends = frozenset(ends if isinstance(ends, list) else [ends])
        self._queue: queue.SimpleQueue[tuple[Request, Future[Completion]] | None] = (
            queue.SimpleQueue()
        )
        self._worker: threading.Thread | None = None
        self._start = threading.Lock()

    def submit(self, request: Request) -> Future[Completion]:
        """Queue a request; the future gives its completion.

        Raises:
            ContextLengthError: the prompt fills the context; nothing is computed.
        """
        if len(request.prompt) >= self.context:
            raise ContextLengthError(
                f"the prompt has {len(request.prompt)} tokens and the model's context holds "
                f"{self.context}: shorten the conversation or use a model with a longer context"
            )
        future: Future[Completion] = Future()
        with self._start:
            if self._worker is None:
                self._worker = threading.Thread(target=self._work, name="engine", daemon=True)
                self._worker.start()
            self._queue.put((request, future))
        return future

    def close(self) -> None:
        """Finish what is queued and stop the worker. Later requests start it again."""
        with self._start:
            if self._worker is not None:
                self._queue.put(None)
                self._worker.join()
                self._worker = None

    def _work(self) -> None:
        while (first := self._queue.get()) is not None:
            batch = [first]
            closing = False
            while len(batch) < self.max_batch and not self._queue.empty():
                item = self._queue.get()
                if item is None:
                    closing = True
                    break
                batch.append(item)
            wanted = [(r, f) for r, f in batch if f.set_running_or_notify_cancel()]
            try:
                for (_, future), done in zip(wanted, self.generate([r for r, _ in wanted])):
                    future.set_result(done)
            except Exception as error:  # the callers wait: whatever happened is theirs to hear
                for _, future in wanted:
                    future.set_exception(error)
            if closing:
                return

    @torch.inference_mode()
    def generate(self, requests: list[Request]) -> list[Completion]:
        """Generate for all requests in one batch, in lockstep. Rows that end leave the batch."""
        rows = [_Row(request, self) for request in requests]
        active = list(rows)
        longest = max((len(r.prompt) for r in requests), default=0)
        ids, mask = self._padded(requests, longest)
        cache = DynamicCache(config=self.model.config)
        while active:
            out = self.model(
                input_ids=ids,
                attention_mask=mask,
                position_ids=(mask.cumsum(-1) - 1).clamp(min=0)[:, -ids.shape[1] :],
                past_key_values=cache,
                use_cache=True,
                logits_to_keep=1,
            )
            temperature = self._column([r.request.temperature for r in active], torch.float32)
            logprobs = sampling_logprobs(
                out.logits[:, -1],
                temperature,
                self._column([r.request.top_k for r in active], torch.long),
                self._column([r.request.top_p for r in active], torch.float32),
            )
            uniform = self._column([r.random.random() for r in active], torch.float64)
            tokens = draw(logprobs, uniform, temperature == 0)
            chosen = logprobs.gather(-1, tokens[:, None])[:, 0].tolist()
            for row, token, logprob in zip(active, tokens.tolist(), chosen):
                row.push(token, logprob)
            going = [i for i, row in enumerate(active) if not row.finish]
            if len(going) < len(active):
                kept = torch.tensor(going, dtype=torch.long, device=self.device)
                tokens, mask = tokens[kept], mask[kept]
                if going:
                    cache.batch_select_indices(kept)
                active = [active[i] for i in going]
            ids = tokens[:, None]
            mask = torch.cat([mask, mask.new_ones(len(active), 1)], dim=-1)
        return [row.completion() for row in rows]

    def _padded(self, requests: list[Request], longest: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Prompts padded on the left, and their attention mask, both [batch, longest]."""
        ids = torch.zeros(len(requests), longest, dtype=torch.long)
        mask = torch.zeros_like(ids)
        for i, request in enumerate(requests):
            ids[i, longest - len(request.prompt) :] = torch.tensor(request.prompt)
            mask[i, longest - len(request.prompt) :] = 1
        return ids.to(self.device), mask.to(self.device)

    def _column(self, values: list[Any], dtype: torch.dtype) -> torch.Tensor:
        return torch.tensor(values, dtype=dtype, device=self.device)


class _Row:
    """One request on its way."""

    def __init__(self, request: Request, engine: Engine) -> None:
        self.request = request
        self.engine = engine
        self.random = random.Random(request.seed)
        self.limit = min(request.max_tokens, engine.context - len(request.prompt))
        self.ids: list[int] = []
        self.logprobs: list[float] = []
        self.finish = ""

    def push(self, token: int, logprob: float) -> None:
        self.ids.append(token)
        self.logprobs.append(logprob)
        if token in self.engine.ends or (self.request.stop and self._stop_at() is not None):
            self.finish = "stop"
        elif len(self.ids) >= self.limit:
            self.finish = "length"

    def completion(self) -> Completion:
        text = self._text()
        return Completion(
            ids=tuple(self.ids),
            logprobs=tuple(self.logprobs),
            text=text[: self._stop_at()] if self.request.stop else text,
            finish=self.finish,
        )

    def _text(self) -> str:
        text = self.engine.tokenizer.decode(self.ids, skip_special_tokens=True)
        assert isinstance(text, str)
        return text

    def _stop_at(self) -> int | None:
        text = self._text()
        found = [at for at in map(text.find, self.request.stop) if at >= 0]
        return min(found, default=None)
