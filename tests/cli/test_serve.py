"""`symposia serve` with a program that stands in for vllm: it records how it was called, starts a
child, and answers at /health."""

from __future__ import annotations

import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from symposia.cli.serve import serve
from symposia.models.load import TINY
from symposia.models.served import launch as serving
from symposia.models.served.resilience import ServerError

STAND_IN = """#!{python}
import json, os, signal, subprocess, sys, time
from http.server import BaseHTTPRequestHandler, HTTPServer

class Health(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/health" else 404)
        self.end_headers()

{begin}
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
called = {{
    "arguments": sys.argv[1:],
    "environment": {{k: v for k, v in os.environ.items() if k.startswith("VLLM_")}},
    "processes": [os.getpid(), child.pid],
}}
with open("{record}.part", "w") as file:
    json.dump(called, file)
os.rename("{record}.part", "{record}")
port = int(sys.argv[sys.argv.index("--port") + 1])
HTTPServer(("127.0.0.1", port), Health).serve_forever()
"""


def run(*arguments: object) -> Result:
    return CliRunner().invoke(serve, [str(a) for a in arguments])


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class StandIn:
    def __init__(self, folder: Path) -> None:
        self.program = folder / "vllm"
        self.record = folder / "called.json"
        self.port = free_port()
        self.write()

    def write(self, begin: str = "") -> None:
        text = STAND_IN.format(python=sys.executable, record=self.record, begin=begin)
        self.program.write_text(text)
        self.program.chmod(0o755)

    def called(self) -> dict[str, Any]:
        until(self.record.exists)
        return dict(json.loads(self.record.read_text()))

    def launch(self) -> serving.Launch:
        return serving.plan("tiny", vllm=str(self.program), port=self.port)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        line = (  # as a shell starts a job in the background
            "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN); "
            "from symposia.cli.serve import serve; serve()"
        )
        command = ["tiny", "--port", str(self.port), "--vllm", str(self.program), *arguments]
        return subprocess.Popen(
            [sys.executable, "-c", line, *command],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )


def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


def alive(process: int) -> bool:
    """Whether a process runs (and is not just waiting to be buried)."""
    try:
        stat = Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


@pytest.fixture
def stand_in(tmp_path: Path) -> Iterator[StandIn]:
    made = StandIn(tmp_path)
    yield made
    if made.record.exists():
        for process in made.called()["processes"]:
            if alive(process):
                os.kill(process, signal.SIGKILL)


def test_a_dry_run_prints_the_command_that_training_needs() -> None:
    result = run("tiny", "--dry-run", "--port", 8123)
    words = shlex.split(result.stdout)
    assert words[:5] == ["vllm", "serve", str(TINY), "--served-model-name", "tiny"]
    assert words[5:] == shlex.split(
        "--host 127.0.0.1 --port 8123 --logprobs-mode processed_logprobs"
    )


def test_adapters_and_control_routes_are_open_only_when_asked_for() -> None:
    lora = json.loads(run("org/model", "--dry-run", "--json", "--lora").stdout)
    assert "--enable-lora" in lora["command"]
    assert lora["environment"] == {"VLLM_ALLOW_RUNTIME_LORA_UPDATING": "True"}
    dev = json.loads(run("org/model", "--dry-run", "--json", "--dev").stdout)
    assert "--enable-lora" not in dev["command"]
    assert dev["environment"] == {"VLLM_SERVER_DEV_MODE": "1"}
    assert (dev["model"], dev["url"]) == ("org/model", "http://127.0.0.1:8000/v1")
    assert run("tiny", "--dry-run", "--lora").stdout.startswith(
        "VLLM_ALLOW_RUNTIME_LORA_UPDATING=True vllm serve"
    )


def test_further_arguments_go_to_vllm_after_our_own() -> None:
    told = json.loads(run("tiny", "--dry-run", "--json", "--", "--dtype", "float32").stdout)
    assert told["command"][-2:] == ["--dtype", "float32"]


