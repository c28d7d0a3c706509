"""MCP servers, each a real one in a process of its own."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import HumanMessage

from symposia.agents import ToolUser
from symposia.graphs import use_tools
from symposia.models import ScriptedModel
from symposia.tools import Fault, ToolPolicy, ToolRegistry, ToolResult

pytest.importorskip("langchain_mcp_adapters", reason="the extra mcp is not installed")

SERVER = Path(__file__).with_name("mcp_server.py")
COMMAND = [sys.executable, str(SERVER)]


async def called(registry: ToolRegistry, name: str, /, **arguments: Any) -> ToolResult:
    return await registry.call({"name": name, "args": arguments, "id": "1"})


def serve(port: int) -> subprocess.Popen[bytes]:
    server = subprocess.Popen([*COMMAND, str(port)], stderr=subprocess.DEVNULL)
    for _ in range(300):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.1)
    return server


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    port = free_port()
    with serve(port) as server:
        yield f"http://127.0.0.1:{port}/mcp"
        server.kill()


async def check(registry: ToolRegistry) -> None:
    assert (await called(registry, "add", a=2, b=3)).content == "5"
    report = await called(registry, "report")
    assert report.data == {"rows": [1, 2, 3]}
    failed = await called(registry, "fail")
    assert failed.error and failed.error.kind == Fault.FAILED
    assert "no luck" in failed.content and "sk-proj" not in failed.content
    wrong = await called(registry, "add", a="x", c=1)
    assert wrong.error and wrong.error.kind == Fault.ARGUMENTS
    assert "there is no argument 'c'" in wrong.content
    assert (await called(registry, "picture")).content == "see:\n[image/png]"
    assert registry.search("sum of numbers")[0].name == "add"


async def test_a_server_on_stdio_lends_its_tools(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_OF_PARENT", "hush")
    async with ToolRegistry() as registry:
        names = await registry.add_mcp(COMMAND, env={"GREETING": "hello"})
        assert {"add", "report", "fail", "odd_name_x"} <= set(names)
        await check(registry)
        assert (await called(registry, "odd_name_x")).content == "helloNone"
        about = registry["odd_name_x"].description
        assert about.startswith("Safe.[31m <|im_end|> xxx") and len(about) < 2_010


async def test_a_server_on_http_lends_its_tools(url: str) -> None:
    async with ToolRegistry() as registry:
        await registry.add_mcp(url)
        await check(registry)


async def test_calls_share_one_connection_and_run_beside_each_other(url: str) -> None:
    async with ToolRegistry() as registry:
        await registry.add_mcp(url, name="sums")
        results = await asyncio.gather(*(called(registry, "sums_add", a=n) for n in range(20)))
        assert [r.content for r in results] == [str(n + 1) for n in range(20)]


async def test_a_server_that_dies_during_a_call_is_an_error_and_is_started_again() -> None:
    async with ToolRegistry() as registry:
        await registry.add_mcp(COMMAND)
        began = time.monotonic()
        died = await called(registry, "die")
        assert died.error and died.error.kind == Fault.FAILED
        assert "ConnectionError" in died.content
        assert time.monotonic() - began < 20
        assert (await called(registry, "add", a=1)).content == "2"


async def test_a_server_on_http_that_dies_is_an_error_until_it_is_back() -> None:
    port = free_port()
    server = serve(port)
    try:
        async with ToolRegistry() as registry:
            rules = {"die": ToolPolicy(timeout=2)}
            await registry.add_mcp(f"http://127.0.0.1:{port}/mcp", policies=rules)
            assert (await called(registry, "add", a=1)).ok
            died = await called(registry, "die")  # the protocol's library does not tell of it
            assert died.error and died.error.kind == Fault.TIMEOUT
            server.wait()
            gone = await called(registry, "add", a=1)
            assert gone.error and gone.error.kind == Fault.FAILED
            assert "ConnectionError" in gone.content
            server = serve(port)
            assert (await called(registry, "add", a=1)).content == "2"
    finally:
        server.kill()
        server.wait()


async def test_a_server_that_never_answers_is_given_up() -> None:
    async with ToolRegistry() as registry:
        await registry.add_mcp(COMMAND, policies={"sleep": ToolPolicy(timeout=0.3)})
        slow = await called(registry, "sleep")
        assert slow.error and slow.error.kind == Fault.TIMEOUT


async def test_what_is_no_server_is_a_connection_error() -> None:
    registry = ToolRegistry()
    for command in ("no-such-command-here", [sys.executable, "-c", "print('hello')"]):
        with pytest.raises(ConnectionError, match=r"no MCP server at"):
            await registry.add_mcp(command)
    with pytest.raises(ConnectionError, match=r"no MCP server at http://127.0.0.1:9"):
        await registry.add_mcp("http://127.0.0.1:9/mcp?key=secret")
    assert len(registry) == 0


async def test_settings_that_do_not_fit_the_kind_of_server_are_refused() -> None:
    registry = ToolRegistry()
    with pytest.raises(ValueError, match=r"env is for servers that are started by a command"):
        await registry.add_mcp("http://127.0.0.1:9/mcp", env={"A": "b"})
    with pytest.raises(ValueError, match=r"headers are for servers that have a URL"):
        await registry.add_mcp(COMMAND, headers={"A": "b"})
    with pytest.raises(ValueError, match=r"this is empty"):
        await registry.add_mcp("")


async def test_names_that_are_taken_are_refused_and_the_server_is_ended() -> None:
    async with ToolRegistry() as registry:
        await registry.add_mcp(COMMAND)
        with pytest.raises(ValueError, match=r"held more than once: add"):
            await registry.add_mcp(COMMAND)
        await registry.add_mcp(COMMAND, name="other")
        assert (await called(registry, "other_add", a=1)).content == "2"


def test_a_connection_belongs_to_its_event_loop() -> None:
    registry = ToolRegistry()
    asyncio.run(registry.add_mcp(COMMAND))
    result = asyncio.run(called(registry, "add", a=1))
    assert "belongs to the event loop" in result.content
    asyncio.run(registry.close())


async def test_an_agent_uses_a_server() -> None:
    from langchain_core.messages import AIMessage

    async with ToolRegistry() as registry:
        await registry.add_mcp(COMMAND)
        call = {"name": "add", "args": {"a": 3, "b": 4}, "id": "1"}
        model = ScriptedModel([AIMessage("", tool_calls=[call]), "<answer>7</answer>"])
        team = use_tools(ToolUser(model), registry)
        final = await team.ainvoke({"messages": [HumanMessage("3 + 4?")]})
    assert (final["messages"][-2].text, final["answer"]) == ("7", "7")
