"""Cassettes: model calls recorded to a file, and replayed from it without the model.

A call is known by what is asked (messages, tools, structured output, stop strings, options, the
model), by the episode's seed, and by how often the same was asked before in the episode; so a run
that is repeated gets the replies that it got, whatever runs beside it. The file has a line a call
and is only ever appended to. What stands in it, without secrets, is what the caller gets, when
recording as when replaying.
"""

from __future__ import annotations

import json
import logging
import os
import threading
from collections import OrderedDict
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import SequenceMatcher
from hashlib import blake2b
from itertools import count
from operator import itemgetter
from pathlib import Path
from typing import Any, Literal, cast, get_args

from langchain_core.callbacks import (
    AsyncCallbackManagerForLLMRun,
    BaseRunManager,
    CallbackManagerForLLMRun,
)
from langchain_core.language_models import BaseChatModel, LangSmithParams
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, message_chunk_to_message
from langchain_core.messages.tool import tool_call_chunk
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable, RunnableConfig
from langchain_core.utils.function_calling import convert_to_openai_tool
from langchain_core.utils.json import parse_json_markdown
from pydantic import BaseModel, ConfigDict, Field

from ..episodes import scrub
from ..episodes.secrets import scrub_text
from .base import ChatModel, inspected
from .typed import is_model, typed_reply

log = logging.getLogger(__name__)

Mode = Literal["record", "replay", "lenient"]
SETTINGS = ("temperature", "top_p", "top_k", "max_tokens", "seed", "stop")
"""Settings of a model that tell it apart, beside those that it names itself."""
PROMPT_CHARACTERS = 2000
"""How much of a prompt's end is kept in the file."""
SHOWN = 200
"""How much of a prompt's end an error message shows, in characters."""
REMEMBERED_CALLS = 100_000
"""How many prompts keep their count of repeats."""
FIELDS = {"request", "seed", "nth", "model", "name", "ls", "about", "prompt", "reply"}
"""What a line of the file has."""
RUN_ID = "lc_"
"""How the ids of replies begin that LangChain made up."""


class CassetteMissError(LookupError):
    """A call that is not on the cassette."""


@dataclass(frozen=True, slots=True)
class _Ask:
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


Key = tuple[str, int | None, int]
"""The request's hash, the episode's seed, and how often the same was asked before."""


