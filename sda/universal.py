"""BigVGAN on this machine, the vocoder for every model: the place of its weights, and the network made of them.

Only weights that were checked are loaded. Of the published file, a pickle, one load makes a copy that all later ones read.
torch and all else that is large is imported when a network is made, not before.
"""

from __future__ import annotations

from contextlib import suppress
from importlib.util import find_spec
from typing import TYPE_CHECKING

from sda._vendor.bigvgan import pin
from sda.errors import DeviceError, WeightsError
from sda.library import home
from sda.weights import Store

if TYPE_CHECKING:
    from sda._vendor.bigvgan.network import Network
    from sda.core.bigvgan import BigVganVocoder

DEVICES = ("auto", "cpu", "cuda", "mps")
# On MPS before macOS 15.1 torch refuses convolutions over more samples (github.com/pytorch/pytorch/issues/134416).
MPS_SAMPLES = 1 << 16


def store() -> Store:
    """The place of the weights in the library's cache."""
    return Store(home() / "cache", pin())


def check_device(device: str) -> str:
    """The name of a device, of a kind that there is. Raises `DeviceError`."""
    kind, _, number = device.partition(":")
    if kind not in DEVICES or (number and not (kind == "cuda" and number.isdecimal())):
        raise DeviceError(f"device {device!r}: expected one of {', '.join(DEVICES)}")
    return device


def load(device: str = "auto", place: Store | None = None) -> BigVganVocoder:
    """The vocoder on a device: "auto" is the fastest one that is there.

    Raises `WeightsError` where the weights are absent or not what they should be, `DeviceError` where the device is.
    """
    place = place or store()
    place.usable()
    from sda._vendor.bigvgan.runner import Runner, best_device
    from sda.core.bigvgan import WINDOW, BigVganVocoder

    device = best_device() if check_device(device) == "auto" else device
    try:
        runner = Runner(_network(place), device=device, cache=place.base.parent / "kernels")
    except ValueError as error:
        raise DeviceError(str(error)) from None
    fits = MPS_SAMPLES // runner.config.hop - 2 * runner.config.context
    return BigVganVocoder(runner, window=fits if device == "mps" else WINDOW)


def advice(device: str) -> str | None:
    """What would make BigVGAN faster on a device, in one line, if anything that is plain would."""
    from sda._vendor.bigvgan.runner import ADVICE, best_device

    slow = (best_device() if device == "auto" else device) == "cpu" and find_spec("numba") is None
    return ADVICE if slow else None


def _network(place: Store) -> Network:
    """The network with the weights of the fast copy, or of the file, of which such a copy is then made."""
    from sda._vendor.bigvgan import network

    with suppress(ValueError):  # a copy that no longer fits this program is made anew
        if (arrays := place.read_fast_copy()) is not None:
            return network.from_arrays(arrays)
    try:
        made = network.load(place.generator)
    except (ValueError, OSError) as error:
        raise WeightsError(f"{place.generator.parent}: {error}; it cannot be played") from None
    with suppress(WeightsError):  # without a copy the next load takes as long as this one
        place.write_fast_copy(network.to_arrays(made))
    return made
