"""A workspace as tools of an agent."""

from __future__ import annotations

import pytest
from langchain_core.messages import ToolMessage

from symposia.tools.repository import Change, View, Workspace


async def call(workspace: Workspace, name: str, /, **arguments: object) -> ToolMessage:
    [tool] = [tool for tool in workspace.tools() if tool.name == name]
    return await tool.ainvoke({"type": "tool_call", "id": "1", "name": name, "args": arguments})


def test_every_tool_and_argument_is_described(workspace: Workspace) -> None:
    tools = workspace.tools()
    assert len({tool.name for tool in tools}) == len(tools) == 14
    for tool in tools:
        assert tool.description and "Args:" not in tool.description
        assert all(argument.get("description") for argument in tool.args.values())


async def test_a_tool_answers_with_text_and_the_typed_result(workspace: Workspace) -> None:
    seen = await call(workspace, "view_file", path="README.md")
    assert (seen.content, seen.status) == ("README.md, lines 1 to 1 of 1\n1 | # Bank", "success")
    assert isinstance(seen.artifact, View)
    done = await call(workspace, "replace_text", path="README.md", old="Bank", new="Shop")
    assert isinstance(done.artifact, Change) and workspace.read("README.md") == b"# Shop\n"


async def test_what_is_refused_comes_back_as_an_error_message(workspace: Workspace) -> None:
    answer = await call(workspace, "view_file", path="../secret")
    assert answer.status == "error" and "nothing outside the workspace" in answer.content
    answer = await call(workspace, "apply_patch", patch="hello")
    assert answer.status == "error" and "begin with '--- a/PATH'" in answer.content


async def test_an_agent_works_through_the_tools_alone(workspace: Workspace) -> None:
    found = await call(workspace, "find_symbol", name="rate")
    assert found.content.startswith("bank/account.py:22-26: Account.rate")
    assert "Account.rate" in (await call(workspace, "outline", path="bank/account.py")).content
    await call(
        workspace,
        "replace_symbol",
        path="bank/account.py",
        name="Account.rate",
        source="def rate(self):\n    return 0.03",
    )
    await call(workspace, "create_file", path="a.txt", text="one\n")
    await call(workspace, "insert_lines", path="a.txt", after=1, new="two\n")
    await call(workspace, "replace_lines", path="a.txt", start=1, end=1, new="zero\n")
    assert (await call(workspace, "search", pattern="z.ro", regex=True, glob="*.txt")).content == (
        "a.txt:1: zero"
    )
    await call(workspace, "delete_file", path="README.md")
    assert (await call(workspace, "list_files")).content == "a.txt\nbank/account.py"
    patch = (await call(workspace, "show_diff")).content
    snapshot = workspace.snapshot()
    await call(workspace, "reset")
    assert workspace.diff() == ""
    await call(workspace, "apply_patch", patch=patch)
    assert workspace.snapshot() == snapshot


@pytest.mark.parametrize("arguments", [{}, {"path": 3}, {"path": "README.md", "start": "x"}])
async def test_arguments_of_the_wrong_kind_never_reach_the_workspace(
    workspace: Workspace, arguments: dict[str, object]
) -> None:
    with pytest.raises(ValueError, match="validation error"):
        await call(workspace, "view_file", **arguments)