class Cassette:
    """A file of recorded model calls.

    Modes:
        replay: answers come from the file only; a call that is not there is an error.
        lenient: a call that is not in the file goes to the model and is recorded.
        record: calls go to the model; what is recorded anew replaces what the file had. A call
            with an equal key in this session (another episode with the same seed) is answered
            with what was recorded first.

    Errors of the model are not recorded. Several processes may append to one file. A line that
    was cut off when a process was killed is dropped.

    Args:
        path: the file, `.jsonl`.
        mode: see above.

    Raises:
        ValueError: the mode is unknown, or there is nothing to replay.
    """

    def __init__(self, path: str | Path, mode: Mode = "replay") -> None:
        if mode not in get_args(Mode):
            raise ValueError(f"unknown mode {mode!r}; there are: {', '.join(get_args(Mode))}")
        self.path = Path(path)
        self.mode = mode
        self._lock = threading.Lock()
        self._lines: dict[Key, dict[str, Any]] = {}
        self._session: set[Key] = set()
        self._asked: OrderedDict[tuple[str, str, int | None], set[int]] = OrderedDict()
        if self.path.exists():
            self._read()
        elif mode == "replay":
            raise ValueError(f"there is no cassette at {self.path}; {_how(self.path)}")
        else:
            self.path.parent.mkdir(parents=True, exist_ok=True)

    def __len__(self) -> int:
        """How many calls are recorded."""
        return len(self._lines)

    def wrap(self, model: BaseChatModel | None = None, name: str = "") -> CassetteModel:
        """A chat model that records what `model` answers, or replays it.

        Args:
            model: the model to ask; may be left out to replay.
            name: stands for the model and its settings in the file; made from them by default,
                and from the file where there is no model.

        Raises:
            ValueError: no model is given where one is needed, or the file has several.
        """
        if model is None and self.mode != "replay":
            raise ValueError(f"a cassette in mode {self.mode!r} needs a model to ask")
        if model is not None:
            ls = dict(model._get_ls_params())
            return CassetteModel(
                cassette=self,
                inner=model,
                name=_label(model),
                model=name or _signature(model),
                ls=ls,
            )
        recorded = {line["model"]: line for line in self._lines.values()}
        if not name and len(recorded) != 1:
            known = "; ".join(recorded) or "none"
            raise ValueError(f"{self.path} has several models, give one as name: {known}")
        name = name or next(iter(recorded))
        line = recorded.get(name, {"name": name, "ls": {}})
        return CassetteModel(cassette=self, name=line["name"], model=name, ls=line["ls"])

    @contextmanager
    def _turn(self, ask: _Ask) -> Iterator[Key]:
        """The key of this call. A call that fails gives its place to the next one."""
        request = ask.request
        scope = (ask.episode, request, ask.seed)
        with self._lock:
            taken = self._asked.pop(scope, set())
            self._asked[scope] = taken
            nth = next(n for n in count() if n not in taken)
            taken.add(nth)
            if len(self._asked) > REMEMBERED_CALLS:
                self._asked.popitem(last=False)
        try:
            yield request, ask.seed, nth
        except BaseException:
            taken.discard(nth)
            raise

    def _recorded(self, ask: _Ask, key: Key) -> AIMessage | None:
        """The reply on the cassette; None when the model is to be asked.

        Raises:
            CassetteMissError: there is none, and only replies from the file are wanted.
        """
        line = self._lines.get(key)
        if line is not None and (self.mode != "record" or key in self._session):
            return AIMessage.model_validate(line["reply"])
        if self.mode == "replay":
            raise CassetteMissError(self._miss(ask, key))
        return None

    def _keep(self, ask: _Ask, key: Key, name: str, reply: BaseMessage) -> AIMessage:
        """Record `reply` and return what stands in the file for this call."""
        line = {
            "request": key[0],
            "seed": key[1],
            "nth": key[2],
            "model": ask.model,
            "name": name,
            "ls": ask.ls,
            "about": ask.about,
            "prompt": ask.prompt,
            "reply": _scrubbed(reply),
        }
        written = json.dumps(line, default=str)
        with self._lock:
            if key not in self._session:
                self._session.add(key)
                line = json.loads(written)
                if self._lines.get(key) != line:
                    self._append(written)
                self._lines[key] = line
            return AIMessage.model_validate(self._lines[key]["reply"])

    def _append(self, line: str) -> None:
        """Write a line in one piece; the break before it ends a line that a kill cut off."""
        data = f"\n{line}\n".encode()
        file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            if os.write(file, data) < len(data):
                raise OSError(f"{self.path} took only a part of a line: is the disk full?")
        finally:
            os.close(file)

    def _read(self) -> None:
        cut = 0
        for text in filter(None, self.path.read_bytes().splitlines()):
            try:
                line = json.loads(text)
            except ValueError:
                cut += 1
                continue
            if not isinstance(line, dict) or not line.keys() >= FIELDS:
                raise ValueError(f"{self.path} is not a cassette: {text[:80]!r} is not a call")
            self._lines[line["request"], line["seed"], line["nth"]] = line
        if cut:
            log.warning("%s: %d lines that were cut off are dropped", self.path, cut)

    def _miss(self, ask: _Ask, key: Key) -> str:
        """What to say of a call that is not here: how it differs from the nearest one."""
        prompt = ask.prompt
        start = f"{self.path} has no reply to the prompt that ends in {prompt[-SHOWN:]!r}"
        if not self._lines:
            return f"{start}, nor to any other; {_how(self.path)}"
        prompts = {line["prompt"] for line in self._lines.values()}
        nearest = max(prompts, key=lambda held: SequenceMatcher(None, held, prompt).quick_ratio())
        if nearest != prompt:
            end = nearest[-SHOWN:]
            return f"{start}; the nearest recorded one ends in {end!r}; {_how(self.path)}"
        wanted = {**ask.about, "nth": key[2]}
        held = [
            {**line["about"], "nth": line["nth"]}
            for line in self._lines.values()
            if line["prompt"] == prompt
        ]
        closest = min((_differing(one, wanted) for one in held), key=len)
        what = "; ".join(closest) or "an earlier message"
        return f"{start} as it is asked now: what differs is {what}; {_how(self.path)}"


