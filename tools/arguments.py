"""Arguments against a tool's schema: what is wrong with them, and what was expected."""

from __future__ import annotations

import json
from typing import Any

from langchain_core.tools import BaseTool
from pydantic import BaseModel, ValidationError

PROBLEMS = 5
"""Problems that an error names, at most."""


class Arguments:
    """What a tool takes: checks calls, and says in a line what is expected."""

    def __init__(self, tool: BaseTool) -> None:
        self._model: type[BaseModel] | None = None
        self._injected: set[str] = set()
        shown = tool.tool_call_schema
        if isinstance(shown, dict):
            self.schema: dict[str, Any] = shown
        elif issubclass(shown, BaseModel):
            whole = tool.get_input_schema()
            same = issubclass(whole, BaseModel) and set(whole.model_fields) == set(
                shown.model_fields
            )
            self._model = whole if same and issubclass(whole, BaseModel) else shown
            self.schema = self._model.model_json_schema()
        else:
            raise TypeError(f"the tool {tool.name} has arguments of pydantic 1: move to pydantic 2")

    def problem(self, arguments: dict[str, Any]) -> str:
        """What is wrong with `arguments`; empty when nothing is."""
        problems = [*self._unknown(arguments), *self._invalid(arguments)]
        return "; ".join(problems[:PROBLEMS])

    def expected(self) -> str:
        """The arguments in a line: `query: string, k: integer = 5`."""
        required = self.schema.get("required", ())
        parts = []
        for name, about in self._properties().items():
            text = f"{name}: {_type(about)}"
            if name not in required:
                default = json.dumps(about.get("default"), ensure_ascii=False, default=str)
                text += f" = {default}"
            parts.append(text)
        return ", ".join(parts) or "no arguments"

    def _properties(self) -> dict[str, Any]:
        held = self.schema.get("properties")
        return held if isinstance(held, dict) else {}

    def _unknown(self, arguments: dict[str, Any]) -> list[str]:
        """Names that the schema does not have. Pydantic would drop them without a word."""
        known = self._properties()
        if self._model is None:
            if not known or any(
                map(self.schema.get, ("additionalProperties", "patternProperties"))
            ):
                return []
        elif self._model.model_config.get("extra") == "allow" or "kwargs" in known:
            return []
        names = set(known) | set(self._model.model_fields if self._model else ())
        return [f"there is no argument {name!r}" for name in arguments if name not in names]

    def _invalid(self, arguments: dict[str, Any]) -> list[str]:
        if self._model is None:
            return _json_problems(self.schema, arguments)
        try:
            self._model.model_validate(arguments)
        except ValidationError as error:
            return [
                f"{'.'.join(map(str, one['loc'])) or 'arguments'}: {one['msg']}"
                for one in error.errors(include_url=False)
                if one["type"] != "extra_forbidden"
            ]
        return []


def _json_problems(schema: dict[str, Any], arguments: dict[str, Any]) -> list[str]:
    """What a JSON schema finds wrong; without the jsonschema library the tool itself must say."""
    try:
        from jsonschema import Draft202012Validator
        from referencing import Registry
        from referencing.exceptions import Unresolvable
    except ImportError:
        return []
    try:  # a schema from elsewhere: nothing that it refers to is ever fetched
        validator = Draft202012Validator(schema, registry=Registry())
        found = list(validator.iter_errors(arguments))
    except (Unresolvable, RecursionError, ValueError, TypeError, AttributeError):
        return []
    return [f"{one.json_path.removeprefix('$.')}: {one.message[:200]}" for one in found]


def _type(about: Any) -> str:
    if not isinstance(about, dict):
        return "any"
    if "enum" in about and isinstance(about["enum"], list):
        return " or ".join(json.dumps(value, default=str) for value in about["enum"])
    if isinstance(about.get("anyOf"), list):
        return " or ".join(map(_type, about["anyOf"]))
    kind = about.get("type") or ("object" if "$ref" in about else "any")
    return " or ".join(map(str, kind)) if isinstance(kind, list) else str(kind)
