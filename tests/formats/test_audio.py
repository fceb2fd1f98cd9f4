"""Reading recordings: every kind libsndfile reads, and one clear line for everything that is none."""

from __future__ import annotations

import os
import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from sda.errors import AudioError
from sda.formats import audio, riff

KINDS = [
    ("a.wav", "PCM_16", 1e-4),
    ("a.wav", "PCM_24", 1e-6),
    ("a.wav", "PCM_U8", 1e-2),
    ("a.wav", "FLOAT", 1e-7),
    ("a.WAV", "DOUBLE", 1e-7),
    ("a.flac", "PCM_16", 1e-4),
    ("a.aiff", "PCM_24", 1e-6),
    ("a.caf", "PCM_16", 1e-4),
    ("a.ogg", "VORBIS", 0.05),
    ("a.mp3", "MPEG_LAYER_III", 0.05),
]


def tone(rate: int, channels: int, seconds: float = 1.0) -> NDArray[np.float64]:
    """220 Hz, faded, [T, C]; each channel a little softer."""
    t = np.arange(round(rate * seconds)) / rate
    fade = 0.5 - 0.5 * np.cos(2 * np.pi * t / seconds)
    return np.outer(0.5 * fade * np.sin(2 * np.pi * 220 * t), 0.9 ** np.arange(channels))


def refused(path: Path) -> str:
    """The one line said of a file that `read_mono` refuses."""
    with pytest.raises(AudioError) as caught:
        audio.read_mono(path, 44_100)
    line = str(caught.value)
    assert line.startswith(f"{path}: ")
    assert "\n" not in line
    return line.removeprefix(f"{path}: ")


@pytest.mark.parametrize(("name", "subtype", "error"), KINDS)
@pytest.mark.parametrize(("rate", "channels"), [(44_100, 1), (48_000, 2), (22_050, 2)])
def test_every_kind_is_read(tmp_path: Path, name: str, subtype: str, error: float, rate: int, channels: int) -> None:
    path, x = tmp_path / name, tone(rate, channels)
    soundfile.write(path, x, rate, subtype=subtype)
    info = audio.probe(path)
    assert (info.rate, info.channels) == (rate, channels)
    assert info.frames == len(x)
    assert np.abs(np.concatenate(list(audio.blocks(path))) - x).max() < error
    mono = audio.read_mono(path, 44_100)
    # The same tone at 44.1 kHz, the mean of its channels; resampling adds at most 1e-4 to what the format loses.
    assert len(mono) == 44_100
    assert np.abs(mono - tone(44_100, channels).mean(axis=1)).max() < error + 1e-4


@pytest.mark.parametrize(("rate", "channels"), [(8_000, 1), (96_000, 6), (192_000, 2)])
def test_unusual_rates_and_channels(tmp_path: Path, rate: int, channels: int) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, tone(rate, channels), rate, subtype="FLOAT")
    assert np.abs(audio.read_mono(path, 44_100) - tone(44_100, channels).mean(axis=1)).max() < 1e-4