class CassetteModel(ChatModel):
    """The chat model that `Cassette.wrap` gives.

    Raises:
        CassetteMissError: a call is not on the cassette, in mode `replay`.
    """

    model_config = ConfigDict(extra="forbid", arbitrary_types_allowed=True)

    cassette: Any = Field(repr=False)
    inner: Any = Field(default=None, repr=False)
    """The runnable that gives replies; None to replay only."""
    model: str
    """What stands in the file for the model and its settings."""
    ls: dict[str, Any] = {}
    bound: dict[str, Any] = {}

    @property
    def _llm_type(self) -> str:
        return "cassette"

    @property
    def _called(self) -> str:
        return self.name or ""

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {"model_name": self.name}

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> LangSmithParams:
        return cast(LangSmithParams, {**self.ls, **({"ls_stop": stop} if stop else {})})

    def bind_tools(
        self, tools: Sequence[Any], *, tool_choice: str | None = None, **kwargs: Any
    ) -> Runnable[Any, AIMessage]:
        """The same cassette, asking the model with these tools."""
        options = {**kwargs, **({"tool_choice": tool_choice} if tool_choice is not None else {})}
        inner = self.inner and self.inner.bind_tools(tools, **options)
        written = [convert_to_openai_tool(tool)["function"] for tool in tools]
        return self._with(inner, tools=written, **options)

    def with_structured_output(
        self, schema: Any, *, include_raw: bool = False, **kwargs: Any
    ) -> Runnable[Any, Any]:
        """Replies read as `schema`, from a tool call where there is one, else from JSON text."""
        inner = self.inner and (
            self.inner.with_structured_output(schema, include_raw=True, **kwargs)
            | itemgetter("raw")
        )
        bound = self._with(inner, schema=convert_to_openai_tool(schema)["function"], **kwargs)

        def read(message: AIMessage) -> Any:
            calls = message.tool_calls
            value = calls[0]["args"] if calls else parse_json_markdown(message.text)
            return schema.model_validate(value) if is_model(schema) else value

        return bound | typed_reply(read, include_raw)

    def _with(self, inner: Any, **bound: Any) -> CassetteModel:
        return self.model_copy(update={"inner": inner, "bound": {**self.bound, **bound}})

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        ask, config = self._ask(messages, stop, run_manager, kwargs)
        with self.cassette._turn(ask) as key:
            reply = self.cassette._recorded(ask, key)
            if reply is None:
                said = self.inner.invoke(messages, config, **_given(stop), **kwargs)
                reply = self.cassette._keep(ask, key, self.name or "", said)
        return ChatResult(generations=[ChatGeneration(message=reply)])

    @inspected
    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        ask, config = self._ask(messages, stop, run_manager, kwargs)
        with self.cassette._turn(ask) as key:
            reply = self.cassette._recorded(ask, key)
            if reply is None:
                said = await self.inner.ainvoke(messages, config, **_given(stop), **kwargs)
                reply = self.cassette._keep(ask, key, self.name or "", said)
        return ChatResult(generations=[ChatGeneration(message=reply)])

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        """A reply from the file comes in one piece; one from the model as it comes, and is
        recorded when it is whole."""
        ask, config = self._ask(messages, stop, run_manager, kwargs)
        with self.cassette._turn(ask) as key:
            reply = self.cassette._recorded(ask, key)
            if reply is not None:
                yield _chunk(reply)
                return
            whole: AIMessageChunk | None = None
            async for chunk in self.inner.astream(messages, config, **_given(stop), **kwargs):
                whole = chunk if whole is None else whole + chunk
                yield ChatGenerationChunk(message=chunk.model_copy(update={"id": None}))
            if whole is not None:
                self.cassette._keep(ask, key, self.name or "", message_chunk_to_message(whole))

    def _ask(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None,
        run_manager: BaseRunManager | None,
        options: dict[str, Any],
    ) -> tuple[_Ask, RunnableConfig]:
        metadata = self._metadata(run_manager, options)
        bound = {"tools": [], **self.bound, "stop": stop, "options": options}
        written = [_message(message) for message in messages]
        text = "\n".join(f"{message.type}: {message.text}" for message in messages)
        seed = metadata.get("seed")
        ask = _Ask(
            model=self.model,
            ls=_plain(scrub(self.ls)),
            messages=_plain(written),
            bound=_plain(scrub(_plain(bound))),
            text=text,
            seed=None if seed is None else int(seed),
            episode=str(metadata.get("episode", "")),
        )
        return ask, {"callbacks": [], "metadata": dict(metadata)}


