"""The ID3v2.4 tag, byte by byte from its definition."""

from __future__ import annotations

import pytest

from sda.errors import AudioError
from sda.formats import id3


def test_a_tag_by_hand() -> None:
    # Header: "ID3", version 4.0, no flags, size in 7-bit bytes. Frame: name, size, no flags, 3 for UTF-8, the text.
    title = b"TIT2" + bytes([0, 0, 0, 3]) + b"\x00\x00" + b"\x03" + "é".encode()
    comment = b"COMM" + bytes([0, 0, 1, 72]) + b"\x00\x00" + b"\x03XXX\x00" + b"x" * 195  # 1 * 128 + 72 = 200 = 5 + 195
    size = len(title) + len(comment)
    expected = b"ID3\x04\x00\x00" + bytes([0, 0, size // 128, size % 128]) + title + comment
    assert id3.tag({"title": "é", "artist": "", "comment": "x" * 195}) == expected


def test_nothing_to_say_is_no_tag() -> None:
    assert id3.tag({"title": "", "comment": ""}) == b""


def test_a_tag_beyond_its_size_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    assert id3.LARGEST == 2**28  # four bytes of seven bits
    monkeypatch.setattr(id3, "LARGEST", 300)
    with pytest.raises(AudioError, match="expected less than 300"):
        id3.tag({"comment": "x" * 300})
