"""What the views ask of this program's commands, as the words that a terminal would take. No toolkit."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sda.formats.audio_out import DEPTHS, MP3_RATES
from sda.params import Kind, Param, Value

VOCODERS = {"Auto": "auto", "BigVGAN Universal": "bigvgan", "Per-model HiFi-GAN": "hifigan"}
FORMATS = ("wav", "flac", "ogg", "mp3")
RATES = (44_100, 48_000, 88_200, 96_000)  # Hz
PRESETS = {"quick": 1.0, "good": 5.0, "thorough": 20.0, "long": 60.0, "over night": 480.0}  # minutes of training
NOT_RENDERED = ("play", "model", "vocoder", "seed", "spatial")  # options of the command itself, or nothing to a file


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Sound files that are to be rendered."""

    model: str  # id
    seconds: float
    seed: int
    count: int
    rate: int  # Hz
    depth: str  # "" is the format's own
    spatial: str
    vocoder: str


def depths(suffix: str) -> list[str]:
    """The bit depths of a format; none where it has none to choose."""
    return [depth for depth in DEPTHS[f".{suffix}"] if depth]


def rates(suffix: str) -> list[str]:
    """Rates in Hz that a format takes."""
    return [str(rate) for rate in RATES if suffix != "mp3" or rate in MP3_RATES]


def moved(rows: Iterable[Param], values: Mapping[str, Value]) -> dict[str, Value]:
    """The controls that are not where they begin, of those that a rendering heeds."""
    return {
        row.id: values[row.id]
        for row in rows
        if row.id in values and row.id not in NOT_RENDERED and row.kind is not Kind.TEXT and values[row.id] != row.default
    }


def generate(wanted: Wanted, target: Path, values: Mapping[str, Value]) -> list[str]:
    """`generate`, with controls set to `values`."""
    words = ["generate", wanted.model, "-o", str(target), "-d", f"{wanted.seconds:g}", "--seed", str(wanted.seed)]
    words += ["--count", str(wanted.count), "--rate", str(wanted.rate), "--spatial", wanted.spatial, "--job"]
    words += ["--vocoder", wanted.vocoder] + (["--bit-depth", wanted.depth] if wanted.depth else [])
    for id, value in values.items():
        if id.startswith("slider."):
            words += ["--slider", f"{id.removeprefix('slider.')}={value}"]
        else:
            words += ["--set", f"{id}={int(value) if isinstance(value, bool) else value}"]
    return words


def train(folder: Path, name: str, minutes: float, left_out: Sequence[str]) -> list[str]:
    """`train` on a folder without some of its files."""
    words = ["train", str(folder), "--name", name, "--minutes", f"{minutes:g}", "--threads", threads()]
    return words + [word for left in left_out for word in ("--leave-out", left)]


def train_again(name: str) -> list[str]:
    """`train`, going on where it stopped."""
    return ["train", "--name", name, "--resume", "--threads", threads()]


def train_vocoder(model: str, minutes: float, audio: str) -> list[str]:
    """`train-vocoder` of a model; audio: the folder of its recordings, "" where they are known."""
    words = ["train-vocoder", model, "--minutes", f"{minutes:g}", "--threads", threads()]
    return words + (["--audio", audio] if audio else [])


def train_vocoder_again(model: str) -> list[str]:
    """`train-vocoder`, going on where it stopped."""
    return ["train-vocoder", model, "--resume", "--threads", threads()]


def threads() -> str:
    """Processor threads of a training beside an engine."""
    return str(max(1, (os.cpu_count() or 1) - 2))