def _how(path: Path) -> str:
    return f"record it with Cassette({str(path)!r}, mode='lenient') around the model"


def _differing(held: dict[str, Any], wanted: dict[str, Any]) -> list[str]:
    return [
        f"{name}={held.get(name)!r} there, {wanted.get(name)!r} now"
        for name in {**held, **wanted}
        if held.get(name) != wanted.get(name)
    ]


def _given(stop: list[str] | None) -> dict[str, Any]:
    return {} if stop is None else {"stop": stop}


def _label(model: BaseChatModel) -> str:
    """What a model is called."""
    ls = model._get_ls_params()
    named = ls.get("ls_model_name") or model._identifying_params.get("model_name") or model.name
    return str(named or model._llm_type)


def _signature(model: BaseChatModel) -> str:
    """A model's name and settings, without secrets."""
    settings = {name: getattr(model, name, None) for name in SETTINGS}
    held = {name: value for name, value in settings.items() if value is not None}
    plain = scrub(_plain({**model._identifying_params, **held}))
    return f"{_label(model)} {json.dumps(plain, sort_keys=True)}"


def _message(message: BaseMessage) -> dict[str, Any]:
    """What a model reads of a message; not what is noted about it, such as ids and usage."""
    read = ("type", "content", "name", "tool_calls", "tool_call_id", "status")
    return {field: getattr(message, field) for field in read if getattr(message, field, None)}


def _scrubbed(reply: BaseMessage) -> dict[str, Any]:
    """A reply for the file. What it says keeps its form: only text that looks like a key goes."""
    body = reply.model_dump()
    if str(body.get("id") or "").startswith(RUN_ID):
        body["id"] = None
    body["type"] = "ai"
    about = _plain(body.pop("response_metadata"))
    exact = {name: about.pop(name) for name in ("logprobs", "tokens") if name in about}
    beside = _plain(body.pop("additional_kwargs"))
    return {
        **_texts(_plain(body)),
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


def _plain(value: Any) -> Any:
    """`value` as JSON has it; schemas and functions by what they stand for."""

    def other(held: Any) -> Any:
        if is_model(held):
            return held.model_json_schema()
        if isinstance(held, BaseModel):
            return held.model_dump(mode="json")
        nameless = str(held) == object.__repr__(held)  # it would name a place in memory
        return str(getattr(held, "__qualname__", type(held).__qualname__ if nameless else held))

    return json.loads(json.dumps(value, default=other))


def _chunk(reply: AIMessage) -> ChatGenerationChunk:
    """A whole reply as the only piece of a stream."""
    fields = reply.model_dump(exclude={"type", "tool_calls", "invalid_tool_calls"})
    calls = [
        tool_call_chunk(name=c["name"], args=json.dumps(c["args"]), id=c["id"], index=i)
        for i, c in enumerate(reply.tool_calls)
    ]
    message = AIMessageChunk(**fields, tool_call_chunks=calls, chunk_position="last")
    return ChatGenerationChunk(message=message)
