"""The sound devices of this machine, asked for in a child process: PortAudio, or a driver below it, may hang or crash.

As a program it prints them as JSON; `devices` starts it and reads that.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any, NamedTuple

from sda.errors import DeviceError
from sda.job import environment

PATIENCE = 20.0  # s; asking every driver of a large studio takes a few


class Device(NamedTuple):
    """One way to play to one device."""

    number: int  # what `--audio` takes
    name: str
    api: str  # JACK Audio Connection Kit, Windows WASAPI, Core Audio, ...
    outputs: int  # channels
    rate: int  # Hz, its default
    latency_ms: float  # of its output, as the driver promises
    default: bool  # the system's own choice


def devices() -> list[Device]:
    """Every device that can play. Raises `DeviceError` where they cannot be asked for."""
    command = [sys.executable, "-P", "-m", __name__]
    try:
        asked = subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=PATIENCE, check=False)
    except subprocess.TimeoutExpired as error:
        raise DeviceError(f"the sound system did not answer within {PATIENCE:g} s") from error
    if asked.returncode != 0:
        words = asked.stderr.strip().splitlines()[-1:] or [f"exit code {asked.returncode}"]
        raise DeviceError(f"the sound system cannot be asked: {words[0]}")
    return [Device(*row) for row in json.loads(asked.stdout.splitlines()[-1])]


def _all() -> list[tuple[Any, ...]]:
    import sounddevice

    default, apis = sounddevice.default.device[1], sounddevice.query_hostapis()
    return [
        Device(
            n, device["name"], apis[device["hostapi"]]["name"], device["max_output_channels"],
            int(device["default_samplerate"]), 1000 * device["default_low_output_latency"], n == default,
        )
        for n, device in enumerate(sounddevice.query_devices())
        if device["max_output_channels"] > 0
    ]  # fmt: skip


if __name__ == "__main__":
    sys.stdout.write(json.dumps(_all()) + "\n")
