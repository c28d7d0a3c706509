"""LoRA adapters on one base model (Hu et al. 2021, arXiv 2106.09685), through peft."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import torch


class Adapters:
    """Named adapters, of which one or none is active at a time.

    Args:
        base: the model; the first adapter wraps its layers in place, the last one frees them.
    """

    def __init__(self, base: Any) -> None:
        self._base = base
        self._peft: Any = None
        self._inside: dict[str, str] = {}
        """What peft calls each adapter: another name for every version."""
        self._versions = count()

    @property
    def names(self) -> list[str]:
        """The adapters that are loaded."""
        return list(self._inside)

    def check(self, name: str | None) -> None:
        """
        Raises:
            ValueError: there is no adapter of that name; None is the base and always there.
        """
        if name is not None and name not in self._inside:
            known = ", ".join(self._inside) or "none"
            raise ValueError(f"there is no adapter {name!r}; loaded are: {known}")

    def load(self, name: str, path: str) -> None:
        """Load an adapter, or a new version in place of an older one, which stays if this fails.

        Raises:
            ValueError: the folder holds no adapter, or one that does not fit the base.
            ImportError: peft is missing; the message has the pip command.
        """
        try:
            from peft import PeftConfig, PeftModel
            from peft.utils import load_peft_weights
        except ImportError as error:
            raise ImportError('adapters need peft: pip install "symposia[train]"') from error
        if not (Path(path) / "adapter_config.json").is_file():
            raise ValueError(f"{path} is not a peft folder: it has no adapter_config.json")
        self._check_shapes(path, load_peft_weights(path, device="cpu"))
        inside = f"version{next(self._versions)}"
        try:
            config = PeftConfig.from_pretrained(path)
            config.inference_mode = True
            if self._peft is None:
                self._peft = PeftModel(self._base, config, adapter_name=inside)
            else:
                self._peft.add_adapter(inside, config)
            self._peft.load_adapter(path, adapter_name=inside)
        except (RuntimeError, ValueError) as error:
            self._forget(inside)
            raise ValueError(f"the adapter in {path} does not fit this model: {error}") from error
        self._peft.requires_grad_(False)
        older = self._inside.get(name)
        self._inside[name] = inside
        if older:
            self._forget(older)

    def unload(self, name: str) -> None:
        """Forget an adapter."""
        self._forget(self._inside.pop(name))

    @contextmanager
    def active(self, name: str | None) -> Iterator[None]:
        """Let one adapter act, or none."""
        if name is not None:
            self._peft.set_adapter(self._inside[name])
            yield
        elif self._peft is not None:
            with self._peft.disable_adapter():
                yield
        else:
            yield

    def _forget(self, inside: str) -> None:
        if self._peft is None:
            return
        if not self._inside:
            self._peft.unload()
            self._peft = None
        elif inside in self._peft.peft_config:
            self._peft.delete_adapter(inside)

    def _check_shapes(self, path: str, weights: Mapping[str, torch.Tensor]) -> None:
        """See that each pair of matrices belongs to a layer of its size: peft itself changes the
        base before it finds out."""
        for key, weight in weights.items():
            found = re.fullmatch(r"base_model\.model\.(.+)\.lora_([AB])\.weight", key)
            if not found:
                continue
            try:
                layer: Any = self._base.get_submodule(found[1])
            except AttributeError as error:
                raise ValueError(
                    f"the adapter in {path} does not fit this model, which has no {found[1]}"
                ) from error
            side = ("in", layer.in_features) if found[2] == "A" else ("out", layer.out_features)
            given = weight.shape[1] if found[2] == "A" else weight.shape[0]
            if given != side[1]:
                raise ValueError(
                    f"the adapter in {path} does not fit this model: it takes {given} features "
                    f"{side[0]} of {found[1]}, which has {side[1]}"
                )
