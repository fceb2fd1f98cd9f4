"""Finding latent displacements whose decoded sound has the wanted descriptors: closed-loop Levenberg-Marquardt.

With a(z) the descriptors of the decoded sound in units of the recordings' spread, starts z_n with weights w_n, a wanted
change t and the recordings' latent covariance S, each displacement d minimises

    sum_n w_n |c (a(z_n + d) - a(z_n) - t)|^2 + r (d - g)^T S^-1 (d - g)                    (Marquardt 1963, with a prior)

so all descriptors but the wanted one are held, as firmly as c says, and d stays where the recordings' latents are (g = 0),
or near a guess g.
Steps are Gauss-Newton, capped in length; a step is kept only where it lowers the cost. Positions are solved from the middle
outwards, each from its neighbour, all curves at once.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor

import torch
from torch import Tensor

REGULAR = 0.001  # r
LONGEST = 2.5  # of one step, in standard deviations of the latents (Mahalanobis)
TRIALS = (1.0, 0.4, 0.1)  # shares of a step that are tried
ROUNDS = 2  # Gauss-Newton steps a position
SHARE = 8  # curves solved together where threads take them; fixed, so that the number of threads does not matter


def slopes(values: Callable[[Tensor], Tensor], z: Tensor) -> tuple[Tensor, Tensor]:
    """Descriptors [B, D] and their derivatives [B, D, Z] at latent points [B, Z]."""
    with torch.enable_grad():
        point = z.detach().requires_grad_()
        found = values(point)
        rows = [torch.autograd.grad(found[:, d].sum(), point, retain_graph=True)[0] for d in range(found.shape[1])]
    return found.detach(), torch.stack(rows, 1)


def solve(
    values: Callable[[Tensor], Tensor],
    starts: Tensor,
    weights: Tensor,
    targets: Tensor,
    covariance: Tensor,
    guesses: Tensor | None = None,
    care: Tensor | None = None,
    pool: Executor | None = None,
) -> Tensor:
    """Displacements [C, K, Z] that bring the wanted changes, for C curves of K positions from the middle outwards.

    values: descriptors [B, D] of latent points [B, Z], in units of the recordings' spread; starts [N, Z] with weights [N];
    targets [C, K, D]: changes against the start; covariance [Z, Z] of the recordings' latents; guesses [C, K, Z]: where
    each position begins and near which it stays, instead of at its neighbour and near 0; care [C, D]: c, 1 if not given;
    pool: threads that share the curves among them.
    """
    if pool is not None:
        rows = torch.arange(len(targets)).split(SHARE)

        def part(row: Tensor) -> Tensor:
            near, heed = (None if x is None else x[row] for x in (guesses, care))
            return solve(values, starts, weights, targets[row], covariance, near, heed)

        return torch.cat(list(pool.map(part, rows)))
    with torch.no_grad():
        base = values(starts)  # [N, D]
        precision = torch.linalg.inv(covariance)
        d = guess = torch.zeros(len(targets), starts.shape[1], dtype=starts.dtype)  # [C, Z]
        care = torch.ones_like(targets[:, 0]) if care is None else care
        found = []
        for k in range(targets.shape[1]):
            if guesses is not None:
                d = guess = guesses[:, k]
            for _ in range(ROUNDS):
                d = _improve(values, starts, weights, base, targets[:, k], care, precision, d, guess)
            found.append(d)
        return torch.stack(found, 1)


def _improve(
    values: Callable[[Tensor], Tensor],
    starts: Tensor,
    weights: Tensor,
    base: Tensor,
    target: Tensor,
    care: Tensor,
    precision: Tensor,
    d: Tensor,
    guess: Tensor,
) -> Tensor:
    """One step of every curve: displacements [C, Z] -> [C, Z] of no higher cost."""
    count = (len(d), len(starts))
    points = (d[:, None] + starts).flatten(0, 1)  # [C N, Z]
    found, slope = (x.unflatten(0, count) for x in slopes(values, points))  # [C, N, D], [C, N, D, Z]

    def cost(found: Tensor, d: Tensor) -> Tensor:
        miss = (care[:, None] * (found - base - target[:, None])).square().sum(-1)  # [C, N]
        return miss @ weights + REGULAR * torch.einsum("cz,zy,cy->c", d - guess, precision, d - guess)

    weighted = slope * weights[:, None, None] * care[:, None, :, None] ** 2
    left = torch.einsum("cndz,cndy->czy", weighted, slope) + REGULAR * precision
    right = torch.einsum("cndz,cnd->cz", weighted, target[:, None] - (found - base)) - REGULAR * (d - guess) @ precision
    step = torch.linalg.solve(left, right)
    length = torch.einsum("cz,zy,cy->c", step, precision, step).clamp(min=1e-12).sqrt()
    step = step * (LONGEST / length).clamp(max=1)[:, None]
    best, lowest = d, cost(found, d)
    for share in TRIALS:
        trial = d + share * step
        value = cost(values((trial[:, None] + starts).flatten(0, 1)).unflatten(0, count), trial)
        better = value < lowest
        best, lowest = torch.where(better[:, None], trial, best), torch.minimum(value, lowest)
    return best
