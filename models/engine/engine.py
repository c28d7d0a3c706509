"""The local engine: continuous batching of a transformers causal language model, in one thread.

The engine knows token ids and nothing about chat. Requests come from any thread; its worker lets
them join and leave the batch as they come and end (`lane`). LoRA adapters that peft can mix share
the base's lane; each of the others has a lane of its own, and the lanes take turns.

transformers' own continuous batching gives neither seeds per request nor token masks, and is slower
here; `benchmarks/perf/engine.py` compares.
"""

from __future__ import annotations

import gc
import threading
import weakref
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import cached_property
from inspect import signature
from typing import Any, TypeVar

import torch
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    PreTrainedTokenizerBase,
    PreTrainedTokenizerFast,
)

from .adapters import Adapters
from .grammar import Constraint, GrammarError, Grammars
from .lane import Lane, Work
from .memory import Trimmer
from .request import Completion, Listener, Request, Row
from .scores import score, score_apart

MAX_BATCH = 128
"""Requests that run together."""
MAX_WAITING = 4096
"""Requests that may wait; further ones block their caller."""
PREFIX_BYTES = 256 * 1024**2
"""Keys and values that are kept of what was read, for each adapter."""
IDLE_SECONDS = 1.0
"""How long the worker waits for something to do before it goes."""
T = TypeVar("T")


class ContextLengthError(ValueError):
    """A prompt leaves no room in the model's context."""


class EngineMemoryError(MemoryError):
    """The device's memory did not suffice, not even for a smaller batch."""


