"""A sound device as the player's sink, through PortAudio. Its callback copies and counts, nothing else."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from sda.errors import DeviceError
from sda.live.ring import CHANNELS, Floats
from sda.live.sinks import Source

STALL = 1.5  # s without a callback after which a device counts as gone
FIRST_CHOICE = "Windows WASAPI"  # of the ways to a device on Windows: half the latency of MME, which PortAudio takes
NO_DEVICE = "use --audio null to play to nowhere, or --audio file:PATH.wav to play into a file"


class DeviceSink:
    """One output device, opened for stereo, or for the mean of both channels where it has, or is to use, but one."""

    def __init__(self, wanted: str, rate: int, outs: Sequence[int] | None = None, block: int = 0) -> None:
        """Find the device of this index, or whose name holds this text; "" is the system's own choice.

        Where it does not take `rate`, its default rate is used. outs: first and last channel, from 1. block: frames that it
        asks for at a time, 0 as it likes. Raises `DeviceError`.
        """
        import sounddevice

        device = choose_device(sounddevice.query_devices(), sounddevice.query_hostapis(), sounddevice.default.device[1], wanted)
        self.name = f"{device['name']} ({device['api']})"
        most = int(device["max_output_channels"])
        first, last = (1, min(CHANNELS, most)) if outs is None else outs
        self._first, self._channels = first, last
        if self._channels > most:
            raise DeviceError(f"{self.name}: has {most} output{'' if most == 1 else 's'}, --outs asks for {self._channels}")
        self._block = block
        self._index, self._driver = device["index"], sounddevice
        self._stream: Any = None
        self._feed: Source | None = None
        self.rate = self._possible_rate(rate, int(device["default_samplerate"]))
        self.latency = float(device["default_low_output_latency"])

    def _possible_rate(self, *rates: int) -> int:
        reason = ""
        for rate in rates:
            try:
                self._driver.check_output_settings(
                    device=self._index, channels=self._channels, dtype="float32", samplerate=rate
                )
                return rate
            except (self._driver.PortAudioError, ValueError) as error:
                reason = str(error)
        raise DeviceError(f"{self.name}: cannot be opened ({reason}); {NO_DEVICE}")

    def start(self, feed: Source) -> None:
        """Raises `DeviceError` where the device refuses."""
        self._feed = feed
        try:
            self._stream = self._driver.OutputStream(
                device=self._index, samplerate=self.rate, channels=self._channels, dtype="float32", latency="low",
                blocksize=self._block, callback=self._callback(feed),
            )  # fmt: skip
            self._stream.start()
        except self._driver.PortAudioError as error:
            raise DeviceError(f"{self.name}: cannot be opened ({error}); {NO_DEVICE}") from error
        self.latency = float(self._stream.latency)

    def _callback(self, feed: Source) -> Callable[..., None]:
        first, last = self._first - 1, self._channels
        pair = np.zeros((1 << 16, CHANNELS), np.float32)

        def stereo(out: Floats, frames: int, when: Any, status: Any) -> None:
            feed.pull(out)

        def some(out: Floats, frames: int, when: Any, status: Any) -> None:
            feed.pull(pair[:frames])
            out[:, :first] = 0.0
            if last - first == 1:
                np.mean(pair[:frames], axis=1, out=out[:, first])
            else:
                out[:, first:] = pair[:frames]

        return stereo if (first, last) == (0, CHANNELS) else some

    def failure(self) -> str | None:
        """A device whose server died just stops asking: PortAudio says nothing."""
        if self._feed is not None and time.monotonic() - self._feed.pulled_at > STALL:
            return f"{self.name}: the device stopped asking for sound"
        return None

    def close(self) -> None:
        """May hang for ever where the device's server died: call it from a thread that can be left behind."""
        if self._stream is not None:
            self._stream.close(ignore_errors=True)


def choose_device(devices: Any, apis: Any, default: int, wanted: str) -> dict[str, Any]:
    """The output device meant by an index, a part of its name, or "" for the default. Raises `DeviceError`.

    Windows shows one device once for each way to it: the best way comes first, unless another is named.
    """
    outputs = [
        {**device, "index": index, "api": apis[device["hostapi"]]["name"]}
        for index, device in enumerate(devices)
        if device["max_output_channels"] > 0
    ]
    if not outputs:
        raise DeviceError(f"no sound device found; {NO_DEVICE}")
    known = ", ".join(f"{device['index']} {device['name']} ({device['api']})" for device in outputs)
    outputs.sort(key=lambda device: device["api"] != FIRST_CHOICE)
    if not wanted:
        best = [api.get("default_output_device") for api in apis if api["name"] == FIRST_CHOICE]
        asked = [device for index in (*best, default) for device in outputs if device["index"] == index]
        return (asked or outputs)[0]
    for device in outputs:
        if wanted == str(device["index"]):
            return device
    exact = [device for device in outputs if wanted.lower() == device["name"].lower()]
    part = [device for device in outputs if wanted.lower() in f"{device['name']} ({device['api']})".lower()]
    if exact or part:
        return (exact or part)[0]
    raise DeviceError(f"no sound device {wanted!r}; found {known}; or {NO_DEVICE}")
