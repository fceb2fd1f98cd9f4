"""Make the demo's recordings, "driftwood": `python make_recordings.py FOLDER [--seed N]`. What it makes is CC0.

Some thirty short sounds of wood, metal, strings, skin, breath and water, computed from physical models alone and tuned
to one scale (just pentatonic on D). They differ in brightness, noise, attack and level as independently as such things
can, so that an instrument trained on them finds sliders to name. 44.1 kHz, 24 bit, mono; one seed, one set of bytes.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import soundfile
from recordings.score import SCORE
from recordings.signals import RATE


def make(folder: Path, seed: int) -> float:
    """Write every recording of the score as FOLDER/NAME.wav and return their length in s."""
    folder.mkdir(parents=True, exist_ok=True)
    seconds = 0.0
    for recording in SCORE:
        sound = recording.sound(seed)
        soundfile.write(folder / f"{recording.name}.wav", sound, RATE, subtype="PCM_24")
        seconds += len(sound) / RATE
    return seconds


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Make the demo's recordings by physical modelling.")
    parser.add_argument("folder", type=Path, help="where the wav files go; made if it is not there")
    parser.add_argument("--seed", type=int, default=1, help="another seed strikes, plucks and rains elsewhere")
    asked = parser.parse_args()
    if asked.folder.exists() and not asked.folder.is_dir():
        parser.error(f"{asked.folder}: found a file where a folder was expected")
    print(f"{len(SCORE)} recordings, {make(asked.folder, asked.seed):.1f} s in all, in {asked.folder}")
