"""MIDI bytes, against the tables of the MIDI 1.0 specification and mido as the independent reader and writer."""

from __future__ import annotations

import mido
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sda.adapters.midi_bytes import Message, Word, decode, encode, from_place, to_place

# MIDI 1.0, tables I to V: channel voice, system common and system real time messages.
TABLE = [
    ("80 3C 40", Message(Word.NOTE_OFF, 1, 60, 64)),
    ("9F 3C 01", Message(Word.NOTE_ON, 16, 60, 1)),
    ("90 3C 00", Message(Word.NOTE_OFF, 1, 60, 0)),  # "a velocity value of zero is a note-off"
    ("A1 24 7F", Message(Word.KEY_PRESSURE, 2, 36, 127)),
    ("B0 07 64", Message(Word.CC, 1, 7, 100)),
    ("BF 78 00", Message(Word.CC, 16, 120, 0)),
    ("C3 05", Message(Word.PROGRAM, 4, 5, 0)),
    ("D0 40", Message(Word.PRESSURE, 1, 0, 64)),
    ("E0 00 40", Message(Word.BEND, 1, 0, 8192)),
    ("E0 7F 7F", Message(Word.BEND, 1, 0, 16383)),
    ("E2 01 00", Message(Word.BEND, 3, 0, 1)),
    ("F1 35", Message(Word.QUARTER_FRAME, 0, 0, 0x35)),
    ("F2 02 01", Message(Word.POSITION, 0, 0, 130)),
    ("F3 07", Message(Word.SONG, 0, 0, 7)),
    ("F6", Message(Word.TUNE)),
    ("F8", Message(Word.CLOCK)),
    ("FA", Message(Word.START)),
    ("FB", Message(Word.CONTINUE)),
    ("FC", Message(Word.STOP)),
    ("FE", Message(Word.SENSING)),
    ("FF", Message(Word.RESET)),
]


@pytest.mark.parametrize(("data", "message"), TABLE, ids=[data for data, _ in TABLE])
def test_the_messages_of_the_specification(data: str, message: Message) -> None:
    assert decode(bytes.fromhex(data)) == message
    if data != "90 3C 00":
        assert encode(message) == bytes.fromhex(data)


@pytest.mark.parametrize("data", ["", "40", "90 3C", "90 3C 40 00", "90 80 40", "B0 07 FF", "F0 01 F7", "F4", "F7", "F8 00"])
def test_what_is_not_exactly_one_message_is_none(data: str) -> None:
    assert decode(bytes.fromhex(data)) is None


@given(st.binary(max_size=6))
@example(b"\xf0" + b"\x01" * 5)
@example(b"\xe0\0\0\0")
def test_any_bytes_are_read_as_mido_reads_them(data: bytes) -> None:
    message = decode(data)
    try:
        other = mido.Message.from_bytes(data)
    except (ValueError, IndexError):  # IndexError: of bytes that are none at all
        assert message is None
        return
    if other.type == "sysex" or bytes(other.bytes()) != data:  # it reads over a byte too many
        assert message is None
        return
    assert message is not None
    assert encode(message) == data or message.word is Word.NOTE_OFF
    assert message.channel == (other.channel + 1 if hasattr(other, "channel") else 0)


def test_the_middle_and_the_ends_are_exact_and_every_number_comes_back() -> None:
    # MIDI 2.0 bit scaling, "min-center-max": 0, 64 and 127 are 0, half and all; 1 is 1/128, 126 is 1 - 0.5/63.
    assert [to_place(value, 7) for value in (0, 1, 64, 127)] == [0, 1 / 128, 0.5, 1]
    assert to_place(126, 7) == pytest.approx(1 - 0.5 / 63)
    assert [to_place(value, 14) for value in (0, 8192, 16383)] == [0, 0.5, 1]
    for bits in (7, 14):
        assert [from_place(to_place(value, bits), bits) for value in range(1 << bits)] == list(range(1 << bits))
    assert (from_place(-1.0, 7), from_place(2.0, 7)) == (0, 127)