class Engine:
    """A causal language model behind a queue.

    Args:
        path: a Hugging Face folder (safetensors, tokenizer).
        device: where it runs, `cpu` or `cuda`.
        max_batch: requests that run together at most.
        max_waiting: requests that may wait; `submit` blocks while there are as many.
        prefix_bytes: keys and values kept of what was read, for each adapter; 0 for none.

    Raises:
        ValueError: the model has no keys and values (a state-space model, say).
    """

    def __init__(
        self,
        path: str,
        device: str = "cpu",
        *,
        max_batch: int = MAX_BATCH,
        max_waiting: int = MAX_WAITING,
        prefix_bytes: int = PREFIX_BYTES,
    ) -> None:
        self.tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(
            path, local_files_only=True
        )
        model: Any = AutoModelForCausalLM.from_pretrained(path, local_files_only=True, dtype="auto")
        if "past_key_values" not in signature(model.forward).parameters:
            raise ValueError(
                f"{path} holds a {type(model).__name__}, which keeps its past in a way that the "
                "engine does not know: serve it with vLLM"
            )
        self.model = model.to(device).eval()
        self.max_batch = max_batch
        self.max_waiting = max_waiting
        self.prefix_bytes = prefix_bytes
        self.context: int = self.model.config.get_text_config().max_position_embeddings
        ends = self.model.generation_config.eos_token_id
        self.ends = frozenset(ends if isinstance(ends, list) else [ends]) - {None}
        self._silent = frozenset(self.tokenizer.all_special_ids)
        self.vocabulary: int = self.model.get_output_embeddings().weight.shape[0]
        self.work = Work()
        self.adapters = Adapters(self.model)
        self._lanes: dict[str | None, Lane] = {None: self._lane()}
        """By adapter; those that mix have the base's."""
        self._jobs: deque[_Job] = deque()
        self._wake = threading.Condition()
        """Guards the lanes' queues, the jobs and the worker."""
        self._worker: threading.Thread | None = None
        self._closing = False
        self._memory = Trimmer()
        self._leaving = threading.Event()
        """Whether Python ends."""

    @cached_property
    def grammars(self) -> Grammars:
        """The grammars of this model's tokenizer.

        Raises:
            GrammarError: the tokenizer is a slow one, whose bytes are not known, or the model has
                no end token.
        """
        if not self.ends:
            raise GrammarError(
                "the model's generation config names no eos_token_id, with which a reply that "
                "follows a grammar ends"
            )
        if not isinstance(self.tokenizer, PreTrainedTokenizerFast):
            raise GrammarError(
                f"{type(self.tokenizer).__name__} is no fast tokenizer, which grammars need: "
                "save the model with its tokenizer.json"
            )
        return Grammars(self.tokenizer, self.vocabulary, self.ends)

    @property
    def full(self) -> bool:
        """Whether `submit` would block."""
        waiting = (len(lane.arrived) + len(lane.waiting) for lane in self._each_lane)
        return sum(waiting) >= self.max_waiting

    def submit(self, request: Request, listener: Listener | None = None) -> Future[Completion]:
        """Queue a request; the future gives its completion, and cancels it at any time.

        Blocks while `max_waiting` requests wait.

        Args:
            listener: hears of each token as it is sampled, in the engine's thread.

        Raises:
            ContextLengthError: the prompt fills the context; nothing is computed.
            GrammarError: no reply that follows the grammar fits in `max_tokens`.
            ValueError: the prompt is empty, there is no such adapter, or there are stop strings
                beside a grammar.
        """
        length = len(request.prompt)
        if not length:
            raise ValueError("the prompt has no tokens: there is nothing to go on from")
        if length >= self.context:
            raise ContextLengthError(
                f"the prompt has {length} tokens and the model's context holds "
                f"{self.context}: shorten the conversation or use a model with a longer context"
            )
        if request.grammar and request.stop:
            raise ValueError("a reply that follows a grammar takes no stop strings: leave one out")
        if not 0 <= min(request.prompt) <= max(request.prompt) < self.vocabulary:
            raise ValueError(
                f"the prompt has token ids from {min(request.prompt)} to {max(request.prompt)}; "
                f"the vocabulary has 0 to {self.vocabulary - 1}"
            )
        if request.top > self.vocabulary:
            raise ValueError(f"top={request.top}: the vocabulary has {self.vocabulary} tokens")
        row = self._row(request, listener)
        with self._wake:
            if not self._in_worker:  # which would wait for itself
                self._wake.wait_for(lambda: not self.full)
            self.adapters.check(request.adapter)
            self._lanes[request.adapter].arrived.append(row)
            self._start()
        return row.future

    def generate(self, requests: Sequence[Request]) -> list[Completion]:
        """The completions of all requests, in their order."""
        futures = [self.submit(request) for request in requests]
        return [future.result() for future in futures]

    def score(
        self, prompt: Sequence[int], continuations: Sequence[Sequence[int]]
    ) -> list[tuple[float, ...]]:
        """How likely given continuations of a prompt are, by the model without its adapters.

        The prompt is read once, where sequences may stand side by side.

        Returns:
            For each continuation the log-probabilities of its tokens, each given all before it.

        Raises:
            ContextLengthError: prompt and continuation do not fit in the context.
            ValueError: the prompt or a continuation is empty.
        """
        if not prompt or not all(continuations):
            raise ValueError("scores need a prompt and continuations of at least one token")
        self._check_length(len(prompt) + max(map(len, continuations), default=0))

        def run() -> list[list[float]]:
            base = self._lanes[None]
            with self.adapters.active([None]):
                if base.whole:
                    known = base.prefixes[None]
                    return score(self.model, known, self.work, prompt, continuations)
                return score_apart(self.model, self.work, prompt, continuations)

        return [tuple(each) for each in self._between_steps(run)]

    def hidden(self, ids: Sequence[int], layer: int = -1) -> torch.Tensor:
        """Hidden states [tokens, width] after a layer of the model without its adapters.

        Args:
            layer: 0 is the embeddings, 1 the first layer; -1 the last, after its norm.

        Raises:
            ContextLengthError: the tokens do not fit in the context.
        """
        self._check_length(len(ids))

        def run() -> torch.Tensor:
            with torch.inference_mode(), self.adapters.active([None]):
                given = torch.tensor([ids], device=self.model.device)
                states = self.model(given, output_hidden_states=True).hidden_states
                hidden: torch.Tensor = states[layer][0].cpu()
                return hidden

        return self._between_steps(run)

    def load_adapter(self, name: str, path: str) -> None:
        """Load a LoRA adapter, or a new version of it, from a peft folder.

        It waits for the requests for an older version that are under way; those that have not begun
        are answered by the new one.

        Raises:
            ValueError: the folder holds no adapter, or one that does not fit this model.
        """

        def load() -> None:
            self.adapters.load(name, path)
            with self._wake:
                older = self._lanes.get(name)
                rows = older.release(name) if older else []
                base = self._lanes[None]
                lane = base if base.whole and self.adapters.mixes(name) else self._lane()
                lane.waiting.extend(rows)
                self._lanes[name] = lane

        self._between_steps(load, [name])

    def unload_adapter(self, name: str) -> None:
        """Forget an adapter. Requests for it that are under way end before; those that wait fail.

        Raises:
            ValueError: there is no such adapter.
        """

        def unload() -> None:
            with self._wake:
                self.adapters.unload(name)
                rows = self._lanes.pop(name).release(name)
            for row in rows:
                row.end(ValueError(f"the adapter {name!r} was unloaded"))

        self.adapters.check(name)
        self._between_steps(unload, [name])

    def reload(self, path: str) -> None:
        """Take over the weights of another folder of the same architecture.

        It waits for the requests that are under way; those that have not begun get the new weights.

        Raises:
            ValueError: the weights do not fit, or an adapter is loaded.
        """
        new = AutoModelForCausalLM.from_pretrained(path, local_files_only=True, dtype="auto")

        def take_over() -> None:
            if self.adapters.names:
                raise ValueError(f"unload the adapters first: {', '.join(self.adapters.names)}")
            given, held = new.state_dict(), self.model.state_dict()
            for name in sorted({*given, *held}):
                there, here = (_shape(weights, name) for weights in (given, held))
                if there != here:
                    raise ValueError(
                        f"the weights in {path} do not fit this model: the shape of {name} is "
                        f"{there} there and {here} here"
                    )
            self.model.load_state_dict(given)
            self._lanes[None].prefixes.clear()

        self._between_steps(take_over, [None])

    def close(self) -> None:
        """Finish what is queued and stop the worker. Later requests start it again.

        Raises:
            RuntimeError: the engine's own thread called, from a callback.
        """
        if self._in_worker:
            raise RuntimeError("the engine cannot wait for itself: close it from another thread")
        with self._wake:
            worker = self._worker
            self._closing = True
            self._wake.notify_all()
        if worker is not None:
            worker.join()
        self._closing = False

    def _lane(self) -> Lane:
        return Lane(self.model, self.adapters, self.max_batch, self.prefix_bytes, self.work)

    @property
    def _each_lane(self) -> list[Lane]:
        return list(dict.fromkeys(self._lanes.values()))

    def _row(self, request: Request, listener: Listener | None) -> Row:
        limit = min(request.max_tokens, self.context - len(request.prompt))

        def begin() -> Constraint | None:
            if request.grammar is None:
                return None
            return self.grammars.constraint(request.grammar, limit)

        return Row(request, self.tokenizer, self.ends, self._silent, limit, begin, listener)

    def _check_length(self, tokens: int) -> None:
        if tokens > self.context:
            raise ContextLengthError(
                f"there are {tokens} tokens and the model's context holds {self.context}"
            )

    def _between_steps(self, do: Callable[[], T], adapters: Sequence[str | None] = ()) -> T:
        """Let the worker do something while nothing for these adapters is under way."""
        if self._in_worker:
            if adapters:
                raise RuntimeError("the engine cannot wait for itself: call from another thread")
            return do()
        future: Future[T] = Future()
        with self._wake:
            self._jobs.append(_Job(do, adapters, future))
            self._start()
        return future.result()

    def _start(self) -> None:
        """See to it that the worker runs and looks around. The lock is held."""
        if self._worker is None:
            self._worker = threading.Thread(target=self._run, name="engine", daemon=True)
            self._worker.start()
            self._goodbye = weakref.finalize(self, _leave, self._leaving, self._worker)
        self._wake.notify_all()

    def _run(self) -> None:
        while not self._leaving.is_set():
            with self._wake:
                self._wake.wait_for(lambda: self._closing or self._busy, IDLE_SECONDS)
                if not self._busy:
                    self._worker = None
                    self._goodbye.detach()
                    break
            self._do_jobs()
            for lane in self._each_lane:
                if lane.busy:
                    self._step(lane)
            with self._wake:
                self._wake.notify_all()
            self._memory.now_and_then()
        self._memory.now()

    @property
    def _in_worker(self) -> bool:
        return threading.current_thread() is self._worker

    @property
    def _busy(self) -> bool:
        return bool(self._jobs) or any(lane.busy for lane in self._each_lane)

    def _do_jobs(self) -> None:
        for job in list(self._jobs):
            lanes = {name: self._lanes[name] for name in job.adapters if name in self._lanes}
            for name, lane in lanes.items():
                lane.held.add(name)
            if any(lane.under_way(name) for name, lane in lanes.items()):
                continue
            self._jobs.remove(job)
            try:
                job.future.set_result(job.do())
            except Exception as error:  # the caller waits: whatever happened is theirs to hear
                job.future.set_exception(error)
            for name, lane in lanes.items():
                lane.held.discard(name)

    def _step(self, lane: Lane) -> None:
        try:
            lane.step()
        except torch.OutOfMemoryError:
            self._retry_smaller(lane)
        except Exception as error:  # the callers wait: whatever happened is theirs to hear
            for row in lane.stop() or lane.dismiss():
                row.end(error)

    def _retry_smaller(self, lane: Lane) -> None:
        """The memory did not suffice: half as many run together, and begin again. One that had the
        batch to itself fails."""
        rows = lane.stop()
        lane.shrink(len(rows) // 2)
        gc.collect()
        torch.cuda.empty_cache()
        if len(rows) == 1:
            length = len(rows[0].request.prompt)
            message = (
                f"{self.model.device} has too little memory for a prompt of {length} tokens, also "
                "with no other in the batch: use a smaller model, a shorter prompt or a device "
                "with more memory"
            )
            rows[0].end(EngineMemoryError(message))
            return
        for row in reversed(rows):
            row.restart()
            lane.waiting.appendleft(row)


@dataclass(frozen=True, slots=True, eq=False)
class _Job:
    """Something to do between two steps, while nothing for some adapters is under way."""

    do: Callable[[], Any]
    adapters: Sequence[str | None]
    future: Future[Any]


def _shape(weights: Mapping[str, torch.Tensor], name: str) -> tuple[int, ...] | None:
    return tuple(weights[name].shape) if name in weights else None


def _leave(leaving: threading.Event, worker: threading.Thread) -> None:
    """Stop a worker in good order: one that is cut off in a forward pass takes Python down."""
    leaving.set()
    worker.join()
