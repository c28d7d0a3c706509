"""The tools that a conversation has in hand: few of many, changed as it goes, never over a limit.

What is in hand follows from the conversation alone (see `tool_changes`), so it needs no state of
its own, survives checkpoints and is the same in a replay. A model may be given two tools for it:
`search_tools` adds what fits a query, `remove_tools` takes away. What a search finds past the limit
is not added, and the model is told so. Tools that end a task are always in hand; they and the two
count towards the limit as well, so no model is ever sent more.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence

from langchain_core.messages import AIMessage, BaseMessage, ToolCall
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import BaseTool, StructuredTool

from ...tools import Fault, ToolPolicy, ToolRegistry, ToolResult
from ...tools.held import Held, refused
from ...tools.view import glimpse
from .tool_changes import REMOVE, SEARCH, Change, changes

LIMIT = 128
"""Tools that a model is sent, at most; what the paper's servers take."""
FOUND = 5
"""Tools that one search adds, at most."""
Answer = tuple[str, dict[str, list[str]]]
"""What the model reads, and the change that stands beside it."""


class ActiveTools:
    """A registry's tools, of which each conversation has some in hand.

    It takes the registry's place in `use_tools`, and serves any number of conversations at once.

    Args:
        registry: all tools.
        limit: tools that a model is sent, at most.
        found: tools that one search adds, at most.
        meta: which of `search_tools` and `remove_tools` the model is given.

    Raises:
        ValueError: the limit leaves no room, `found` is not positive, or the registry shows few
            tools itself, or has one of the two names.
    """

    def __init__(
        self,
        registry: ToolRegistry,
        *,
        limit: int = LIMIT,
        found: int = FOUND,
        meta: Collection[str] = (SEARCH, REMOVE),
    ) -> None:
        if unknown := sorted(set(meta) - {SEARCH, REMOVE}):
            raise ValueError(f"meta={unknown}: there are {SEARCH} and {REMOVE}")
        if found < 1:
            raise ValueError(f"found={found}: a search must be able to add a tool")
        if registry.show is not None:
            raise ValueError(f"the registry has show={registry.show}: leave that out here")
        if taken := [name for name in (SEARCH, REMOVE) if name in registry]:
            raise ValueError(f"a tool of the registry is called {taken[0]!r}, which is taken")
        self.registry = registry
        self.limit = limit
        self.found = found
        self.meta = tuple(name for name in (SEARCH, REMOVE) if name in meta)
        self._always = [tool.name for tool in registry.shown() if tool.return_direct]
        self.room = limit - len(self._always) - len(self.meta)
        """Tools that a conversation may have in hand besides."""
        if self.room < 1:
            beside = ", ".join((*self._always, *self.meta)) or "none"
            raise ValueError(f"limit={limit} leaves no room for tools beside {beside}")

    def active(self, messages: Sequence[BaseMessage]) -> list[str]:
        """The names of the tools that were found and not removed, the oldest first."""
        held: dict[str, None] = {}
        for change in changes(messages):
            self._apply(change, held)
        return list(held)

    def shown(self, messages: Sequence[BaseMessage]) -> list[BaseTool]:
        """The tools to bind to a model in this conversation, at most `limit`."""
        active = self.active(messages)
        meta = [self._meta_tool(name, active) for name in self.meta]
        return [*(self.registry[name] for name in (*self._always, *active)), *meta]

    def search(self, queries: Iterable[str], active: Sequence[str]) -> Change:
        """What searches would add to the tools in hand, as far as there is room."""
        held = [*active]
        for query in queries:
            held += [name for name in self._found(query) if name not in (*held, *self._always)]
        return Change(added=tuple(held[len(active) : max(self.room, len(active))]))

    def remove(self, names: Iterable[str], active: Sequence[str]) -> Change:
        """What can be removed of `names`."""
        return Change(removed=tuple(name for name in dict.fromkeys(names) if name in active))

    async def call(
        self,
        call: ToolCall,
        messages: Sequence[BaseMessage] = (),
        config: RunnableConfig | None = None,
    ) -> ToolResult:
        """Run a tool that is in hand, as `ToolRegistry.call` does; others are refused.

        Args:
            messages: the conversation, with the message that calls.
        """
        name, active = call["name"], self._active_before(call, messages)
        if name in self.meta:
            held = Held(self._meta_tool(name, active), ToolPolicy())
            allowed = held.admit(call, ())
            return allowed if isinstance(allowed, ToolResult) else await held.run(allowed, config)
        if name in (*active, *self._always):
            return await self.registry.call(call, messages, config)
        how = f" Find it by {SEARCH} first." if SEARCH in self.meta else ""
        return refused(name, Fault.UNKNOWN, f"The tool {name[:64]!r} is not in hand.{how}")

    def remembers(self, name: str) -> bool:
        """Every call depends on what was said before it."""
        return True

    def __contains__(self, name: object) -> bool:
        return name in self.registry

    def __getitem__(self, name: str) -> BaseTool:
        return self.registry[name]

    def _active_before(self, call: ToolCall, messages: Sequence[BaseMessage]) -> list[str]:
        """What is in hand at a call, when those before it in the same message are done."""
        held = dict.fromkeys(self.active(messages))
        asked = messages[-1] if messages else None
        for other in asked.tool_calls if isinstance(asked, AIMessage) else ():
            if other["id"] == call["id"]:
                break
            self._apply(self._change(other, list(held)), held)
        return list(held)

    def _change(self, call: ToolCall, active: Sequence[str]) -> Change:
        """What a call changes."""
        name, arguments = call["name"], call["args"]
        query, names = arguments.get("query"), arguments.get("names")
        if name not in self.meta:
            return Change()
        if name == SEARCH and isinstance(query, str):
            return self.search([query], active)
        if name == REMOVE and isinstance(names, list):
            return self.remove(map(str, names), active)
        return Change()

    def _apply(self, change: Change, held: dict[str, None]) -> None:
        for name in change.removed:
            held.pop(name, None)
        for name in change.added:
            if len(held) < self.room and name not in self._always and name in self.registry:
                held[name] = None

    def _found(self, query: str) -> list[str]:
        return [tool.name for tool in self.registry.search(query, self.found)]

    def _meta_tool(self, name: str, active: Sequence[str]) -> BaseTool:
        make = self._search_tool if name == SEARCH else self._remove_tool
        tool = make(list(active))
        tool.description += f" You hold {len(active)} of at most {self.room} tools."
        return tool

    def _search_tool(self, active: list[str]) -> BaseTool:
        async def search_tools(query: str) -> Answer:
            """Find tools for what you want to do; those found can be called from your next turn on.

            Args:
                query: what the tool should do, in a few words
            """
            change = self.search([query], active)
            found = self._found(query)
            held = {*active, *change.added, *self._always}
            lines = [f"{name}: {glimpse(self.registry[name])}" for name in found if name in held]
            if not found:
                lines.append("No tool matches. Try other words for what the tool should do.")
            if left := [name for name in found if name not in held]:
                lines.append(
                    f"Not added, because the limit of {self.room} tools is reached: "
                    f"{', '.join(left)}."
                )
            return "\n".join(lines), change.to_json()

        return _made(search_tools)

    def _remove_tool(self, active: list[str]) -> BaseTool:
        async def remove_tools(names: list[str]) -> Answer:
            """Put away tools that you no longer need.

            Args:
                names: their names
            """
            change = self.remove(names, active)
            lines = [f"Removed: {', '.join(change.removed) or 'none'}."]
            if strays := [name[:64] for name in names if name not in active]:
                lines.append(f"Not in hand: {', '.join(strays)}.")
            return "\n".join(lines), change.to_json()

        return _made(remove_tools)


def _made(function: Callable[..., Awaitable[Answer]]) -> BaseTool:
    return StructuredTool.from_function(
        coroutine=function, parse_docstring=True, response_format="content_and_artifact"
    )
