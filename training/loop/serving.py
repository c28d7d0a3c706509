"""How new weights come to answer: loaded into the engine here, or into a vLLM server.

Each version has a name of its own, so that nothing that was cached for an older one is taken for
the newer, and old and new can answer side by side.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from secrets import token_hex
from typing import Any, Protocol

from langchain_core.language_models import BaseChatModel

from ...models.load import TINY
from ...models.local import LocalChatModel
from ...models.served import ServedChatModel

Served = dict[str, BaseChatModel]
"""By policy, a chat model that answers with a version of it."""


class Serving(Protocol):
    """Lends chat models that answer with given versions."""

    async def serve(self, versions: Mapping[str, Path], **sampling: Any) -> Served:
        """By policy, a model that answers with the version in the folder.

        Args:
            versions: by policy, the folder.
            sampling: settings of the models: `temperature`, `max_tokens`, `seed`.
        """
        ...

    async def release(self, keep: Mapping[str, Path]) -> None:
        """Forget all versions but these."""
        ...


class LocalServing:
    """Versions in this process: adapters on one engine, or an engine for each whole model.

    Args:
        base: the Hugging Face folder below the adapters.
        adapters: whether versions are adapters.
    """

    def __init__(self, base: Path, adapters: bool, device: str = "cpu") -> None:
        self.adapters, self.device = adapters, device
        name = "tiny" if base == TINY else base.name
        self._base = LocalChatModel(path=str(base), name=name, device=device)
        self._models: dict[Path, LocalChatModel] = {}

    async def serve(self, versions: Mapping[str, Path], **sampling: Any) -> Served:
        for folder in versions.values():
            if folder not in self._models:
                self._models[folder] = await asyncio.to_thread(self._load, folder)
        return {name: self._tuned(self._models[at], sampling) for name, at in versions.items()}

    async def release(self, keep: Mapping[str, Path]) -> None:
        for folder in set(self._models) - set(keep.values()):
            model = self._models.pop(folder)
            if self.adapters:
                await asyncio.to_thread(self._base.engine.unload_adapter, _called(folder))
            else:
                await asyncio.to_thread(model.engine.close)

    def _load(self, folder: Path) -> LocalChatModel:
        if self.adapters:
            self._base.engine.load_adapter(_called(folder), str(folder))
            return self._base.with_adapter(_called(folder))
        return LocalChatModel(path=str(folder), name=_called(folder), device=self.device)

    def _tuned(self, model: LocalChatModel, sampling: Mapping[str, Any]) -> LocalChatModel:
        tuned = LocalChatModel(
            path=model.path,
            name=model.name,
            device=model.device,
            adapter=model.adapter,
            **sampling,
        )
        tuned.__dict__["engine"] = model.engine
        return tuned


class VLLMServing:
    """Adapters on a vLLM server that was started with LoRA allowed (`symposia serve --lora`).

    The server has to see the folders under the same paths. It keeps what it has loaded when a run
    is killed, and may serve other runs, so the names there are this object's own.

    Args:
        url: of the server, as `http://host:port/v1`.
        options: further settings of `ServedChatModel`.
    """

    def __init__(self, url: str, base: str, **options: Any) -> None:
        self._base = ServedChatModel(base_url=url, model=base, **options)
        self._loaded: dict[Path, str] = {}
        self._own = token_hex(4)

    async def serve(self, versions: Mapping[str, Path], **sampling: Any) -> Served:
        for folder in versions.values():
            if not (folder / "adapter_config.json").is_file():
                raise ValueError(f"{folder} is no adapter, and a vLLM server takes adapters alone")
            if folder not in self._loaded:
                name = f"{_called(folder)}-{self._own}"
                await self._base.aload_adapter(name, folder.resolve())
                self._loaded[folder] = name
        return {
            name: self._base.model_copy(update={"model": self._loaded[at], **sampling})
            for name, at in versions.items()
        }

    async def release(self, keep: Mapping[str, Path]) -> None:
        for folder in set(self._loaded) - set(keep.values()):
            await self._base.aunload_adapter(self._loaded.pop(folder))


def _called(folder: Path) -> str:
    """A version's name: `policy-0003`."""
    return f"{folder.parent.name}-{folder.name}"
