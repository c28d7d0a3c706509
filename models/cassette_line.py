"""What stands on a cassette: a call as it is asked and answered, in JSON, without secrets."""

from __future__ import annotations

import json
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import BaseMessage
from pydantic import BaseModel

from ..episodes import scrub
from ..episodes.secrets import scrub_text
from .typed import is_model

SETTINGS = ("temperature", "top_p", "top_k", "max_tokens", "seed", "stop")
"""Settings of a model that tell it apart, beside those that it names itself."""
PROMPT_CHARACTERS = 2000
"""How much of a prompt's end is kept in the file."""
RUN_ID = "lc_"
"""How the ids of replies begin that LangChain made up."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One question to a model, as the file knows it."""

    model: str
    ls: dict[str, Any]
    messages: list[Any]
    bound: dict[str, Any]
    """Tools, structured output, stop strings and options of the call."""
    text: str
    seed: int | None
    episode: str

    @property
    def request(self) -> str:
        """A hash of what is asked."""
        asked = json.dumps([self.model, self.messages, self.bound], sort_keys=True)
        return blake2b(asked.encode(), digest_size=16).hexdigest()

    @property
    def prompt(self) -> str:
        """The end of what is asked, for people and error messages."""
        return str(scrub(self.text))[-PROMPT_CHARACTERS:]

    @property
    def about(self) -> dict[str, Any]:
        """Everything beside the messages, for people and error messages."""
        tools = [tool["name"] for tool in self.bound["tools"]]
        return {"model": self.model, "seed": self.seed, **self.bound, "tools": tools}


def label(model: BaseChatModel) -> str:
    """What a model is called."""
    ls = model._get_ls_params()
    named = ls.get("ls_model_name") or model._identifying_params.get("model_name") or model.name
    return str(named or model._llm_type)


def signature(model: BaseChatModel) -> str:
    """A model's name and settings, without secrets."""
    settings = {name: getattr(model, name, None) for name in SETTINGS}
    held = {name: value for name, value in settings.items() if value is not None}
    told = scrub(plain({**model._identifying_params, **held}))
    return f"{label(model)} {json.dumps(told, sort_keys=True)}"


def read_by_models(message: BaseMessage) -> dict[str, Any]:
    """What a model reads of a message; not what is noted about it, such as ids and usage."""
    read = ("type", "content", "name", "tool_calls", "tool_call_id", "status")
    return {field: getattr(message, field) for field in read if getattr(message, field, None)}


def scrubbed(reply: BaseMessage) -> dict[str, Any]:
    """A reply for the file. What it says keeps its form: only text that looks like a key goes."""
    body = reply.model_dump()
    if str(body.get("id") or "").startswith(RUN_ID):
        body["id"] = None
    body["type"] = "ai"
    about = plain(body.pop("response_metadata"))
    exact = {name: about.pop(name) for name in ("logprobs", "tokens") if name in about}
    beside = plain(body.pop("additional_kwargs"))
    return {
        **_texts(plain(body)),
        "additional_kwargs": {
            name: _texts(held) for name, held in beside.items() if scrub({name: 0})
        },
        "response_metadata": scrub(about) | _texts(exact),
    }


def _texts(value: Any) -> Any:
    """`value` without what looks like a key in its texts; names do not matter."""
    if isinstance(value, str):
        return scrub_text(value)
    if isinstance(value, dict):
        return {name: _texts(held) for name, held in value.items()}
    return [_texts(item) for item in value] if isinstance(value, list) else value


def plain(value: Any) -> Any:
    """`value` as JSON has it; schemas and functions by what they stand for."""

    def other(held: Any) -> Any:
        if is_model(held):
            return held.model_json_schema()
        if isinstance(held, BaseModel):
            return held.model_dump(mode="json")
        nameless = str(held) == object.__repr__(held)  # it would name a place in memory
        return str(getattr(held, "__qualname__", type(held).__qualname__ if nameless else held))

    return json.loads(json.dumps(value, default=other))
