"""Muon: momentum whose matrices are made orthogonal before each step (Jordan et al. 2024).

torch's own version takes matrices only and computes in bfloat16, which CPUs without it do slowly; a generator's kernels
are many, small and alike, so they are flattened to matrices, stacked by shape and made orthogonal together in float32.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

import torch
from torch import Tensor
from torch.optim import Optimizer

NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)  # quintic coefficients of the reference implementation


def orthogonalise(matrices: Tensor, rounds: int = 5) -> Tensor:
    """Matrices [N, a, b] with their singular values moved to about 1 by Newton-Schulz iterations."""
    a, b, c = NEWTON_SCHULZ
    tall = matrices.shape[1] > matrices.shape[2]
    x = matrices.mT if tall else matrices
    x = x / x.flatten(1).norm(dim=1).clamp(min=1e-12)[:, None, None]
    for _ in range(rounds):
        gram = x @ x.mT
        x = a * x + (b * gram + c * gram @ gram) @ x
    result: Tensor = x.mT if tall else x
    return result


class Muon(Optimizer):
    """Nesterov momentum, orthogonalised; kernels [O, I, K] count as matrices [O, I * K].

    The step has the RMS that AdamW's would have (0.2 sqrt(max(a, b)); Liu et al. 2025, arXiv 2502.16982, eq. 4),
    so the learning rate means the same for both.
    """

    def __init__(self, parameters: Iterable[Tensor], lr: float = 1e-3, momentum: float = 0.95) -> None:
        super().__init__(parameters, {"lr": lr, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            alike: dict[tuple[int, int], list[Tensor]] = defaultdict(list)
            for parameter in group["params"]:
                if parameter.grad is not None:
                    alike[parameter.shape[0], parameter[0].numel()].append(parameter)
            for (rows, columns), parameters in alike.items():
                updates = []
                for parameter in parameters:
                    assert parameter.grad is not None
                    velocity = self.state[parameter].setdefault("velocity", torch.zeros_like(parameter))
                    velocity.lerp_(parameter.grad, 1 - group["momentum"])
                    updates.append(parameter.grad.lerp(velocity, group["momentum"]).reshape(rows, columns))
                size = 0.2 * max(rows, columns) ** 0.5 * group["lr"]
                for parameter, update in zip(parameters, orthogonalise(torch.stack(updates)), strict=True):
                    parameter.sub_(update.reshape(parameter.shape), alpha=size)
