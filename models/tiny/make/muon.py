"""Muon in single precision.

`torch.optim.Muon` orthogonalises in bfloat16, which is slow on a CPU without bfloat16 instructions.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

import torch

NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)
"""Coefficients of the quintic iteration (Jordan et al. 2024, kellerjordan.github.io/posts/muon)."""
ITERATIONS = 5


class Muon(torch.optim.Optimizer):
    """Nesterov momentum whose update of each matrix is replaced by the nearest orthogonal one.

    Args:
        matrices: parameters of two dimensions.
        lr: step size; matrices taller than wide get sqrt(height / width) times as much.
        momentum: decay of the running gradient.
    """

    def __init__(
        self, matrices: Iterable[torch.nn.Parameter], lr: float = 0.02, momentum: float = 0.95
    ) -> None:
        super().__init__(matrices, {"lr": lr, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            by_shape: dict[torch.Size, list[torch.nn.Parameter]] = defaultdict(list)
            for matrix in group["params"]:
                if matrix.grad is not None:
                    by_shape[matrix.shape].append(matrix)
            for (height, width), matrices in by_shape.items():
                updates = torch.stack([self._nesterov(m, group["momentum"]) for m in matrices])
                scale = group["lr"] * max(1.0, height / width) ** 0.5
                for matrix, update in zip(matrices, orthogonalise(updates), strict=True):
                    matrix.sub_(update, alpha=scale)

    def _nesterov(self, matrix: torch.nn.Parameter, momentum: float) -> torch.Tensor:
        state = self.state[matrix]
        if "momentum" not in state:
            state["momentum"] = torch.zeros_like(matrix)
        running: torch.Tensor = state["momentum"]
        assert matrix.grad is not None
        running.lerp_(matrix.grad, 1 - momentum)
        return matrix.grad.lerp(running, momentum)


def orthogonalise(matrices: torch.Tensor) -> torch.Tensor:
    """About U·Vᵀ of the singular value decomposition of each matrix [batch, height, width]."""
    a, b, c = NEWTON_SCHULZ
    tall = matrices.shape[-2] > matrices.shape[-1]
    x: torch.Tensor = matrices.mT if tall else matrices
    x = x / x.norm(dim=(-2, -1), keepdim=True).clamp(min=1e-7)
    for _ in range(ITERATIONS):
        gram = x @ x.mT
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.mT if tall else x
