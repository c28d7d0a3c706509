"""The weights that are trained: a whole model, or a LoRA adapter on a base that stays.

A version of a policy is a folder that others can load as it is: a Hugging Face model, or a peft
adapter. The optimizer's moments lie beside the weights, so that the next update goes on from them.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

OPTIMIZER = "optimizer.pt"
ADAPTER = "default"
"""What peft calls the adapter inside."""


@dataclass(frozen=True, slots=True)
class LoRA:
    """Low-rank adapters (Hu et al. 2021, arXiv 2106.09685)."""

    rank: int = 16
    alpha: float = 32.0
    dropout: float = 0.0
    targets: str | tuple[str, ...] = "all-linear"
    """Modules that get one, by peft's rules."""


class Policy:
    """One model in memory that can take on any version.

    Args:
        base: the Hugging Face folder that training starts from.
        lora: train an adapter; None trains all weights.
        device: where it lives; None is left to whoever trains it.

    Raises:
        ValueError: the folder holds no model.
    """

    def __init__(self, base: Path, lora: LoRA | None = None, device: str | None = None) -> None:
        if not (base / "config.json").is_file():
            raise ValueError(f"{base} is not a Hugging Face folder: it has no config.json")
        self.base, self.lora = base, lora
        model: Any = AutoModelForCausalLM.from_pretrained(
            base, local_files_only=True, dtype=torch.float32
        )
        self.model: Any = model if lora is None else _with_adapter(model, lora)
        if device is not None:
            self.model.to(device)

    def begin(self, out: Path, seed: int) -> None:
        """Write the first version: the base's weights, or a new adapter that changes nothing."""
        if self.lora is None:
            self.load(self.base)
        else:
            torch.manual_seed(seed)
            for module in self.model.modules():
                if hasattr(module, "reset_lora_parameters"):
                    module.reset_lora_parameters(ADAPTER, init_lora_weights=True)
        self.save(out)

    def load(self, version: Path) -> dict[str, Any] | None:
        """Take on a version's weights, and return the optimizer's state that lies with them.

        Raises:
            ValueError: the weights do not fit; the model keeps those that it has.
        """
        if self.lora is None:
            weights = _whole(version)
            misfit = f"the model in {version} does not fit {self.base}"
            _require_fitting(weights, self.model.state_dict(), misfit)
            self.model.load_state_dict(weights)
        else:
            from peft import get_peft_model_state_dict, set_peft_model_state_dict

            weights = _adapter(version, self.lora)
            held = get_peft_model_state_dict(self.model, adapter_name=ADAPTER)
            misfit = f"the adapter in {version} does not fit {self.base} with {self.lora}"
            _require_fitting(weights, held, misfit)
            set_peft_model_state_dict(self.model, weights, ADAPTER)
        moments = version / OPTIMIZER
        if not moments.is_file():
            return None
        state: dict[str, Any] = torch.load(moments, weights_only=True, map_location="cpu")
        return state

    def weights(self) -> dict[str, torch.Tensor]:
        """What a version holds, by the names that it has in memory."""
        held: dict[str, torch.Tensor] = self.model.state_dict()
        if self.lora is None:
            return held
        trained = {name for name, weight in self.model.named_parameters() if weight.requires_grad}
        return {name: weight for name, weight in held.items() if name in trained}

    def save(
        self,
        out: Path,
        optimizer: dict[str, Any] | None = None,
        weights: dict[str, torch.Tensor] | None = None,
    ) -> None:
        """Write a version: whole, or not at all.

        Args:
            optimizer: its state, to go on from.
            weights: where they are not what the model has in memory.

        Raises:
            OSError: it could not be written, for want of room, say; nothing is left there.
        """
        from safetensors import SafetensorError

        try:
            self._write(out, optimizer, weights or self.weights())
        except (RuntimeError, SafetensorError) as error:  # how torch and safetensors put it
            raise OSError(f"{out} could not be written: {error}") from error

    def _write(
        self, out: Path, optimizer: dict[str, Any] | None, weights: dict[str, torch.Tensor]
    ) -> None:
        with whole_folder(out) as folder:
            self.model.save_pretrained(folder, state_dict=weights)
            if self.lora is None:
                AutoTokenizer.from_pretrained(self.base, local_files_only=True).save_pretrained(
                    folder
                )
            else:
                (folder / "README.md").unlink(missing_ok=True)
                config = folder / "adapter_config.json"  # with a set in it, in any order
                held = json.loads(config.read_text())
                if isinstance(targets := held["target_modules"], list):
                    held["target_modules"] = sorted(targets)
                config.write_text(json.dumps(held, indent=2, sort_keys=True))
            if optimizer is not None:
                torch.save(optimizer, folder / OPTIMIZER)

    @contextmanager
    def as_base(self) -> Iterator[Any]:
        """The model as it was before all training."""
        if self.lora is not None:
            with self.model.disable_adapter():
                yield self.model
            return
        model: Any = AutoModelForCausalLM.from_pretrained(
            self.base, local_files_only=True, dtype=torch.float32
        )
        yield model.to(self.model.device)


