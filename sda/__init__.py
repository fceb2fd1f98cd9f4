"""An instrument made of your own recordings: named sliders, a neural vocoder, live over OSC.

`import sda` is light; what needs the networks is loaded at first use.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from sda.errors import SdaError

if TYPE_CHECKING:
    from sda import mel
    from sda.core.latent import Slider
    from sda.model import Model, load, vocoder

__version__ = "0.1.0"
__all__ = ["Model", "SdaError", "Slider", "load", "mel", "vocoder"]

_HOMES = {"Model": "sda.model", "load": "sda.model", "vocoder": "sda.model", "Slider": "sda.core.latent"}


def __getattr__(name: str) -> Any:
    if name == "mel":
        return importlib.import_module("sda.mel")
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'sda' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
