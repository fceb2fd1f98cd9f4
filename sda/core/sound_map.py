"""The recordings a model learned, second by second, as places on a map: neighbours sound alike.

Each chunk is a latent point that the sliders can start from, and has a name that a musician knows: the recording's and
the second in it. The plane is made for looking at and choosing in; distances are taken in dB of what the decoder makes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sda.core.flatten import flattened, trustworthiness
from sda.core.likeness import distances, levels
from sda.errors import ControlError, ModelError

Floats = NDArray[np.float32]
Decode = Callable[[Floats], Floats]
"""Latent points [B, Z] to mel magnitudes [B, M, F]."""

PREFIX = "analysis.map."  # of the arrays' names in a model file
AT_ONCE = 50  # decoded, to bound memory
NEAREST = 4  # chunks that a place between them is a mean of
TOUCHING = 1e-4  # distance at which a place is a chunk's own


@dataclass(frozen=True, slots=True)
class Chunk:
    """About a second of a recording."""

    number: int  # from 1
    recording: str  # its file's name without folders
    start_s: float
    x: float  # place on the map, -1 to 1
    y: float

    def __str__(self) -> str:
        return f"{self.recording} at {self.start_s:g} s"


@dataclass(frozen=True, slots=True)
class Near:
    """The chunk that sounds most like something."""

    chunk: Chunk
    distance_db: float  # see `sda.core.likeness`

    def __str__(self) -> str:
        return f"{self.distance_db:.1f} dB from {self.chunk}"


@dataclass(frozen=True, slots=True)
class SoundMap:
    """The audible chunks of the training recordings."""

    places: Floats  # [N, 2], -1 to 1
    latents: Floats  # [N, Z]
    starts: Floats  # [N] s, where in its recording each begins
    owners: NDArray[np.int64]  # [N] which of the recordings
    recordings: tuple[str, ...]  # names without folders
    trust: float  # trustworthiness of the places, 0..1

    def __len__(self) -> int:
        return len(self.latents)

    @property
    def chunks(self) -> tuple[Chunk, ...]:
        """All of them, number 1 first."""
        return tuple(self._chunk(index) for index in range(len(self)))

    def chunk(self, which: int | str) -> Chunk:
        """A chunk by its number, or by its recording: the first of "bell.wav", the one nearest to a second by "bell.wav@1.5".

        A recording's name may lack its suffix. Raises `ControlError` where there is none.
        """
        if isinstance(which, int) or which.isdigit():
            if not 1 <= int(which) <= len(self):
                raise ControlError(f"chunk {which}: expected 1 to {len(self)}" if len(self) else NONE)
            return self._chunk(int(which) - 1)
        name, second = which.rsplit("@", 1) if "@" in which else (which, "0")
        try:
            wanted = float(second)
        except ValueError as error:
            raise ControlError(f"{which!r}: expected NAME@SECONDS, found {second!r} for the seconds") from error
        own = [n for n, full in enumerate(self.recordings) if name in (full, full.rpartition(".")[0])]
        indices = np.flatnonzero(np.isin(self.owners, own))
        if len(indices) == 0:
            have = ", ".join(self.recordings[:5]) + (
                f" and {len(self.recordings) - 5} more" if len(self.recordings) > 5 else ""
            )
            raise ControlError(f"no recording {name!r} on the map; it has {have}" if len(self) else NONE)
        return self._chunk(int(indices[np.abs(self.starts[indices] - wanted).argmin()]))

    def latent(self, which: int | str) -> Floats:
        """The latent point [Z] of a chunk called as in `chunk`."""
        point: Floats = self.latents[self.chunk(which).number - 1]
        return point

    def between(self, x: float, y: float) -> Floats:
        """The latent point [Z] of a place: a chunk's own where one lies, between them a mean of the nearest ones."""
        apart = np.hypot(self.places[:, 0] - x, self.places[:, 1] - y)
        point: Floats = _near(apart) @ self.latents
        return point

    def place(self, z: Floats) -> tuple[float, float, int]:
        """Where a latent point [Z] lies, x and y, and the index of the chunk whose latent is nearest to it.

        Here latents are as far apart as they are, each dimension by the spread of the recordings in it: what the decoder makes
        of them, by which the map was drawn, takes longer to be known than a musician's move.
        """
        scale = np.maximum(self.latents.std(axis=0), 1e-6)
        apart = np.sqrt(np.square((self.latents - z) / scale).sum(axis=1))
        x, y = _near(apart) @ self.places
        return float(x), float(y), int(apart.argmin())

    def _chunk(self, index: int) -> Chunk:
        x, y = (round(float(v), 4) for v in self.places[index])
        name = self.recordings[self.owners[index]]
        return Chunk(index + 1, name, round(float(self.starts[index]), 3), x, y)

    def to_header(self) -> dict[str, Any]:
        """The part that goes into a model file's JSON."""
        return {"recordings": list(self.recordings), "trustworthiness": round(self.trust, 4)}

    def tensors(self) -> dict[str, NDArray[Any]]:
        """The arrays by the names they have in a model file, which holds no integers."""
        own = {"places": self.places, "latents": self.latents, "starts": self.starts, "owners": self.owners.astype(np.float32)}
        return {PREFIX + name: array for name, array in own.items()}

    @classmethod
    def of(cls, header: Any, tensors: Mapping[str, NDArray[Any]], latent: int) -> SoundMap:
        """Rebuild from `to_header` and `tensors`; empty where a model has none. Raises `ModelError` where they do not fit."""
        found = {name: tensors[PREFIX + name].astype(np.float32) for name in ARRAYS if PREFIX + name in tensors}
        if not found:
            return cls.empty(latent)
        try:
            places, latents, starts, owners = (found[name] for name in ARRAYS)
            recordings, trust = tuple(str(name) for name in header["recordings"]), float(header["trustworthiness"])
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(f"analysis: its map is not one this program wrote ({error})") from error
        made = cls(places, latents, starts, owners.astype(np.int64), recordings, trust)
        count = len(starts)
        shapes = (places.shape, latents.shape, starts.shape, owners.shape)
        named = count == 0 or 0 <= made.owners.min() <= made.owners.max() < len(recordings)
        if shapes != ((count, 2), (count, latent), (count,), (count,)) or not named:
            raise ModelError(f"analysis: its map's places, latents, starts and owners {shapes} do not fit its names")
        return made

    @classmethod
    def empty(cls, latent: int) -> SoundMap:
        """Of a model whose recordings were never looked at."""
        none = np.zeros((0, 2), np.float32)
        return cls(none, np.zeros((0, latent), np.float32), none[:, 0], np.zeros(0, np.int64), (), 1.0)


