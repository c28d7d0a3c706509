"""Replies read as typed values, in the form that LangChain's `with_structured_output` has."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from langchain_core.messages import AIMessage
from langchain_core.runnables import Runnable, RunnableLambda
from pydantic import BaseModel

Reader = Callable[[AIMessage], Any]
"""What a reply says; raises ValueError where it cannot be read."""


def is_model(schema: Any) -> bool:
    """Whether `schema` is a pydantic type."""
    return isinstance(schema, type) and issubclass(schema, BaseModel)


def json_reader(schema: Any) -> Reader:
    """Reads JSON text: a pydantic type gives its objects, everything else what the JSON holds."""

    def read(message: AIMessage) -> Any:
        if is_model(schema):
            return schema.model_validate_json(message.text)
        return json.loads(message.text)

    return read


def typed_reply(read: Reader, include_raw: bool) -> Runnable[AIMessage, Any]:
    """Turns a reply into what `read` makes of it.

    With `include_raw` that is `{"raw": message, "parsed": value or None, "parsing_error": error or
    None}`; without, a reply that cannot be read raises ValueError.
    """

    def read_with_raw(message: AIMessage) -> dict[str, Any]:
        try:
            return {"raw": message, "parsed": read(message), "parsing_error": None}
        except ValueError as error:
            return {"raw": message, "parsed": None, "parsing_error": error}

    return RunnableLambda(read_with_raw if include_raw else read)
