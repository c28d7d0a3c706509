from __future__ import annotations

from pathlib import Path

import pytest

from symposia.models import Cassette, CassetteMissError, load_model


@pytest.mark.parametrize("spec", ["nonsense", "tiny:x", "hf:", "scripted:", ""])
def test_an_unknown_model_lists_what_exists(spec: str) -> None:
    with pytest.raises(ValueError, match=r"there are: tiny .*hf:PATH.*scripted:FILE"):
        load_model(spec)


def test_a_folder_that_is_no_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"no config\.json there"):
        load_model(f"hf:{tmp_path}")


def test_scripted(tmp_path: Path) -> None:
    (tmp_path / "s.txt").write_text("hello\n")
    assert load_model(f"scripted:{tmp_path}/s.txt").invoke("x").text == "hello"


def test_hosted_models_go_through_langchain() -> None:
    pytest.importorskip("langchain_openai", reason="needs a hosted provider's package")
    model = load_model("openai:gpt-5-mini", api_key="none", base_url="http://127.0.0.1:9/v1")
    assert model.model_name == "gpt-5-mini"
    with pytest.raises(ValueError, match="unknown model 'nobody:nothing'"):
        load_model("nobody:nothing")


def test_a_missing_key_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("langchain_openai", reason="needs a hosted provider's package")
    for name in ("OPENAI_API_KEY", "OPENAI_ADMIN_KEY"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ValueError, match=r"'openai:gpt-5-mini' cannot be made.*OPENAI_API_KEY"):
        load_model("openai:gpt-5-mini")


def test_a_missing_extra_names_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "langchain.chat_models", None)
    with pytest.raises(ImportError, match=r"pip install \"symposia\[hosted\]\""):
        load_model("openai:gpt-5-mini")
    local = ("symposia.models.local", "symposia.models.structured", "symposia.models.engine")
    for name in [name for name in sys.modules if name.startswith(local)]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(ImportError, match=r"pip install \"symposia\[local\]\""):
        load_model("tiny")


def test_a_cassette_replays_a_hosted_model_without_its_key(tmp_path: Path) -> None:
    (tmp_path / "s.txt").write_text("hello\n")
    spec, tape = f"scripted:{tmp_path}/s.txt", tmp_path / "calls.jsonl"
    recorded = load_model(spec, cassette=Cassette(tape, "lenient"), latency=0.0)
    assert recorded.invoke("x").text == "hello"
    (tmp_path / "s.txt").unlink()
    assert load_model(spec, cassette=Cassette(tape), latency=0.0).invoke("x").text == "hello"
    with pytest.raises(CassetteMissError, match="latency"):
        load_model(spec, cassette=Cassette(tape), latency=1.0).invoke("x")
