"""Several processes training one net: which of them this is, and what they agree on.

The processes step in unison on shares of one batch; gradients are averaged, so every process makes the same update.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, distributed

from sda.errors import TrainError


@dataclass(frozen=True, slots=True)
class Together:
    """This process among its like; the default is one that is alone."""

    rank: int = 0
    count: int = 1
    beside: int = 1  # of the count, how many share a machine
    device: str = "cpu"  # that trains, and whose numbers are exchanged

    @property
    def leads(self) -> bool:
        """Whether this is the process that measures, saves and speaks."""
        return self.rank == 0

    def share(self, batch: int) -> range:
        """The crops of a batch that are this process's. Raises `TrainError` for a batch that cannot be shared evenly."""
        if batch % self.count:
            raise TrainError(f"found a batch of {batch} crops for {self.count} processes; expected a multiple of {self.count}")
        return range(self.rank, batch, self.count)

    def average(self, gradients: Sequence[Tensor | None]) -> None:
        """Replace gradients by their means over all processes, in place, in one message."""
        present = [gradient for gradient in gradients if gradient is not None]
        if self.count == 1 or not present:
            return
        flat = torch.cat([gradient.flatten() for gradient in present])
        distributed.all_reduce(flat)
        flat /= self.count
        for gradient, part in zip(present, flat.split([gradient.numel() for gradient in present]), strict=True):
            gradient.copy_(part.view_as(gradient))

    def mean(self, values: dict[str, float]) -> dict[str, float]:
        """Means of named numbers over all processes, which must name the same."""
        if self.count == 1:
            return values
        flat = torch.tensor(list(values.values()), dtype=torch.float64, device=self.device)
        distributed.all_reduce(flat)
        return dict(zip(values, (flat / self.count).tolist(), strict=True))

    def any(self, flag: bool) -> bool:
        """Whether it is so in any of the processes."""
        return flag if self.count == 1 else self.mean({"flag": float(flag)})["flag"] > 0

    def wait(self) -> None:
        """Until all have come as far."""
        if self.count > 1:
            distributed.barrier()


ALONE = Together()
