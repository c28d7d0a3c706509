"""LoRA adapters on one base model (Hu et al. 2021, arXiv 2106.09685), through peft.

Each row of a pass may have an adapter of its own, or none. peft adds up such a mixed pass layer by
layer: the base's part for all rows at once, and each adapter's part for its rows. It can do so for
plain LoRA on linear layers and embeddings. What it cannot mix has a pass to itself: DoRA and other
variants, adapters that replace whole modules or train single tokens or bare parameters, and those
on layers that see no rows, such as the experts of some mixtures.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import torch

BASE = "__base__"
"""What peft calls a row without an adapter."""
OWN = "the base itself, which others use: merge it into a copy of the base"


def base_of(folder: Path) -> str | None:
    """The model that the adapter in a folder was trained on; None where there is no adapter.

    Raises:
        ValueError: the adapter does not name it.
    """
    file = folder / "adapter_config.json"
    if not file.is_file():
        return None
    base = json.loads(file.read_text()).get("base_model_name_or_path")
    if not base:
        raise ValueError(f"{file} names no base model (base_model_name_or_path): name its folder")
    return str(base)


class Adapters:
    """Named adapters of one base model.

    Args:
        base: the model; the first adapter wraps its layers in place, the last one frees them.
    """

    def __init__(self, base: Any) -> None:
        self._base = base
        self._own: dict[str, torch.Tensor] = dict(base.named_parameters(remove_duplicate=False))
        """The base's weights by their names before anything was wrapped."""
        self._peft: Any = None
        self._inside: dict[str, str] = {}
        """What peft calls each adapter: another name for every version."""
        self._versions = count()
        self._acting: str | None = None
        """What acts on every row of a pass that does not say otherwise."""
        self._mixable: dict[str, list[Any]] = {}
        """The layers of each adapter that may share a pass, by peft's name of it."""

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

    def mixes(self, name: str) -> bool:
        """Whether rows of this adapter may share a pass with others."""
        return self._inside[name] in self._mixable

    def load(self, name: str, path: str) -> None:
        """Load an adapter, or a new version in place of an older one, which stays if this fails.

        Raises:
            ValueError: the folder holds no adapter, one that the engine does not know, or one that
                does not fit the base.
            ImportError: peft is missing; the message has the pip command.
        """
        try:
            from peft import PeftConfig, PeftModel
            from peft.utils import load_peft_weights
        except ImportError as error:
            raise ImportError('adapters need peft: pip install "symposia[train]"') from error
        if not (Path(path) / "adapter_config.json").is_file():
            raise ValueError(f"{path} is not a peft folder: it has no adapter_config.json")
        config = PeftConfig.from_pretrained(path)
        _check_kind(path, config)
        self._check_weights(path, config, load_peft_weights(path, device="cpu"))
        inside = f"version{next(self._versions)}"
        try:
            config.inference_mode = True
            if self._peft is None:
                self._peft = PeftModel(self._base, config, adapter_name=inside)
            else:
                self._peft.add_adapter(inside, config)
            self._peft.load_adapter(path, adapter_name=inside)
            self._peft.requires_grad_(False)
            self._try(inside, config)
        except Exception as error:  # whatever peft or the model makes of it
            self._forget(inside)
            beside = f" and the adapters beside it, {', '.join(self._inside)}" * bool(self._inside)
            message = f"the adapter in {path} does not fit this model{beside}: {error}"
            raise ValueError(message) from error
        older = self._inside.get(name)
        self._inside[name] = inside
        if older:
            self._forget(older)

    def unload(self, name: str) -> None:
        """Forget an adapter."""
        self._forget(self._inside.pop(name))

    @contextmanager
    def active(self, names: Sequence[str | None]) -> Iterator[None]:
        """Let an adapter act on each row of a pass; None is the base.

        Args:
            names: of the rows, in their order. Where they differ, the adapters must mix.
        """
        if self._peft is None:
            yield
            return
        inside = [BASE if name is None else self._inside[name] for name in names]
        kinds = dict.fromkeys(inside)
        self._act(max(kinds, key=lambda kind: kind != BASE))

        def tell(layer: Any, args: Any, kwargs: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
            return args, kwargs | {"adapter_names": inside}

        with ExitStack() as hooks:
            if len(kinds) > 1:  # peft's own hooks would outlive a pass that fails
                for layer in {each for kind in kinds for each in self._mixable.get(kind, ())}:
                    hooks.enter_context(layer.register_forward_pre_hook(tell, with_kwargs=True))
            yield

    def _act(self, inside: str) -> None:
        """Let one adapter act on every row, or none."""
        if inside == self._acting:
            return
        self._acting = None
        if inside == BASE:
            self._peft.base_model.disable_adapter_layers()
        else:
            self._peft.base_model.enable_adapter_layers()
            self._peft.set_adapter(inside, inference_mode=True)
        self._acting = inside

    def _try(self, inside: str, config: Any) -> None:
        """Run a new adapter once, and see whether it may share a pass."""
        from peft.tuners.lora import Embedding, Linear, LoraLayer

        layers: list[Any] = [
            layer
            for layer in self._base.modules()
            if isinstance(layer, LoraLayer) and inside in layer.scaling
        ]
        by_rows = dict.fromkeys(layers, False)

        def look(layer: Any, given: tuple[torch.Tensor, ...]) -> None:
            wanted = 2 if isinstance(layer, Embedding) else 3
            by_rows[layer] = given[0].dim() == wanted and len(given[0]) == 2

        self._acting = None
        self._act(inside)
        with ExitStack() as hooks:
            for layer in layers:
                hooks.enter_context(layer.register_forward_pre_hook(look))
            with torch.inference_mode():
                self._base(torch.zeros(2, 3, dtype=torch.long, device=self._base.device))
        plain = all(
            type(layer) in (Linear, Embedding) and inside not in layer.lora_variant
            for layer in layers
        )
        more = config.modules_to_save or config.trainable_token_indices
        if plain and not more and all(by_rows.values()):
            self._mixable[inside] = layers

    def _forget(self, inside: str) -> None:
        self._acting = None
        self._mixable.pop(inside, None)
        if self._peft is None:
            return
        if not self._inside:
            self._peft.unload()
            self._peft = None
        elif inside in self._peft.peft_config:
            self._peft.delete_adapter(inside)

    def _check_weights(self, path: str, config: Any, weights: Mapping[str, torch.Tensor]) -> None:
        """See that each pair of matrices belongs to a layer of its size, and that nothing takes the
        place of the base's own weights: peft itself changes the base before it finds out."""
        for key, weight in weights.items():
            name = key.removeprefix("base_model.model.").replace(".base_layer.", ".")
            whole = any(part in (config.modules_to_save or ()) for part in name.split("."))
            own = self._own.get(name)
            if own is not None and not whole and not torch.equal(weight, own.to(weight)):
                raise ValueError(f"the adapter in {path} has {name}: it changes {OWN}")
            found = re.fullmatch(r"(.+)\.lora_([AB])\.weight", name)
            if not found or config.target_parameters:
                continue
            try:
                layer: Any = self._base.get_submodule(found[1])
            except AttributeError as error:
                raise ValueError(
                    f"the adapter in {path} does not fit this model, which has no {found[1]}"
                ) from error
            if not hasattr(layer, "in_features"):  # a convolution, say, whose size peft checks
                continue
            side = ("in", layer.in_features) if found[2] == "A" else ("out", layer.out_features)
            given = weight.shape[1] if found[2] == "A" else weight.shape[0]
            if given != side[1]:
                raise ValueError(
                    f"the adapter in {path} does not fit this model: it takes {given} features "
                    f"{side[0]} of {found[1]}, which has {side[1]}"
                )


def _check_kind(path: str, config: Any) -> None:
    """Refuse what would change the base, or would act otherwise than it was trained."""
    kind = config.peft_type.value
    if kind != "LORA":
        raise ValueError(f"{path} holds an adapter of the kind {kind}: the engine knows LORA")
    refused = {
        f"bias={config.bias!r}: it changes biases of {OWN}": config.bias != "none",
        f"layer_replication: it changes the layers of {OWN}": config.layer_replication,
        "alora_invocation_tokens: the engine does not look for the tokens at which it begins to "
        "act; train a plain LoRA": config.alora_invocation_tokens,
    }
    for reason, found in refused.items():
        if found:
            raise ValueError(f"the adapter in {path} has {reason}")
