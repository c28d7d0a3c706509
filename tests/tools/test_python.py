"""The python tool over a sandbox that really isolates; skipped where none works."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from langchain_core.messages import AIMessage

from symposia.agents import ToolUser
from symposia.benchmarks import play
from symposia.episodes import Task
from symposia.graphs import use_tools
from symposia.models import ScriptedModel
from symposia.tools import PythonSandbox, ToolRegistry, ToolResult
from symposia.tools.ready import python
from symposia.tools.sandbox import UnavailableError


@pytest.fixture
async def box() -> AsyncIterator[PythonSandbox]:
    sandbox = PythonSandbox(workers=1)
    try:
        await sandbox.open()
    except UnavailableError as error:
        pytest.skip(f"no isolation works here: {error}")
    yield sandbox
    await sandbox.close()


async def ran(registry: ToolRegistry, code: str) -> ToolResult:
    return await registry.call({"name": "python", "args": {"code": code}, "id": "1"})


async def test_what_is_printed_and_the_last_value_are_read(box: PythonSandbox) -> None:
    registry = ToolRegistry([python(box)])
    result = await ran(registry, "print('\\x1b[31mred')\nx = 6\nx * 7")
    assert (result.ok, result.content) == (True, "red\n42")
    data: Any = result.data
    assert (data["status"], data["value"], data["backend"]) == ("ok", "42", box.backend)
    assert "NameError" in (await ran(registry, "x")).content
    assert (await ran(registry, "pass")).content == "(no output)"


async def test_a_session_keeps_what_was_defined(box: PythonSandbox) -> None:
    async with box.session() as session:
        registry = ToolRegistry([python(session)])
        await ran(registry, "x = 6")
        assert (await ran(registry, "x * 7")).content == "42"


async def test_an_agent_computes(box: PythonSandbox) -> None:
    call = {"name": "python", "args": {"code": "sum(range(101))"}, "id": "1"}
    model = ScriptedModel([AIMessage("", tool_calls=[call]), "<answer>5050</answer>"])
    team = use_tools(ToolUser(model), [python(box)])
    episode = await play(team, Task("t", "1 + 2 + ... + 100?"))
    assert (episode.answer, episode.tools[0].result) == ("5050", "5050")
