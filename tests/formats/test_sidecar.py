"""The sidecar: valid JSON in the words of the older programs, measured on the sound, and nobody else's file replaced."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from sda.errors import AudioError
from sda.formats import sidecar
from sda.formats.audio_out import AudioWriter, Tags


def strict(path: Path) -> dict:
    def refuse(name: str) -> None:
        raise AssertionError(f"{name} is not JSON")

    return json.loads(path.read_text("utf-8"), parse_constant=refuse)


@pytest.mark.parametrize("name", ["a.wav", "b.ogg"])
def test_what_it_says_is_what_was_written(tmp_path: Path, name: str) -> None:
    x = np.array([[0.25, -0.5, 1.0], [0.0, -1.5, 0.1]], np.float32)
    loudness = sidecar.Loudness()
    with AudioWriter(tmp_path / name, 48_000, 2) as writer:
        for block in (x, x[:, :1]):
            writer.write(block)
            loudness = loudness.with_block(block)
    recipe = {"model": "bells", "seed": 7, "values": {"seed": 7, "spatial": "stereo"}, "vocoder": "draft"}
    sidecar.check(tmp_path / name)
    sidecar.write(tmp_path / name, sidecar.describe(tmp_path / name, writer, loudness, Tags(title="été"), recipe))
    said = strict(tmp_path / f"{name[0]}.json")
    assert (said["version"], said["model_name"], said["seed"], said["tags"]["title"]) == (2, "bells", 7, "été")
    depth = 24 if name == "a.wav" else None
    assert said["audio"] == {
        "file": name, "format": name[2:].upper(), "sample_rate": 48_000, "bit_depth": depth, "channels": 2, "samples": 4,
        "duration_s": 4 / 48_000,
    }  # fmt: skip
    assert said["quality"]["clipping"] == {
        "clipped_samples": 2, "clipped_percentage": 25.0, "peak_value": 1.5, "has_clipping": True,
    }  # fmt: skip
    assert said["recipe"] == recipe
    assert said["generation"]["spatial"] == "stereo"
    sidecar.check(tmp_path / name)  # its own kind may be replaced


@pytest.mark.parametrize("content", [b"", b"[1, 2]", b'{"values": {}}', b"\xff\xfe", b"[" * 100_000, b" " * (1 << 21)])
def test_a_file_that_is_no_sidecar_stays(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(AudioError, match=r"a\.json: found a file that is no sidecar .* --no-sidecar"):
        sidecar.check(tmp_path / "a.wav")


def test_infinity_never_gets_into_it(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        sidecar.write(tmp_path / "a.wav", {"snr_db": float("inf")})
    assert not list(tmp_path.iterdir())
