"""An ID3v2.4 tag, which mp3 files begin with (M. Nilsson, "ID3 tag version 2.4.0, main structure", id3.org, 2000).

libsndfile writes the older ID3v1 alone, which cuts every text off after 30 bytes.
"""

from __future__ import annotations

from collections.abc import Mapping

from sda.errors import AudioError

FRAMES = {"title": b"TIT2", "artist": b"TPE1", "album": b"TALB", "software": b"TSSE", "comment": b"COMM"}
UTF_8 = b"\x03"
LANGUAGE = b"XXX"  # of a comment: unknown
LARGEST = 1 << 28  # bytes: sizes have 28 bits


def tag(texts: Mapping[str, str]) -> bytes:
    """The tag of the texts by name (title, artist, album, software, comment), empty ones left out; b"" without any."""
    frames = b"".join(_frame(FRAMES[name], text) for name, text in texts.items() if text)
    return b"ID3\x04\x00\x00" + _syncsafe(len(frames)) + frames if frames else b""


def _frame(name: bytes, text: str) -> bytes:
    head = UTF_8 + LANGUAGE + b"\x00" if name == b"COMM" else UTF_8  # the comment's own title stays empty
    content = head + text.encode("utf-8")
    return name + _syncsafe(len(content)) + b"\x00\x00" + content


def _syncsafe(size: int) -> bytes:
    """Four bytes of seven bits, so that no size looks like the beginning of sound."""
    if size >= LARGEST:
        raise AudioError(f"tags of {size} bytes; expected less than {LARGEST}")
    return bytes(size >> shift & 0x7F for shift in (21, 14, 7, 0))
