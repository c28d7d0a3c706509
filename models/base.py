"""What our chat models share: they tell traces who they are, stream which episode they are of, and
answer a plain call directly.

LangChain asks at every call who a model is. Its own answers look for attributes that a model might
have; these say what is known. It does not hand a stream's config on, in which the episode and its
seed stand. And it answers one prompt as it would many, each in tasks of its own that the event loop
gets to by and by: for a call that only recorders listen to, that is a sixth of an agent's turn.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

from langchain_core.callbacks import (
    AsyncCallbackManager,
    AsyncCallbackManagerForLLMRun,
    BaseRunManager,
)
from langchain_core.globals import get_llm_cache
from langchain_core.language_models import BaseChatModel, LangSmithParams
from langchain_core.messages import LC_ID_PREFIX, AIMessage, AIMessageChunk, BaseMessage
from langchain_core.outputs import LLMResult
from langchain_core.runnables import RunnableConfig, ensure_config
from langchain_core.utils.uuid import uuid7

from ..episodes import Recorder

SCOPE = "scope"
"""The option in which a stream brings the metadata of its config along."""
LANGCHAINS = {"stream", "ls_structured_output_format", "structured_output_format"}
"""Options of a call that are LangChain's, not the model's."""


class ChatModel(BaseChatModel):
    """A chat model of ours."""

    @property
    @abstractmethod
    def _called(self) -> str:
        """What records and traces call the model."""

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> LangSmithParams:
        params = LangSmithParams(
            ls_provider=self._llm_type, ls_model_type="chat", ls_model_name=self._called
        )
        options = {**self.__dict__, **kwargs}
        if (temperature := options.get("temperature")) is not None:
            params["ls_temperature"] = temperature
        if (max_tokens := options.get("max_tokens")) is not None:
            params["ls_max_tokens"] = max_tokens
        if stop:
            params["ls_stop"] = stop
        return params

    def _get_invocation_params(
        self, stop: list[str] | None = None, **kwargs: Any
    ) -> dict[str, Any]:
        kwargs.pop(SCOPE, None)
        return {**self._identifying_params, "_type": self._llm_type, "stop": stop, **kwargs}

    async def ainvoke(
        self,
        input: Any,
        config: RunnableConfig | None = None,
        *,
        stop: list[str] | None = None,
        **kwargs: Any,
    ) -> AIMessage:
        """One reply. A call with a cache, a rate limiter, contents other than text, or listeners
        other than recorders goes LangChain's way; what recorders hear is the same either way."""
        config = ensure_config(config)
        listeners = self._listeners(config, stop, kwargs)
        recorders = [each for each in listeners.handlers if isinstance(each, Recorder)]
        if len(recorders) < len(listeners.handlers) or not self._plain(input, kwargs):
            return await super().ainvoke(input, config, stop=stop, **kwargs)
        messages = [*input]  # the record's own: the caller may go on writing to theirs
        run = AsyncCallbackManagerForLLMRun(
            run_id=config.get("run_id") or uuid7(),
            handlers=listeners.handlers,
            inheritable_handlers=listeners.inheritable_handlers,
            parent_run_id=listeners.parent_run_id,
            tags=listeners.tags,
            metadata=listeners.metadata,
        )
        for recorder in recorders:
            recorder.on_chat_model_start(
                self._serialized, [messages], run_id=run.run_id, metadata=run.metadata
            )
        try:
            result = await self._agenerate(messages, stop=stop, run_manager=run, **kwargs)
        except Exception as error:
            for recorder in recorders:
                recorder.on_llm_error(error, run_id=run.run_id)
            raise
        generation = result.generations[0]
        message = generation.message
        message.id = message.id or f"{LC_ID_PREFIX}-{run.run_id}-0"
        message.response_metadata = {
            **(result.llm_output or {}),
            **(generation.generation_info or {}),
            **message.response_metadata,
        }
        said = LLMResult(generations=[[*result.generations]])
        for recorder in recorders:
            recorder.on_llm_end(said, run_id=run.run_id)
        assert isinstance(message, AIMessage)
        return message

    def _listeners(
        self, config: RunnableConfig, stop: list[str] | None, options: dict[str, Any]
    ) -> AsyncCallbackManager:
        """Who hears of a call, and what they are told about it."""
        about = self._get_ls_params_with_defaults(stop=stop, **options)
        return AsyncCallbackManager.configure(
            config.get("callbacks"),
            self.callbacks,
            self.verbose,
            config.get("tags"),
            self.tags,
            {**(config.get("metadata") or {}), **about},
            self.metadata,
        )

    def _plain(self, input: Any, options: Mapping[str, Any]) -> bool:
        """Whether a call needs nothing that LangChain does around a model."""
        uncached = self.cache is False or (self.cache is None and get_llm_cache() is None)
        return (
            uncached
            and isinstance(input, list)
            and all(isinstance(m, BaseMessage) and isinstance(m.content, str) for m in input)
            and not (self.rate_limiter or self.output_version)
            and not options.keys() & LANGCHAINS
        )

    def stream(
        self, input: Any, config: RunnableConfig | None = None, **kwargs: Any
    ) -> Iterator[AIMessageChunk]:
        yield from super().stream(input, config, **kwargs, **_scope(config))

    async def astream(
        self, input: Any, config: RunnableConfig | None = None, **kwargs: Any
    ) -> AsyncIterator[AIMessageChunk]:
        async for chunk in super().astream(input, config, **kwargs, **_scope(config)):
            yield chunk

    @staticmethod
    def _metadata(run_manager: BaseRunManager | None, options: dict[str, Any]) -> Mapping[str, Any]:
        """What the config of a call says, its seed and its episode among it; taken out of
        `options` where the call is a stream."""
        scope: Mapping[str, Any] | None = options.pop(SCOPE, None)
        if run_manager is not None:
            return run_manager.metadata
        return ensure_config().get("metadata") or {} if scope is None else scope


def _scope(config: RunnableConfig | None) -> dict[str, Any]:
    return {SCOPE: dict(ensure_config(config).get("metadata") or {})}
