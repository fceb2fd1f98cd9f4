"""A folder of recordings gathered: what is said of each, what is read back, how it is split."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr

from sda.errors import TrainError
from sda.train.corpus import Corpus, Recording, gather

RATE = 44_100


def sine(seconds: float, rate: int = RATE, level: float = 0.5, hz: float = 440.0) -> np.ndarray:
    return (level * np.sin(2 * np.pi * hz * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


def gathered(source: Path, target: Path, seed: int = 0) -> dict[str, Recording]:
    return {r.name: r for r in gather(source, target, rate=RATE, shortest=RATE // 2, seed=seed)}


def test_every_recording_is_named_with_what_became_of_it(tmp_path: Path) -> None:
    source = tmp_path / "in"
    (source / "deep").mkdir(parents=True)
    soundfile.write(source / "plain.wav", sine(1.0), RATE, subtype="FLOAT")
    soundfile.write(source / "short.flac", sine(0.2), RATE)
    soundfile.write(source / "slow.ogg", sine(1.0, 22_050), 22_050)
    soundfile.write(source / "deep" / "stereo.aiff", np.stack([sine(1.0), 0 * sine(1.0)], 1), RATE)
    soundfile.write(source / "silent.wav", np.zeros(RATE), RATE)
    soundfile.write(source / "loud.wav", np.clip(4 * sine(1.0), -1, 1), RATE)
    soundfile.write(source / "tick.wav", np.ones(1), RATE)
    soundfile.write(source / "nan.wav", np.full(RATE, np.nan), RATE, subtype="FLOAT")
    (source / "broken.wav").write_bytes(b"RIFF\x00\x00")
    (source / "notes.txt").write_text("not sound")
    found = gathered(source, tmp_path / "out")
    used = {name for name, r in found.items() if r.used}
    assert used == {"plain.wav", "short.flac", "slow.ogg", "deep/stereo.aiff", "loud.wav"}
    assert found["plain.wav"].notes == ()
    assert "padded from 0.20 to 0.50 s" in found["short.flac"].notes
    assert "resampled from 22050 Hz" in found["slow.ogg"].notes
    assert "2 channels mixed to one" in found["deep/stereo.aiff"].notes
    assert "clipped" in found["loud.wav"].notes
    for name, reason in {"silent.wav": "silent", "tick.wav": "only 1 samples", "nan.wav": "NaN", "broken.wav": "not readable",
                         "notes.txt": "not an audio file"}.items():  # fmt: skip
        assert reason in found[name].notes[-1]
        assert "left out" in found[name].notes[-1]
    # Half of full scale is 20 log10 0.5 = -6.02 dBFS.
    assert abs(found["plain.wav"].peak_db + 6.02) < 0.01


def test_samples_come_back_from_where_they_were_put(tmp_path: Path) -> None:
    source = tmp_path / "in"
    source.mkdir()
    random = np.random.default_rng(0)
    noises = {name: random.uniform(-0.9, 0.9, RATE).astype(np.float32) for name in ("a.wav", "b.wav")}
    for name, sound in noises.items():
        soundfile.write(source / name, sound, RATE, subtype="FLOAT")
    (source / "a1.wav").write_bytes(b"rubbish between the two")
    soundfile.write(source / "c.wav", noises["a.wav"], 22_050, subtype="FLOAT")
    gathered(source, tmp_path / "out")
    corpus = Corpus(tmp_path / "out")
    by_name = {r.name: r for r in corpus.recordings}
    for name, sound in noises.items():
        np.testing.assert_array_equal(corpus.whole(by_name[name]), sound)
    doubled = soxr.resample(noises["a.wav"], 22_050, RATE, quality="VHQ")
    np.testing.assert_allclose(corpus.whole(by_name["c.wav"]), doubled, atol=1e-5)
    edge = corpus.read(by_name["b.wav"], RATE - 3, 6)
    np.testing.assert_array_equal(edge, [*noises["b.wav"][-3:], 0, 0, 0])  # not the next recording's samples
    np.testing.assert_array_equal(corpus.read(by_name["b.wav"], -2, 3), [0, 0, noises["b.wav"][0]])
    assert (corpus.read(by_name["b.wav"], 2 * RATE, 5) == 0).all()


def folder_of(count: int, where: Path, seconds: float = 0.6) -> Corpus:
    source = where / "in"
    source.mkdir()
    for number in range(count):
        soundfile.write(source / f"{number:02d}.wav", sine(seconds, hz=200 + 10 * number), RATE)
    gathered(source, where / "out", seed=3)
    return Corpus(where / "out")


@pytest.mark.parametrize(("files", "kept"), [(3, 1), (8, 1), (25, 3)])  # 12 %, one at least
def test_held_out_by_file(tmp_path: Path, files: int, kept: int) -> None:
    corpus = folder_of(files, tmp_path)
    assert len(corpus.held_out) == kept
    assert len(corpus.training) == files - kept
    assert not {r.name for r in corpus.held_out} & {r.name for r in corpus.training}
    assert corpus.judged_on == "held-out recordings"
    random = np.random.default_rng(0)
    drawn = {corpus.pick(random).name for _ in range(300)}
    assert drawn == {r.name for r in corpus.training}


def test_one_long_recording_is_held_out_by_time(tmp_path: Path) -> None:
    corpus = folder_of(1, tmp_path, seconds=20.0)
    (training,), (kept,) = corpus.training, corpus.held_out
    assert corpus.judged_on == "the held-out end of each recording"
    assert kept.length == 3 * RATE  # 15 % of 20 s
    assert training.length == 17 * RATE
    whole = corpus.whole(corpus.recordings[0])
    np.testing.assert_array_equal(corpus.whole(kept), whole[17 * RATE :])
    assert (corpus.read(training, 17 * RATE, 100) == 0).all()  # training cannot read what was kept


def test_two_short_recordings_are_judged_on_themselves(tmp_path: Path) -> None:
    corpus = folder_of(2, tmp_path, seconds=1.0)
    assert corpus.judged_on == "the training recordings themselves"
    assert corpus.held_out == corpus.training


def test_longer_recordings_are_drawn_more_often_but_not_by_length(tmp_path: Path) -> None:
    # Lengths 4 : 1, so chances sqrt 4 : sqrt 1 = 2 : 1.
    corpus = folder_of(2, tmp_path)
    first, second = corpus.training
    corpus.training = [dataclasses.replace(first, length=4 * second.length), second]
    random = np.random.default_rng(0)
    share = np.mean([corpus.pick(random).name == first.name for _ in range(3000)])
    assert abs(share - 2 / 3) < 0.03  # three and a half standard deviations


def test_nothing_usable_is_refused(tmp_path: Path) -> None:
    source = tmp_path / "in"
    source.mkdir()
    with pytest.raises(TrainError, match="empty folder"):
        gathered(source, tmp_path / "out")
    soundfile.write(source / "silent.wav", np.zeros(RATE), RATE)
    with pytest.raises(TrainError, match="none of its 1 files"):
        gathered(source, tmp_path / "out")
    with pytest.raises(TrainError, match="no gathered recordings"):
        Corpus(tmp_path / "out")
    with pytest.raises(TrainError, match="found a file"):
        gathered(source / "silent.wav", tmp_path / "out")


def test_a_target_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    source = tmp_path / "in"
    source.mkdir()
    soundfile.write(source / "a.wav", sine(1.0), RATE)
    (tmp_path / "out").write_text("a file where the folder was to be")
    with pytest.raises(TrainError, match="could not be gathered there"):
        gathered(source, tmp_path / "out")
