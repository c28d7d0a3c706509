"""From a short spec to a chat model."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from langchain_core.language_models import BaseChatModel

from ..episodes import scrub

if TYPE_CHECKING:
    from .cassette import Cassette

TINY = Path(__file__).parent / "tiny" / "weights"
"""The model that ships with the package: a Hugging Face folder."""
KINDS = (
    "tiny (ships with the package)",
    "hf:PATH (a local Hugging Face folder, or a peft adapter's)",
    "vllm:URL#NAME (vLLM or another OpenAI-compatible server; `symposia serve` starts one)",
    "scripted:FILE (replies from a file)",
    "PROVIDER:MODEL (openai:..., anthropic:..., ollama:... and the rest of LangChain's)",
)


def load_model(spec: str, *, cassette: Cassette | None = None, **options: Any) -> BaseChatModel:
    """The chat model that `spec` names: `tiny`, `hf:PATH`, `vllm:URL#NAME`, `scripted:FILE` or
    `PROVIDER:MODEL`.

    Args:
        cassette: records the model's calls, or replays them; a model is not made to replay, so no
            key and no package is needed then.
        options: passed to the model: `temperature`, `max_tokens`, `seed`, ...

    Raises:
        ValueError: no such model; the message lists what exists.
        ImportError: a package is missing; the message names the pip command.
    """
    if cassette is not None:
        model = None if cassette.mode == "replay" else load_model(spec, **options)
        settings = json.dumps(scrub(options), sort_keys=True, default=str)
        return cassette.wrap(model, f"{spec} {settings}")
    kind, _, rest = spec.partition(":")
    if spec == "tiny":
        return _local(TINY, name="tiny", **options)
    if kind == "hf" and rest:
        folder = Path(rest).expanduser()
        if (folder / "adapter_config.json").is_file():
            options.setdefault("adapter", folder.name)
        elif not (folder / "config.json").is_file():
            raise ValueError(
                f"hf:{rest} is not a Hugging Face folder (no config.json there); "
                "nothing is downloaded: fetch the model first and give the folder's path"
            )
        return _local(folder, name=folder.name, **options)
    if kind == "vllm" and "#" in rest:
        from .served import ServedChatModel

        url, _, name = rest.rpartition("#")
        options.setdefault("api_key", os.environ.get("VLLM_API_KEY"))
        return ServedChatModel(base_url=url, model=name, **options)
    if kind == "scripted" and rest:
        from .scripted import ScriptedModel

        return ScriptedModel.from_file(rest, **options)
    if kind in ("hf", "scripted", "tiny", "vllm") or not rest:
        raise ValueError(f"unknown model {spec!r}; there are: {'; '.join(KINDS)}")
    return _hosted(spec, **options)


def fingerprint(model: BaseChatModel) -> str | None:
    """SHA-256 over a local model's weights and tokenizer, for manifests; None for other models."""
    folder = getattr(getattr(model, "inner", None) or model, "path", None)
    if folder is None:
        return None
    digest = hashlib.sha256()
    for file in sorted(Path(folder).iterdir()):
        if file.suffix in (".safetensors", ".json", ".jinja"):
            with file.open("rb") as stream:
                digest.update(hashlib.file_digest(stream, "sha256").digest())
    return digest.hexdigest()


def _local(folder: Path, **options: Any) -> BaseChatModel:
    try:
        from .local import LocalChatModel
    except ImportError as error:
        raise ImportError(
            f"local models need torch and transformers ({error.name} is missing): "
            'pip install "symposia[local]"'
        ) from error
    return LocalChatModel(path=str(folder), **options)


def _hosted(spec: str, **options: Any) -> BaseChatModel:
    try:
        from langchain.chat_models import init_chat_model
    except ImportError as error:
        raise ImportError('hosted models need langchain: pip install "symposia[hosted]"') from error
    try:
        model = init_chat_model(spec, **options)
    except ValueError as error:
        known = "; ".join(KINDS)
        raise ValueError(f"unknown model {spec!r} ({error}); there are: {known}") from error
    except ImportError:
        raise
    except Exception as error:  # a provider's own type, for a missing key say
        raise ValueError(
            f"model {spec!r} cannot be made: {error} "
            "(a provider's key is read from the environment, or given as api_key=...)"
        ) from error
    assert isinstance(model, BaseChatModel)
    return model
