"""A model behind an OpenAI-compatible server as a LangChain chat model, with exact tokens."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from pathlib import PurePath
from typing import Any, Literal, Self

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessage,
    convert_to_openai_messages,
)
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import ConfigDict, Field, PrivateAttr, SecretStr, field_validator

from ..base import ChatModel
from ..seeds import CallSeeds
from ..typed import is_model, json_reader, typed_reply
from .resilience import ServerError
from .server import Server
from .wire import Reply, read_answer, read_event

SAMPLING = ("max_tokens", "temperature", "top_p", "top_k")
PER_CALL = {"model", *SAMPLING, "seed", "tools", "tool_choice", "response_format"}
"""What a single call may set anew."""
SEEDS = 2**63
"""Servers take seeds below this."""


class ServedChatModel(ChatModel):
    """Chat with a model behind vLLM or any other OpenAI-compatible server.

    From vLLM every reply carries `response_metadata["tokens"]`: prompt ids, sampled completion ids
    and their log-probabilities, exactly as the server gave them. They are those of the distribution
    sampled from when the server runs with `--logprobs-mode processed_logprobs`, as `symposia serve`
    starts it. Sampling is seeded by the episode's seed (`metadata["seed"]` of the run's config,
    else `seed`), the messages and tools, and how often these came before in the episode
    (`metadata["episode"]`). Copies share connections, seeds and circuit breaker.

    Raises:
        ServerError: the server gave no usable answer within `timeout`; the message says why.
        ValueError: there are no messages, or a call sets what a served model does not take.
    """

    model_config = ConfigDict(extra="forbid")

    base_url: str
    """`http://HOST:PORT/v1`; `/v1` is added to a URL without a path."""
    model: str
    """The model's name, or an adapter's; a single call may name another."""
    api_key: SecretStr | None = None
    max_tokens: int | None = Field(default=None, gt=0)
    """Of a reply. What is left out, here and below, is as the server has it."""
    temperature: float | None = Field(default=None, ge=0)
    top_p: float | None = Field(default=None, gt=0, le=1)
    top_k: int | None = Field(default=None, ge=0)
    """vLLM's own; 0 is no limit."""
    seed: int = 0
    token_ids: bool = True
    """Ask for exact tokens, in vLLM's way; turn it off for servers that refuse to be asked."""
    timeout: float = Field(default=600, gt=0)
    """Seconds for a call, all its tries together."""
    retries: int = Field(default=4, ge=0)
    """Further tries after 429, 5xx and lost connections."""
    connections: int = Field(default=512, gt=0)
    """Open at once, at most; further calls wait for a free one."""
    extra_body: dict[str, Any] = {}
    """Sent with every call as it is, over everything else."""
    disable_streaming: bool | Literal["tool_calling"] = "tool_calling"
    """With tools a reply comes whole: LangChain would complete a call that was cut off in a stream,
    and so make up its arguments."""
    _server: Server = PrivateAttr()
    _seeds: CallSeeds = PrivateAttr(default_factory=CallSeeds)

    @field_validator("base_url")
    @classmethod
    def _url(cls, url: str) -> str:
        scheme, separator, rest = url.rstrip("/").partition("://")
        if scheme not in ("http", "https") or not separator or not rest:
            raise ValueError(f"{url!r} is not a server's URL: write http://HOST:PORT/v1")
        return f"{scheme}://{rest}" if "/" in rest else f"{scheme}://{rest}/v1"

    def model_post_init(self, context: Any) -> None:
        super().model_post_init(context)
        self._server = Server(self.base_url, self.api_key, self.retries, self.connections)

    @property
    def _llm_type(self) -> str:
        return "served"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {"model_name": self.model}

    @property
    def _called(self) -> str:
        return self.model

    def bind_tools(
        self,
        tools: Sequence[Any],
        *,
        tool_choice: str | dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> Runnable[Any, AIMessage]:
        """This model with tools it may call.

        Args:
            tool_choice: `auto`, `none`, `required` (or `any`), or the name of the tool to call.
        """
        if tool_choice == "any":
            tool_choice = "required"
        elif isinstance(tool_choice, str) and tool_choice not in ("auto", "none", "required"):
            tool_choice = {"type": "function", "function": {"name": tool_choice}}
        chosen = {} if tool_choice is None else {"tool_choice": tool_choice}
        return self.bind(tools=[convert_to_openai_tool(tool) for tool in tools], **chosen, **kwargs)

    def with_structured_output(
        self, schema: Any, *, include_raw: bool = False, **kwargs: Any
    ) -> Runnable[Any, Any]:
        """Replies constrained to `schema`: a pydantic type gives objects of it, validated; a JSON
        schema gives the JSON as it came."""
        typed = is_model(schema)
        wanted = {
            "name": schema.__name__ if typed else schema.get("title", "reply"),
            "schema": schema.model_json_schema() if typed else schema,
        }
        asked = self.bind(response_format={"type": "json_schema", "json_schema": wanted}, **kwargs)

        return asked | typed_reply(json_reader(schema), include_raw)

    def with_adapter(self, name: str) -> Self:
        """A copy that speaks with an adapter that the server has loaded."""
        return self.model_copy(update={"model": name})

    async def aload_adapter(self, name: str, path: str | PurePath) -> Self:
        """Have the server load a LoRA adapter, and give a copy that speaks with it.

        Args:
            name: a new one for every version, as in `critic-v3`.
            path: the adapter's folder as the server sees it, absolute; a new one for every version
                too, since vLLM would answer from what it computed with the old weights.

        Raises:
            ServerError: the server refuses; the message says why.
        """
        if not PurePath(path).is_absolute():
            raise ValueError(f"the adapter's path {str(path)!r} is relative: give the whole path")
        await self._adapter("load", {"lora_name": name, "lora_path": str(path)})
        return self.with_adapter(name)

    async def aunload_adapter(self, name: str) -> None:
        """Have the server forget an adapter.

        Raises:
            ServerError: the server refuses; the message says why.
        """
        await self._adapter("unload", {"lora_name": name})

    def load_adapter(self, name: str, path: str | PurePath) -> Self:
        """`aload_adapter` for synchronous code."""
        return self._server.blocking(self.aload_adapter(name, path))

    def unload_adapter(self, name: str) -> None:
        """`aunload_adapter` for synchronous code."""
        self._server.blocking(self.aunload_adapter(name))

    async def aclose(self) -> None:
        """Close the connections that the running event loop has opened, for all copies."""
        await self._server.aclose()

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        request = self._request(messages, stop, run_manager, kwargs)
        return self._server.blocking(self._answer(request))

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return await self._answer(self._request(messages, stop, run_manager, kwargs))

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        request = self._request(messages, stop, run_manager, kwargs)
        request |= {"stream": True, "stream_options": {"include_usage": True}}
        reply = Reply(model=request["model"])
        async with aclosing(
            self._server.events("/chat/completions", request, self.timeout)
        ) as events:
            async for event in events:
                if piece := read_event(event, reply):
                    chunk = ChatGenerationChunk(message=piece)
                    if run_manager:
                        await run_manager.on_llm_new_token(piece.text, chunk=chunk)
                    yield chunk
        if not reply.finish:
            raise ServerError(f"{reply.model} broke off before its reply was whole")
        last = AIMessageChunk(
            content="",
            usage_metadata=reply.usage_metadata(),
            response_metadata=reply.metadata(),
            chunk_position="last",
        )
        yield ChatGenerationChunk(message=last)

    async def _answer(self, request: dict[str, Any]) -> ChatResult:
        body = await self._server.post("/chat/completions", request, self.timeout)
        message = read_answer(body, request["model"])
        return ChatResult(generations=[ChatGeneration(message=message)])

    async def _adapter(self, verb: str, body: dict[str, str]) -> None:
        try:
            await self._server.once(f"/{verb}_lora_adapter", body, self.timeout)
        except ServerError as error:
            raise ServerError(
                f"adapter {body['lora_name']!r} was not {verb}ed: {error}; the server must run "
                "with LoRA updates allowed (`symposia serve --lora`), see the whole path, and "
                "every version of an adapter needs a name of its own",
                status=error.status,
            ) from error

    def _request(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None,
        run_manager: CallbackManagerForLLMRun | AsyncCallbackManagerForLLMRun | None,
        options: dict[str, Any],
    ) -> dict[str, Any]:
        """The body of a call."""
        metadata = self._metadata(run_manager, options)
        if unknown := set(options) - PER_CALL:
            raise ValueError(
                f"a served model does not take {', '.join(sorted(unknown))} in a call; "
                "what the server takes besides goes into extra_body"
            )
        if not messages:
            raise ValueError("there are no messages to answer")
        said = convert_to_openai_messages(messages)
        read = _without_ids([said, options.get("tools")])
        seed = self._seeds.of_call(read, self.seed, metadata, options)
        asked = {
            "model": self.model,
            **{name: getattr(self, name) for name in SAMPLING},
            **options,
            "messages": said,
            "seed": seed % SEEDS,
            "stop": stop,
        }
        tokens = {"return_token_ids": True, "logprobs": True} if self.token_ids else {}
        given = {name: value for name, value in asked.items() if value is not None}
        return {**given, **tokens, **self.extra_body}


def _without_ids(asked: Any) -> Any:
    """`asked` without the ids of tool calls, which servers draw at random."""
    if isinstance(asked, dict):
        return {
            name: _without_ids(value)
            for name, value in asked.items()
            if name not in ("id", "tool_call_id")
        }
    return [_without_ids(item) for item in asked] if isinstance(asked, list) else asked