def trained_parameters(base: Path, lora: LoRA | None) -> int:
    """How many parameters an update of the model in `base` changes. No weights are read.

    Raises:
        ValueError: the folder holds no model.
    """
    if not (base / "config.json").is_file():
        raise ValueError(f"{base} is not a Hugging Face folder: it has no config.json")
    config = AutoConfig.from_pretrained(base, local_files_only=True)
    with torch.device("meta"):
        model: Any = AutoModelForCausalLM.from_config(config)  # type: ignore[no-untyped-call]
        if lora is not None:
            model = _with_adapter(model, lora)
    return sum(weight.numel() for weight in model.parameters() if weight.requires_grad)


@contextmanager
def whole_folder(out: Path) -> Iterator[Path]:
    """A folder to write into that appears under its name when all is written."""
    part = out.with_name(f"{out.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    try:
        yield part
        for file in part.rglob("*"):
            if file.is_file():
                with file.open("rb") as stream:
                    os.fsync(stream.fileno())
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
    shutil.rmtree(out, ignore_errors=True)
    part.replace(out)


def _with_adapter(model: Any, lora: LoRA) -> Any:
    try:
        from peft import LoraConfig, TaskType, get_peft_model
    except ImportError as error:
        raise ImportError('adapters need peft: pip install "symposia[train]"') from error
    targets = lora.targets if isinstance(lora.targets, str) else list(lora.targets)
    config = LoraConfig(
        task_type=TaskType.CAUSAL_LM,
        r=lora.rank,
        lora_alpha=lora.alpha,  # type: ignore[arg-type]
        lora_dropout=lora.dropout,
        target_modules=targets,
    )
    return get_peft_model(model, config, adapter_name=ADAPTER)


def _whole(folder: Path) -> dict[str, torch.Tensor]:
    """The weights of a model, by the names that it has in memory."""
    from safetensors import SafetensorError

    if not (folder / "config.json").is_file():
        raise ValueError(f"{folder} holds no model: it has no config.json")
    try:
        read: Any = AutoModelForCausalLM.from_pretrained(
            folder, local_files_only=True, dtype=torch.float32, output_loading_info=True
        )
    except (OSError, RuntimeError, SafetensorError) as error:
        raise ValueError(f"the weights in {folder} cannot be read: {error}") from error
    model, about = read
    for what in ("missing_keys", "unexpected_keys", "mismatched_keys"):
        if about[what]:
            raise ValueError(f"the weights in {folder} are not whole: see {sorted(about[what])[0]}")
    weights: dict[str, torch.Tensor] = model.state_dict()
    return weights


def _adapter(folder: Path, lora: LoRA) -> dict[str, torch.Tensor]:
    """The weights of an adapter, which has to be one of the same kind."""
    from safetensors.torch import load_file

    config, file = folder / "adapter_config.json", folder / "adapter_model.safetensors"
    for each in (config, file):
        if not each.is_file():
            raise ValueError(f"{folder} holds no adapter: it has no {each.name}")
    held = json.loads(config.read_text())
    for name, wanted in (("r", lora.rank), ("lora_alpha", lora.alpha)):
        if held.get(name) != wanted:
            raise ValueError(f"the adapter in {folder} has {name}={held.get(name)}, not {wanted}")
    return load_file(file)


def _require_fitting(
    weights: Mapping[str, torch.Tensor], held: Mapping[str, torch.Tensor], misfit: str
) -> None:
    for name in sorted(weights.keys() | held.keys()):
        here, there = (
            tuple(some[name].shape) if name in some else "none" for some in (held, weights)
        )
        if here != there:
            raise ValueError(f"{misfit}: {name} is {there} there, {here} here")
