"""How fast this machine plays a model: for each vocoder, device and block what it costs, and what latency it comes to.

Latency is the sum of what it is made of. `block`: a control waits until the next block begins. `look_ahead`: frames that the
vocoder must have heard beyond it, and the resampler's delay. `compute`: 99 blocks in 100 are made faster. `buffer`: what lies
in the ring besides. What the sound device adds is its own; `run` shows it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from sda import universal
from sda.core.grains import CELL
from sda.core.render import Renderer
from sda.errors import DeviceError
from sda.live import bigvgan
from sda.live.loop import LOW
from sda.model import Model

RATE = 48_000
WARM = 8  # blocks before the clock starts: networks are slowest the first time
SHORTEST = 0.2  # s of a loop, whose ends overlap
SAFE = 0.8  # of real time, beyond which any other work on the machine is heard
MOVES = 20  # of all sliders a second, while it is measured


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One way to play. Times in ms."""

    vocoder: str
    device: str
    block_frames: int  # mel frames a block, 0 for whole loops
    rtf: float  # s of work for a second of sound
    block: float
    look_ahead: float
    compute: float
    buffer: float
    verdict: str

    @property
    def latency(self) -> float:
        """From a control's change to its sound, at the most."""
        return self.block + self.look_ahead + self.compute + self.buffer


def measure(
    model: Model, name: str, *, vocoders: Sequence[str], blocks: Sequence[int], seconds: float, buffer: float
) -> Iterator[Row]:
    """All rows of a model. name: of the model's device. buffer: as in `run`, s. seconds: of sound a row."""
    for vocoder in vocoders:
        if vocoder == "bigvgan":
            yield _loops(model, name, seconds)
            continue
        for frames in blocks:
            yield _blocks(
                model.renderer(rate=RATE, values={"play": True}, vocoder=vocoder), vocoder, name, frames, seconds, buffer
            )


def vocoders_of(model: Model, wish: str) -> list[str]:
    """The vocoders that can sound a model here, or the one that is wished for. Raises `SdaError` where it cannot be had."""
    if wish != "all":
        return [model.choice(wish).name]
    own = "hifigan" if model.document.vocoder is not None else "draft"
    return [own, "bigvgan"] if universal.store().state().usable else [own]


def devices_here() -> list[str]:
    """The processors on which a vocoder can run: the CPU, and a GPU that torch finds."""
    from sda.train.device import pick

    found = ["cpu"]
    for kind in ("cuda", "mps"):
        with suppress(DeviceError):
            found.append(pick(kind))
    return found


def _blocks(renderer: Renderer, vocoder: str, device: str, frames: int, seconds: float, buffer: float) -> Row:
    """The whole signal path, block after block, all sliders moving."""
    cells, random = max(1, frames // CELL), np.random.default_rng(0)
    block = cells * CELL / renderer.voice.grid.frame_rate  # s
    times = []
    for n in range(WARM + max(1, round(seconds / block))):
        if n % max(1, round(1 / (MOVES * block))) == 0:
            for slider in range(1, len(renderer.slider_names) + 1):
                renderer.set(f"slider.{slider}", float(random.uniform(-8, 8)))
        began = time.perf_counter()
        renderer.block(cells)
        times.append(time.perf_counter() - began)
    rtf, worst = float(np.mean(times[WARM:])) / block, float(np.quantile(times[WARM:], 0.99))
    rest = max(buffer - block - worst, LOW)
    return Row(
        vocoder=vocoder, device=device, block_frames=cells * CELL, rtf=rtf,
        block=1000 * block, look_ahead=1000 * renderer.delay, compute=1000 * worst,
        buffer=1000 * rest, verdict=_verdict(rtf, block + worst + LOW, buffer),
    )  # fmt: skip


def _verdict(rtf: float, needed: float, buffer: float) -> str:
    if rtf > SAFE:
        return "too slow for live"
    if needed > buffer:
        return f"live from --buffer {1000 * needed:.0f} on"
    return "live"


def _loops(model: Model, device: str, seconds: float) -> Row:
    """BigVGAN, whose loops another process renders ahead while the fast vocoder, or the last loop, sounds."""
    seconds = max(seconds, SHORTEST)
    bigvgan.render(_bigvgan(model), SHORTEST)  # loads, and warms up
    began = time.perf_counter()
    bigvgan.render(_bigvgan(model), seconds)
    rtf = (time.perf_counter() - began) / seconds
    loop = bigvgan.length(rtf)
    slow = "too slow for live, " if rtf > SAFE else ""
    return Row(
        vocoder="bigvgan", device=device, block_frames=0, rtf=rtf, block=0.0, look_ahead=0.0,
        compute=1000 * loop * rtf, buffer=0.0, verdict=f"{slow}plays by loops of {loop:.1f} s",
    )  # fmt: skip


def _bigvgan(model: Model) -> Renderer:
    return model.renderer(rate=RATE, values={"play": True}, vocoder="bigvgan")
