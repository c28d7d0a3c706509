"""How outputs are written down: JSON by schema, or light tags that small models manage.

Both parse model text, which is untrusted. They fail closed: text that is not exactly one readable
output of the wanted type is `None`, never a guess. Reading takes time in proportion to the text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from types import NoneType
from typing import Any, Literal, Protocol, TypeVar, get_args, get_origin

from pydantic import BaseModel, ConfigDict
from pydantic.fields import FieldInfo

T = TypeVar("T", bound=BaseModel)
SPACE = " \t\r\n"
"""What is stripped from values in tags."""


class Output(BaseModel):
    """Base of every typed output. Unknown fields are refused: parsing fails closed."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


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
    """Fields as `<field>value</field>`; default values are left out, lists repeat the tag.

    Words around the tags do not matter, but a tag that opens or closes nothing does: such text is
    unreadable. A field's own tags within its value are written with a backslash (`<\\/answer>`).
    """

    name = "tags"

    def instructions(self, output: type[BaseModel]) -> str:
        hints = " ".join(_tag_hints(output))
        return f"Reply in these tags only (? may be left out, * may repeat): {hints}"

    def render(self, value: BaseModel) -> str:
        return "\n".join(_render_tags(value))

    def parse(self, text: str, output: type[T]) -> T | None:
        try:
            return output.model_validate(_read_tags(text, output), strict=False)
        except ValueError:
            return None


class JsonFormat:
    """One JSON object that follows the output type's schema, bare or in a fenced block.

    Words may stand around the block, but no braces: there might be another object in them.
    """

    name = "json"

    def instructions(self, output: type[BaseModel]) -> str:
        schema = json.dumps(output.model_json_schema(), separators=(",", ":"))
        return f"Reply with one JSON object only, following this schema: {schema}"

    def render(self, value: BaseModel) -> str:
        return value.model_dump_json(exclude_defaults=True)

    def parse(self, text: str, output: type[T]) -> T | None:
        try:
            written = _bare_json(text)
            value = output.model_validate_json(written)
            json.loads(written, object_pairs_hook=_without_repeats)
        except ValueError:
            return None
        return value


FORMATS: dict[str, OutputFormat] = {f.name: f for f in (TagFormat(), JsonFormat())}


def output_format(name: str) -> OutputFormat:
    """The format called `name`.

    Raises:
        ValueError: there is none; the message lists those that exist.
    """
    if name not in FORMATS:
        raise ValueError(f"unknown output format {name!r}; choose one of {', '.join(FORMATS)}")
    return FORMATS[name]


class _UnreadableError(ValueError):
    """The text does not hold exactly one output."""


def _bare_json(text: str) -> str:
    """`text` without the fence around its JSON, if there is one."""
    text = text.strip()
    parts = text.split("```")
    if text.startswith("{") or len(parts) == 1:
        return text
    if len(parts) != 3 or re.search("[{}]", parts[0] + parts[2]):
        raise _UnreadableError("there is more than one fenced block")
    return parts[1].removeprefix("json").strip()


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        raise _UnreadableError("a key stands more than once in one object")
    return values


@cache
def _tags(output: type[BaseModel]) -> re.Pattern[str]:
    return re.compile(f"<(/?)({'|'.join(map(re.escape, output.model_fields))})>")


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
            escaped = _own_tags(name).sub(r"<\\\1", inner)
            yield f"<{name}>{escaped}</{name}>"


def _read_tags(text: str, output: type[BaseModel]) -> dict[str, Any]:
    """Field values of `output` from tags in `text`; tags within a value belong to that value."""
    values: dict[str, Any] = {}
    shapes = _shapes(output)
    for name, texts in _tagged(text, output).items():
        shape = shapes[name]
        read = [_read_tags(t, shape.nested) if shape.nested else t for t in texts]
        if shape.repeats:
            values[name] = read
        elif any(other != read[0] for other in read):
            raise _UnreadableError(f"<{name}> stands more than once, with different values")
        elif read[0] != "" or not shape.optional:
            values[name] = read[0]
    return values


@dataclass(frozen=True, slots=True)
class _Shape:
    """What may stand in the tags of a field."""

    repeats: bool
    nested: type[BaseModel] | None
    optional: bool


@cache
def _shapes(output: type[BaseModel]) -> dict[str, _Shape]:
    shapes = {}
    for name, field in output.model_fields.items():
        item = _list_item(field)
        shapes[name] = _Shape(
            repeats=item is not None,
            nested=_model(item if item is not None else field.annotation),
            optional=NoneType in _flatten(field.annotation),
        )
    return shapes


def _tagged(text: str, output: type[BaseModel]) -> dict[str, list[str]]:
    """What stands between the tags of each field."""
    found: dict[str, list[str]] = {}
    name, start = "", 0
    for tag in _tags(output).finditer(text):
        closes, field = tag.groups()
        if not name and not closes:
            name, start = field, tag.end()
        elif name == field and closes:
            value = _own_tags(name).sub(lambda own: f"<{own[1][1:]}", text[start : tag.start()])
            found.setdefault(name, []).append(value.strip(SPACE))
            name = ""
        elif name in ("", field):
            raise _UnreadableError(f"{tag[0]} stands where it opens or closes nothing")
    if name:
        raise _UnreadableError(f"<{name}> is not closed")
    return found


@cache
def _own_tags(name: str) -> re.Pattern[str]:
    return re.compile(rf"<(\\*/?{re.escape(name)}>)")


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
