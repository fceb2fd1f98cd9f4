"""Ogg pages: the serial number is settled by the content, and the checksums hold for those who check them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from sda.errors import AudioError
from sda.formats import ogg


def pages(content: bytes) -> list[bytes]:
    found = []
    while content:
        segments = content[26]
        size = 27 + segments + sum(content[27 : 27 + segments])
        found.append(content[:size])
        content = content[size:]
    return found


def checksum(page: bytes) -> int:
    """RFC 3533, section 6, bit by bit: polynomial 0x04c11db7, from 0, the checksum's own place as zeros."""
    register = 0
    for byte in page[:22] + bytes(4) + page[26:]:
        register ^= byte << 24
        for _ in range(8):
            register = (register << 1 ^ (0x04C11DB7 if register & 0x80000000 else 0)) & 0xFFFFFFFF
    return register


@pytest.fixture
def file(tmp_path: Path) -> Path:
    x = np.random.default_rng(0).uniform(-0.3, 0.3, (40_000, 2))
    soundfile.write(tmp_path / "a.ogg", x, 48_000, format="OGG", subtype="VORBIS")
    return tmp_path / "a.ogg"


def test_every_checksum_holds_and_all_pages_have_one_number(file: Path) -> None:
    before = file.read_bytes()
    ogg.settle_serial(file)
    settled = pages(file.read_bytes())
    assert len(settled) > 3
    assert len({page[14:18] for page in settled}) == 1
    for old, page in zip(pages(before), settled, strict=True):
        assert int.from_bytes(page[22:26], "little") == checksum(page)
        assert page[:14] + page[26:] == old[:14] + old[26:]


def test_the_same_sound_gets_the_same_number_and_another_sound_another(tmp_path: Path) -> None:
    contents = []
    for seed in (0, 0, 1):
        x = np.random.default_rng(seed).uniform(-0.3, 0.3, (9000, 1))
        soundfile.write(tmp_path / "a.ogg", x, 48_000, format="OGG", subtype="VORBIS")
        before = (tmp_path / "a.ogg").read_bytes()
        ogg.settle_serial(tmp_path / "a.ogg")
        contents.append((before, (tmp_path / "a.ogg").read_bytes()))
    assert contents[0][0] != contents[1][0]  # why it is needed
    assert contents[0][1] == contents[1][1]
    assert contents[0][1][14:18] != contents[2][1][14:18]


@pytest.mark.parametrize("spoil", [lambda b: b[:-1], lambda b: b + b"x", lambda b: b"RIFF" + b[4:], lambda b: b[:30]])
def test_what_is_no_ogg_is_refused(file: Path, spoil) -> None:
    file.write_bytes(spoil(file.read_bytes()))
    with pytest.raises(AudioError, match="expected a page of an Ogg file"):
        ogg.settle_serial(file)
