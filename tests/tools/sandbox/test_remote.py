"""The remote backend, against a real server process on the loopback, and against bad ones."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx2
import pytest
from sandboxes import local_backends

from symposia.tools.sandbox import Limits, Mistake, PythonSandbox, Status, UnavailableError
from symposia.tools.sandbox.unsafe import NAME as UNSAFE

pytest.importorskip("uvicorn", reason='needs pip install "symposia[sandbox-server]"')

BACKEND = local_backends()[0]
TOKEN = "a token of the tests"


@dataclass
class Served:
    url: str
    backend: str
    pid: int

    def box(self, **settings: Any) -> PythonSandbox:
        settings = {"url": self.url, "token": TOKEN, "allow_unsafe": True, **settings}
        return PythonSandbox("remote", workers=0, **settings)


@contextmanager
def serving(*more: str, stop: signal.Signals = signal.SIGINT) -> Iterator[Served]:
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "symposia", "sandbox", "serve", "--port", "0", "--json"),
            *("--token", TOKEN, "--backend", BACKEND, "--workers", "2", "--seconds", "5"),
            *(("--allow-unsafe",) if BACKEND == UNSAFE else ()),
            *more,
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        yield Served(ready["url"], ready["backend"], ready["pid"])
    finally:
        process.send_signal(stop)
        process.wait(20)
        if process.stdout:
            process.stdout.close()
    assert process.returncode == 0


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with serving() as served:
        yield served


async def test_runs_sessions_and_tests_work_as_they_do_here(served: Served) -> None:
    async with served.box() as box:
        assert box.backend == f"remote:{BACKEND}"
        assert box.limits.seconds == 5
        run = await box.run("print(open('a').read())\n6 * 7", files={"a": "in"}, collect=["*"])
        assert (run.status, run.value, run.stdout) == (Status.OK, "42", "in\n")
        assert (run.backend, run.files) == (box.backend, {"a": b"in"})
        assert (await box.run("1 / 0")).mistake is Mistake.ZERO_DIVISION
        assert (await box.run("while True: pass", timeout=0.5)).status is Status.TIMEOUT
        async with box.session() as session:
            await session.run("x = 20")
            assert (await session.run("x + 1")).value == "21"
            assert (await session.run("import os\nos._exit(3)")).exit_code == 3
            assert (await session.run("x")).status is Status.ENDED
        report = await box.run_tests("def f(): return 1", ["assert f() == 1", "assert f() == 2"])
        assert [test.mistake for test in report.tests] == [None, Mistake.ASSERTION]


async def test_many_runs_at_once_all_end(served: Served) -> None:
    async with served.box() as box:
        results = await asyncio.gather(*(box.run(str(number)) for number in range(24)))
    assert [result.value for result in results] == [str(number) for number in range(24)]


async def test_a_job_longer_than_the_servers_limit_is_refused(served: Served) -> None:
    async with served.box() as box:
        result = await box.run("1", timeout=6)
    assert (result.status, result.mistake) == (Status.UNAVAILABLE, Mistake.UNAVAILABLE)
    assert "at most 5 s here" in result.error


async def test_limits_that_the_server_does_not_hold_are_refused(served: Served) -> None:
    with pytest.raises(UnavailableError, match=r"seconds=5.0 \(not 3\)"):
        await served.box(limits=Limits(seconds=3)).open()
    async with served.box(limits=Limits(seconds=5)) as box:
        assert (await box.run("1")).ok


async def test_the_token_is_needed(served: Served) -> None:
    with pytest.raises(UnavailableError, match="401"):
        await served.box(token="another").open()
    async with httpx2.AsyncClient(base_url=served.url) as client:
        for method, path in (("GET", "/sandbox"), ("POST", "/jobs"), ("DELETE", "/workers/x")):
            assert (await client.request(method, path)).status_code == 401


async def test_the_server_refuses_what_is_no_job(served: Served) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with httpx2.AsyncClient(base_url=served.url, headers=headers) as client:
        for body, status in (
            (b"", 400),
            (b"{", 400),
            (b"[]", 400),
            (b'{"job": {}, "seconds": -1}', 400),
            (b'{"job": {}, "seconds": 1, "more": 1}', 400),
            (b'{"job": {}, "seconds": 1, "worker": "unknown"}', 404),
        ):
            answer = await client.post("/jobs", content=body)
            assert answer.status_code == status, body
            assert answer.json()["error"]
        assert (await client.get("/nothing")).status_code == 404
        assert (await client.get("/jobs")).status_code == 405
        broken = await client.post("/jobs", content=b'{"job": {"kind": "x"}, "seconds": 1}')
        assert broken.json()["reply"] is None


async def test_a_client_that_goes_away_takes_its_worker_with_it(served: Served) -> None:
    async with served.box() as box:
        async with box.session() as session:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.3):
                    await session.run("while True: pass")
            assert (await session.run("1")).status is Status.ENDED
        assert (await box.run("1")).ok


async def test_a_server_that_is_gone_makes_results_that_say_so() -> None:
    with serving() as served:
        box = served.box()
        await box.open()
        session = box.session()
        await session.__aenter__()
        assert (await session.run("1")).ok
    run = await box.run("1")
    assert (run.status, run.mistake) == (Status.UNAVAILABLE, Mistake.UNAVAILABLE)
    assert "cannot be reached" in run.error
    assert (await session.run("1")).status is Status.UNAVAILABLE
    assert (await session.run("1")).status is Status.ENDED
    report = await box.run_tests("x = 1", ["assert x == 1"] * 3)
    assert report.mistakes == {Mistake.UNAVAILABLE: 3}
    await box.close()
    with pytest.raises(UnavailableError, match="cannot be reached"):
        await served.box().open()


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
async def test_a_server_without_isolation_is_refused_unless_allowed(stop: signal.Signals) -> None:
    before = os.listdir(tempfile.gettempdir())
    with serving("--backend", UNSAFE, "--allow-unsafe", stop=stop) as served:
        with pytest.raises(UnavailableError, match="without isolation"):
            await served.box(allow_unsafe=False).open()
        async with served.box() as box:
            assert (await box.run("1")).backend == f"remote:{UNSAFE}"
    left = set(os.listdir(tempfile.gettempdir())) - set(before)
    assert not [name for name in left if name.startswith("symposia-unsafe")]


ABOUT = {"backend": "native", "limits": {}}


@contextmanager
def pretending(answers: dict[str, tuple[int, bytes]]) -> Iterator[Served]:
    """A server that answers each path as told."""

    class Pretender(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("content-length", 0)))
            status, body = answers[self.path]
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Pretender) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield Served(f"http://127.0.0.1:{server.server_port}", "", 0)
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b""),
        (200, b"<html>hello</html>"),
        (200, b"[]"),
        (200, b"{}"),
        (200, b'{"backend": 1, "limits": {}}'),
        (200, b'{"backend": "native", "limits": {"nothing": 1}}'),
        (200, b'{"backend": "native", "limits": {"seconds": -1}}'),
        (302, b""),
        (500, b"oops"),
        (503, b'{"error": "busy"}'),
    ],
)
async def test_a_server_that_speaks_nonsense_is_refused(status: int, body: bytes) -> None:
    with (
        pretending({"/sandbox": (status, body)}) as pretender,
        pytest.raises(UnavailableError, match=pretender.url),
    ):
        await pretender.box().open()


TOLD: dict[str, Any] = {
    **{"worker": None, "reply": None, "stdout": "", "stderr": "", "truncated": False},
    **{"seconds": 0.1, "end": "closed", "exit_code": None, "signal": None},
    **{"cpu_seconds": 0.1, "peak_memory": 1},
}


@pytest.mark.parametrize(
    ("told", "status"),
    [
        ({**TOLD, "reply": "no base64!"}, Status.UNAVAILABLE),
        ({**TOLD, "seconds": -1}, Status.UNAVAILABLE),
        ({**TOLD, "end": "happily"}, Status.UNAVAILABLE),
        ({**TOLD, "more": 1}, Status.UNAVAILABLE),
        ({"reply": "e30="}, Status.UNAVAILABLE),
        ("ok", Status.UNAVAILABLE),
        ({**TOLD, "reply": "e30="}, Status.PROTOCOL),
        ({**TOLD, "end": "timeout"}, Status.TIMEOUT),
    ],
)
async def test_answers_of_a_server_are_believed_only_in_their_shape(
    told: object, status: Status
) -> None:
    answers = {
        "/sandbox": (200, json.dumps(ABOUT).encode()),
        "/jobs": (200, json.dumps(told).encode()),
    }
    with pretending(answers) as pretender:
        async with pretender.box() as box:
            assert (await box.run("1")).status is status


async def test_a_server_that_does_not_answer_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("symposia.tools.sandbox.remote.CONNECTING", 0.2)

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with await asyncio.start_server(silent, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        box = PythonSandbox("remote", url=f"http://127.0.0.1:{port}", token="t", workers=0)
        with pytest.raises(UnavailableError, match=r"did not answer in 0\.2 s"):
            await box.open()


async def test_too_many_bytes_are_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("symposia.tools.sandbox.remote.BODY_LIMIT", 1000)
    with (
        pretending({"/sandbox": (200, b"x" * 100_000)}) as pretender,
        pytest.raises(UnavailableError, match="too many bytes"),
    ):
        await pretender.box().open()


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"url": "localhost:1", "token": "t"}, "http://"),
        ({"url": "http://localhost:1"}, "token"),
        ({"token": "t"}, "url"),
        ({"url": "http://localhost:1", "token": "t", "packages": ["numpy"]}, "packages"),
    ],
)
def test_settings_that_cannot_work_are_refused(
    settings: dict[str, Any], reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SYMPOSIA_SANDBOX_TOKEN", raising=False)
    with pytest.raises(ValueError, match=reason):
        PythonSandbox("remote", **settings)
    with pytest.raises(ValueError, match="for backend 'docker'"):
        PythonSandbox(UNSAFE, allow_unsafe=True, image="python")
    with pytest.raises(ValueError, match="for backend 'remote'"):
        PythonSandbox(UNSAFE, allow_unsafe=True, url="http://localhost:1")
