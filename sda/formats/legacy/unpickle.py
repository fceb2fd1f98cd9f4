"""The pickle of an old file read as data: its instructions are followed by a machine of ours that can only make plain values.

A pickle is a program for a stack machine (Python's `pickletools` describes it). Python's own machine imports and calls what
it names; this one imports and calls nothing. It knows the instructions of protocol 2 that old programs' files hold and the
few globals of `GLOBALS`, for each of which it makes a dict, a text, an array or a note of where a tensor lies. Anything else
is refused by its name, and there is no other way in.
"""

from __future__ import annotations

import math
import pickletools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from sda.errors import ModelError

PRESETS = tuple(f"{package}.training.config.OverfittingPreset" for package in ("small_dataset_audio", "distill"))
PRESET_VALUES = ("conservative", "balanced", "aggressive")
RECONSTRUCT = ("numpy._core.multiarray._reconstruct", "numpy.core.multiarray._reconstruct")
FLOATS: dict[str, np.dtype[Any]] = {"f4": np.dtype("<f4"), "f8": np.dtype("<f8")}
STORAGES: dict[str, np.dtype[Any]] = {
    "torch.FloatStorage": np.dtype("<f4"),
    "torch.DoubleStorage": np.dtype("<f8"),
    "torch.HalfStorage": np.dtype("<f2"),
    "torch.LongStorage": np.dtype("<i8"),
    "torch.IntStorage": np.dtype("<i4"),
}
NAMED = ("numpy.ndarray", "numpy.dtypes.Float32DType", "numpy.dtypes.Float64DType")  # never called
DTYPE_STATE = (3, "<", None, None, None, -1, -1, 0)  # numpy's of a plain little-endian number
MAX_STEPS = 300_000  # instructions; the longest genuine file has some 20,000
MAX_BYTES = 16 << 20  # in all arrays
MAX_RANK, MAX_SIDE = 8, 1 << 31  # of tensors and arrays
SIMPLE = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "EMPTY_TUPLE": ()}
ATOMS = ("BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT", "BINUNICODE")
MARK = object()


@dataclass(frozen=True, slots=True)
class Global:
    """A name that the pickle asks for. It stays a name."""

    name: str


@dataclass(frozen=True, slots=True)
class Storage:
    """The numbers of an archive's entry."""

    key: str
    dtype: np.dtype[Any]
    count: int


@dataclass(frozen=True, slots=True)
class TensorAt:
    """Where a tensor's numbers lie: in row-major order from `offset` on, if `contiguous`."""

    storage: Storage
    offset: int  # numbers
    shape: tuple[int, ...]
    contiguous: bool


@dataclass(slots=True, eq=False)
class Blank:
    """A numpy array before its numbers are known, and under which numbers the memo knows it."""

    keys: list[int]


def unpickle(pickle: bytes, storages: Mapping[str, int]) -> Any:
    """What a pickle describes, in dicts, lists, tuples, texts, numbers, numpy arrays and `TensorAt`.

    storages: bytes of each entry by its key. Raises `ModelError` for anything that no old program wrote.
    """
    machine = _Machine(storages)
    try:
        for steps, (instruction, argument, _) in enumerate(pickletools.genops(pickle)):
            if steps > MAX_STEPS:
                raise ModelError(f"damaged or hostile: expected at most {MAX_STEPS} pickle instructions, found more")
            machine.step(instruction.name, argument)
        (result,) = machine.stack
    except ModelError:
        raise
    except (ValueError, IndexError, KeyError, TypeError, AttributeError, UnicodeError, OverflowError) as error:
        raise ModelError("damaged: its list of contents cannot be followed") from error
    return result


