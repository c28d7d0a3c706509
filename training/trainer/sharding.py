"""Weights in shards, one for each process: FSDP 2, which accelerate sets up when a launcher asks.

accelerate leaves it off for processes on CPUs and does not say so; here they get it too. A version
of a policy is never in shards: whole tensors are put together before it is written.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import torch
from accelerate import Accelerator, PartialState
from accelerate.utils import DistributedType, FullyShardedDataParallelPlugin
from torch.distributed.tensor import DTensor, distribute_tensor

ASKED = "ACCELERATE_USE_FSDP"
VERSION = "FSDP_VERSION"


def sharded() -> bool:
    """Whether the launcher asked for it.

    Raises:
        ValueError: for the first version of FSDP.
    """
    if os.environ.get(ASKED, "false").lower() != "true":
        return False
    version = os.environ.get(VERSION, "1")
    if version != "2":
        raise ValueError(
            f"{ASKED} is set with {VERSION}={version}, and weights are sharded by FSDP 2 alone: "
            "launch with --fsdp_version 2"
        )
    return True


def shard_on_cpus(bf16: bool) -> None:
    """Let accelerate shard on CPUs as it does on other devices; before a trainer is made."""
    state = Accelerator(mixed_precision="bf16" if bf16 else "no").state
    if state.distributed_type == DistributedType.MULTI_CPU:
        plugin = state.fsdp_plugin = FullyShardedDataParallelPlugin()
        if bf16:
            plugin.set_mixed_precision("bf16")
        PartialState().distributed_type = DistributedType.FSDP


def whole(value: Any) -> Any:
    """`value` with all tensors in it whole, on the CPU. All processes have to ask together."""
    if isinstance(value, DTensor):
        return value.full_tensor().cpu()
    if isinstance(value, Mapping):
        return {name: whole(held) for name, held in value.items()}
    return value


def laid_like(value: Any, weight: torch.Tensor) -> Any:
    """A tensor in shards as those of `weight`, if it has its shape."""
    if not isinstance(weight, DTensor) or not torch.is_tensor(value) or value.shape != weight.shape:
        return value
    return distribute_tensor(value.to(weight.device), weight.device_mesh, weight.placements)
