"""Typed replies: a grammar that the model must follow, and the parser of what it wrote."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from langchain_core.messages import AIMessage
from langchain_core.runnables import Runnable, RunnableLambda
from langchain_core.utils.function_calling import convert_to_json_schema
from pydantic import BaseModel

from .engine import Grammar

Schema = Mapping[str, Any] | type
"""A JSON schema, also inside an OpenAI function or tool; a pydantic type; or a `TypedDict`."""


def structured(
    schema: Schema, include_raw: bool = False
) -> tuple[Grammar, Runnable[AIMessage, Any]]:
    """The grammar of `schema`, and what turns a reply into a value of it.

    A pydantic type gives its objects, everything else dictionaries. With `include_raw` the value
    is `{"raw": message, "parsed": value or None, "parsing_error": error or None}`, as LangChain has
    it; without, a reply that cannot be parsed raises ValueError.

    Raises:
        GrammarError: the schema is invalid, or has parts that cannot be enforced.
    """
    read: Callable[[str], Any] = json.loads
    if isinstance(schema, Mapping):
        grammar = Grammar.json_schema(_plain(schema))
    elif issubclass(schema, BaseModel):
        grammar, read = Grammar.json_schema(schema), schema.model_validate_json
    else:
        grammar = Grammar.json_schema(convert_to_json_schema(schema))

    def parse(message: AIMessage) -> Any:
        return read(message.text)

    def parse_with_raw(message: AIMessage) -> dict[str, Any]:
        try:
            return {"raw": message, "parsed": parse(message), "parsing_error": None}
        except ValueError as error:
            return {"raw": message, "parsed": None, "parsing_error": error}

    return grammar, RunnableLambda(parse_with_raw if include_raw else parse)


def _plain(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """The JSON schema of what may be an OpenAI tool or function."""
    function = schema.get("function", schema)
    if isinstance(function, Mapping) and isinstance(function.get("parameters"), Mapping):
        plain: Mapping[str, Any] = function["parameters"]
        return plain
    return schema
