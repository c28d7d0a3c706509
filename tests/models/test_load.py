from __future__ import annotations

from pathlib import Path

import pytest

from symposia.models import load_model


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
    monkeypatch.delitem(sys.modules, "symposia.models.local", raising=False)
    monkeypatch.delitem(sys.modules, "symposia.models.engine", raising=False)
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(ImportError, match=r"pip install \"symposia\[local\]\""):
        load_model("tiny")
