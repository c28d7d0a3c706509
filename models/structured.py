"""Typed replies: a grammar that the model must follow, and the parser of what it wrote."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from langchain_core.messages import AIMessage
from langchain_core.runnables import Runnable
from langchain_core.utils.function_calling import convert_to_json_schema

from .engine import Grammar
from .typed import is_model, json_reader, typed_reply

Schema = Mapping[str, Any] | type
"""A JSON schema, also inside an OpenAI function or tool; a pydantic type; or a `TypedDict`."""


def structured(
    schema: Schema, include_raw: bool = False
) -> tuple[Grammar, Runnable[AIMessage, Any]]:
    """The grammar of `schema`, and what turns a reply into a value of it; see `typed_reply`.

    A pydantic type gives its objects, everything else dictionaries.

    Raises:
        GrammarError: the schema is invalid, or has parts that cannot be enforced.
    """
    if isinstance(schema, Mapping):
        grammar = Grammar.json_schema(_plain(schema))
    elif is_model(schema):
        grammar = Grammar.json_schema(schema)
    else:
        grammar = Grammar.json_schema(convert_to_json_schema(schema))
    return grammar, typed_reply(json_reader(schema), include_raw)


def _plain(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """The JSON schema of what may be an OpenAI tool or function."""
    function = schema.get("function", schema)
    if isinstance(function, Mapping) and isinstance(function.get("parameters"), Mapping):
        plain: Mapping[str, Any] = function["parameters"]
        return plain
    return schema