def test_a_folder_is_served_under_its_name_or_another(tmp_path: Path) -> None:
    (tmp_path / "actor").mkdir()
    (tmp_path / "actor" / "config.json").write_text("{}")
    told = json.loads(run(f"hf:{tmp_path}/actor", "--dry-run", "--json").stdout)
    assert (told["command"][2], told["model"]) == (str(tmp_path / "actor"), "actor")
    told = json.loads(run(tmp_path / "actor", "--name", "a", "--dry-run", "--json").stdout)
    assert (told["command"][2], told["model"]) == (str(tmp_path / "actor"), "a")
    wrong = run(f"hf:{tmp_path}", "--dry-run")
    assert wrong.exit_code == 2
    assert "is not a Hugging Face folder" in wrong.stderr


@pytest.mark.parametrize(
    ("options", "says"),
    [((), "there is no vllm in PATH"), (("--vllm", "nowhere/vllm"), "nowhere/vllm is no program")],
)
def test_a_missing_vllm_is_an_error_with_the_command_that_mends_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, options: tuple[str, ...], says: str
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    result = run("tiny", *options)
    assert result.exit_code == 2
    assert says in result.stderr
    assert "environment of its own" in result.stderr
    assert "vllm-env/bin/pip install vllm" in result.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_waits_for_health_says_where_and_stops_with_all_children(
    stand_in: StandIn, number: signal.Signals
) -> None:
    process = stand_in.start("--lora", "--json")
    assert process.stdout is not None
    told = json.loads(process.stdout.readline())
    called = stand_in.called()
    assert told["url"] == f"http://127.0.0.1:{stand_in.port}/v1"
    assert told["pid"] == called["processes"][0]
    assert called["arguments"] == told["command"][1:]
    assert called["environment"]["VLLM_ALLOW_RUNTIME_LORA_UPDATING"] == "True"
    assert all(map(alive, called["processes"]))
    process.send_signal(number)
    _, stderr = process.communicate(timeout=10)
    assert process.returncode == 0
    assert f"--model vllm:{told['url']}#tiny" in stderr
    assert "stopped" in stderr
    until(lambda: not any(map(alive, called["processes"])))


def test_a_server_that_ignores_the_request_to_stop_is_killed(
    stand_in: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "STOPPING", ((signal.SIGTERM, 0.3), (signal.SIGKILL, 5.0)))
    stand_in.write("signal.signal(signal.SIGTERM, signal.SIG_IGN)")
    with serving.running(stand_in.launch(), 10):
        processes = stand_in.called()["processes"]
    until(lambda: not any(map(alive, processes)))


def test_a_server_that_dies_before_it_is_ready_is_an_error(
    stand_in: StandIn, capfd: pytest.CaptureFixture[str]
) -> None:
    stand_in.write("sys.exit('no such model')")
    with (
        pytest.raises(ServerError, match="vllm ended with exit code 1 before it was ready"),
        serving.running(stand_in.launch(), 10),
    ):
        pass
    assert "no such model" in capfd.readouterr().err


def test_a_server_that_takes_too_long_is_stopped(stand_in: StandIn) -> None:
    stand_in.write(f"open({str(stand_in.record)!r}, 'w').write(str(os.getpid())); time.sleep(60)")
    with (
        pytest.raises(ServerError, match="not ready in 1 s: give it more with --wait"),
        serving.running(stand_in.launch(), 1),
    ):
        pass
    process = int(stand_in.record.read_text())
    stand_in.record.unlink()
    assert not alive(process)


def test_a_server_that_dies_later_is_an_error(stand_in: StandIn) -> None:
    process = stand_in.start("--json")
    assert process.stdout is not None
    told = json.loads(process.stdout.readline())
    os.kill(told["pid"], signal.SIGKILL)
    _, stderr = process.communicate(timeout=10)
    assert process.returncode == 1
    assert "vllm ended with exit code -9" in stderr
    until(lambda: not any(map(alive, stand_in.called()["processes"])))


def test_a_port_that_is_taken_is_an_error_before_anything_starts(stand_in: StandIn) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", stand_in.port))
        other.listen()
        result = run("tiny", "--port", stand_in.port, "--vllm", stand_in.program)
    assert result.exit_code == 2
    assert "choose another --port" in result.stderr
    assert not stand_in.record.exists()
