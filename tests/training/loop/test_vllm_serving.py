"""A vLLM server gets each version of an adapter under a name of its own, and forgets old ones."""

from __future__ import annotations

from pathlib import Path

from stub_server import StubServer

from symposia.training.loop import VLLMServing


def version(root: Path, number: int) -> Path:
    folder = root / "versions" / "policy" / f"{number:04d}"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "adapter_config.json").write_text("{}")
    return folder


async def test_each_version_is_loaded_once_answers_by_its_name_and_is_forgotten(tmp_path):
    async with StubServer() as server:
        serving = VLLMServing(server.url, "base")
        for number in (0, 1):
            at = {"policy": version(tmp_path, number)}
            for _ in range(2):
                served = await serving.serve(at, temperature=1.0, max_tokens=4)
            reply = await served["policy"].ainvoke("hello")
            called = reply.response_metadata["model_name"]
            assert called.startswith(f"policy-{number:04d}-")
            assert len(reply.response_metadata["tokens"]["completion_ids"]) == 4
            assert called in server.models
            await serving.release(at)
        assert server.models == ["base", called]
