"""What a run of the instrument was asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sda.params import Value

RATE = 48_000  # Hz, unless another is wished


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The choices of `sda-engine run`."""

    osc: tuple[str, int]  # host and port to receive at
    oscquery: int | None = 0  # port; 0 the one behind OSC's, else the next free one; None: off
    name: str = "sda"  # of this engine among others
    fresh: bool = False  # begin with defaults, not with what was at the end of the last run of this name
    osc_out: Sequence[tuple[str, int]] = ()  # hosts and ports that hear every change from the start
    timetags: bool = True  # whether OSC's are heeded
    model: Path | None = None
    audio: str = ""  # "" the default device, part of a name, an index, "null", "file:PATH.wav"
    outs: tuple[int, int] | None = None  # first and last channel of the device, from 1; None the first two it has
    block: int = 0  # frames that the device asks for at a time; 0 leaves it to the driver
    rate: int = RATE  # Hz wished of the device
    transport: bool = False  # JACK's starts and stops the sound
    midi: Sequence[str] | None = ()  # parts of the names of the inputs to open, none for all; None is no MIDI
    duration: float | None = None  # s from the first sample
    buffer: float = 0.04  # s of sound that may lie in the ring
    device: str = "auto"  # of the vocoders
    panel: bool = False  # whether to open its window
    take: Path | None = None  # a new file for what is done
    values: Mapping[str, Value] = field(default_factory=dict)  # first values, by id or slider alias
