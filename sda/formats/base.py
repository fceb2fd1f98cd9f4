"""The shipped base vocoder: a generator trained on many kinds of sound, at half precision in the package.

It is where every own vocoder starts, and the draft sound of a model that has none.
"""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy
from numpy.typing import NDArray

from sda.formats import whole
from sda.spec import GeneratorSpec

Floats = NDArray[np.float32]


def write_base(path: Path, spec: GeneratorSpec, weights: dict[str, NDArray[Any]], summary: dict[str, Any]) -> None:
    """Write a generator as the base: float16 tensors, its spec and how it was trained in the header."""
    half = {name: np.asarray(tensor, dtype=np.float16, order="C") for name, tensor in weights.items()}
    metadata = {"spec": json.dumps(spec.to_json()), "training": json.dumps(summary)}
    whole.write(path, safetensors.numpy.save(half, metadata))


@cache
def read_base(path: Path | None = None) -> tuple[GeneratorSpec, dict[str, Floats], dict[str, Any]]:
    """The spec, weights (float32) and training summary of the shipped generator, or of another that `write_base` wrote."""
    content = (path or files("sda") / "data" / "base.safetensors").read_bytes()
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])["__metadata__"]
    weights = {name: tensor.astype(np.float32) for name, tensor in safetensors.numpy.load(content).items()}
    return GeneratorSpec.from_json(json.loads(header["spec"])), weights, json.loads(header["training"])
