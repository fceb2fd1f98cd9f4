"""What an old file says beside its tensors: dicts of words and numbers, as JSON and as the values that are asked of them."""

from __future__ import annotations

import math
from enum import Enum
from typing import Any

import numpy as np

from sda.errors import ModelError
from sda.spec import MelSpec

Json = dict[str, Any]

MOST_VALUES = 50_000  # in one dict: references can make a small file stand for endlessly many
MAX_DEPTH = 24
MAX_TEXT = 10_000  # characters
LONG_TEXT = 100  # characters that count as a value more


def plain(value: Any) -> Json:
    """A dict as JSON: enums by their values, arrays as lists, what is not finite as null, tensors and the like left out.

    Empty where there is no dict. Raises `ModelError` where it is nested deeper or holds more than any old program wrote.
    """
    return _Copy().dict(value, 0) if isinstance(value, dict) else {}


class _Copy:
    """A copy in the making, which knows how much it may still hold."""

    def __init__(self) -> None:
        self.left = MOST_VALUES

    def dict(self, value: dict[Any, Any], depth: int) -> Json:
        kept = {key: item for key, item in value.items() if isinstance(key, str) and _is_known(item)}
        return {str(self.any(key, depth)): self.any(item, depth + 1) for key, item in kept.items()}

    def any(self, value: Any, depth: int) -> Any:
        if isinstance(value, np.ndarray):
            self.left -= value.size
            value = value.tolist() if self.left > 0 else None
        self.left -= 1 + (len(value) // LONG_TEXT if isinstance(value, str) else 0)
        if self.left < 0 or depth > MAX_DEPTH:
            raise ModelError(f"damaged: its description holds over {MOST_VALUES} values or {MAX_DEPTH} levels")
        if isinstance(value, Enum):
            value = value.value
        if isinstance(value, dict):
            return self.dict(value, depth)
        if isinstance(value, list | tuple):
            return [self.any(item, depth + 1) for item in value if _is_known(item)]
        if isinstance(value, str):
            return value[:MAX_TEXT].encode(errors="replace").decode()
        if isinstance(value, float):
            return value if math.isfinite(value) else None
        return value if value is None or isinstance(value, bool) or abs(value) < 1 << 63 else None


def _is_known(value: Any) -> bool:
    return value is None or isinstance(value, str | int | float | dict | list | tuple | np.ndarray | Enum)


def is_same(value: Any, expected: str | int) -> bool:
    """Whether a value of a file is this text or number. Arrays, which compare item by item, are neither."""
    return type(value) is type(expected) and bool(value == expected)


def number(data: Json, name: str, default: float, low: float, high: float) -> float:
    """A number between two limits. Raises `ModelError` for anything else."""
    value = data.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise ModelError(f"{name}: expected {low:g} to {high:g}, found {shown(value)}")
    return float(value)


def whole(data: Json, name: str, default: int, low: int, high: int) -> int:
    """A whole number between two limits. Raises `ModelError` for anything else."""
    value = number(data, name, default, low, high)
    if value != int(value):
        raise ModelError(f"{name}: expected a whole number, found {value:g}")
    return int(value)


def wholes(data: Json, name: str) -> tuple[int, ...]:
    """A short list of small whole numbers. Raises `ModelError` for anything else."""
    value = data.get(name)
    if not isinstance(value, list) or len(value) > 16 or not all(type(n) is int and 0 < n <= 4096 for n in value):
        raise ModelError(f"{name}: expected a list of whole numbers, found {shown(value)}")
    return tuple(value)


def text(data: Json, name: str) -> str:
    """A text, empty where there is none."""
    value = data.get(name)
    return value if isinstance(value, str) else ""


def texts(data: Json, name: str) -> list[str]:
    """A list of texts, without what is none."""
    value = data.get(name)
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def mel_grid(config: Json) -> MelSpec:
    """The grid of `spectrogram_config`: HTK bands of powers, centred. Raises `ModelError` for one that no old program had."""
    rate = whole(config, "sample_rate", 48_000, 8_000, 192_000)
    n_fft = whole(config, "n_fft", 2048, 64, 8192)
    f_max = rate / 2 if config.get("f_max") is None else number(config, "f_max", 0.0, 1.0, rate / 2)
    return MelSpec(
        sample_rate=rate,
        n_fft=n_fft,
        hop=whole(config, "hop_length", 512, 16, n_fft),
        n_mels=whole(config, "n_mels", 128, 1, 512),
        f_min=number({"f_min": config.get("f_min") or 0.0}, "f_min", 0.0, 0.0, f_max / 2),
        f_max=f_max,
        scale="htk",
        power=number(config, "power", 2.0, 2.0, 2.0),
        centered=True,
    )


def shown(value: Any) -> str:
    """A value of a file, short and in one line."""
    return repr(value)[:40] if value is None or isinstance(value, str | int | float) else f"a {type(value).__name__}"
