"""Graphs that are made once: whoever needs one hands over how it is made, and a keeper that may still have it.

A stream's start state, which takes as long to run up as its graph takes to make, is kept the same way.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray


class Spec(Protocol):
    """A network's shape."""

    def to_json(self) -> dict[str, Any]: ...


class Graphs(Protocol):
    """A keeper of bytes by name, ONNX graphs above all. It may lose any of them, and never raises."""

    def get(self, name: str) -> bytes | None: ...

    def put(self, name: str, graph: bytes) -> None: ...


def content(kind: str, spec: Spec, weights: Mapping[str, NDArray[Any]]) -> str:
    """SHA-256 of a network: its kind, its spec, and every weight's name, shape and numbers as float32."""
    shapes = {name: weights[name].shape for name in sorted(weights)}
    digest = hashlib.sha256(json.dumps([kind, spec.to_json(), shapes]).encode())
    for name in shapes:
        digest.update(np.ascontiguousarray(weights[name], "<f4").data)
    return digest.hexdigest()


def made(kept: Graphs | None, name: str, make: Callable[[], bytes]) -> bytes:
    """The graph of this name, from the keeper or made now. Raises what `make` raises."""
    if kept is None:
        return make()
    graph = kept.get(name)
    if graph is None:
        graph = make()
        kept.put(name, graph)
    return graph
