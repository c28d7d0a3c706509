"""MCP servers as tools (Model Context Protocol, https://modelcontextprotocol.io).

langchain-mcp-adapters speaks the protocol and turns its tools into LangChain's. Here one task holds
each connection from its beginning to its end, as the protocol's library demands, and opens it again
when a server died. What a server says about its tools is untrusted: its text is cleaned and cut.
"""

from __future__ import annotations

import asyncio
import re
import shlex
import unicodedata
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Self, cast

from langchain_core.tools import BaseTool, StructuredTool

from ..episodes import error_text

try:
    from langchain_mcp_adapters.interceptors import MCPToolCallRequest, MCPToolCallResult
    from langchain_mcp_adapters.sessions import Connection, create_session
    from langchain_mcp_adapters.tools import load_mcp_tools
    from mcp import ClientSession, McpError
except ImportError as error:
    raise ImportError(
        f"MCP servers need langchain-mcp-adapters ({error.name} is missing): "
        'pip install "symposia[mcp]"'
    ) from error

OPENING = 30.0
"""Seconds that a server has to start and to list its tools."""
CLOSING = 10.0
"""Seconds that a server has to end."""
DESCRIPTION = 2_000
"""Characters of a description that are kept."""
PING = 5.0
"""Seconds in which a server that let a call wait too long must show that it lives."""
CLOSED = -32000
"""The protocol library's error code for a connection that has ended."""


