"""A local Hugging Face model as a LangChain chat model, with exact tokens on every reply."""

from __future__ import annotations

import asyncio
import queue
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import Any

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import ConfigDict, Field, PrivateAttr

from .base import ChatModel
from .engine import Completion, Engine, Request
from .engine.adapters import base_of
from .prompt import PromptWriter
from .seeds import CallSeeds
from .streaming import Pieces
from .structured import structured
from .tool_calls import check_tools, read_reply

SAMPLING = ("temperature", "top_p", "top_k")
OPTIONS = {
    *SAMPLING,
    "max_tokens",
    "seed",
    "adapter",
    "measure",
    "top",
    "grammar",
    "tools",
    "prefix",
}
"""What a call may set."""


class LocalChatModel(ChatModel):
    """Chat with a causal language model in this process.

    Every reply carries `response_metadata["tokens"]`: prompt ids, sampled completion ids and their
    log-probabilities; `["model_name"]`, with the adapter after a plus; and `["measures"]`, when
    `measure` or `top` ask for them. Concurrent calls share forward passes. Sampling is seeded by
    the episode's seed (`metadata["seed"]` of the run's config, else `seed`), the prompt, and how
    often that prompt came before in the episode (`metadata["episode"]`), so it does not depend on
    what else runs, up to rounding: with float32 weights that is never seen, with bfloat16 it is.

    A call may set `max_tokens`, `temperature`, `top_p`, `top_k`, `seed`, `adapter`, `measure` and
    `top` for itself, `grammar` (a `Grammar` that the reply must follow) and `prefix` (token ids
    with which the reply has begun; the message has what comes after; see `Draft`).

    Raises:
        ContextLengthError: a prompt leaves no room in the context; before any compute.
        GrammarError: no reply that follows the grammar fits in `max_tokens`.
        ValueError: there are no messages, no such adapter, or no chat template in the folder.
    """

    model_config = ConfigDict(extra="forbid", ignored_types=(cached_property,))

    path: str
    """A Hugging Face folder, or a peft adapter's: then its base's engine, with the adapter loaded
    under the folder's name."""
    device: str = "cpu"
    max_tokens: int = Field(default=256, gt=0)
    temperature: float | None = Field(default=None, ge=0)
    """0 is greedy. What is left out, here and below, is as the model's generation config has it."""
    top_p: float | None = Field(default=None, gt=0, le=1)
    top_k: int | None = Field(default=None, ge=0)
    seed: int = 0
    adapter: str | None = None
    """The LoRA adapter that answers; `engine.load_adapter` loads it. None is the model itself."""
    measure: bool = False
    """Whether tokens carry the entropy and self-certainty of the model's own distribution."""
    top: int = Field(default=0, ge=0)
    """How many of the likeliest tokens to report beside each token."""
    _seeds: CallSeeds = PrivateAttr(default_factory=CallSeeds)

    @cached_property
    def engine(self) -> Engine:
        """The engine, loaded at first use."""
        base = base_of(Path(self.path))
        engine = Engine(base or self.path, self.device)
        if base is not None:
            engine.load_adapter(Path(self.path).name, self.path)
        if not engine.tokenizer.chat_template:
            raise ValueError(f"the tokenizer in {self.path} has no chat template")
        return engine

    @property
    def _llm_type(self) -> str:
        return "local"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {"model_name": self._called, "adapter": self.adapter}

    @property
    def _called(self) -> str:
        return self.name or self.path

    def with_adapter(self, name: str | None) -> LocalChatModel:
        """The same model and engine, answering with another adapter."""
        twin = self.model_copy(update={"adapter": name})
        twin.__dict__["engine"] = self.engine
        return twin

    def bind_tools(
        self, tools: Sequence[Any], *, tool_choice: str | None = None, **kwargs: Any
    ) -> Runnable[Any, AIMessage]:
        """Let the model call tools, as its chat template has them.

        Raises:
            NoToolsError: the template shows no tools, or writes calls in a form that is not known.
            ValueError: `tool_choice` is not `auto`: a template cannot force a call.
        """
        if tool_choice not in (None, "auto"):
            raise ValueError(
                f"tool_choice={tool_choice!r}: a local model chooses itself; leave it out, or use "
                "with_structured_output for a reply of a certain form"
            )
        described = [convert_to_openai_tool(tool) for tool in tools]
        check_tools(self.engine.tokenizer, described, self._called)
        return self.bind(tools=described, **kwargs)

    def with_structured_output(
        self, schema: Any, *, include_raw: bool = False, **kwargs: Any
    ) -> Runnable[Any, Any]:
        """Replies that follow a schema (a pydantic type, or a JSON schema giving a dict).

        Decoding is constrained, so that each reply parses.

        Raises:
            GrammarError: a part of the schema cannot be enforced.
        """
        grammar, parser = structured(schema, include_raw=include_raw)
        return self.bind(grammar=grammar, **kwargs) | parser

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        request = self._request(messages, stop, run_manager, kwargs)
        return self._result(request, self.engine.submit(request).result(), kwargs)

    def get_num_tokens_from_messages(
        self, messages: list[BaseMessage], tools: Sequence[Any] | None = None
    ) -> int:
        """How many tokens the model reads of `messages` and `tools`: the whole prompt, exactly."""
        described = [convert_to_openai_tool(tool) for tool in tools or ()]
        return len(self._prompts.ids(messages, described))

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        request = self._request(messages, stop, run_manager, kwargs)
        done = await asyncio.wrap_future(await self._submit(request))
        return self._result(request, done, kwargs)

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        request = self._request(messages, stop, run_manager, kwargs)
        heard: queue.SimpleQueue[int | None] = queue.SimpleQueue()
        future = self.engine.submit(request, heard.put)
        future.add_done_callback(lambda _: heard.put(None))
        pieces = Pieces(self.engine.tokenizer, request.stop)
        try:
            while (token := heard.get()) is not None:
                if "tools" not in kwargs and (piece := pieces.push(token)):
                    yield _chunk(piece, run_manager)
            yield self._last_chunk(request, future.result(), pieces, kwargs)
        finally:
            future.cancel()

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        request = self._request(messages, stop, run_manager, kwargs)
        heard: asyncio.Queue[int | None] = asyncio.Queue()
        tell = asyncio.get_running_loop().call_soon_threadsafe
        future = await self._submit(request, lambda token: _quietly(tell, heard, token))
        future.add_done_callback(lambda _: _quietly(tell, heard, None))
        pieces = Pieces(self.engine.tokenizer, request.stop)
        try:
            while (token := await heard.get()) is not None:
                if "tools" not in kwargs and (piece := pieces.push(token)):
                    chunk = ChatGenerationChunk(message=AIMessageChunk(content=piece))
                    if run_manager:
                        await run_manager.on_llm_new_token(piece, chunk=chunk)
                    yield chunk
            yield self._last_chunk(request, future.result(), pieces, kwargs)
        finally:
            future.cancel()

    async def _submit(
        self, request: Request, listener: Callable[[int], None] | None = None
    ) -> Future[Completion]:
        if not self.engine.full:
            return self.engine.submit(request, listener)
        submitted = asyncio.create_task(asyncio.to_thread(self.engine.submit, request, listener))
        try:
            return await asyncio.shield(submitted)
        except asyncio.CancelledError:  # the thread goes on: drop what it submits
            submitted.add_done_callback(lambda done: done.exception() or done.result().cancel())
            raise

    def _request(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None,
        run_manager: CallbackManagerForLLMRun | AsyncCallbackManagerForLLMRun | None,
        options: dict[str, Any],
    ) -> Request:
        metadata = self._metadata(run_manager, options)
        if unknown := set(options) - OPTIONS:
            raise ValueError(f"a local model does not take {', '.join(sorted(unknown))}")
        if not all(isinstance(each, str) and each for each in stop or ()):
            raise ValueError(f"stop={stop!r}: stop strings are texts that are not empty")
        if not messages:
            raise ValueError("there are no messages to answer")
        read = self._prompts.ids(messages, options.get("tools"))
        prompt = (*read, *options.get("prefix", ()))
        return Request(
            prompt=prompt,
            max_tokens=options.get("max_tokens", self.max_tokens),
            stop=tuple(stop or ()),
            seed=self._seeds.of_call(prompt, self.seed, metadata, options),
            grammar=options.get("grammar"),
            adapter=options.get("adapter", self.adapter),
            measure=options.get("measure", self.measure),
            top=options.get("top", self.top),
            **{name: options.get(name, self._sampling[name]) for name in SAMPLING},
        )

    @cached_property
    def _prompts(self) -> PromptWriter:
        return PromptWriter(self.engine.tokenizer)

    @cached_property
    def _sampling(self) -> dict[str, Any]:
        """Sampling settings: this object's, else those of the folder's generation config."""
        folder = self.engine.model.generation_config
        own = {
            "temperature": (folder.temperature or 1.0) if folder.do_sample else 0.0,
            "top_p": folder.top_p or 1.0,
            "top_k": folder.top_k or 0,
        }
        mine = {name: getattr(self, name) for name in own}
        return {name: own[name] if mine[name] is None else mine[name] for name in own}

    def _last_chunk(
        self, request: Request, done: Completion, pieces: Pieces, options: Mapping[str, Any]
    ) -> ChatGenerationChunk:
        """What was held back, and all that is known of the whole reply.

        With tools that is everything: only the whole reply tells text from calls.
        """
        whole = self._message(request, done, options)
        message = AIMessageChunk(
            content=whole.text if "tools" in options else pieces.rest(done.text),
            usage_metadata=whole.usage_metadata,
            response_metadata=whole.response_metadata,
            tool_calls=whole.tool_calls,
            invalid_tool_calls=whole.invalid_tool_calls,
        )
        return ChatGenerationChunk(message=message)

    def _result(self, request: Request, done: Completion, options: Mapping[str, Any]) -> ChatResult:
        return ChatResult(
            generations=[ChatGeneration(message=self._message(request, done, options))]
        )

    def _message(self, request: Request, done: Completion, options: Mapping[str, Any]) -> AIMessage:
        message = AIMessage(done.text)
        if tools := options.get("tools"):
            engine = self.engine
            message = read_reply(request.prompt, done.ids, engine.tokenizer, tools, engine.ends)
        prompt, completion = len(request.prompt), len(done.ids)
        message.usage_metadata = UsageMetadata(
            input_tokens=prompt, output_tokens=completion, total_tokens=prompt + completion
        )
        message.response_metadata = {
            "model_name": self._called + (f"+{request.adapter}" if request.adapter else ""),
            "finish_reason": done.finish,
            "tokens": {
                "prompt_ids": request.prompt,
                "completion_ids": done.ids,
                "logprobs": done.logprobs,
            },
        }
        measures: dict[str, Any] = asdict(done.measures) if done.measures else {}
        if request.top:
            measures["top"] = done.top
        if measures:
            message.response_metadata["measures"] = measures
        return message


def _chunk(piece: str, run_manager: CallbackManagerForLLMRun | None) -> ChatGenerationChunk:
    chunk = ChatGenerationChunk(message=AIMessageChunk(content=piece))
    if run_manager:
        run_manager.on_llm_new_token(piece, chunk=chunk)
    return chunk


def _quietly(tell: Callable[..., Any], heard: asyncio.Queue[int | None], token: int | None) -> None:
    """Pass a token to the event loop, unless that is gone with its listener."""
    try:
        tell(heard.put_nowait, token)
    except RuntimeError:
        return
