"""Slider positions on their way: each moves evenly, a step a cell, until it has arrived."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Glide:
    """Positions [S], where they go, and the cells until they are there."""

    position: NDArray[np.float64]
    target: NDArray[np.float64]
    cells_left: NDArray[np.int64]

    @classmethod
    def at(cls, positions: NDArray[np.float64]) -> Glide:
        """Sliders at rest."""
        return cls(positions, positions, np.zeros(len(positions), np.int64))

    def to(self, index: int, target: float, cells: int) -> Glide:
        """One slider sent to a new target, to arrive after so many cells (0: at once)."""
        targets, left, position = self.target.copy(), self.cells_left.copy(), self.position.copy()
        targets[index], left[index] = target, cells
        if cells == 0:
            position[index] = target
        return Glide(position, targets, left)

    def after(self, names: tuple[str, ...], other: Glide, others: tuple[str, ...]) -> Glide:
        """This glide of sliders by these names, those that another one has as well being where they are there."""
        pairs = [(names.index(name), others.index(name)) for name in names if name in others]
        mine, its = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
        position, target, left = self.position.copy(), self.target.copy(), self.cells_left.copy()
        position[mine], target[mine], left[mine] = other.position[its], other.target[its], other.cells_left[its]
        return Glide(position, target, left)

    def step(self) -> Glide:
        """One cell later."""
        moving = self.cells_left > 0
        if not moving.any():
            return self
        share = 1 / np.maximum(1, self.cells_left)
        position = np.where(self.cells_left <= 1, self.target, self.position + (self.target - self.position) * share)
        return Glide(np.where(moving, position, self.position), self.target, np.maximum(0, self.cells_left - 1))