class McpServer:
    """One server, and the connection to it."""

    def __init__(self, connection: Connection, name: str = "", label: str = "") -> None:
        self.name = name
        self.label = label
        """What errors call it."""
        self._connection = connection
        self._session: ClientSession | None = None
        self._holder: asyncio.Task[None] | None = None
        self._leave = asyncio.Event()
        self._opening = asyncio.Lock()
        self._suspect = False
        """Whether a call was given up: over HTTP, that is how a server's death may look."""
        self._loop = asyncio.get_running_loop()

    @classmethod
    def of(
        cls,
        server: str | Sequence[str],
        *,
        name: str = "",
        headers: Mapping[str, str] | None = None,
        env: Mapping[str, str] | None = None,
    ) -> Self:
        """The server of a command or a URL; raises ValueError where a setting does not fit."""
        if isinstance(server, str) and server.startswith(("http://", "https://")):
            if env:
                raise ValueError("env is for servers that are started by a command, not for URLs")
            connection = {"transport": "streamable_http", "url": server, "headers": headers}
            return cls(cast(Connection, connection), name, server.split("?")[0])
        if headers:
            raise ValueError("headers are for servers that have a URL, not for commands")
        words = shlex.split(server) if isinstance(server, str) else list(server)
        if not words:
            raise ValueError("an MCP server is a command or a URL, and this is empty")
        about: dict[str, Any] = {"transport": "stdio", "command": words[0], "args": words[1:]}
        if env is not None:
            about["env"] = dict(env)
        return cls(cast(Connection, about), name, words[0])

    async def connect(self) -> list[BaseTool]:
        """Open the connection and return the server's tools.

        Raises:
            ConnectionError: it cannot be reached, or does not speak MCP.
        """
        session = await self._connected()
        try:
            async with asyncio.timeout(OPENING):
                tools = await load_mcp_tools(
                    session, tool_interceptors=[self._call], handle_tool_errors=False
                )
        except Exception as error:
            await self.close()
            raise ConnectionError(f"no tools from {self.label}: {error_text(error)}") from error
        return [self._cleaned(tool) for tool in tools]

    async def close(self) -> None:
        """End the connection, and a server that was started for it."""
        holder, self._holder, self._session = self._holder, None, None
        if holder is None:
            return
        self._leave.set()
        if asyncio.get_running_loop() is not self._loop:
            return
        await asyncio.wait({holder}, timeout=CLOSING)
        holder.cancel()

    async def _call(self, request: MCPToolCallRequest, handler: Any) -> MCPToolCallResult:
        """A call over the connection that is open now, in the place of the adapter's own."""
        session = await self._connected()
        try:
            return await session.call_tool(request.name, request.args)
        except asyncio.CancelledError:
            self._suspect = True
            raise
        except McpError as error:
            if error.error.code != CLOSED:
                raise
            await self.close()
            raise ConnectionError(f"{self.label} ended during the call") from error
        except Exception as error:
            # What a broken pipe or stream raises is the transport's own business.
            await self.close()
            raise ConnectionError(f"{self.label}: {error_text(error)}") from error

    async def _connected(self) -> ClientSession:
        if asyncio.get_running_loop() is not self._loop:
            raise RuntimeError(
                f"the connection to {self.label} belongs to the event loop that `add_mcp` ran in: "
                "make the registry and run the team in the same one"
            )
        async with self._opening:
            if self._suspect and self._session is not None and not await _lives(self._session):
                await self.close()
            self._suspect = False
            if self._holder is None or self._holder.done():
                await self._open()
            assert self._session is not None
            return self._session

    async def _open(self) -> None:
        ready: asyncio.Future[ClientSession] = self._loop.create_future()
        leave = self._leave = asyncio.Event()

        async def hold() -> None:
            try:
                async with create_session(self._connection) as session:
                    await session.initialize()
                    if not ready.done():
                        ready.set_result(session)
                    await leave.wait()
            except BaseException as error:
                if not ready.done():
                    ready.set_exception(ConnectionError(_root(error)))
                if isinstance(error, asyncio.CancelledError):
                    raise

        holder = asyncio.create_task(hold())
        try:
            async with asyncio.timeout(OPENING):
                self._session = await ready
        except (TimeoutError, ConnectionError) as error:
            holder.cancel()
            with suppress(asyncio.CancelledError):
                await asyncio.wait({holder}, timeout=CLOSING)
            why = str(error) or f"no answer within {OPENING:g} s"
            raise ConnectionError(f"no MCP server at {self.label}: {why}") from None
        except BaseException:
            holder.cancel()
            raise
        self._holder = holder

    def _cleaned(self, tool: BaseTool) -> BaseTool:
        assert isinstance(tool, StructuredTool)
        run = tool.coroutine
        assert run is not None

        async def call(**arguments: Any) -> tuple[Any, Any]:
            content, artifact = await run(**arguments)
            return content, artifact["structured_content"] if artifact else None

        prefix = f"{self.name}_" if self.name else ""
        name = re.sub(r"[^a-zA-Z0-9_-]", "_", prefix + tool.name)
        about = clean(tool.description) or f"The tool {name} of an MCP server."
        schema = {"properties": {}, **_cleaned_schema(tool.args_schema)}
        update = {"name": name, "description": about, "args_schema": schema, "coroutine": call}
        return tool.model_copy(update=update)


async def _lives(session: ClientSession) -> bool:
    try:
        async with asyncio.timeout(PING):
            await session.send_ping()
    except Exception:  # whatever the transport raises
        return False
    return True


def clean(text: str) -> str:
    """`text` without characters that cannot be seen (controls, formats that turn the direction of
    writing, tags, private ones), cut to `DESCRIPTION` characters."""
    kept = "".join(
        c for c in text[: 4 * DESCRIPTION] if c in "\n\t" or unicodedata.category(c)[0] != "C"
    )
    return kept if len(kept) <= DESCRIPTION else f"{kept[:DESCRIPTION]}..."


def _cleaned_schema(schema: Any) -> Any:
    """A JSON schema with the descriptions in it cleaned."""
    if isinstance(schema, Mapping):
        return {
            key: clean(held)
            if key == "description" and isinstance(held, str)
            else _cleaned_schema(held)
            for key, held in schema.items()
        }
    return [_cleaned_schema(item) for item in schema] if isinstance(schema, list) else schema


def _root(error: BaseException) -> str:
    """The innermost error of the groups that the protocol's library raises."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error_text(error)
