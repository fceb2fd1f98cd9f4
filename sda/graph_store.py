"""Graphs of networks, and the states that their streams start from, on the disk, so that each is made once.

A file is the SHA-256 of what follows, and that is data: an ONNX graph or numbers, nothing that is run. Its name is a hash of
everything that goes into it: the network, the program that writes it, ONNX Runtime's version. Whatever is wrong with a file,
or with the folder, costs the time of making it again and nothing else.

ONNX Runtime's own optimised form is not kept: it would save 15 ms more a graph, but holds for one kind of processor. Nor is
anything kept in memory: a second load in one process would save the reading, 4 ms, and hold 7 MB for that.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from sda.errors import SdaError
from sda.formats import whole
from sda.library import home

LIMIT = 200_000_000  # bytes: about a dozen models
SUM = 32  # bytes of a SHA-256
SUFFIX = ".graph"
WRITERS = (
    "graph",
    "graph_hifigan",
    "even",
    "old_vae",
    "onnx_writer",
    "vocoder",
    "frame_noise",
    "excitation",
    "band_groups",
    "partials",
    "shaped_noise",
    "tonality",
)  # modules of `sda.core` that decide what is kept


class GraphStore:
    """Graphs in a folder, the longest unused thrown out. Any number of processes may share it."""

    def __init__(self, folder: Path | None = None, limit: int = LIMIT) -> None:
        """folder: the library's cache where none is named; it is made when the first graph is put there. limit: bytes."""
        self.folder, self._limit = folder or home() / "cache" / "graphs", limit

    def get(self, name: str) -> bytes | None:
        """The graph of this name; None where there is none, or no whole one."""
        path = self._path(name)
        try:
            data = path.read_bytes()
            if hashlib.sha256(memoryview(data)[SUM:]).digest() != data[:SUM]:
                return None
            with suppress(OSError):  # a folder that may only be read from
                os.utime(path)  # so that it counts as used
        except OSError:
            return None
        return data[SUM:]

    def put(self, name: str, graph: bytes) -> None:
        """Keep a graph, if the disk lets us."""
        if SUM + len(graph) > self._limit:
            return
        with suppress(SdaError, OSError):
            self.folder.mkdir(parents=True, exist_ok=True)
            whole.write(self._path(name), hashlib.sha256(graph).digest() + graph, lasting=False)
            self._trim()

    def _path(self, name: str) -> Path:
        return self.folder / (hashlib.sha256(f"{_program()} {name}".encode()).hexdigest() + SUFFIX)

    def _trim(self) -> None:
        """Throw out the longest unused files, those that a killed process left half written among them."""
        found = []
        for path in self.folder.iterdir():
            with suppress(OSError):  # another process threw it out
                status = path.stat()
                found.append((status.st_mtime_ns, status.st_size, path))
        room = self._limit
        for _, size, path in sorted(found, reverse=True):
            room -= size
            if room < 0:
                with suppress(OSError):
                    path.unlink()


@cache
def _program() -> str:
    """A hash of what writes and what runs graphs."""
    digest = hashlib.sha256(version("onnxruntime").encode())
    for name in WRITERS:
        spec = find_spec(f"sda.core.{name}")
        assert spec is not None
        assert spec.origin is not None
        digest.update(Path(spec.origin).read_bytes())
    return digest.hexdigest()
