"""The same hundred snippets give the same value in the sandbox as outside it."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from symposia.tools.sandbox import PythonSandbox

pytestmark = pytest.mark.asyncio(loop_scope="module")

SNIPPETS = Path(__file__).with_name("snippets.txt").read_text()
CASES = SNIPPETS.strip().split("\n\n")
PLAIN = """
import ast, json, os, sys, tempfile
os.chdir(tempfile.mkdtemp(dir=sys.argv.pop(1)))
tree = ast.parse(json.loads(sys.argv.pop(1)))
last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
names = vars(sys.modules['__main__'])
exec(compile(tree, 'main.py', 'exec'), names)
value = None
if last is not None:
    value = eval(compile(ast.Expression(last.value), 'main.py', 'eval'), names)
print('VALUE', json.dumps(None if value is None else repr(value)))
"""


def outside(code: str, folder: str) -> str | None:
    """The `repr` of a snippet's value in a plain Python, without the host's packages."""
    ran = subprocess.run(
        [sys.executable, "-s", "-P", "-c", PLAIN, folder, json.dumps(code)],
        capture_output=True,
        text=True,
        env={"PYTHONHASHSEED": "0", "LANG": "C.UTF-8"},
        check=True,
    )
    value: str | None = json.loads(ran.stdout.rpartition("VALUE")[2])
    return value


@pytest.fixture(scope="module")
def values() -> list[str | None]:
    """What every snippet gives outside."""
    with tempfile.TemporaryDirectory() as folder:
        return [outside(code, folder) for code in CASES]


async def test_a_hundred_snippets_give_the_same_value(
    box: PythonSandbox, values: list[str | None]
) -> None:
    assert len(CASES) >= 100
    room = asyncio.Semaphore(2)

    async def inside(code: str) -> str | None:
        async with room:
            result = await box.run(code)
            return result.value if result.ok else f"{result.status}: {result.traceback}"

    found = await asyncio.gather(*map(inside, CASES))
    different = [case for case in zip(CASES, values, found, strict=True) if case[1] != case[2]]
    assert different == []


async def test_the_comparison_sees_a_difference(
    box: PythonSandbox, tmp_path_factory: pytest.TempPathFactory
) -> None:
    code = "import os; os.getcwd()"
    assert outside(code, str(tmp_path_factory.mktemp("plain"))) != (await box.run(code)).value
