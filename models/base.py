"""What our chat models share: they tell traces who they are, and streams which episode they are of.

LangChain asks at every call who a model is. Its own answers look for attributes that a model might
have; these say what is known, which saves a turn of a scripted model 8 % of its instructions.
And it does not hand a stream's config on, in which the episode and its seed stand.
"""

from __future__ import annotations

import inspect
from abc import abstractmethod
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from typing import Any, TypeVar

from langchain_core.callbacks import BaseRunManager
from langchain_core.language_models import BaseChatModel, LangSmithParams
from langchain_core.messages import AIMessageChunk
from langchain_core.runnables import RunnableConfig, ensure_config

F = TypeVar("F", bound=Callable[..., Any])
SCOPE = "scope"
"""The option in which a stream brings the metadata of its config along."""


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


def inspected(method: F) -> F:
    """`method` with its signature worked out: LangChain reads that of `_agenerate` at each call."""
    method.__signature__ = inspect.signature(method)  # type: ignore[attr-defined]
    return method


def _scope(config: RunnableConfig | None) -> dict[str, Any]:
    return {SCOPE: dict(ensure_config(config).get("metadata") or {})}
