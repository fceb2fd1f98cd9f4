"""The tensors of an old file as numpy arrays: their names and shapes checked before anything is copied.

Weight normalisation of old generators is taken away: weight = g * v / |v|, with the norm over all but the first dimension
(Salimans & Kingma 2016, arXiv 1602.07868, eq. 2).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sda.errors import ModelError
from sda.formats.layout import OLD_HEADS, Shape, generator_shapes
from sda.formats.legacy import words
from sda.formats.legacy.archive import Opened
from sda.formats.legacy.unpickle import TensorAt
from sda.formats.legacy.words import Json
from sda.spec import LOG1P_POWER, GeneratorSpec, MelSpec, OldVaeSpec

Floats = NDArray[np.float32]

MOST_NUMBERS = 64 << 20  # in all tensors of one network
DILATIONS = 3  # of a residual block


def check(tensors: Any, shapes: dict[str, Shape]) -> None:
    """Raise `ModelError` unless there are tensors of these names and shapes."""
    if sum(math.prod(shape) for shape in shapes.values()) > MOST_NUMBERS:
        raise ModelError(f"its tensors would hold more than {MOST_NUMBERS} numbers; expected a smaller network")
    for name, shape in shapes.items():
        found = shape_of(tensors, name)
        if found != shape:
            raise ModelError(f"tensor {name}: expected the shape {list(shape)}, found {list(found) if found else 'none'}")


def arrays(opened: Opened, tensors: Any, shapes: dict[str, Shape]) -> dict[str, Floats]:
    """The tensors of these names and shapes, copied. Raises `ModelError` where one is missing, different or not finite."""
    check(tensors, shapes)
    copied = {}
    for name in shapes:
        copied[name] = np.array(opened.numbers(tensors[name]), np.float32, order="C")
        if not np.isfinite(copied[name]).all():
            raise ModelError(f"tensor {name}: holds numbers that are not finite (NaN or infinity)")
    return copied


def shape_of(tensors: Any, name: str) -> Shape | None:
    """The shape of a plain tensor of floats, or None. One that repeats its storage is not plain: it could be of any size."""
    found = tensors.get(name) if isinstance(tensors, dict) else None
    plain = isinstance(found, TensorAt) and found.contiguous and found.storage.dtype.kind == "f"
    return found.shape if plain and isinstance(found, TensorAt) else None


def vae_spec(tensors: Any, grid: MelSpec, training: Json, activation: str) -> OldVaeSpec:
    """The network that these tensors are of. Raises `ModelError` where they are of none that old programs had."""
    widths = tuple((shape_of(tensors, f"encoder.convs.{4 * n}.weight") or (0,))[0] for n in range(4))
    rows, latent = shape_of(tensors, "decoder.fc.weight") or (0, 0)
    high = -(-grid.n_mels // 16)
    wide, rest = divmod(rows, max(1, widths[-1] * high))
    if not rows or rest or 0 in widths:
        raise ModelError(f"found no VAE of {grid.n_mels} bands; its layers have {widths} channels and {rows} inner values")
    seconds = training.get("chunk_duration_s")
    lengths = [s for s in (seconds, 1.0) if isinstance(s, int | float) and 0 < s < 60]
    frames = [int(grid.sample_rate * s) // grid.hop + 1 for s in lengths]
    fitting = next((n for n in frames if -(-n // 16) == wide), 16 * wide)  # the tensor is to be trusted, not the words
    encodes = any(f"{head}.weight" in tensors for head in OLD_HEADS)
    return OldVaeSpec(
        n_mels=grid.n_mels, frames=fitting, latent=latent, channels=widths, activation=activation, encodes=encodes
    )


def generator_spec(config: Json, grid: MelSpec) -> GeneratorSpec:
    """The generator of a vocoder's `config`. Raises `ModelError` for one that this program cannot build, or of another grid."""
    dilations = config.get("resblock_dilation_sizes")
    if not isinstance(dilations, list) or not dilations or any(row != dilations[0] for row in dilations):
        raise ModelError("vocoder: expected the same dilations for all its residual blocks")
    if str(config.get("resblock_type")) != "1":
        raise ModelError("vocoder: expected residual blocks of type 1")
    spec = GeneratorSpec(
        n_mels=words.whole(config, "num_mels", 128, 1, 1024),
        channels=words.whole(config, "upsample_initial_channel", 128, 1, 4096),
        rates=words.wholes(config, "upsample_rates"),
        kernels=words.wholes(config, "upsample_kernel_sizes"),
        res_kernels=words.wholes(config, "resblock_kernel_sizes"),
        dilations=words.wholes({"dilations": dilations[0]}, "dilations"),
        causal_stages=0,
        eats=LOG1P_POWER,
    )
    found = spec.n_mels, spec.hop, words.whole(config, "sample_rate", grid.sample_rate, 1, 1 << 20)
    if found != (grid.n_mels, grid.hop, grid.sample_rate):
        raise ModelError(
            f"vocoder: it eats (bands, hop, rate) {found}, the model has {(grid.n_mels, grid.hop, grid.sample_rate)}"
        )
    if len(spec.dilations) != DILATIONS or len(dilations) != len(spec.res_kernels):
        raise ModelError(f"vocoder: expected {DILATIONS} dilations for each kernel of its residual blocks")
    return spec


def generator_stored(spec: GeneratorSpec) -> dict[str, Shape]:
    """Names and shapes of a generator's tensors as they are stored, weights apart in direction and length."""
    shapes = {name.removeprefix("vocoder."): shape for name, shape in generator_shapes(spec).items()}
    shapes = {name: shape for name, shape in shapes.items() if not name.startswith("mel_")}
    stored: dict[str, Shape] = {}
    for name, shape in shapes.items():
        if name.endswith(".weight"):
            stored |= {f"{name}_g": (shape[0], *(1 for _ in shape[1:])), f"{name}_v": shape}
        else:
            stored[name] = shape
    return stored


def generator_arrays(opened: Opened, tensors: Any, spec: GeneratorSpec) -> dict[str, Floats]:
    """The generator's weights by the names of `core.hifigan.Generator`, without weight normalisation; its input as it comes."""
    found = arrays(opened, tensors, generator_stored(spec))
    folded = {name: array for name, array in found.items() if not name.endswith(("_g", "_v"))}
    for name in (name.removesuffix("_g") for name in found if name.endswith("_g")):
        folded[name] = _folded(found[f"{name}_g"], found[f"{name}_v"])
    return folded | {"mel_mean": np.zeros(spec.n_mels, np.float32), "mel_std": np.ones((), np.float32)}


def _folded(g: Floats, v: Floats) -> Floats:
    norm = np.sqrt(np.square(v, dtype=np.float64).sum(axis=tuple(range(1, v.ndim)), keepdims=True))
    return np.asarray(g * v / np.maximum(norm, np.finfo(np.float32).tiny), np.float32)
