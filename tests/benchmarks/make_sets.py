"""Make the small sets of real recordings that benchmarks measure on: `python make_sets.py FOLDER`.

perc, tonal, amb and mix (every second file of the three). The samples are those that the base vocoder never met
(`RESERVED` of examples/base_vocoder/make_material.py), from Debian's CC0 `sonic-pi-samples`; tonal has nine phrases more,
played by fluidsynth with `timgm6mb-soundfont` (GPL: a measure only, nothing trained on it is shipped).
"""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import mido
import numpy as np
import soundfile

RATE = 44_100  # Hz
SONIC_PI = Path("/usr/share/sonic-pi/samples")
SOUNDFONT = Path("/usr/share/sounds/sf2/TimGM6mb.sf2")
MATERIAL = Path(__file__).parents[2] / "examples" / "base_vocoder" / "make_material.py"
SEED = 41
PHRASE_S = 6.0  # s, the last notes' decay included

PROGRAMS = {  # General MIDI program and the keys between which its phrase moves
    "vibraphone": (11, 53, 84), "nylon_guitar": (24, 40, 72), "violin": (40, 55, 88), "cello": (42, 36, 67),
    "trumpet": (56, 54, 80), "clarinet": (71, 50, 82), "flute": (73, 60, 91), "marimba": (12, 48, 84), "celesta": (8, 60, 96),
}  # fmt: skip


def reserved() -> dict[str, list[str]]:
    """The sample names by set, read from the source of the base vocoder's material."""
    for node in ast.parse(MATERIAL.read_text()).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == "RESERVED":
            return {name: names.split() for name, names in ast.literal_eval(node.value).items()}
    raise SystemExit(f"{MATERIAL}: no RESERVED there")


def phrase(random: np.random.Generator, program: int, low: int, high: int) -> mido.MidiFile:
    """Single notes and dyads, stepwise or by leaps, loud and soft."""
    events, now, key = [], 0.0, int(random.integers(low, high))
    while now < PHRASE_S - 1.2:
        length = float(random.choice([0.25, 0.4, 0.6, 1.0, 1.6]))
        length = min(length, PHRASE_S - 1.0 - now)
        velocity = int(random.integers(40, 120))
        for note in {key, key + int(random.choice([0, 0, 4, 7]))}:
            events += [(now, "note_on", note, velocity), (now + length, "note_off", note, 0)]
        key = int(np.clip(key + random.integers(-9, 10), low, high))
        now += length
    track, ticks = mido.MidiTrack([mido.Message("program_change", program=program)]), 0
    for time, kind, note, velocity in sorted(events):
        at = round(time * 960)  # 480 ticks a beat at 120 beats a minute
        track.append(mido.Message(kind, note=note, velocity=velocity, time=at - ticks))
        ticks = at
    return mido.MidiFile(type=0, ticks_per_beat=480, tracks=[track])


def play(midi: mido.MidiFile, path: Path) -> None:
    """Render a phrase to a mono flac of `PHRASE_S` seconds, dry."""
    score, wave = path.with_suffix(".mid"), path.with_suffix(".wav")
    midi.save(score)
    command = ["fluidsynth", "-ni", "-q", "-R", "0", "-C", "0", "-g", "0.6", "-r", str(RATE), "-F", str(wave)]
    subprocess.run([*command, str(SOUNDFONT), str(score)], check=True, capture_output=True)
    sound = soundfile.read(wave, dtype="float32", always_2d=True)[0].mean(axis=1)[: round(PHRASE_S * RATE)]
    soundfile.write(path, sound / max(1.0, float(np.abs(sound).max())), RATE)
    score.unlink()
    wave.unlink()


def main(folder: Path) -> None:
    if not SOUNDFONT.exists():  # fluidsynth would take its default one, which the base vocoder has heard
        raise SystemExit(f"{SOUNDFONT}: not there; expected the package timgm6mb-soundfont")
    random = np.random.default_rng(SEED)
    together: list[Path] = []
    for name, samples in reserved().items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        for sample in samples:
            shutil.copy(SONIC_PI / f"{sample}.flac", folder / name)
    for name, (program, low, high) in PROGRAMS.items():
        play(phrase(random, program, low, high), folder / "tonal" / f"{name}.flac")
    for name in ("perc", "tonal", "amb"):
        together += sorted((folder / name).glob("*.flac"))
    (folder / "mix").mkdir(exist_ok=True)
    for path in together[::2]:
        shutil.copy(path, folder / "mix")
    for name in ("perc", "tonal", "amb", "mix"):
        files = sorted((folder / name).glob("*.flac"))
        print(f"{name:6} {len(files):3} files {sum(soundfile.info(f).duration for f in files):6.1f} s")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
