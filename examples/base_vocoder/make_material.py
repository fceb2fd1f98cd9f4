"""Make the recordings that the base vocoder learns from: `python make_material.py FOLDER`.

Four kinds, all free of claims on what is trained with them: the CC0 samples of Debian's `sonic-pi-samples`, phrases
played by the MIT-licensed soundfont of `fluid-soundfont-gm` through fluidsynth, sentences of this file spoken by
espeak-ng, and sounds computed here. The recordings listed in RESERVED never enter: they measure what the base does for
sounds that it has not met. Everything is drawn from one seed, so the same packages give the same material.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import mido
import numpy as np
import soundfile
from numpy.typing import NDArray
from procedural import SOUNDS

RATE = 44_100  # Hz
SONIC_PI = Path("/usr/share/sonic-pi/samples")
SOUNDFONT = Path("/usr/share/sounds/sf2/FluidR3_GM.sf2")
SEED = 20261122
PHRASE_S = 6.0  # s
PHRASES = 3  # per instrument

RESERVED = {
    "perc": "drum_cymbal_closed drum_cymbal_open drum_snare_hard drum_snare_soft drum_tom_hi_hard drum_tom_lo_hard "
    "drum_heavy_kick bd_808 bd_fat tabla_na tabla_ghe1 tabla_ke1 perc_bell loop_breakbeat",
    "tonal": "guit_em9 guit_e_fifths guit_harmonics",
    "amb": "ambi_choir ambi_dark_woosh ambi_drone ambi_glass_hum ambi_glass_rub ambi_haunted_hum ambi_lunar_land "
    "ambi_piano ambi_sauna ambi_soft_buzz ambi_swoosh loop_drone_g_97",
}

SENTENCES = (
    "Record five sounds of your own and listen to what lies between them.",
    "Zinc, brass and glass ring for different reasons.",
    "How quickly does the shadow of a cloud cross a field of wheat?",
    "Shh, she sells six thick thistle sticks.",
    "Every slow river was once a hurried little stream.",
    "Bom, bom, bom, said the drum; tick, tick, tick, said the clock.",
    "Open the window and let the noise of the street come in.",
    "A whisper carries further than you would think.",
)
VOICES = ("en-gb", "en-us", "de", "fr", "it", "es+f3", "en-us+f2", "sv+m3", "pl+f4", "en-gb+whisper")


def note_list(random: np.random.Generator, program: int) -> list[tuple[float, float, int, int]]:
    """A phrase as (start s, length s, key, velocity): single notes, runs or chords, in a register drawn at random."""
    notes, time, centre = [], 0.0, int(random.integers(36, 84))
    density = float(random.choice([0.15, 0.3, 0.6, 1.5]))
    while time < PHRASE_S - 0.6:
        length = float(density * random.uniform(0.5, 2.0))
        for _ in range(int(random.choice([1, 1, 1, 2, 3, 4]))):
            key = int(np.clip(centre + random.integers(-14, 15), 24, 104))
            notes.append((time, min(length * 1.2, PHRASE_S - 0.3 - time), key, int(random.integers(25, 127))))
        time += length
    return notes


def midi_file(random: np.random.Generator, program: int, drums: bool, path: Path) -> None:
    """Write the phrases of one instrument, `PHRASE_S` apart, as a MIDI file."""
    channel, events = (9 if drums else 0), []
    for phrase in range(PHRASES):
        for start, length, key, velocity in note_list(random, program):
            key = int(random.integers(35, 82)) if drums else key
            begin = phrase * PHRASE_S + start
            events += [(begin, "note_on", key, velocity), (begin + length, "note_off", key, 0)]
    track = mido.MidiTrack([mido.Message("program_change", channel=channel, program=program)])
    now = 0
    for time, kind, note, velocity in sorted(events):
        ticks = round(time * 960)  # 480 ticks a beat at 120 beats a minute
        track.append(mido.Message(kind, channel=channel, note=note, velocity=velocity, time=ticks - now))
        now = ticks
    mido.MidiFile(type=0, ticks_per_beat=480, tracks=[track]).save(path)


def instruments(random: np.random.Generator, work: Path) -> Iterator[tuple[str, NDArray[np.float32]]]:
    """Every General MIDI program and nine drum kits of the soundfont."""
    programs = [(p, False) for p in range(128)] + [(k, True) for k in (0, 8, 16, 24, 25, 32, 40, 48, 56)]
    for program, drums in programs:
        midi, wave = work / "phrase.mid", work / "phrase.wav"
        midi_file(random, program, drums, midi)
        command = ["fluidsynth", "-ni", "-q", "-g", "0.6", "-r", str(RATE), "-F", str(wave), str(SOUNDFONT), str(midi)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        sound, _ = soundfile.read(wave, dtype="float32", always_2d=True)
        for phrase in range(PHRASES):
            cut = sound[round(phrase * PHRASE_S * RATE) : round((phrase + 1) * PHRASE_S * RATE)].mean(axis=1)
            yield f"{'kit' if drums else 'gm'}_{program:03d}_{phrase}", cut


def speech(work: Path) -> Iterator[tuple[str, NDArray[np.float32]]]:
    """Every sentence by three voices, 22 kHz as espeak-ng makes it."""
    for number, sentence in enumerate(SENTENCES):
        for voice in range(3):
            name, wave = VOICES[(number * 3 + voice) % len(VOICES)], work / "speech.wav"
            pitch, speed = 25 + 17 * ((number + 2 * voice) % 4), 120 + 20 * ((number + voice) % 4)
            subprocess.run(["espeak-ng", "-v", name, "-p", str(pitch), "-s", str(speed), "-w", str(wave), sentence], check=True)
            sound, rate = soundfile.read(wave, dtype="float32")
            yield f"speech_{number}_{voice}@{rate}", sound


def main(folder: Path) -> None:
    work = folder / ".work"
    work.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(SEED)
    reserved = {name for names in RESERVED.values() for name in names.split()}
    for source in sorted(SONIC_PI.glob("*.flac")):
        if source.stem not in reserved:
            shutil.copy(source, folder / source.name)
    for name, make in SOUNDS.items():
        for take in range(12):
            soundfile.write(folder / f"made_{name}_{take:02d}.flac", make(random, RATE), RATE)
    for name, sound in speech(work):
        stem, _, rate = name.partition("@")
        soundfile.write(folder / f"{stem}.flac", sound, int(rate))
    for name, sound in instruments(random, work):
        if np.abs(sound).max() > 1e-3:
            soundfile.write(folder / f"{name}.flac", sound / max(1.0, float(np.abs(sound).max())), RATE)
    shutil.rmtree(work)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
