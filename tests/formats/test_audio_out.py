"""Writing sound: the samples that went in, the same bytes twice, and nothing at all where it fails."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import soundfile

from sda.errors import AudioError, ModelError
from sda.formats import audio, audio_out
from sda.formats.audio_out import AudioWriter, Floats, Tags


def noise(samples: int = 5000, channels: int = 2) -> Floats:
    return np.random.default_rng(1).uniform(-0.9, 0.9, (channels, samples)).astype(np.float32)


def put(path: Path, x: Floats, depth: str | None, *, block: int = 777, seed: int = 0, tags: Tags | None = None) -> bytes:
    path.parent.mkdir(exist_ok=True)
    with AudioWriter(path, 48_000, len(x), depth=depth, random=np.random.default_rng(seed), tags=tags) as writer:
        for start in range(0, x.shape[1], block):
            writer.write(x[:, start : start + block])
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    return path.read_bytes()


@pytest.mark.parametrize(
    ("name", "depth", "subtype", "error"),
    [
        ("a.wav", "16", "PCM_16", 1.51 / 2**15),  # half a step of rounding and up to one of dither
        ("a.wav", "24", "PCM_24", 0.5 / 2**23),
        ("a.wav", "32f", "FLOAT", 0),
        ("a.flac", "16", "PCM_16", 1.51 / 2**15),
        ("A.FLAC", "24", "PCM_24", 0.5 / 2**23),
    ],
)
@pytest.mark.parametrize("channels", [1, 2, 6])
def test_what_goes_in_comes_out(tmp_path: Path, name: str, depth: str, subtype: str, error: float, channels: int) -> None:
    x = noise(channels=channels)
    put(tmp_path / name, x, depth)
    info = soundfile.info(tmp_path / name)
    assert (info.samplerate, info.channels, info.frames, info.subtype) == (48_000, channels, 5000, subtype)
    back = soundfile.read(tmp_path / name, dtype="float32", always_2d=True)[0].T
    assert np.abs(back - x).max() <= error


def test_dither_is_triangular_and_hides_the_steps(tmp_path: Path) -> None:
    # A constant of 0.3 steps would round to 0. TPDF makes its mean right and its variance 1/4 step squared
    # (1/6 of the dither + 1/12 of the rounding; Lipshitz, Wannamaker & Vanderkooy 1992).
    put(tmp_path / "a.wav", np.full((1, 200_000), 0.3 / 2**15, np.float32), "16", block=50_000)
    steps = soundfile.read(tmp_path / "a.wav", dtype="int16")[0].astype(float)
    assert steps.mean() == pytest.approx(0.3, abs=0.005)
    assert steps.var() == pytest.approx(0.25, abs=0.005)
    assert set(steps) <= {-1.0, 0.0, 1.0}


@pytest.mark.parametrize("depth", ["16", "24"])
def test_full_scale_and_beyond_stop_at_full_scale(tmp_path: Path, depth: str) -> None:
    put(tmp_path / "a.wav", np.array([[1.0, 1.5, -1.0, -7.0]], np.float32), depth)
    back = soundfile.read(tmp_path / "a.wav", dtype="float64")[0]
    assert np.allclose(back, [1, 1, -1, -1], atol=2.1 / 2**15)
    assert np.all(np.sign(back) == [1, 1, -1, -1])  # nothing wraps round


def test_same_sound_and_seed_are_the_same_bytes(tmp_path: Path) -> None:
    kinds = [("a.wav", "16"), ("a.wav", "24"), ("a.wav", "32f"), ("a.flac", "16"), ("a.flac", "24")]
    kinds += [("a.ogg", None), ("a.mp3", None)]
    tags = Tags(title="bells", comment="seed 0", software="sda")
    first = [put(tmp_path / str(n) / name, noise(), depth, tags=tags) for n, (name, depth) in enumerate(kinds)]
    time.sleep(1.1)  # the clock that a float wav carries counts whole seconds
    for number, (name, depth) in enumerate(kinds):
        path = tmp_path / str(number) / name
        assert put(path, noise(), depth, tags=tags, block=1024) == first[number]
        assert put(path, -noise(), depth, tags=tags) != first[number]
        assert (put(path, noise(), depth, tags=tags, seed=1) != first[number]) == (depth == "16")


def test_a_plain_float_wav_does_carry_the_clock(tmp_path: Path) -> None:
    # Why the writer clears it: without that, the same sound differs.
    contents = []
    for _ in range(2):
        soundfile.write(tmp_path / "a.wav", noise().T, 48_000, subtype="FLOAT")
        contents.append((tmp_path / "a.wav").read_bytes())
        time.sleep(1.1)
    assert contents[0] != contents[1]


@pytest.mark.parametrize(("rate", "seconds"), [(8_000, 0.3), (44_100, 1.0), (48_000, 0.001)])
@pytest.mark.parametrize(("name", "loss"), [("a.ogg", 0.05), ("a.mp3", 0.05)])
def test_what_is_compressed_keeps_its_length_its_place_and_nearly_its_sound(
    tmp_path: Path, name: str, loss: float, rate: int, seconds: float
) -> None:
    t = np.arange(round(seconds * rate)) / rate
    x = np.stack([0.5 * np.sin(2 * np.pi * 440 * t), 0.5 * np.sin(2 * np.pi * 1000 * t)]).astype(np.float32)
    with AudioWriter(tmp_path / name, rate, 2) as writer:
        writer.write(x)
    back, read_rate = soundfile.read(tmp_path / name, dtype="float32", always_2d=True)
    assert (read_rate, back.shape) == (rate, (x.shape[1], 2))
    assert np.sqrt(np.mean((back.T - x) ** 2)) < loss


@pytest.mark.parametrize("rate", [88_200, 96_000, 47_999])
def test_a_rate_that_mp3_has_not_is_refused_with_those_it_has(tmp_path: Path, rate: int) -> None:
    with pytest.raises(AudioError, match=rf"found {rate} Hz, expected 8000, .* 48000 for .mp3"):
        AudioWriter(tmp_path / "a.mp3", rate, 2)


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.ogg", "a.mp3"])
def test_tags_are_in_the_file(tmp_path: Path, name: str) -> None:
    depth = "24" if name in ("a.wav", "a.flac") else None
    tags = Tags(title="Glocken", artist="Å", album="zwei " * 20, comment="brightness 3.5, für dich", software="sda 0.1")
    put(tmp_path / name, noise(), depth, tags=tags)
    with soundfile.SoundFile(tmp_path / name) as file:
        assert (file.title, file.artist, file.album) == ("Glocken", "Å", "zwei " * 20)
        assert file.comment == "brightness 3.5, für dich"
        assert file.software.startswith("sda 0.1")


@pytest.mark.parametrize(
    ("name", "depth", "words"),
    [
        ("a.mp5", "24", r"found the suffix '.mp5', expected .wav, .flac, .ogg, .mp3"),
        ("a", "24", r"found the suffix 'none', expected .wav, .flac, .ogg, .mp3"),
        ("a.wav", "12", r"found the bit depth '12', expected 16, 24, 32f for .wav"),
        ("a.flac", "32f", r"found the bit depth '32f', expected 16, 24 for .flac"),
        ("a.ogg", "24", r"found the bit depth '24', expected none: .ogg has no such thing"),
        ("a.mp3", "16", r"found the bit depth '16', expected none: .mp3 has no such thing"),
        ("missing/a.wav", "24", r"cannot write there \(No such file or directory\)"),
        ("text/a.wav", "24", r"cannot write there \(Not a directory\)"),
        ("folder.wav", "24", r"found a folder where a file was to be written"),
    ],
)
def test_a_place_that_cannot_be_written_is_named(tmp_path: Path, name: str, depth: str, words: str) -> None:
    (tmp_path / "text").write_text("x")
    (tmp_path / "folder.wav").mkdir()
    with pytest.raises(AudioError, match=words) as caught, AudioWriter(tmp_path / name, 48_000, 1, depth=depth):
        pass
    assert "\n" not in str(caught.value)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["folder.wav", "text"]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="may write everywhere")
def test_no_permission_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(AudioError, match="Permission denied"), AudioWriter(tmp_path / "a.wav", 48_000, 1):
        pass


def test_more_channels_than_flac_has_is_named(tmp_path: Path) -> None:
    with pytest.raises(AudioError, match="cannot hold 9 channels at 48000 Hz"), AudioWriter(tmp_path / "a.flac", 48_000, 9):
        pass
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("failure", [ModelError("broke"), KeyboardInterrupt(), ValueError("broke"), OSError("broke")])
def test_a_failure_half_way_leaves_the_old_file(tmp_path: Path, failure: BaseException) -> None:
    def fail() -> None:
        with AudioWriter(tmp_path / "a.wav", 48_000, 2) as writer:
            writer.write(noise())
            raise failure

    before = put(tmp_path / "a.wav", noise(), "24")
    with pytest.raises(AudioError if isinstance(failure, OSError) else type(failure)):
        fail()
    assert [file.name for file in tmp_path.iterdir()] == ["a.wav"]
    assert (tmp_path / "a.wav").read_bytes() == before


@contextmanager
def files_at_most(size: int) -> Iterator[None]:
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.ogg", "a.mp3"])
def test_a_disk_that_takes_no_more_is_named(tmp_path: Path, name: str) -> None:
    depth = "24" if name in ("a.wav", "a.flac") else None
    before = put(tmp_path / name, noise(50), depth)
    words = r"could not be written \(File too large\); what was there before is untouched"
    with files_at_most(20_000), pytest.raises(AudioError, match=words):
        put(tmp_path / name, noise(50_000), depth)
    assert [file.name for file in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_bytes() == before


@pytest.mark.parametrize("short", [1, 100, 5000])
def test_a_disk_that_fills_up_with_the_last_block_is_noticed(tmp_path: Path, short: int) -> None:
    size = len(put(tmp_path / "a.flac", noise(), "24"))
    (tmp_path / "a.flac").unlink()
    with files_at_most(size - short), pytest.raises(AudioError), AudioWriter(tmp_path / "a.flac", 48_000, 2) as writer:
        writer.write(noise())
    assert not list(tmp_path.iterdir())


def test_nothing_written_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(AudioError, match="found no samples to write"), AudioWriter(tmp_path / "a.wav", 48_000, 2):
        pass
    assert not list(tmp_path.iterdir())


def test_a_wav_ends_at_4_gib(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audio_out, "LARGEST_WAV", 6 * 5000)
    with AudioWriter(tmp_path / "a.wav", 48_000, 2, depth="24") as writer:
        writer.write(noise())
        with pytest.raises(AudioError, match="at most 4 GiB"):
            writer.write(noise(1))
    assert audio.probe(tmp_path / "a.wav").frames == 5000