class _Machine:
    """The pickle's stack and memo, and how much it may still make."""

    def __init__(self, storages: Mapping[str, int]) -> None:
        self.storages, self.bytes_left = storages, MAX_BYTES
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}
        self.steps: dict[str, Callable[[Any], None]] = {
            "MARK": lambda _: self.stack.append(MARK),
            "EMPTY_DICT": lambda _: self.stack.append({}),
            "EMPTY_LIST": lambda _: self.stack.append([]),
            "TUPLE": lambda _: self.stack.append(tuple(self.pop_to_mark())),
            "BINPUT": self.remember,
            "LONG_BINPUT": self.remember,
            "BINGET": lambda key: self.stack.append(self.memo[key]),
            "LONG_BINGET": lambda key: self.stack.append(self.memo[key]),
            "APPEND": lambda _: self.extend(self.pop(1)),
            "APPENDS": lambda _: self.extend(self.pop_to_mark()),
            "SETITEM": lambda _: self.update(self.pop(2)),
            "SETITEMS": lambda _: self.update(self.pop_to_mark()),
            "GLOBAL": lambda name: self.stack.append(_global(name.replace(" ", "."))),
            "REDUCE": lambda _: self.stack.append(self.called(*self.pop(2))),
            "BUILD": lambda _: self.build(*self.pop(1)),
            "BINPERSID": lambda _: self.stack.append(self.storage(*self.pop(1))),
            "STOP": lambda _: None,
        }

    def step(self, name: str, argument: Any) -> None:
        """Follow one instruction."""
        if name in ATOMS:
            self.stack.append(argument)
        elif name in SIMPLE:
            self.stack.append(SIMPLE[name])
        elif name in ("TUPLE1", "TUPLE2", "TUPLE3"):
            self.stack.append(tuple(self.pop(int(name[-1]))))
        elif name in self.steps:
            self.steps[name](argument)
        elif name != "PROTO" or argument != 2:
            raise ModelError(f"found the pickle instruction {name} {str(argument)[:20]}; expected those of protocol 2")

    def remember(self, key: int) -> None:
        self.memo[key] = self.stack[-1]
        if isinstance(self.stack[-1], Blank):
            self.stack[-1].keys.append(key)

    def pop(self, count: int) -> list[Any]:
        items = self.stack[-count:]
        if len(items) < count or any(item is MARK for item in items):
            raise IndexError
        del self.stack[-count:]
        return items

    def pop_to_mark(self) -> list[Any]:
        at = len(self.stack) - 1
        while at >= 0 and self.stack[at] is not MARK:
            at -= 1
        if at < 0:
            raise IndexError
        items = self.stack[at + 1 :]
        del self.stack[at:]
        return items

    def extend(self, items: list[Any]) -> None:
        if type(self.stack[-1]) is not list:
            raise TypeError
        self.stack[-1].extend(items)

    def update(self, items: list[Any]) -> None:
        """Keys are texts or numbers: to hash a deep tuple would need a deep stack."""
        keys, values = items[::2], items[1::2]
        if type(self.stack[-1]) is not dict or not all(type(key) in (str, int) for key in keys):
            raise TypeError
        self.stack[-1].update(zip(keys, values, strict=True))

    def storage(self, key: Any) -> Storage:
        """("storage", type, key, place, count), as long as its entry in the archive."""
        sign, kind, name, place, count = key
        if sign != "storage" or type(name) is not str or type(place) is not str or type(count) is not int:
            raise TypeError
        dtype, held = STORAGES[kind.name], self.storages.get(name, 0)
        if held != count * dtype.itemsize:
            raise ModelError(
                f"damaged: it declares {count * dtype.itemsize} bytes for storage {name[:20]!r}, the file holds {held}"
            )
        return Storage(name, dtype, count)

    def called(self, function: Global, given: tuple[Any, ...]) -> Any:
        """What a call stands for, where it is one that old programs' files hold."""
        name = function.name
        if name == "collections.OrderedDict" and given == ():
            return {}
        if name in PRESETS and len(given) == 1 and given[0] in PRESET_VALUES:
            return given[0]
        if name == "torch._utils._rebuild_tensor_v2" and 6 <= len(given) <= 7:
            return _tensor(*given[:4])
        if name == "_codecs.encode" and len(given) == 2 and given[1] == "latin1":
            return self.encoded(given[0])
        if name == "numpy.dtype" and len(given) == 3 and type(given[0]) is str:
            return FLOATS[given[0]]
        if name in RECONSTRUCT and len(given) == 3 and given[0].name == "numpy.ndarray":
            return Blank([])
        raise ModelError(f"damaged: it calls {name} in a way no old program did")

    def encoded(self, text: str) -> bytes:
        """The bytes that protocol 2 writes as text."""
        self.bytes_left -= len(text)
        if self.bytes_left < 0:
            raise ModelError(f"damaged or hostile: expected at most {MAX_BYTES} bytes of arrays, found more")
        return text.encode("latin1")

    def build(self, state: Any) -> None:
        """Complete what is on top of the stack. What torch notes beside a dict of tensors is not needed."""
        made = self.stack[-1]
        if isinstance(made, Blank):
            self.stack[-1] = array = _array(*state)
            self.memo.update(dict.fromkeys(made.keys, array))
        elif isinstance(made, np.dtype):
            if state != DTYPE_STATE:
                raise ModelError("damaged: it holds numbers of a kind that no old program wrote")
        elif type(made) is not dict or type(state) is not dict:
            raise ModelError(f"damaged: it completes a {type(made).__name__} in a way no old program did")


def _global(name: str) -> Global:
    known = name in STORAGES or name in PRESETS or name in RECONSTRUCT or name in NAMED
    if known or name in ("collections.OrderedDict", "torch._utils._rebuild_tensor_v2", "_codecs.encode", "numpy.dtype"):
        return Global(name)
    raise ModelError(f"it asks for {name[:80]!r}, which no old model needs: it may be made to run code, so it is not opened")


def _sizes(value: Any) -> tuple[int, ...]:
    if type(value) is not tuple or len(value) > MAX_RANK or not all(type(n) is int and 0 <= n < MAX_SIDE for n in value):
        raise TypeError
    return value


def _tensor(storage: Storage, offset: int, shape: Any, strides: Any) -> TensorAt:
    """A tensor of which every number lies within its storage."""
    shape, strides, (offset,) = _sizes(shape), _sizes(strides), _sizes((offset,))
    last = offset + sum((n - 1) * stride for n, stride in zip(shape, strides, strict=True))
    if math.prod(shape) and last >= storage.count:
        raise ModelError("damaged: it declares a tensor beyond the end of its storage")
    expected = [math.prod(shape[n + 1 :]) for n in range(len(shape))]
    contiguous = all(n == 1 or stride == row for n, stride, row in zip(shape, strides, expected, strict=True))
    return TensorAt(storage, offset, shape, contiguous)


def _array(version: int, shape: Any, dtype: Any, fortran: bool, data: bytes) -> np.ndarray[Any, Any]:
    """A numpy array from the state that numpy wrote."""
    if version != 1 or type(data) is not bytes or not isinstance(dtype, np.dtype):
        raise TypeError
    if math.prod(_sizes(shape)) * dtype.itemsize != len(data):
        raise ModelError(f"damaged: an array of the shape {list(shape)} in {len(data)} bytes")
    return np.frombuffer(data, dtype).reshape(shape, order="F" if fortran else "C")
