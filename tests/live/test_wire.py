"""Messages over pipes: whole whatever the cut, and an end that is noticed."""

from __future__ import annotations

import io
import os
import queue

import pytest

from sda.live import wire

# {"a":1} is seven bytes; four bytes of big-endian length stand before it.
ONE = b'\x00\x00\x00\x07{"a":1}'


class Dribble(io.BytesIO):
    """A stream that gives a byte at a time, as a slow pipe may."""

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(min(1, size or 0))


def test_a_message_is_its_length_and_its_json() -> None:
    assert wire.pack({"a": 1}) == ONE


def test_messages_are_read_whole_from_a_stream_that_gives_single_bytes() -> None:
    stream = Dribble(ONE + wire.pack({"text": "größer", "n": None}))
    assert wire.read(stream) == {"a": 1}
    assert wire.read(stream) == {"text": "größer", "n": None}
    assert wire.read(stream) is None


@pytest.mark.parametrize("cut", [1, 3, 4, 10])
def test_an_end_in_the_middle_of_a_message_is_an_end(cut: int) -> None:
    assert wire.read(io.BytesIO(ONE[:cut])) is None


@pytest.mark.parametrize("bad", [b"\xff\xff\xff\xff", b"\x00\x00\x00\x02[]", b"\x00\x00\x00\x03{a}", b"\x00\x00\x00\x01\xff"])
def test_what_is_no_message_is_refused(bad: bytes) -> None:
    with pytest.raises(wire.WireError):
        wire.read(io.BytesIO(bad))


def test_numbers_that_json_has_not_are_our_own_bug() -> None:
    with pytest.raises(ValueError, match="JSON"):
        wire.pack({"a": float("nan")})


def test_a_wire_delivers_in_order_never_waits_and_tells_of_the_end() -> None:
    # A pipe holds 64 KiB; 2,000 messages of 1 kB are queued before anybody reads.
    there_in, here_out = os.pipe()
    here_in, there_out = os.pipe()
    got: queue.SimpleQueue[wire.Message | None] = queue.SimpleQueue()
    here = wire.Wire(os.fdopen(here_in, "rb"), os.fdopen(here_out, "wb"), lambda message: None)
    for number in range(2000):
        here.send({"n": number, "pad": "x" * 1000})
    there = wire.Wire(os.fdopen(there_in, "rb"), os.fdopen(there_out, "wb"), got.put)
    here.close()
    messages = [got.get(timeout=5) for _ in range(2001)]
    assert [message and message["n"] for message in messages] == [*range(2000), None]
    there.close()
