"""What each new child is told first, its spec; see the child's own module for what that means."""

from __future__ import annotations

from pathlib import Path

from sda.live.facts import Facts
from sda.live.options import Options
from sda.live.ring import Ring
from sda.live.wire import Message


def player(options: Options, ring: Ring, facts: Facts, number: int) -> Message:
    """Of the player of this number, from 1: the rest of the duration, a file of its own."""
    audio = options.audio
    if number > 1 and audio.startswith("file:"):
        path = Path(audio)
        audio = str(path.with_name(f"{path.stem}-{number}{path.suffix}"))
    left = None if options.duration is None else max(0.0, options.duration - facts.totals[0])
    spec = {"ring": ring.name, "audio": audio, "rate": options.rate, "duration": left}
    return {**spec, "outs": options.outs, "block": options.block, "transport": options.transport}


def renderer(options: Options, ring: Ring, facts: Facts, *, hold: bool, take: bool) -> Message:
    """hold: no zeros before the first model; take: it tells what takes effect from the start on."""
    spec = {"ring": ring.name, "rate": facts.rate, "buffer": options.buffer, "hold": hold}
    return {**spec, "device": options.device, "take": take}
