"""What an OpenAI-compatible server says, and the LangChain message that it means.

The types hold only what is read; vLLM's own fields (`prompt_token_ids`, `token_ids`, `reasoning`)
are absent elsewhere. Nothing that a server leaves out is made up.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from langchain_core.messages import AIMessage, AIMessageChunk, InvalidToolCall, ToolCall
from langchain_core.messages.ai import UsageMetadata
from langchain_core.messages.tool import invalid_tool_call, tool_call
from pydantic import BaseModel, Field, FiniteFloat, ValidationError
from typing_extensions import TypedDict

from .resilience import ServerError

UNKNOWN_LOGPROB = -9999.0
"""What vLLM writes where it has no log-probability."""


class Function(BaseModel):
    name: str | None = None
    arguments: str | None = None


class Call(BaseModel):
    id: str | None = None
    function: Function = Function()


class Said(BaseModel):
    """A message, or in a stream the next piece of one."""

    content: str | None = None
    reasoning: str | None = None
    reasoning_content: str | None = None
    """The older name of `reasoning`, which many servers use."""
    tool_calls: list[Call] | None = None

    @property
    def thoughts(self) -> dict[str, Any]:
        text = self.reasoning or self.reasoning_content
        return {"reasoning_content": text} if text else {}


class Logprob(TypedDict):
    logprob: FiniteFloat


class Logprobs(BaseModel):
    content: list[Logprob] | None = None


class Choice(BaseModel):
    message: Said = Said()
    delta: Said = Said()
    """In a stream, in place of `message`."""
    finish_reason: str | None = None
    stop_reason: str | int | None = None
    """The stop string or token that ended it; vLLM tells, other servers may not."""
    token_ids: list[int] | None = None
    logprobs: Logprobs | None = None


class Usage(BaseModel):
    prompt_tokens: int
    completion_tokens: int = 0


class Completion(BaseModel):
    """A whole answer, or in a stream one event of it."""

    model: str | None = None
    choices: list[Choice] = Field(default=[], max_length=1)
    """One, or none in the event that brings the usage."""
    usage: Usage | None = None
    prompt_token_ids: list[int] | None = None
    error: dict[str, Any] | str | None = None
    """What went wrong after the server had begun to answer."""


@dataclass(slots=True)
class Reply:
    """Everything about a reply but its text: gathered from one answer, or event by event."""

    model: str = ""
    """The name that was asked for, until the server gives its own."""
    finish: str = ""
    stop: str | int | None = None
    tells_stop: bool = False
    """Whether the server says what stopped a reply."""
    usage: Usage | None = None
    prompt_ids: list[int] | None = None
    ids: list[int] = field(default_factory=list)
    logprobs: list[float] = field(default_factory=list)

    def add(self, part: Completion) -> None:
        """Take in an answer or an event.

        Raises:
            ServerError: the server gave the reply up.
        """
        self.model = part.model or self.model
        self.usage = part.usage or self.usage
        if part.prompt_token_ids is not None:
            self.prompt_ids = part.prompt_token_ids
        for choice in part.choices:
            if choice.finish_reason == "abort":  # vLLM's word when it is told to stop
                raise ServerError(f"{self.model} was stopped while it answered", transient=True)
            self.finish = choice.finish_reason or self.finish
            self.tells_stop |= "stop_reason" in choice.model_fields_set
            self.stop = choice.stop_reason or self.stop
            self.ids += choice.token_ids or ()
            entries = choice.logprobs and choice.logprobs.content
            self.logprobs += [entry["logprob"] for entry in entries or ()]

    def metadata(self) -> dict[str, Any]:
        """For `response_metadata`; `tokens` only where the server gave all of them.

        Raises:
            ServerError: the counts disagree, so the tokens cannot be trusted.
        """
        about: dict[str, Any] = {"model_name": self.model, "finish_reason": self.finish}
        if self.tells_stop:
            about["stop_reason"] = self.stop
        tokens = self._tokens()
        return {**about, "tokens": tokens} if tokens else about

    def usage_metadata(self) -> UsageMetadata | None:
        if self.usage is None:
            return None
        read, said = self.usage.prompt_tokens, self.usage.completion_tokens
        return UsageMetadata(input_tokens=read, output_tokens=said, total_tokens=read + said)

    def _tokens(self) -> dict[str, tuple[Any, ...]] | None:
        if self.prompt_ids is None or not self.ids or not self.logprobs:
            return None
        counts = {"completion ids": len(self.ids), "log-probabilities": len(self.logprobs)}
        if self.usage is not None:
            counts["tokens in its usage"] = self.usage.completion_tokens
            if self.usage.prompt_tokens != len(self.prompt_ids):
                raise ServerError(
                    f"{self.model} gave {len(self.prompt_ids)} prompt ids, but its usage counts "
                    f"{self.usage.prompt_tokens}: these tokens cannot be trusted"
                )
        if len(set(counts.values())) > 1:
            listed = ", ".join(f"{count} {name}" for name, count in counts.items())
            raise ServerError(f"{self.model} gave {listed}: these tokens cannot be trusted")
        if min(self.logprobs) <= UNKNOWN_LOGPROB:
            raise ServerError(f"{self.model} gave a token without its log-probability")
        return {
            "prompt_ids": tuple(self.prompt_ids),
            "completion_ids": tuple(self.ids),
            "logprobs": tuple(self.logprobs),
        }


def read_answer(body: bytes, model: str) -> AIMessage:
    """The message in a whole answer.

    Raises:
        ServerError: it is none, or its token counts disagree.
    """
    answer = _parsed(body, model)
    if not answer.choices:
        raise ServerError(f"{model} answered without any choice")
    reply = Reply(model)
    reply.add(answer)
    said = answer.choices[0].message
    calls, invalid = _tool_calls(said.tool_calls or [])
    return AIMessage(
        said.content or "",
        additional_kwargs=said.thoughts,
        tool_calls=calls,
        invalid_tool_calls=invalid,
        usage_metadata=reply.usage_metadata(),
        response_metadata=reply.metadata(),
    )


def read_event(data: str, reply: Reply) -> AIMessageChunk | None:
    """The piece of a message in an event, whose other contents go into `reply`.

    Raises:
        ServerError: it is none, or it reports a failure.
    """
    event = _parsed(data, reply.model)
    reply.add(event)
    if not event.choices:
        return None
    said = event.choices[0].delta
    if not (said.content or said.thoughts):
        return None
    return AIMessageChunk(content=said.content or "", additional_kwargs=said.thoughts)


def _parsed(answer: bytes | str, model: str) -> Completion:
    try:
        parsed = Completion.model_validate_json(answer)
    except ValidationError as error:
        wrong = error.errors()[0]
        where = ".".join(map(str, wrong["loc"]))
        raise ServerError(
            f"{model} gave no chat completion ({where + ': ' if where else ''}{wrong['msg']}); "
            f"it begins {answer[:100]!r}; is the base URL right?"
        ) from error
    if parsed.error:
        said = parsed.error
        said = said.get("message", said) if isinstance(said, dict) else said
        raise ServerError(f"{model} failed while it answered: {said}", transient=True)
    return parsed


def _tool_calls(calls: list[Call]) -> tuple[list[ToolCall], list[InvalidToolCall]]:
    """Calls of a named tool whose arguments are a JSON object, and those that are not."""
    valid, invalid = [], []
    for call in calls:
        name, arguments = call.function.name, call.function.arguments
        try:
            read = json.loads(arguments or "{}")
            if not name or not isinstance(read, dict):
                raise ValueError("a call names a tool and gives its arguments as a JSON object")
            valid.append(tool_call(name=name, args=read, id=call.id))
        except ValueError as error:
            invalid.append(
                invalid_tool_call(name=name, args=arguments, id=call.id, error=str(error))
            )
    return valid, invalid
