"""A folder of recordings made ready for training: looked at, named, decoded once into one file of samples.

`gather` reports every recording with what was done to it, then training reads random crops from a memory map, so that
an hour of audio costs disk and not memory. The split into training and held-out recordings is by file, never by crop.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Generator, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sda.errors import AudioError, TrainError
from sda.formats import audio
from sda.sources import digest, find

Floats = NDArray[np.float32]

SILENT_DB = -70.0  # dBFS peak below which a recording holds nothing to learn
CLIPPED = 8  # successive samples at one extreme before a recording counts as clipped
SHORTEST_S = 0.01  # s, below which a recording is dropped
HELD_OUT = 0.12  # share of the recordings kept from training
BY_TIME = 0.15  # share of each recording kept instead, where there are only one or two
LEAST_BY_TIME_S = 1.1  # s, one decoder length
AUDIO_FILE, INDEX_FILE = "audio.f32", "corpus.json"


@dataclass(frozen=True, slots=True)
class Recording:
    """One recording as it was found, and what became of it."""

    name: str  # path below the folder, with "/" between parts
    seconds: float = 0.0
    rate: int = 0  # Hz, of the file
    channels: int = 0
    peak_db: float = -np.inf  # dBFS
    notes: tuple[str, ...] = ()  # "padded to 1.02 s", "resampled from 48000 Hz", "clipped", ...
    used: bool = True
    start: int = 0  # first sample in the corpus file
    length: int = 0  # samples there
    held_out: bool = False
    size: int = 0  # bytes of the file
    sha256: str = ""  # of the file, in hex


class Corpus:
    """The gathered recordings: samples by random access, nothing held in memory."""

    def __init__(self, folder: Path) -> None:
        """Open what `gather` left in a folder. Raises `TrainError` where it is missing or incomplete."""
        try:
            index = json.loads((folder / INDEX_FILE).read_text())
            self.rate: int = index["rate"]
            self.recordings = [Recording(**{**r, "notes": tuple(r["notes"])}) for r in index["recordings"]]
            self.samples: Floats = np.memmap(folder / AUDIO_FILE, np.float32, mode="r")
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise TrainError(f"{folder}: no gathered recordings here ({error})") from error
        self.training = [r for r in self.recordings if r.used and not r.held_out]
        self.held_out = [r for r in self.recordings if r.used and r.held_out]
        self.judged_on = "held-out recordings"
        if not self.held_out:
            self._split_by_time()

    def _split_by_time(self) -> None:
        """Too few recordings to keep one away: keep the end of each long enough one, or else judge on what is trained."""
        least = round(LEAST_BY_TIME_S * self.rate)
        cuts = [max(least, round(BY_TIME * r.length)) for r in self.training]
        long = [r.length >= 4 * cut for r, cut in zip(self.training, cuts, strict=True)]
        if not any(long):
            self.held_out, self.judged_on = list(self.training), "the training recordings themselves"
            return
        self.judged_on = "the held-out end of each recording"
        whole, self.training = self.training, []
        for recording, cut, is_long in zip(whole, cuts, long, strict=True):
            kept = recording.length - cut if is_long else recording.length
            self.training.append(replace(recording, length=kept))
            if is_long:
                self.held_out.append(replace(recording, start=recording.start + kept, length=cut, held_out=True))

    @property
    def seconds(self) -> float:
        """Length of all used recordings."""
        return sum(r.length for r in self.recordings if r.used) / self.rate

    def read(self, recording: Recording, start: int, length: int) -> Floats:
        """`length` samples of a recording from `start` on, silence beyond its edges. A copy."""
        out = np.zeros(length, np.float32)
        low, high = max(0, start), min(recording.length, start + length)
        if high > low:
            out[low - start : high - start] = self.samples[recording.start + low : recording.start + high]
        return out

    def whole(self, recording: Recording) -> Floats:
        """All samples of a recording. A copy."""
        return self.read(recording, 0, recording.length)

    def pick(self, random: np.random.Generator) -> Recording:
        """A training recording, drawn with a chance between even and by length: the square root of its length."""
        weights = np.sqrt([r.length for r in self.training])
        return self.training[int(random.choice(len(weights), p=weights / weights.sum()))]


def gather(
    source: Path,
    target: Path,
    *,
    rate: int,
    shortest: int,
    seed: int,
    files: Sequence[tuple[Path, str]] = (),
    held_out: Collection[str] = (),
) -> Iterator[Recording]:
    """Decode every recording below `source`, or else the `files` with their names, into `target`; yield each when done.

    rate: of the corpus, in Hz; shortest: samples below which a recording is padded with silence; held_out: names of the
    recordings to keep from training, where an earlier split is to hold; without any of them the seed chooses.
    Raises `TrainError` if nothing usable remains or `target` cannot be written.
    """
    files = files or [(path, path.relative_to(source).as_posix()) for path in find(source)]
    try:
        recordings = yield from _gather(source, target, rate, shortest, files)
        _write_index(target, rate, _split(recordings, seed, held_out))
    except OSError as error:
        raise TrainError(f"{target}: the recordings could not be gathered there ({error.strerror or error})") from error


def examine(path: Path, name: str, rate: int, shortest: int) -> Recording:
    """One recording decoded as `gather` would, and nothing kept of it: what it is like, and what would become of it."""
    return _take(path, name, lambda samples: None, 0, rate, shortest)


def _gather(
    source: Path, target: Path, rate: int, shortest: int, files: Sequence[tuple[Path, str]]
) -> Generator[Recording, None, list[Recording]]:
    target.mkdir(parents=True, exist_ok=True)
    recordings: list[Recording] = []
    temporary = target / (AUDIO_FILE + ".part")
    position = 0
    with temporary.open("wb") as out:
        for path, name in files:
            recording = _take(path, name, out.write, position, rate, shortest)
            if recording.used:
                position += recording.length
                with suppress(OSError):  # it went away meanwhile; its sound is here
                    recording = replace(recording, size=path.stat().st_size, sha256=digest(path))
            out.seek(position * 4)
            out.truncate()
            recordings.append(recording)
            yield recording
        out.flush()
        os.fsync(out.fileno())
    if not any(r.used for r in recordings):
        raise TrainError(f"{source}: none of its {len(recordings)} files can be used (see the reasons above)")
    os.replace(temporary, target / AUDIO_FILE)
    return recordings


def _write_index(target: Path, rate: int, recordings: list[Recording]) -> None:
    index = {"rate": rate, "recordings": [asdict(r) for r in recordings]}
    part = target / (INDEX_FILE + ".part")
    part.write_text(json.dumps(index, indent=1))
    os.replace(part, target / INDEX_FILE)


def _take(path: Path, name: str, write: object, position: int, rate: int, shortest: int) -> Recording:
    """Decode one recording to the corpus file and say what it was like; unusable ones come back with the reason."""
    assert callable(write)
    if path.suffix.lower() not in audio.READABLE:
        return Recording(name, used=False, notes=("not an audio file, left out",))
    try:
        info = audio.probe(path)
        length, peak, clipped = 0, 0.0, False
        for block in audio.mono_blocks(path, rate):
            write(block.tobytes())
            length += len(block)
            peak = max(peak, float(np.abs(block).max(initial=0)))
            clipped = clipped or _is_clipped(block)
    except AudioError as error:
        return Recording(name, used=False, notes=(f"{str(error).removeprefix(f'{path}: ')}, left out",))
    seconds, peak_db = length / rate, 20 * float(np.log10(max(peak, 1e-12)))
    found = Recording(name, seconds, info.rate, info.channels, peak_db, start=position, length=length)
    if reason := _unusable(found, info):
        return Recording(name, seconds, info.rate, info.channels, peak_db, (reason,), used=False)
    notes = []
    if info.rate != rate:
        notes.append(f"resampled from {info.rate} Hz")
    if info.channels > 1:
        notes.append(f"{info.channels} channels mixed to one")
    if clipped:
        notes.append("clipped")
    if length < 0.98 * info.frames * rate / info.rate:
        notes.append(f"truncated: {seconds:.2f} s of the {info.frames / info.rate:.2f} s its header declares")
    if length < shortest:
        write(np.zeros(shortest - length, np.float32).tobytes())
        notes.append(f"padded from {seconds:.2f} to {shortest / rate:.2f} s")
    return Recording(
        name, seconds, info.rate, info.channels, peak_db, tuple(notes), start=position, length=max(length, shortest)
    )


def _unusable(found: Recording, info: audio.AudioInfo) -> str | None:
    if found.length == 0:
        return "no samples, left out"
    if found.seconds < SHORTEST_S:
        return f"only {found.length} samples ({found.seconds:.3f} s), expected {SHORTEST_S} s, left out"
    if found.peak_db < SILENT_DB:
        return f"silent (peak {found.peak_db:.0f} dBFS), left out"
    return None


def _is_clipped(block: Floats) -> bool:
    """Whether `CLIPPED` successive samples stand at full scale."""
    at_limit = np.abs(block) >= 0.999
    return bool(at_limit.any()) and bool(np.convolve(at_limit, np.ones(CLIPPED), "valid").max(initial=0) >= CLIPPED)


def _split(recordings: list[Recording], seed: int, held_out: Collection[str] = ()) -> list[Recording]:
    """Mark the held-out recordings: those named, unless they are none or all; else one in eight, at least one of three."""
    used = [i for i, r in enumerate(recordings) if r.used]
    count = max(1, round(HELD_OUT * len(used))) if len(used) >= 3 else 0
    named = {i for i in used if recordings[i].name in held_out}
    by_chance = np.random.default_rng(seed).permutation(used)[:count].tolist()
    chosen = named if 0 < len(named) < len(used) else set(by_chance)
    return [Recording(**{**asdict(r), "held_out": i in chosen}) for i, r in enumerate(recordings)]