def _near(apart: Floats) -> Floats:
    """Shares [N], of sum 1, that points at these distances have in what lies between them.

    The modified weights of Shepard's method, ((R - d) / (R d))^2 for d below R and else 0, which do not jump where another
    point becomes one of the nearest: R. Franke and G. Nielson, "Smooth interpolation of large sets of scattered data", Int. J.
    Numerical Methods in Engineering 15 (1980). R is the distance of the first point that no longer counts.
    """
    if len(apart) <= NEAREST:
        reach = float(apart.max()) * 2 + TOUCHING
    else:
        reach = max(float(np.partition(apart, NEAREST)[NEAREST]), TOUCHING)
    d = np.maximum(apart.astype(np.float64), TOUCHING)
    weights = np.square(np.maximum(reach - apart, 0.0) / (reach * d))
    if not weights.any():  # all at one distance
        weights = (apart <= reach).astype(np.float64)
    shares: Floats = (weights / weights.sum()).astype(np.float32)
    return shares


NONE = "this model has no map of its recordings; make one with: sda-engine analyze MODEL"
ARRAYS = ("places", "latents", "starts", "owners")


def drawn(latents: Floats, names: Sequence[str], starts: Sequence[float], decode: Decode) -> SoundMap:
    """The map of chunks with latents [N, Z], of recordings with these names, beginning at these seconds."""
    heard = heard_levels(latents, decode)
    apart = distances(heard, heard)
    places = flattened(apart)
    recordings = tuple(dict.fromkeys(names))
    owners = np.array([recordings.index(name) for name in names], np.int64)
    return SoundMap(places, latents, np.asarray(starts, np.float32), owners, recordings, trustworthiness(apart, places))


def heard_levels(latents: Floats, decode: Decode) -> Floats:
    """`likeness.levels` [N, K] of what the decoder makes of latent points [N, Z]."""
    parts = [levels(decode(latents[at : at + AT_ONCE])) for at in range(0, len(latents), AT_ONCE)]
    return np.concatenate(parts)
