"""The chat model that stands in for another while its calls are recorded or replayed."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from operator import itemgetter
from typing import Any, cast

from langchain_core.callbacks import (
    AsyncCallbackManagerForLLMRun,
    BaseRunManager,
    CallbackManagerForLLMRun,
)
from langchain_core.language_models import LangSmithParams
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, message_chunk_to_message
from langchain_core.messages.tool import tool_call_chunk
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable, RunnableConfig
from langchain_core.utils.function_calling import convert_to_openai_tool
from langchain_core.utils.json import parse_json_markdown
from pydantic import ConfigDict, Field

from ..episodes import scrub
from .base import ChatModel
from .cassette_line import Ask, plain, read_by_models
from .typed import is_model, typed_reply


class CassetteModel(ChatModel):
    """The chat model that `Cassette.wrap` gives.

    Raises:
        CassetteMissError: a call is not on the cassette, in mode `replay`.
    """

    model_config = ConfigDict(extra="forbid", arbitrary_types_allowed=True)

    cassette: Any = Field(repr=False)
    inner: Any = Field(default=None, repr=False)
    """The runnable that gives replies; None to replay only."""
    model: str
    """What stands in the file for the model and its settings."""
    ls: dict[str, Any] = {}
    bound: dict[str, Any] = {}

    @property
    def _llm_type(self) -> str:
        return "cassette"

    @property
    def _called(self) -> str:
        return self.name or ""

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {"model_name": self.name}

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> LangSmithParams:
        return cast(LangSmithParams, {**self.ls, **({"ls_stop": stop} if stop else {})})

    def bind_tools(
        self, tools: Sequence[Any], *, tool_choice: str | None = None, **kwargs: Any
    ) -> Runnable[Any, AIMessage]:
        """The same cassette, asking the model with these tools."""
        options = {**kwargs, **({"tool_choice": tool_choice} if tool_choice is not None else {})}
        inner = self.inner and self.inner.bind_tools(tools, **options)
        written = [convert_to_openai_tool(tool)["function"] for tool in tools]
        return self._with(inner, tools=written, **options)

    def with_structured_output(
        self, schema: Any, *, include_raw: bool = False, **kwargs: Any
    ) -> Runnable[Any, Any]:
        """Replies read as `schema`, from a tool call where there is one, else from JSON text."""
        inner = self.inner and (
            self.inner.with_structured_output(schema, include_raw=True, **kwargs)
            | itemgetter("raw")
        )
        bound = self._with(inner, schema=convert_to_openai_tool(schema)["function"], **kwargs)

        def read(message: AIMessage) -> Any:
            calls = message.tool_calls
            value = calls[0]["args"] if calls else parse_json_markdown(message.text)
            return schema.model_validate(value) if is_model(schema) else value

        return bound | typed_reply(read, include_raw)

    def _with(self, inner: Any, **bound: Any) -> CassetteModel:
        return self.model_copy(update={"inner": inner, "bound": {**self.bound, **bound}})

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        ask, config = self._ask(messages, stop, run_manager, kwargs)
        with self.cassette.turn(ask) as key:
            reply = self.cassette.recorded(ask, key)
            if reply is None:
                said = self.inner.invoke(messages, config, **_given(stop), **kwargs)
                reply = self.cassette.keep(ask, key, self.name or "", said)
        return ChatResult(generations=[ChatGeneration(message=reply)])

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        ask, config = self._ask(messages, stop, run_manager, kwargs)
        with self.cassette.turn(ask) as key:
            reply = self.cassette.recorded(ask, key)
            if reply is None:
                said = await self.inner.ainvoke(messages, config, **_given(stop), **kwargs)
                reply = self.cassette.keep(ask, key, self.name or "", said)
        return ChatResult(generations=[ChatGeneration(message=reply)])

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        """A reply from the file comes in one piece; one from the model as it comes, and is
        recorded when it is whole."""
        ask, config = self._ask(messages, stop, run_manager, kwargs)
        with self.cassette.turn(ask) as key:
            reply = self.cassette.recorded(ask, key)
            if reply is not None:
                yield _chunk(reply)
                return
            whole: AIMessageChunk | None = None
            async for chunk in self.inner.astream(messages, config, **_given(stop), **kwargs):
                whole = chunk if whole is None else whole + chunk
                yield ChatGenerationChunk(message=chunk.model_copy(update={"id": None}))
            if whole is not None:
                self.cassette.keep(ask, key, self.name or "", message_chunk_to_message(whole))

    def _ask(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None,
        run_manager: BaseRunManager | None,
        options: dict[str, Any],
    ) -> tuple[Ask, RunnableConfig]:
        metadata = self._metadata(run_manager, options)
        bound = {"tools": [], **self.bound, "stop": stop, "options": options}
        written = [read_by_models(message) for message in messages]
        text = "\n".join(f"{message.type}: {message.text}" for message in messages)
        seed = metadata.get("seed")
        ask = Ask(
            model=self.model,
            ls=plain(scrub(self.ls)),
            messages=plain(written),
            bound=plain(scrub(plain(bound))),
            text=text,
            seed=None if seed is None else int(seed),
            episode=str(metadata.get("episode", "")),
        )
        return ask, {"callbacks": [], "metadata": dict(metadata)}


def _given(stop: list[str] | None) -> dict[str, Any]:
    return {} if stop is None else {"stop": stop}


def _chunk(reply: AIMessage) -> ChatGenerationChunk:
    """A whole reply as the only piece of a stream."""
    fields = reply.model_dump(exclude={"type", "tool_calls", "invalid_tool_calls"})
    calls = [
        tool_call_chunk(name=c["name"], args=json.dumps(c["args"]), id=c["id"], index=i)
        for i, c in enumerate(reply.tool_calls)
    ]
    message = AIMessageChunk(**fields, tool_call_chunks=calls, chunk_position="last")
    return ChatGenerationChunk(message=message)
