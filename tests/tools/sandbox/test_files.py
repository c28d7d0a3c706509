"""Files into the work folder and out of it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from sandboxes import local_backends, sandbox

from symposia.tools.sandbox import PythonSandbox
from symposia.tools.sandbox.files import BYTES, FILES

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=local_backends())
async def box(request: pytest.FixtureRequest) -> AsyncIterator[PythonSandbox]:
    async with sandbox(request.param) as box:
        yield box


async def test_files_go_in_and_come_out(box: PythonSandbox) -> None:
    result = await box.run(
        "import os\n"
        "os.makedirs('out/deep')\n"
        "open('out/a.csv', 'wb').write(open('in/raw.bin', 'rb').read()[::-1])\n"
        "open('out/deep/b.csv', 'w').write(open('text.txt', encoding='utf-8').read())\n"
        "open('out/other.txt', 'w').write('not asked for')\n",
        files={"in/raw.bin": bytes(range(256)), "text.txt": "grüße"},
        collect=["out/**/*.csv", "nothing*"],
    )
    assert result.ok, result.traceback
    assert result.files == {
        "out/a.csv": bytes(range(256))[::-1],
        "out/deep/b.csv": "grüße".encode(),
    }
    assert result.left_out == ()


async def test_files_come_out_after_an_error_too(box: PythonSandbox) -> None:
    result = await box.run("open('a', 'w').write('a')\n1 / 0", collect=["a"])
    assert not result.ok
    assert result.files == {"a": b"a"}


async def test_files_that_come_in_can_be_imported(box: PythonSandbox) -> None:
    result = await box.run(
        "import helper\nfrom package.inner import y\nhelper.x + y",
        files={"helper.py": "x = 1", "package/__init__.py": "", "package/inner.py": "y = 2"},
    )
    assert result.value == "3"


async def test_links_are_not_followed(box: PythonSandbox) -> None:
    result = await box.run(
        "import os\n"
        "open('real', 'w').write('real')\n"
        "os.mkdir('folder'); open('folder/file', 'w').write('file')\n"
        "os.symlink('/etc/passwd', 'passwd')\n"
        "os.symlink('/etc', 'etc')\n"
        "os.symlink('real', 'link')\n"
        "os.symlink('folder', 'other')\n"
        "os.mkfifo('pipe')\n",
        collect=["*", "etc/*", "**/*"],
    )
    assert result.ok, result.traceback
    assert result.files == {"real": b"real", "folder/file": b"file"}


async def test_what_is_too_much_is_left_out_and_named(box: PythonSandbox) -> None:
    result = await box.run(
        "for number in range(3):\n"
        "    with open(f'{number}.big', 'wb') as file:\n"
        "        file.write(b'x' * 7 * 2 ** 20)\n"
        "with open('small', 'w') as file: file.write('s')\n",
        collect=["*"],
    )
    assert result.ok, result.traceback
    assert sorted(result.files) == ["0.big", "1.big", "small"]
    assert result.left_out == ("2.big",)


async def test_too_many_files_are_left_out(box: PythonSandbox) -> None:
    result = await box.run(
        f"for number in range({FILES + 5}):\n    open(f'{{number:05}}', 'w').close()",
        collect=["*"],
    )
    assert len(result.files) == FILES
    assert result.left_out == tuple(f"{number:05}" for number in range(FILES, FILES + 5))


async def test_file_names_that_are_no_text_are_left_out(box: PythonSandbox) -> None:
    result = await box.run("open(b'\\xff', 'w').close()\nopen('a', 'w').close()", collect=["*"])
    assert result.files == {"a": b""}
    assert result.left_out == (r"\udcff",)


async def test_names_must_stay_in_the_work_folder(box: PythonSandbox) -> None:
    bad = ["/etc/passwd", "../up", "a/../../up", "", ".", "a//b", "./a", "a/", "a\0b", "x" * 2000]
    async with box.session() as session:
        for name in bad:
            with pytest.raises(ValueError, match="file"):
                await box.run("1", files={name: b""})
            with pytest.raises(ValueError, match="file"):
                await box.run("1", collect=[name])
            with pytest.raises(ValueError, match="file"):
                await session.run("1", files={name: b""})
            with pytest.raises(ValueError, match="file"):
                await box.run_tests("", ["1"], files={name: b""})
        assert (await session.run("1")).ok


async def test_too_much_is_refused_before_it_is_sent(box: PythonSandbox) -> None:
    with pytest.raises(ValueError, match="at most"):
        await box.run("1", files={"a": bytes(BYTES + 1)})
    with pytest.raises(ValueError, match="at most"):
        await box.run("1", files={str(n): b"" for n in range(FILES + 1)})


async def test_a_single_pattern_is_no_list(box: PythonSandbox) -> None:
    with pytest.raises(ValueError, match="list of patterns"):
        await box.run("1", collect="*.csv")
