"""A chat model that answers from a script: for tests, examples and replays."""

from __future__ import annotations

import asyncio
import inspect
import json
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Self

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.messages import AIMessage, BaseMessage, convert_to_messages
from langchain_core.messages.ai import UsageMetadata
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import BaseModel, ConfigDict, PrivateAttr, TypeAdapter

from ..episodes import Episode
from .base import ChatModel
from .typed import json_reader, typed_reply

Reply = str | AIMessage | BaseModel | BaseException
"""Text, a message (with tool calls, say), a typed output (sent as JSON), or an error to raise."""
Script = Sequence[Reply] | Callable[[list[BaseMessage]], Reply | Awaitable[Reply]]


class ScriptExhaustedError(RuntimeError):
    """The script has no reply left."""


class ScriptedModel(ChatModel):
    """Answers from a list, or from a function of the messages.

    Token counts are words, so that budgets can be tried out; there are no token ids.

    Args:
        script: the replies in order, or a function (plain or async) from messages to a reply.
        latency: seconds that each reply takes.
        name: what the record calls the model.

    Raises:
        ScriptExhaustedError: at a call after the last reply of a list.
    """

    model_config = ConfigDict(extra="forbid")

    script: Any
    latency: float = 0.0
    tools: list[str] = []
    """Names of the tools that were bound."""
    _next: list[int] = PrivateAttr(default_factory=lambda: [0])

    def __init__(self, script: Script, **fields: Any) -> None:
        if isinstance(script, str):
            raise TypeError(f"a script is a list of replies or a function, not a text: {script!r}")
        super().__init__(**{"script": script, **fields})

    @classmethod
    def from_file(cls, path: str | Path, **fields: Any) -> Self:
        """Replies from a file: `.json` (a list of texts), `.jsonl` (a text a line), else lines.

        Raises:
            ValueError: the file is missing, or does not hold a list of texts.
        """
        path = Path(path)
        try:
            text = path.read_text(encoding="utf-8")
            if path.suffix == ".json":
                loaded = json.loads(text)
            elif path.suffix == ".jsonl":
                loaded = [json.loads(line) for line in text.splitlines() if line.strip()]
            else:
                loaded = text.splitlines()
            replies = TypeAdapter(list[str]).validate_python(loaded)
        except (OSError, ValueError) as error:
            raise ValueError(f"no script in {path}: {error}") from error
        return cls(replies, name=path.name, **fields)

    @classmethod
    def from_episode(cls, episode: Episode, agent: str | None = None, **fields: Any) -> Self:
        """A replay of what was said in an episode, by all agents or by one.

        Replies keep their tool calls, so an agent that replays them needs the same tools.
        """
        said = [t.reply for t in episode.turns if t.reply and agent in (None, t.agent)]
        return cls(convert_to_messages(said), **fields)

    @property
    def _llm_type(self) -> str:
        return "scripted"

    @property
    def _called(self) -> str:
        return self.name or "scripted"

    def bind_tools(
        self, tools: Sequence[Any], *, tool_choice: str | None = None, **kwargs: Any
    ) -> Runnable[Any, AIMessage]:
        """The same script; a reply that calls a tool which is not bound is an error."""
        names = [convert_to_openai_tool(tool)["function"]["name"] for tool in tools]
        bound = self.model_copy(update={"tools": names})
        bound._next = self._next
        return bound

    def with_structured_output(
        self, schema: Any, *, include_raw: bool = False, **kwargs: Any
    ) -> Runnable[Any, Any]:
        """Replies read as JSON of `schema` (a pydantic type, or a JSON schema giving a dict)."""
        return self | typed_reply(json_reader(schema), include_raw)

    def get_num_tokens_from_messages(
        self, messages: list[BaseMessage], tools: Sequence[Any] | None = None
    ) -> int:
        """The words of `messages`; tools have none."""
        return sum(map(_words, messages))

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        if self.latency:
            time.sleep(self.latency)
        reply = self._reply(messages)
        if inspect.iscoroutine(reply):
            reply.close()
            raise TypeError("this script is an async function: use ainvoke")
        return self._result(messages, reply, stop)

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        if self.latency:
            await asyncio.sleep(self.latency)
        reply = self._reply(messages)
        return self._result(messages, await reply if inspect.isawaitable(reply) else reply, stop)

    def _reply(self, messages: list[BaseMessage]) -> Any:
        if callable(self.script):
            return self.script(messages)
        position = self._next[0]
        if position >= len(self.script):
            raise ScriptExhaustedError(
                f"the script has {len(self.script)} replies and was asked for one more; "
                f"the last message was: {messages[-1].text[:200]!r}"
            )
        self._next[0] += 1
        return self.script[position]

    def _result(
        self, messages: list[BaseMessage], reply: Reply, stop: list[str] | None
    ) -> ChatResult:
        if isinstance(reply, BaseException):
            raise reply
        if isinstance(reply, BaseModel) and not isinstance(reply, AIMessage):
            reply = reply.model_dump_json()
        message = AIMessage(reply) if isinstance(reply, str) else reply.model_copy(deep=True)
        unbound = [c["name"] for c in message.tool_calls if c["name"] not in self.tools]
        if unbound:
            raise ValueError(f"the script calls {unbound}, but only {self.tools} are bound")
        met = None
        if isinstance(text := message.content, str):
            ends = [(text.find(each), each) for each in stop or () if each in text]
            if ends:
                end, met = min(ends)
                message.content = text[:end]
        if message.usage_metadata is None:
            read, said = sum(map(_words, messages)), _words(message)
            message.usage_metadata = UsageMetadata(
                input_tokens=read, output_tokens=said, total_tokens=read + said
            )
        message.response_metadata.setdefault("model_name", self._called)
        if "finish_reason" not in message.response_metadata:
            message.response_metadata |= {"finish_reason": "stop", "stop_reason": met}
        return ChatResult(generations=[ChatGeneration(message=message)])


def _words(message: BaseMessage) -> int:
    return _words_in(message.content if isinstance(message.content, str) else message.text)


@lru_cache(maxsize=4096)
def _words_in(text: str) -> int:
    """How many words there are; a conversation is counted anew at each turn."""
    return len(text.split())
