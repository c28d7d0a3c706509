"""How outputs are written down: JSON by schema, or light tags that small models manage.

Both parse model text, which is untrusted. They fail closed: text that is not exactly one readable
output of the wanted type is `None`, never a guess.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from types import NoneType
from typing import Any, Literal, Protocol, TypeVar, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

T = TypeVar("T", bound=BaseModel)


class OutputFormat(Protocol):
    """A way to ask for, write and read typed outputs."""

    name: str

    def instructions(self, output: type[BaseModel]) -> str:
        """The sentence that tells a model how to reply."""

    def render(self, value: BaseModel) -> str:
        """`value` as a model would write it; `parse` reads it back."""

    def parse(self, text: str, output: type[T]) -> T | None:
        """The output in `text`, or None when it is missing, ambiguous or invalid."""


class TagFormat:
    """Fields as `<field>value</field>`; default values are left out, lists repeat the tag."""

    name = "tags"

    def instructions(self, output: type[BaseModel]) -> str:
        hints = " ".join(_tag_hints(output))
        return f"Reply in these tags only (? may be left out, * may repeat): {hints}"

    def render(self, value: BaseModel) -> str:
        return "\n".join(_render_tags(value))

    def parse(self, text: str, output: type[T]) -> T | None:
        try:
            return output.model_validate(_read_tags(text, output), strict=False)
        except (ValidationError, _UnreadableError):
            return None


class JsonFormat:
    """One JSON object that follows the output type's schema, bare or in a fenced block."""

    name = "json"

    def instructions(self, output: type[BaseModel]) -> str:
        schema = json.dumps(output.model_json_schema(), separators=(",", ":"))
        return f"Reply with one JSON object only, following this schema: {schema}"

    def render(self, value: BaseModel) -> str:
        return value.model_dump_json(exclude_defaults=True)

    def parse(self, text: str, output: type[T]) -> T | None:
        blocks = re.findall(r"```(?:json)?\s*\n(.*?)```", text, re.DOTALL)
        candidates = blocks or [text]
        if len(candidates) != 1:
            return None
        try:
            return output.model_validate_json(candidates[0].strip())
        except ValidationError:
            return None


FORMATS: dict[str, OutputFormat] = {f.name: f for f in (TagFormat(), JsonFormat())}


def output_format(name: str) -> OutputFormat:
    """The format called `name`.

    Raises:
        ValueError: there is none; the message lists those that exist.
    """
    if name not in FORMATS:
        raise ValueError(f"unknown output format {name!r}; choose one of {', '.join(FORMATS)}")
    return FORMATS[name]


class _UnreadableError(Exception):
    """The text does not hold exactly one output."""


@cache
def _tags(output: type[BaseModel]) -> re.Pattern[str]:
    names = "|".join(map(re.escape, output.model_fields))
    return re.compile(rf"<({names})>(.*?)</\1>", re.DOTALL)


def _tag_hints(output: type[BaseModel]) -> Iterator[str]:
    for name, field in output.model_fields.items():
        optional = "" if field.is_required() else "?"
        item = _list_item(field)
        nested = _model(item if item is not None else field.annotation)
        inner = "".join(_tag_hints(nested)) if nested else _value_hint(field)
        repeat = "*" if item is not None else optional
        yield f"<{name}>{inner}</{name}>{repeat}"


def _value_hint(field: FieldInfo) -> str:
    choices = [a for a in _flatten(field.annotation) if isinstance(a, str)]
    return " or ".join(choices) if choices else "..."


def _render_tags(value: BaseModel) -> Iterator[str]:
    for name, field in type(value).model_fields.items():
        held = getattr(value, name)
        if not field.is_required() and held == field.get_default(call_default_factory=True):
            continue
        for item in held if _list_item(field) is not None else (held,):
            inner = "".join(_render_tags(item)) if isinstance(item, BaseModel) else str(item)
            yield f"<{name}>{inner}</{name}>"


def _read_tags(text: str, output: type[BaseModel]) -> dict[str, Any]:
    """Field values of `output` from tags in `text`; tags within a value belong to that value."""
    found: dict[str, list[str]] = {}
    for match in _tags(output).finditer(text):
        found.setdefault(match[1], []).append(match[2].strip())
    values: dict[str, Any] = {}
    for name, texts in found.items():
        item = _list_item(output.model_fields[name])
        annotation = output.model_fields[name].annotation
        nested = _model(item if item is not None else annotation)
        read = [_read_tags(t, nested) if nested else t for t in texts]
        if item is not None:
            values[name] = read
        elif any(other != read[0] for other in read):
            raise _UnreadableError(f"<{name}> stands more than once, with different values")
        elif read[0] != "" or NoneType not in _flatten(annotation):
            values[name] = read[0]
    return values


def _list_item(field: FieldInfo) -> Any | None:
    """The item type of a `tuple[X, ...]` or `list[X]` field, else None."""
    if get_origin(field.annotation) in (tuple, list):
        return get_args(field.annotation)[0]
    return None


def _model(annotation: Any) -> type[BaseModel] | None:
    models = [a for a in _flatten(annotation) if isinstance(a, type) and issubclass(a, BaseModel)]
    return models[0] if models else None


def _flatten(annotation: Any) -> list[Any]:
    """The plain types and literal values of an annotation, looking through unions."""
    arguments = get_args(annotation)
    if not arguments:
        return [annotation]
    if get_origin(annotation) is Literal:
        return list(arguments)
    return [part for argument in arguments for part in _flatten(argument)]
