"""The tool registry: every tool that agents may use, its rules, and the one door to call it by."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from difflib import get_close_matches
from types import TracebackType
from typing import Any, Self

from langchain_core.embeddings import Embeddings
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolCall, ToolMessage
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import BaseTool

from .functions import NAME, as_tool
from .held import Held, refused, shortened
from .index import Found, ToolIndex
from .policy import ToolPolicy
from .repeats import before
from .results import Fault, ToolResult
from .view import SEARCH, search_tool, view

NAMES = 20
"""Names that an error lists, at most."""
ToolSource = BaseTool | Callable[..., Any]
"""A LangChain tool, or a typed function with a docstring."""
_Admitted = ToolResult | tuple[Held, ToolCall]
"""A call that may run, with its tool; or what it came to without running."""


class ToolRegistry:
    """Holds tools and shows few. `await registry.call(tool_call)` is the one door to all of them.

    Whatever goes wrong with a call is its result; the door itself raises only LangGraph's pauses.

    Args:
        tools: LangChain tools and typed functions.
        policy: the rules of tools that have none of their own.
        policies: rules by name, for `tools`.
        show: tools that a model sees at once, at most, `pinned` and `search_tools` among them; None
            shows all. When there are more, the model finds them by `search_tools`.
        pinned: names of tools that are always shown; those that end a task (LangChain's
            `return_direct`) always are.
        embeddings: lets searches go by meaning as well as by words.

    Raises:
        ValueError: two tools have one name, a name is none that model servers take, a policy or a
            pin is for no tool, or `show` leaves no room.
    """

    def __init__(
        self,
        tools: Iterable[ToolSource] = (),
        *,
        policy: ToolPolicy | None = None,
        policies: Mapping[str, ToolPolicy] | None = None,
        show: int | None = None,
        pinned: Iterable[str] = (),
        embeddings: Embeddings | None = None,
    ) -> None:
        self.policy = policy or ToolPolicy()
        self.show = show
        self._held: dict[str, Held] = {}
        self._index = ToolIndex(embeddings)
        self._opened = AsyncExitStack()
        self._search: Held | None = None
        if show is not None:
            self._search = Held(search_tool(self._looked_for, self._visible), ToolPolicy())
        self.add(*tools, policies=policies)
        self._pinned = list(dict.fromkeys(pinned))
        if unknown := [name for name in self._pinned if name not in self._held]:
            raise ValueError(f"pinned, but not there: {', '.join(unknown)}; {self._listed()}")
        if show is not None and show < len(self._always()) + 1:
            raise ValueError(
                f"show={show} leaves no room for tools that are found: "
                f"{', '.join(self._always())} are always shown"
            )

    def add(
        self,
        *tools: ToolSource,
        policy: ToolPolicy | None = None,
        policies: Mapping[str, ToolPolicy] | None = None,
    ) -> None:
        """Take in tools; all of them, or none when there is something wrong.

        Args:
            policy: the rules of these tools; the registry's by default.
            policies: rules of single tools, by name.

        Raises:
            ValueError: a name is taken or is none that model servers take, or a policy is for no
                tool among these.
        """
        policies = policies or {}
        made = [as_tool(source) for source in tools]
        self._check_names([tool.name for tool in made])
        if unknown := set(policies) - {tool.name for tool in made}:
            strays = ", ".join(sorted(unknown))
            raise ValueError(f"there are policies for {strays}, which are not among the tools")
        rules = policy or self.policy
        held = {tool.name: Held(tool, policies.get(tool.name, rules)) for tool in made}
        self._held.update(held)
        self._index.add(h.tool for h in held.values() if not h.denied)

    def remove(self, name: str) -> None:
        """Forget a tool.

        Raises:
            KeyError: there is none of that name.
        """
        if name not in self._held:
            raise KeyError(f"there is no tool {name!r}; {self._listed()}")
        if not self._held.pop(name).denied:
            self._index.remove(name)
        self._pinned = [pin for pin in self._pinned if pin != name]

    async def add_mcp(
        self,
        server: str | Sequence[str],
        *,
        name: str = "",
        policy: ToolPolicy | None = None,
        policies: Mapping[str, ToolPolicy] | None = None,
        headers: Mapping[str, str] | None = None,
        env: Mapping[str, str] | None = None,
    ) -> list[str]:
        """Take in the tools of an MCP server, and return their names.

        The connection stays open until `close`, and belongs to the running event loop. A server
        that died is started, or connected to, again by the next call.

        Args:
            server: a command with its arguments, which speaks MCP on stdin and stdout, or the URL
                of a server that speaks streamable HTTP.
            name: put before the names of its tools, as in `weather_forecast`.
            policy: the rules of its tools; the registry's by default.
            policies: rules of single tools, by the names that they have here.
            headers: HTTP headers, for a URL.
            env: environment variables, for a command.

        Raises:
            ImportError: the extra `mcp` is not installed.
            ConnectionError: the server cannot be reached, or does not speak MCP.
            ValueError: as in `add`, or a setting does not go with the kind of server.
        """
        from .mcp import McpServer

        opened = McpServer.of(server, name=name, headers=headers, env=env)
        tools = await opened.connect()
        try:
            self.add(*tools, policy=policy, policies=policies)
        except BaseException:
            await opened.close()
            raise
        self._opened.push_async_callback(opened.close)
        return [tool.name for tool in tools]

    async def close(self) -> None:
        """Let go of MCP servers. Safe to call twice."""
        await self._opened.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    def __len__(self) -> int:
        return len(self._held)

    def __contains__(self, name: object) -> bool:
        return name in self._held

    def __iter__(self) -> Iterator[BaseTool]:
        """The tools, in the order in which they were added."""
        return (held.tool for held in self._held.values())

    def __getitem__(self, name: str) -> BaseTool:
        """The tool of that name; raises KeyError where there is none."""
        held = self._holder(name)
        if held is None:
            raise KeyError(f"there is no tool {name!r}; {self._listed()}")
        return held.tool

    def search(self, query: str, k: int = 5) -> list[BaseTool]:
        """The `k` tools that fit `query` best, best first, without those that are denied."""
        return [self._held[found.name].tool for found in self._index.search(query, k)]

    def shown(self, messages: Sequence[BaseMessage] | str = ()) -> list[BaseTool]:
        """The tools to bind to a model in this conversation, or for this question."""
        names = self._names()
        if self.show is not None and len(names) > self.show:
            if isinstance(messages, str):
                messages = [HumanMessage(messages)]
            always = self._always()
            room = self.show - len(always)
            names = view(always, messages, room, self._searched)
        return [self[name] for name in names]

    async def call(
        self,
        call: ToolCall,
        messages: Sequence[BaseMessage] = (),
        config: RunnableConfig | None = None,
    ) -> ToolResult:
        """Run a tool, within its policy. Never raises for what a model or a tool did wrong.

        Args:
            call: name and arguments, as a model's message has them (`AIMessage.tool_calls`).
            messages: the conversation, for tools that may be called only once.
            config: callbacks and metadata; those of the graph around the caller by default.

        Raises:
            GraphBubbleUp: the graph pauses for a person.
        """
        return await _finished(self._admit(call, messages), config)

    async def answer(
        self, messages: Sequence[BaseMessage], config: RunnableConfig | None = None
    ) -> list[ToolMessage]:
        """The answers to all calls of the last message, in their order. They run at the same time,
        after everything that a person must decide was decided; one that fails leaves the others
        alone."""
        asked = messages[-1] if messages else None
        if not isinstance(asked, AIMessage):
            return []
        admitted = [self._admit(call, messages) for call in asked.tool_calls]
        results = await asyncio.gather(
            *(_finished(each, config) for each in admitted), return_exceptions=True
        )
        answers = []
        for call, result in zip(asked.tool_calls, results, strict=True):
            if isinstance(result, BaseException):
                raise result
            answers.append(result.message(call["id"]))
        return answers + unreadable(asked)

    async def node(self, state: Mapping[str, Any]) -> dict[str, list[ToolMessage]]:
        """`answer` as a LangGraph node, for a state with `messages`."""
        return {"messages": await self.answer(state["messages"])}

    def remembers(self, name: str) -> bool:
        """Whether a call of this tool depends on what was said before it."""
        held = self._holder(name)
        return held is not None and held.policy.once

    def _admit(self, call: ToolCall, messages: Sequence[BaseMessage]) -> _Admitted:
        held = self._holder(call["name"])
        if held is None:
            return refused(call["name"], Fault.UNKNOWN, self._unknown(call["name"]))
        admitted = held.admit(call, before(call, messages) if held.policy.once else ())
        return admitted if isinstance(admitted, ToolResult) else (held, admitted)

    def _holder(self, name: str) -> Held | None:
        return self._search if name == SEARCH and self._search else self._held.get(name)

    def _always(self) -> list[str]:
        """What is shown whatever the model looks for: pins, tools that end a task, the search."""
        ends = (name for name, held in self._held.items() if held.tool.return_direct)
        always = (name for name in (*self._pinned, *ends) if not self._held[name].denied)
        return list(dict.fromkeys((*always, SEARCH)))

    def _searched(self, query: str, k: int) -> list[Found]:
        return self._index.search(query, k)

    def _looked_for(self, query: str, k: int) -> list[Found]:
        """What a model's own search finds: no more than the view has room for."""
        assert self.show is not None
        return self._index.search(query, min(k, self.show - len(self._always())))

    def _visible(self, name: str) -> BaseTool | None:
        held = self._held.get(name)
        return held.tool if held and not held.denied else None

    def _names(self) -> list[str]:
        """All but those that are denied."""
        return [name for name, held in self._held.items() if not held.denied]

    def _unknown(self, name: str) -> str:
        close = get_close_matches(name[:64], self._names(), n=3) or [
            found.name for found in self._index.search(name, 3)
        ]
        hint = f"Did you mean {' or '.join(close)}?" if close else self._listed()
        return f"There is no tool {name[:64]!r}. {hint}"

    def _listed(self) -> str:
        names = self._names()
        more = f" and {len(names) - NAMES:,} more" if len(names) > NAMES else ""
        return f"There are: {', '.join(names[:NAMES]) or 'none'}{more}."

    def _check_names(self, names: Sequence[str]) -> None:
        for name in names:
            if not NAME.fullmatch(name):
                raise ValueError(
                    f"{name[:80]!r} cannot be the name of a tool: model servers take 1 to 64 "
                    "letters, digits, '_' and '-'"
                )
        taken = set(self._held) | ({SEARCH} if self._search else set())
        twice: dict[str, int] = {}
        for name in names:
            if name in taken:
                twice[name] = twice.get(name, 1) + 1
            taken.add(name)
        if twice:
            counted = [f"{name} ({count} times)" for name, count in list(twice.items())[:NAMES]]
            raise ValueError(
                f"tools need names of their own; held more than once: {', '.join(counted)}"
            )


def unreadable(message: AIMessage) -> list[ToolMessage]:
    """The answers to what a model meant as calls, but wrote so that they cannot be read."""
    return [
        refused(
            call.get("name") or "unreadable",
            Fault.UNREADABLE,
            f"This call could not be read: {shortened(call.get('error') or 'it is not JSON')}",
        ).message(call.get("id"))
        for call in message.invalid_tool_calls
    ]


async def _finished(admitted: _Admitted, config: RunnableConfig | None) -> ToolResult:
    if isinstance(admitted, ToolResult):
        return admitted
    held, call = admitted
    return await held.run(call, config)