def test_blocks_are_bounded_and_join_to_the_whole(tmp_path: Path) -> None:
    path, x = tmp_path / "a.wav", np.random.default_rng(1).uniform(-1, 1, (3 * audio.BLOCK + 5, 1)).astype(np.float32)
    soundfile.write(path, x, 48_000, subtype="FLOAT")
    blocks = list(audio.blocks(path))
    assert max(map(len, blocks)) == audio.BLOCK
    assert np.array_equal(np.concatenate(blocks), x)
    assert sum(map(len, audio.mono_blocks(path, 48_000))) == len(x)


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.ogg", "a.mp3", "a.aiff"])
@pytest.mark.parametrize(
    "content", [b"", b"hello\n" * 400, np.random.default_rng(2).bytes(5000)], ids=["empty", "text", "noise"]
)
def test_what_is_no_audio_is_named(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    line = refused(tmp_path / name)
    assert line.startswith("not readable as audio (")
    assert line.endswith("); expected wav, flac, ogg, mp3 or aiff")
    assert "does not exist" not in line


@pytest.mark.parametrize("name", ["a.wav", "a.aiff", "a.flac", "a.mp3"])
@pytest.mark.parametrize("share", [0.3, 0.7, 0.9])
def test_what_is_cut_off_is_named(tmp_path: Path, name: str, share: float) -> None:
    path, x = tmp_path / name, tone(44_100, 2, 5.0)
    soundfile.write(path, x, 44_100)
    content = path.read_bytes()
    path.write_bytes(content[: round(len(content) * share)])
    line = refused(path)
    if path.suffix == ".flac":
        assert line.startswith("damaged audio (")
    else:
        assert line.startswith("cut off, found ")
        assert line.endswith("expected the 5.00 s that its header declares")
        found = float(line.split()[3])
        assert found == pytest.approx(5 * share, abs=0.2 if path.suffix != ".mp3" else 0.5)
        # Training may use what is there: block by block it is read, and the header's length is still known.
        assert sum(map(len, audio.blocks(path))) / 44_100 == pytest.approx(found, abs=0.01)
        assert audio.probe(path).frames == pytest.approx(len(x), abs=8)


def test_headers_alone_are_named(tmp_path: Path) -> None:
    for name, length in (("a.wav", 44), ("b.wav", 20), ("c.aiff", 54)):
        soundfile.write(tmp_path / name, tone(44_100, 1), 44_100)
        (tmp_path / name).write_bytes((tmp_path / name).read_bytes()[:length])
        assert refused(tmp_path / name)


def test_a_wav_written_into_a_pipe_is_whole(tmp_path: Path) -> None:
    # Such programs cannot know the length and declare the most there is.
    path = tmp_path / "a.wav"
    soundfile.write(path, tone(44_100, 1), 44_100, subtype="PCM_16")
    content = bytearray(path.read_bytes())
    for size in (0xFFFFFFFF, 0x7FFFF000):
        content[40:44] = struct.pack("<I", size)
        path.write_bytes(content)
        assert audio.probe(path).frames == 44_100
        assert len(audio.read_mono(path, 44_100)) == 44_100


@pytest.mark.parametrize(
    ("offset", "field", "words"),
    [
        (24, struct.pack("<I", 0), "its header declares 0 Hz or no channels"),
        (24, struct.pack("<I", 5), "its header says 5 Hz; expected 1000 to 768000 Hz"),
        (24, struct.pack("<I", 2_000_000), "its header says 2000000 Hz; expected 1000 to 768000 Hz"),
        (22, struct.pack("<H", 0), "Channel count is zero"),
        (22, struct.pack("<H", 65), "its header says 65 channels; expected 1 to 64"),
    ],
)
def test_impossible_headers_are_named(tmp_path: Path, offset: int, field: bytes, words: str) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, tone(44_100, 1), 44_100, subtype="PCM_16")
    content = bytearray(path.read_bytes())
    content[offset : offset + len(field)] = field
    path.write_bytes(content)
    assert words in refused(path)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_samples_that_are_no_numbers_are_named(tmp_path: Path, bad: float) -> None:
    x = tone(44_100, 2)
    x[30_000, 1] = bad
    soundfile.write(tmp_path / "a.wav", x, 44_100, subtype="FLOAT")
    assert refused(tmp_path / "a.wav") == "holds samples that are not numbers (NaN or infinity); expected finite ones"


def test_one_sample_is_read_and_none_is_named(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "one.wav", [0.5], 44_100, subtype="FLOAT")
    assert audio.read_mono(tmp_path / "one.wav", 44_100).tolist() == [0.5]
    assert len(audio.read_mono(tmp_path / "one.wav", 48_000)) in (1, 2)
    soundfile.write(tmp_path / "none.wav", np.zeros(0), 44_100)
    assert refused(tmp_path / "none.wav") == "found no samples, expected at least one"


def test_places_that_are_no_file_are_named(tmp_path: Path) -> None:
    (tmp_path / "folder.wav").mkdir()
    (tmp_path / "text").write_text("x")
    assert refused(tmp_path / "folder.wav") == "found a folder where an audio file was expected"
    assert refused(tmp_path / "missing.wav") == "cannot be read (No such file or directory)"
    assert refused(tmp_path / "text" / "a.wav") == "cannot be read (Not a directory)"
    assert "cannot be read" in refused(tmp_path / ("a" * 300 + ".wav"))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.wav")
    assert refused(tmp_path / "a.wav") == "found a device where an audio file was expected"


def test_chunks_of_a_wav_and_an_aiff(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros(100), 44_100, subtype="PCM_16")
    soundfile.write(tmp_path / "a.aiff", np.zeros(100), 44_100, subtype="PCM_16")
    with (tmp_path / "a.wav").open("rb") as file:
        # RIFF, size, WAVE: 12 bytes; fmt and its 16; then data: 12 + 8 + 16 + 8 = 44, 2 bytes a sample.
        assert list(riff.chunks(file)) == [riff.Chunk(b"fmt ", 20, 16), riff.Chunk(b"data", 44, 200)]
    with (tmp_path / "a.aiff").open("rb") as file:
        # SSND begins with an offset and a block size of 4 bytes each.
        assert [(chunk.name, chunk.size) for chunk in riff.chunks(file)] == [(b"COMM", 18), (b"SSND", 208)]
