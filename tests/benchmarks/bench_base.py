"""How well a base vocoder copies what it never met: `python bench_base.py [--audio FOLDER] [BASE.safetensors ...]`.

Without files the shipped base is measured, with files also those, milestones of a training. Recordings: those of a folder (the
loudest 1.5 s of each, 24 at the most), or else sounds of examples/base_vocoder/procedural.py, drawn from a seed of their
own: kinds that the base was trained on, in takes that it was not.

mel, M-STFT and the log-spectral distance are those of `sda.train.quality`; periodicity (tonal recordings alone), pitch (the
share of frames within 10 cents, and the median recording's median error) and spurious lines those of artefacts.py. Lines are
measured on steady sounds of 4 s; another take of the same noise, which has none, stands beside them.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile
import torch
from artefacts import HIGHEST, detuned_cents, is_tonal, off_pitch, periodicity_error, repeating_share, spurious_lines
from numpy.typing import NDArray

from sda.core import grid
from sda.core.vocoder import HifiganVocoder
from sda.formats.base import read_base
from sda.spec import BIGVGAN_GRID
from sda.train import quality
from sda.train.comparison import ceiling
from sda.train.corpus import Corpus, gather
from sda.train.quality import Quality
from sda.train.vocoder import held_out_clips

Floats = NDArray[np.float32]
Copy = Callable[[Floats], Floats]

RATE, HOP, IMAGES = BIGVGAN_GRID.sample_rate, BIGVGAN_GRID.hop, 64
SEED = 7
TAKES = 2  # of each kind of procedural sound
STEADY_S = 4.0  # s
PITCHES = (220.0, 440.0, 1000.0, 3000.0)  # Hz, of the steady tones
IN_TUNE = 10.0  # cents
HISS_DB = -60.0  # of the noise below them, under the tone: a recording has some


def recordings(folder: Path | None, work: Path) -> list[Floats]:
    """The clips [T] to copy, whole frames each."""
    if folder is None:
        sys.path.insert(0, str(Path(__file__).parents[2] / "examples" / "base_vocoder"))
        from procedural import SOUNDS

        folder, random = work / "sounds", np.random.default_rng(SEED)
        folder.mkdir()
        for name, make in SOUNDS.items():
            for take in range(TAKES):
                soundfile.write(folder / f"{name}_{take}.flac", make(random, RATE), RATE)
    for _ in gather(folder, work / "corpus", rate=RATE, shortest=16_384, seed=0):
        pass
    corpus = Corpus(work / "corpus")
    corpus.held_out = [r for r in corpus.recordings if r.used]
    return [clip[: len(clip) // HOP * HOP] for clip in held_out_clips(corpus)]


def tone(pitch: float) -> tuple[Floats, tuple[float, ...]]:
    """A steady harmonic tone with the hiss of a recording, and its partials in Hz: amplitudes 1 / n up to 20 kHz."""
    random, t = np.random.default_rng(SEED), np.arange(int(STEADY_S * RATE)) / RATE
    partials = tuple(float(pitch * n) for n in range(1, int(HIGHEST / pitch) + 1))
    sound = sum(np.sin(2 * np.pi * (f * t + random.random())) * pitch / f for f in partials)
    sound = sound / np.sqrt(np.mean(np.square(sound))) * 0.1
    return (sound + 0.1 * 10 ** (HISS_DB / 20) * random.standard_normal(len(t))).astype(np.float32), partials


def noise(seed: int = SEED) -> Floats:
    return (0.1 * np.random.default_rng(seed).standard_normal(int(STEADY_S * RATE))).astype(np.float32)


def numbers(found: Quality) -> str:
    return f"{found.mel:6.3f} {found.stft:7.3f}   " + " ".join(f"{value:5.1f}" for value in found.lsd)


def measure_copies(name: str, vocoder: Copy, clips: list[Floats]) -> None:
    made = [vocoder(grid.log_mel(clip)) for clip in clips]
    found = quality.mean([quality.judge(one, clip) for one, clip in zip(made, clips, strict=True)])
    tonal = [periodicity_error(one, clip) for one, clip in zip(made, clips, strict=True) if is_tonal(clip)]
    periodicity = f"{np.mean(tonal):.3f} ({len(tonal)})" if tonal else "- (0)"
    pitched = [cents for one, clip in zip(made, clips, strict=True) if len(cents := off_pitch(one, clip))]
    near = [float((np.abs(cents) <= IN_TUNE).mean()) for cents in pitched]
    off = [abs(float(np.median(cents))) for cents in pitched]
    tuning = f"{np.mean(near):.0%}, {np.median(off):.0f} ({len(near)})" if near else "- (0)"
    print(f"{name:24} {numbers(found)}   {periodicity:26} {tuning}", flush=True)


def measure_lines(name: str, vocoder: Copy) -> None:
    steady = {f"{pitch:g} Hz": tone(pitch) for pitch in PITCHES} | {"noise": (noise(), ())}
    for what, (real, partials) in steady.items():
        real = real[: len(real) // HOP * HOP]
        line(name, what, vocoder(grid.log_mel(real)), real, partials)


def line(name: str, what: str, made: Floats, real: Floats, partials: tuple[float, ...] = ()) -> None:
    found = [spurious_lines(made, real, every=every, partials=partials) for every in (HOP, IMAGES)]
    figures = "   ".join(f"{f.worst_db:5.1f} at {f.worst_hz:7.0f} Hz, mean {f.mean_db:5.1f}" for f in found)
    repeats = f"{repeating_share(made):6.1%} ({repeating_share(real):.1%})"
    tuning = f"{detuned_cents(made, partials[0]):+6.1f} ({detuned_cents(real, partials[0]):+.1f})" if partials else ""
    print(f"{name:24} {what:8} {figures}   {repeats}  {tuning}".rstrip(), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("base", nargs="*", type=Path, help="further bases, beside the shipped one")
    parser.add_argument("--audio", type=Path, help="a folder of recordings that no base has met")
    args = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as work:
        clips = recordings(args.audio, Path(work))
    bases = [("shipped", None), *((path.stem, path) for path in args.base)]
    vocoders, started = {}, time.process_time()
    for name, path in bases:
        spec, weights, summary = read_base(path)
        vocoders[name] = HifiganVocoder(spec, weights)
        print(f"{name}: {summary['steps']} steps, {summary['core_hours']} core-hours")
    bands = " ".join(f"{low:>2}-{high:<2}" for low, high in quality.BANDS)
    print(f"\n{len(clips)} clips, {sum(map(len, clips)) / RATE:.0f} s")
    print(f"{'':24} {'mel':>6} {'M-STFT':>7}   {bands} kHz, dB   periodicity error (clips)  frames in tune, cents off (clips)")
    for name, vocoder in vocoders.items():
        measure_copies(name, vocoder, clips)
    print(f"{'resampled original':24} {numbers(ceiling(clips))}")
    print(f"\nspurious lines over the original's, dB: multiples of {RATE / HOP:.2f} Hz, then of {RATE / IMAGES:.2f} Hz;")
    print("share of the power that repeats with the hop, and cents out of tune (those of the original)")
    for name, vocoder in vocoders.items():
        measure_lines(name, vocoder)
    line("another take", "noise", noise(SEED + 1), noise())
    print(f"\n{time.process_time() - started:.0f} CPU s")


if __name__ == "__main__":
    main()
