"""The `.distill` file, version 2: one model as a safetensors file that explains itself.

    8 bytes   length N of the header, little endian
    N bytes   JSON: tensor name -> {dtype, shape, data_offsets}, and "__metadata__": {"sda": "<a JSON document>"}
    the rest  the tensors, float32 or float16, little endian, without gaps

The document's `tensors_sha256` is the hash of the rest, its `sha256` that of everything else in it and of the tensor
table, both as canonical JSON: a damaged file is known as such, its header without reading the tensors. Nothing in the
file is executable, and nothing is allocated that the file's own size does not warrant.
"""

from __future__ import annotations

import hashlib
import json
import math
import stat
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sda.errors import ModelError
from sda.formats import whole
from sda.formats.document import HASHES, VERSION, Json, ModelDocument, check_specs, check_version, check_words, plain
from sda.formats.layout import Shape, check_shapes

__all__ = ["SUFFIX", "ModelDocument", "decode", "encode", "read", "read_header", "write"]

SUFFIX = ".distill"
MAX_HEADER = 4 << 20  # bytes
MAX_FILE = 256 << 20  # bytes
DTYPES: dict[str, np.dtype[Any]] = {"F32": np.dtype("<f4"), "F16": np.dtype("<f2")}
AUDIO = (b"RIFF", b"fLaC", b"OggS", b"FORM", b"ID3")

Table = dict[str, tuple[str, Shape, int, int]]  # dtype, shape, first and last byte + 1 within the tensors


def read(path: Path) -> ModelDocument:
    """A whole model file, closed again. Tensors come as stored, float32 or float16.

    Raises `ModelError` for a file that is missing, damaged, too new or of another kind.
    """
    try:
        return decode(_content(path)[0])
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from error


def read_header(path: Path) -> ModelDocument:
    """A model's document without its tensors, of which only names, shapes and lengths are checked. Raises as `read`."""
    try:
        return _decode_header(*_content(path, header_only=True))[0]
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from error


def write(path: Path, document: ModelDocument, *, half: bool = False) -> None:
    """Write a model in one step. Raises `ModelError` for one that could not be read again, `SdaError` as `whole.write`."""
    whole.write(path, encode(document, half=half))


def encode(document: ModelDocument, *, half: bool = False) -> bytes:
    """The bytes of a model file; `half` stores matrices and kernels as float16 where they fit. Vectors stay float32.

    The same document gives the same bytes. Raises `ModelError` for what `decode` would refuse.
    """
    check_words(document)
    check_specs(document)
    tensors = {name: _halved(tensor) if half else tensor for name, tensor in document.tensors.items()}
    _check_shapes(document, {name: tensor.shape for name, tensor in tensors.items()})
    table, data = _lay_out(tensors)
    known, tensors_digest = document.to_json(), hashlib.sha256(data).hexdigest()
    hashes = dict(zip(HASHES, (tensors_digest, _digest(known, tensors_digest, table)), strict=True))
    header = json.dumps({"__metadata__": {"sda": json.dumps(known | hashes)}, **table}).encode()
    header += b" " * (-len(header) % 8)
    if len(header) > MAX_HEADER or 8 + len(header) + len(data) > MAX_FILE:
        raise ModelError(f"too large for a model file: header {len(header)} of {MAX_HEADER} bytes, tensors {len(data)}")
    return len(header).to_bytes(8, "little") + header + data


def _lay_out(tensors: dict[str, NDArray[Any]]) -> tuple[Json, bytes]:
    """The header's table of these tensors, and their bytes. Wider numbers come first, so that all are aligned."""
    table: Json = {}
    data = bytearray()
    for name in sorted(tensors, key=lambda name: (-tensors[name].dtype.itemsize, name)):
        tensor = tensors[name]
        kind = next((kind for kind, dtype in DTYPES.items() if dtype == tensor.dtype), None)
        if kind is None:
            raise ModelError(f"tensor {name}: expected float32 or float16, found {tensor.dtype}")
        _check_finite(name, tensor)
        start = len(data)
        data += tensor.astype(DTYPES[kind]).tobytes()
        table[name] = {"dtype": kind, "shape": list(tensor.shape), "data_offsets": [start, len(data)]}
    return table, bytes(data)


def decode(content: bytes) -> ModelDocument:
    """Inverse of `encode`. Raises `ModelError` for anything that is not an undamaged model of this version."""
    document, table, digest, start = _decode_header(content, len(content))
    data = memoryview(content)[start:]
    if hashlib.sha256(data).hexdigest() != digest:
        raise ModelError("damaged: its tensors are not those that were written (sha256 differs)")
    tensors = {}
    for name, (kind, shape, begin, end) in table.items():
        tensors[name] = np.frombuffer(data[begin:end], DTYPES[kind]).reshape(shape).copy()  # writable and on its own
        _check_finite(name, tensors[name])
    return replace(document, tensors=tensors)


