"""MIDI messages and bytes: one table of the messages that exist, and the way between 0..1 and 7 or 14 bits.

Drivers hand over whole messages, one at a time, running status resolved; anything else is no message.
Sources: MIDI 1.0 Detailed Specification 4.2, tables I to V; the scaling is min-center-max of "MIDI 2.0 Bit Scaling and
Resolution" (M2-115-U), by which 0, the middle (64, 8192) and the highest number are 0, a half and 1 exactly: a knob with a
notch in its middle sets a control to its middle.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class Word(StrEnum):
    """What a message says."""

    NOTE_OFF = "note off"
    NOTE_ON = "note on"
    KEY_PRESSURE = "key pressure"
    CC = "cc"
    PROGRAM = "program"
    PRESSURE = "channel pressure"
    BEND = "bend"
    QUARTER_FRAME = "quarter frame"
    POSITION = "song position"
    SONG = "song"
    TUNE = "tune request"
    CLOCK = "clock"
    START = "start"
    CONTINUE = "continue"
    STOP = "stop"
    SENSING = "active sensing"
    RESET = "reset"


CHANNEL = {  # upper four bits of the status: the word, and how many data bytes follow
    0x80: (Word.NOTE_OFF, 2), 0x90: (Word.NOTE_ON, 2), 0xA0: (Word.KEY_PRESSURE, 2), 0xB0: (Word.CC, 2),
    0xC0: (Word.PROGRAM, 1), 0xD0: (Word.PRESSURE, 1), 0xE0: (Word.BEND, 2),
}  # fmt: skip
SYSTEM = {
    0xF1: (Word.QUARTER_FRAME, 1), 0xF2: (Word.POSITION, 2), 0xF3: (Word.SONG, 1), 0xF6: (Word.TUNE, 0),
    0xF8: (Word.CLOCK, 0), 0xFA: (Word.START, 0), 0xFB: (Word.CONTINUE, 0), 0xFC: (Word.STOP, 0),
    0xFE: (Word.SENSING, 0), 0xFF: (Word.RESET, 0),
}  # fmt: skip
FINE = (Word.BEND, Word.POSITION)  # two data bytes that are one number, the lower first
STATUS = {word: status for table in (CHANNEL, SYSTEM) for status, (word, _) in table.items()}


class Message(NamedTuple):
    """A MIDI message. A note on of velocity 0 is a note off."""

    word: Word
    channel: int = 0  # 1..16; 0 where it goes to all
    number: int = 0  # of the key, controller, program
    value: int = 0  # 0..127; of bend and song position 0..16383


def decode(data: bytes) -> Message | None:
    """A message of its bytes; None for what is not exactly one message, and for system exclusive."""
    if not data or data[0] < 0x80 or any(byte > 0x7F for byte in data[1:]):
        return None
    status = data[0]
    word, size = SYSTEM.get(status) or CHANNEL.get(status & 0xF0) or (None, 0)
    if word is None or len(data) != 1 + size:
        return None
    channel = 0 if status >= 0xF0 else (status & 0x0F) + 1
    if word in FINE:
        return Message(word, channel, 0, data[1] | data[2] << 7)
    if size == 2:
        quiet = word is Word.NOTE_ON and data[2] == 0
        return Message(Word.NOTE_OFF if quiet else word, channel, data[1], data[2])
    value = data[1] if size else 0
    return Message(word, channel, value, 0) if word is Word.PROGRAM else Message(word, channel, 0, value)


def encode(message: Message) -> bytes:
    """The bytes of a message whose fields are within their ranges."""
    word, channel, number, value = message
    status = STATUS[word]
    head = status if status >= 0xF0 else status | (channel - 1)
    if word in FINE:
        return bytes((head, value & 0x7F, value >> 7))
    size = (SYSTEM.get(status) or CHANNEL[status])[1]
    return bytes((head, *((number, value) if size == 2 else (number if word is Word.PROGRAM else value,) * size)))


def to_place(value: int, bits: int) -> float:
    """A number of 7 or 14 bits as a place 0..1, its middle at one half."""
    middle = 1 << bits - 1
    return value / (2 * middle) if value <= middle else 0.5 + (value - middle) / (2 * (middle - 1))


def from_place(place: float, bits: int) -> int:
    """The nearest number of so many bits: the inverse of `to_place`."""
    middle = 1 << bits - 1
    place = min(max(place, 0.0), 1.0)
    return round(place * 2 * middle) if place <= 0.5 else middle + round((place - 0.5) * 2 * (middle - 1))


def words(data: bytes) -> str:
    """A message for people."""
    message = decode(data)
    if message is None:
        return "not a message that is known"
    word, channel, number, value = message
    where = f", channel {channel}" if channel else ""
    match word:
        case Word.NOTE_ON | Word.NOTE_OFF | Word.KEY_PRESSURE | Word.CC:
            return f"{word} {number} = {value}{where}"
        case Word.PROGRAM | Word.SONG:
            return f"{word} {number or value}{where}"
        case Word.BEND | Word.PRESSURE | Word.POSITION:
            return f"{word} = {value}{where}"
    return str(word)
