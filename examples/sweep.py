"""Render one slider from low to high, a second a position: `python examples/sweep.py MODEL SLIDER OUT.wav`."""

from __future__ import annotations

import sys

import numpy as np
import soundfile

import sda


def main(source: str, slider: str, target: str) -> None:
    model = sda.load(source)
    row = next(s for s in model.sliders if slider in (s.name, str(s.number)))
    positions = np.linspace(row.safe_low, row.safe_high, 9)
    sounds = [model.render(1.0, sliders={row.name: float(p)}, values={"variation": 0.0}) for p in positions]
    soundfile.write(target, np.concatenate(sounds, axis=1).T, 48_000)
    print(f"{target}: {row.name} at {', '.join(f'{p:+.1f}' for p in positions)} ({row.explains})")


if __name__ == "__main__":
    main(*sys.argv[1:4])