def _decode_header(head: bytes, size: int) -> tuple[ModelDocument, Table, str, int]:
    """Document, tensor table, hash of the tensors and where they start, from a file's first bytes and its size."""
    length = int.from_bytes(head[:8], "little")
    if head[8:9] != b"{":
        raise ModelError(f"found {_kind(head)}; expected a .distill model of version {VERSION}")
    if length > MAX_HEADER:
        raise ModelError(f"its header says it is {length} bytes long; expected at most {MAX_HEADER}")
    if len(head) < 8 + length:
        raise ModelError(f"damaged: cut off within its header, found {size} bytes")
    outer = _parse(head[8 : 8 + length])
    metadata = outer.pop("__metadata__", None)
    text = metadata.get("sda") if isinstance(metadata, dict) else None
    if not isinstance(text, str):
        raise ModelError("found a safetensors file without the document of a .distill model")
    data = plain(_parse(text))
    check_version(data)
    table = _table(outer, size - 8 - length)
    written = [data.pop(name, None) for name in HASHES]
    if written[1] != _digest(data, written[0], outer):
        raise ModelError("damaged: its header is not the one that was written (sha256 differs)")
    document = ModelDocument.from_json(data)
    _check_shapes(document, {name: row[1] for name, row in table.items()})
    return document, table, written[0], 8 + length


def _table(outer: Json, size: int) -> Table:
    """The tensor table, where it covers `size` bytes without gaps."""
    table: Table = {}
    for name, row in outer.items():
        row = row if isinstance(row, dict) else {}
        kind, shape, offsets = row.get("dtype", ""), row.get("shape", ""), row.get("data_offsets", "")
        sized = _is_sizes(shape) and _is_sizes(offsets) and len(offsets) == 2
        if not sized or not isinstance(kind, str) or kind not in DTYPES or len(row) != 3:
            raise ModelError(f"tensor {name[:80]!r}: expected float32 or float16 with shape and offsets, found {str(row)[:80]}")
        table[name] = (kind, tuple(shape), offsets[0], offsets[1])
    position = 0
    for name, (kind, shape, begin, end) in sorted(table.items(), key=lambda item: item[1][2:]):
        if begin != position or end - begin != math.prod(shape) * DTYPES[kind].itemsize:
            raise ModelError(f"damaged: tensor {name[:80]!r} is not where its shape and its neighbours put it")
        position = end
    if position != size:
        raise ModelError(f"damaged: expected {position} bytes of tensors, found {size}")
    return table


def _is_sizes(value: Any) -> bool:
    return isinstance(value, list) and len(value) <= 8 and all(type(n) is int and 0 <= n <= MAX_FILE for n in value)


def _check_finite(name: str, tensor: NDArray[Any]) -> None:
    if not np.isfinite(tensor).all():
        raise ModelError(f"tensor {name}: holds numbers that are not finite (NaN or infinity)")


def _halved(tensor: NDArray[Any]) -> NDArray[Any]:
    fits = tensor.ndim >= 2 and float(np.abs(tensor).max(initial=0)) <= float(np.finfo(np.float16).max)
    return tensor.astype(np.float16) if fits else tensor


def _check_shapes(document: ModelDocument, shapes: Mapping[str, Shape]) -> None:
    check_shapes(shapes, document.vae, document.vocoder)
    sliders, curves = document.analysis.get("sliders", []), shapes.get("analysis.curves", (0,))
    if len(sliders) != curves[0]:
        raise ModelError(f"analysis: {len(sliders)} sliders are named, {curves[0]} have curves")


def _digest(document: Json, tensors_digest: Any, table: Json) -> str:
    canonical = json.dumps([document, tensors_digest, table], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def _parse(text: bytes | str) -> Json:
    try:
        value = json.loads(text if isinstance(text, str) else text.decode())
    except (ValueError, RecursionError) as error:  # also what is not UTF-8
        raise ModelError("damaged: its header is not JSON") from error
    if not isinstance(value, dict):
        raise ModelError(f"damaged: its header holds a {type(value).__name__} where an object was expected")
    return value


def _content(path: Path, *, header_only: bool = False) -> tuple[bytes, int]:
    """A file's bytes, or those up to the end of its header, and its size. Raises `ModelError` where nothing can be read."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):  # opening a pipe would wait for ever
            raise ModelError(f"found a {'folder' if path.is_dir() else 'device or pipe'} where a model file was expected")
        if status.st_size > MAX_FILE:
            raise ModelError(f"expected a model file of at most {MAX_FILE} bytes, found {status.st_size}")
        with path.open("rb") as file:
            start = file.read(9)
            length = min(int.from_bytes(start[:8], "little"), MAX_HEADER) if header_only else MAX_FILE
            return start + file.read(max(0, length - 1)), status.st_size
    except FileNotFoundError as error:
        raise ModelError("no such file") from error
    except (OSError, ValueError) as error:  # ValueError: a path with a zero byte
        raise ModelError(f"cannot be read ({getattr(error, 'strerror', None) or error})") from error


def _kind(head: bytes) -> str:
    """What a file that is no safetensors file looks like, in words."""
    if len(head) < 9:
        return f"a file of {len(head)} bytes" if head else "an empty file"
    if head[0] == 0x80 and head[1] in range(2, 6):
        return "a bare pickle, which is never opened"
    if head[:4] == b"PK\x03\x04":
        return "a model of an older program, which `sda-engine model import FILE` brings into the library"
    if head.startswith(AUDIO):
        return "an audio file"
    return f"a file of another kind, beginning with {head[:4]!r}"
