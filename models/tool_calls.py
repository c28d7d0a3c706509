"""Tool calls of local models: shown by the chat template, read back from what the model wrote.

A model writes calls in the form that its template taught it. Where the tokenizer comes with a
response template, transformers reads them; else the template tells which of the common forms it is.
Model text is untrusted: what is not a call of an offered tool, with arguments that its schema
allows, becomes an invalid call that says why. Nothing is guessed, nothing is evaluated.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

from jinja2 import TemplateError
from jsonschema import Draft202012Validator, SchemaError
from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    InvalidToolCall,
    ToolCall,
    convert_to_openai_messages,
)
from referencing import Registry
from referencing.exceptions import Unresolvable
from transformers import PreTrainedTokenizerBase

ID_LENGTH = 9
"""Letters of a call's id: Mistral's templates take no other number."""


class NoToolsError(ValueError):
    """A model that cannot be shown tools, or whose calls cannot be read."""


@dataclass(slots=True)
class Said:
    """What a model wrote, taken apart but not yet checked."""

    text: str = ""
    """What stands beside the calls."""
    calls: list[Any] = field(default_factory=list)
    """JSON values that should be calls."""
    unreadable: list[tuple[str, str]] = field(default_factory=list)
    """Text that should be a call, and why it is none."""


def template_messages(messages: Sequence[BaseMessage]) -> list[dict[str, Any]]:
    """Messages as chat templates want them: arguments of tool calls are objects, not JSON text."""
    converted: list[dict[str, Any]] = convert_to_openai_messages(list(messages))
    for message in converted:
        for call in message.get("tool_calls", ()):
            call["function"]["arguments"] = json.loads(call["function"]["arguments"])
    return converted


def check_tools(
    tokenizer: PreTrainedTokenizerBase, tools: Sequence[dict[str, Any]], model: str
) -> None:
    """Make sure that the model is shown `tools` and that its calls can be read.

    Args:
        tools: as OpenAI writes them (`convert_to_openai_tool`).
        model: its name, for the error.

    Raises:
        NoToolsError: the chat template leaves tools out or refuses them, or writes calls in a form
            that is not known.
        ValueError: the schema of a tool is no JSON schema.
    """
    for tool in tools:
        try:
            Draft202012Validator.check_schema(tool["function"].get("parameters", {}))
        except SchemaError as error:
            name = tool["function"]["name"]
            raise ValueError(f"the schema of the tool {name} is wrong: {error.message}") from error
    asked = [{"role": "user", "content": "?"}]
    try:
        shown = tokenizer.apply_chat_template(asked, tools=list(tools), tokenize=False)
        hidden = tokenizer.apply_chat_template(asked, tokenize=False)
    except TemplateError as error:
        raise NoToolsError(f"the chat template of {model} refuses tools: {error}") from error
    if shown == hidden:
        raise NoToolsError(
            f"the chat template of {model} does not show tools to the model: use a model that was "
            "trained to call tools, or put the tools into the prompt and parse the reply yourself"
        )
    if not getattr(tokenizer, "response_template", None) and _form(tokenizer) is None:
        raise NoToolsError(
            f"how {model} writes tool calls is not known: give its tokenizer a response_template "
            f"(see transformers' parse_response), or a chat template with one of {', '.join(FORMS)}"
        )


def read_reply(
    prompt: Sequence[int],
    completion: Sequence[int],
    tokenizer: PreTrainedTokenizerBase,
    tools: Sequence[dict[str, Any]],
    ends: Collection[int],
) -> AIMessage:
    """The message that `completion` is, with its calls of `tools`. Takes any tokens.

    The ids of calls are made from the tokens, so that they repeat when the tokens do.

    Args:
        prompt: the ids that the model read.
        completion: the ids that it wrote.
        tools: the tools that were offered, which `check_tools` found readable.
        ends: ids of the tokens that end a reply.
    """
    if getattr(tokenizer, "response_template", None):
        said = _by_response_template(prompt, completion, tokenizer, tools)
    else:
        form = _form(tokenizer)
        assert form is not None, "check_tools comes first"
        ended = bool(completion) and completion[-1] in ends
        written = list(completion[:-1] if ended else completion)
        said = form(str(tokenizer.decode(written, skip_special_tokens=False)))
    schemas = {t["function"]["name"]: t["function"].get("parameters", {}) for t in tools}
    message = AIMessage(said.text)
    for call in said.calls:
        try:
            name, arguments = _checked(call, schemas)
        except ValueError as error:
            said.unreadable.append((_dumped(call), str(error)))
        else:
            identity = _identity(prompt, completion, len(message.tool_calls))
            message.tool_calls.append(ToolCall(name=name, args=arguments, id=identity))
    for text, reason in said.unreadable:
        number = len(message.tool_calls) + len(message.invalid_tool_calls)
        message.invalid_tool_calls.append(
            InvalidToolCall(
                type="invalid_tool_call",
                name=None,
                args=text,
                id=_identity(prompt, completion, number),
                error=reason,
            )
        )
    return message


def _by_response_template(
    prompt: Sequence[int],
    completion: Sequence[int],
    tokenizer: PreTrainedTokenizerBase,
    tools: Sequence[dict[str, Any]],
) -> Said:
    if not completion:
        return Said()
    text = str(tokenizer.decode(list(completion), skip_special_tokens=True))
    try:
        parsed = tokenizer.parse_response(list(completion), prefix=list(prompt), tools=list(tools))
        calls = [call["function"] for call in parsed.get("tool_calls") or ()]
        return Said(str(parsed.get("content") or ""), calls)
    except Exception as error:  # a tokenizer's own template on any text at all
        return Said(unreadable=[(text, f"the response template cannot read it: {error}")])


def _tagged(text: str) -> Said:
    """Hermes and Qwen: `<tool_call>{"name": ..., "arguments": {...}}</tool_call>`, any number."""
    said = Said()
    while (at := text.find("<tool_call>")) >= 0:
        said.text += text[:at]
        body = text[at + len("<tool_call>") :]
        try:
            value, rest = _json_at(body)
            if not rest.startswith("</tool_call>"):
                raise ValueError("</tool_call> is missing after the call")
        except ValueError as error:
            said.unreadable.append((body, str(error)))
            text = ""
            break
        said.calls.append(value)
        text = rest.removeprefix("</tool_call>")
    said.text = (said.text + text).strip()
    return said


def _listed(text: str) -> Said:
    """Mistral: `[TOOL_CALLS] [{"name": ..., "arguments": {...}}, ...]` after any text."""
    before, marker, body = text.partition("[TOOL_CALLS]")
    said = Said(before.strip())
    if marker:
        try:
            value, rest = _json_at(body)
            if not isinstance(value, list) or rest:
                raise ValueError("after [TOOL_CALLS] there must be one list and nothing else")
            said.calls = value
        except ValueError as error:
            said.unreadable.append((body, str(error)))
    return said


def _bare(text: str) -> Said:
    """Llama: the reply is `{"name": ..., "parameters": {...}}`, or begins with its marker."""
    marked = text.strip().startswith("<|python_tag|>")
    body = text.strip().removeprefix("<|python_tag|>")
    try:
        value, rest = _json_at(body)
        if rest:
            raise ValueError("there must be nothing after the call")
    except ValueError as error:
        return Said(unreadable=[(body, str(error))]) if marked else Said(text.strip())
    if marked or (isinstance(value, dict) and "name" in value and "parameters" in value):
        return Said(calls=[value])
    return Said(text.strip())


FORMS: dict[str, Callable[[str], Said]] = {
    "<tool_call>": _tagged,
    "[TOOL_CALLS]": _listed,
    '"parameters"': _bare,
}
"""How calls are written, by what stands in the chat template of a model that writes them so."""


def _form(tokenizer: PreTrainedTokenizerBase) -> Callable[[str], Said] | None:
    template = tokenizer.get_chat_template()
    return next((form for mark, form in FORMS.items() if mark in template), None)


def _json_at(text: str) -> tuple[Any, str]:
    """The JSON value at the start of `text`, and the text after it.

    Raises:
        ValueError: there is none, a key stands twice, or it is no JSON that others can read.
    """
    text = text.lstrip()
    decoder = json.JSONDecoder(object_pairs_hook=_without_repeats, parse_constant=_no_constant)
    try:
        value, end = decoder.raw_decode(text)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    return value, text[end:].lstrip()


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        raise ValueError("a key stands more than once in one object")
    return values


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _checked(call: Any, schemas: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Name and arguments of a call.

    Raises:
        ValueError: it is no call, the tool does not exist, or does not take the arguments.
    """
    if not isinstance(call, dict):
        raise ValueError("a call is an object with a name and arguments")
    name, arguments = call.get("name"), call.get("arguments", call.get("parameters"))
    if not isinstance(name, str) or name not in schemas:
        raise ValueError(f"there is no tool {name!r}; there are: {', '.join(schemas)}")
    if not isinstance(arguments, dict):
        raise ValueError(f"the arguments of {name} must be an object")
    try:
        json.dumps(arguments, ensure_ascii=False).encode()
        validator = Draft202012Validator(schemas[name], registry=Registry())
        problem = next(validator.iter_errors(arguments), None)
    except UnicodeEncodeError as error:
        raise ValueError("the arguments hold half a surrogate pair") from error
    except (RecursionError, Unresolvable, re.error) as error:
        raise ValueError(f"the arguments of {name} cannot be checked: {error}") from error
    if problem:
        raise ValueError(f"{name} does not take the arguments: {problem.message}")
    return name, arguments


def _dumped(call: Any) -> str:
    return json.dumps(call, default=str)


def _identity(prompt: Sequence[int], completion: Sequence[int], number: int) -> str:
    key = repr((tuple(prompt), tuple(completion), number)).encode()
    return blake2b(key, digest_size=8).hexdigest()[:ID_LENGTH]
