"""OSC bytes, against python-osc as the independent reader and writer, and whatever bytes there are."""

from __future__ import annotations

import contextlib
import math
import random
import struct
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pythonosc.osc_bundle import OscBundle
from pythonosc.osc_bundle_builder import IMMEDIATELY as OTHERS_NOW
from pythonosc.osc_bundle_builder import OscBundleBuilder
from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import OscMessageBuilder
from pythonosc.parsing.ntp import system_time_to_ntp

from sda.adapters.osc_packet import (
    ARGUMENTS,
    DATAGRAM,
    IMMEDIATELY,
    LEVELS,
    MESSAGES,
    Message,
    OscError,
    decode,
    encode,
    encode_bundle,
    moment_of,
)

HEAD = b"#bundle\0" + bytes(7) + b"\1"


def element(packet: bytes) -> bytes:
    return struct.pack(">i", len(packet)) + packet


def others(address: str, *args: tuple[object, str | None]) -> bytes:
    builder = OscMessageBuilder(address)
    for value, tag in args:
        builder.add_arg(value, tag)
    return builder.build().dgram


def test_every_type_that_python_osc_writes_is_read() -> None:
    args = [
        (7, "i"),
        (2.5, "f"),
        (0.1, "d"),
        (2**40, "h"),
        ("héllo", "s"),
        (b"12345", "b"),
        (True, "T"),
        (False, "F"),
        (None, "N"),
    ]
    packet = others("/sda/ping", *args)
    assert decode(packet) == [Message("/sda/ping", tuple(value for value, _ in args))]
    assert decode(others("/x", ([1, [2, 3]], None)))[0].args == (1, 2, 3)


def test_what_is_written_python_osc_reads() -> None:
    message = OscMessage(encode("/sda/x", 1, -2.5, "sound ü", b"abc", True, False, ""))
    assert message.address == "/sda/x"
    assert message.params == [1, -2.5, "sound ü", b"abc", 1, 0, ""]
    bundle = OscBundle(encode_bundle([encode("/a", 1), encode("/b", "two")]))
    assert [(m.address, m.params) for m in bundle] == [("/a", [1]), ("/b", ["two"])]


def test_bytes_of_the_specification() -> None:
    # OSC 1.0, examples: "/oscillator/4/frequency" with 440.0, and "/foo" with iisff.
    first = bytes.fromhex("2f6f7363696c6c61746f722f342f6672657175656e6379002c66000043dc0000")
    assert decode(first) == [Message("/oscillator/4/frequency", (440.0,))]
    assert encode("/oscillator/4/frequency", 440.0) == first
    second = bytes.fromhex("2f666f6f000000002c696973666600000000 03e8ffffffff68656c6c6f0000003f9df3b640b5b22d".replace(" ", ""))
    assert decode(second)[0].args == (1000, -1, "hello", pytest.approx(1.234), pytest.approx(5.678))


def test_bundles_carry_their_time_tags_and_keep_the_order() -> None:
    inner = OscBundleBuilder(1_700_000_000.5)
    inner.add_content(OscMessageBuilder("/b").build())
    outer = OscBundleBuilder(OTHERS_NOW)
    outer.add_content(OscMessageBuilder("/a").build())
    outer.add_content(inner.build())
    outer.add_content(OscMessageBuilder("/c").build())
    tag = int.from_bytes(system_time_to_ntp(1_700_000_000.5), "big")
    assert decode(outer.build().dgram) == [Message("/a"), Message("/b", (), tag), Message("/c")]
    assert moment_of(tag) == pytest.approx(1_700_000_000.5, abs=1e-6)
    assert moment_of(1) is None
    assert decode(HEAD) == []


def test_liberal_where_senders_differ() -> None:
    assert decode(b"gain\0\0\0\0,f\0\0" + struct.pack(">f", -6)) == [Message("/gain", (-6.0,))]  # Max
    assert decode(b"/a\0\0") == [Message("/a")]  # no type tags
    assert decode(b"/a\0\0,cStI\0\0\0" + b"\0\0\0Z" + b"sym\0" + bytes(7) + b"\1") == [Message("/a", ("Z", "sym", 1, math.inf))]
    assert decode(b"/a\0\0,rm\0" + b"\1\2\3\4\5\6\7\10")[0].args == (b"\1\2\3\4", b"\5\6\7\10")
    assert decode(b"/a\0\0,[T[F]N]\0\0\0\0")[0].args == (True, False, None)


DEEP = HEAD
for _ in range(LEVELS):
    DEEP = HEAD + element(DEEP)
BROKEN = {
    "empty": b"",
    "size not of four": b"/abc\0",
    "negative element": HEAD + struct.pack(">i", -4) + bytes(4),
    "empty element": HEAD + bytes(4) + element(b"/a\0\0"),
    "element too large": HEAD + struct.pack(">i", 12) + b"/a\0\0",
    "element not of four": HEAD + struct.pack(">i", 3) + b"/a\0\0",
    "largest element": HEAD + struct.pack(">i", 2**31 - 4) + b"/a\0\0",
    "too deep": DEEP,
    "half a bundle": b"#bundle\0",
    "bundle of another name": b"#bungle\0" + bytes(8),
    "not UTF-8": b"/\xff\xfe\0",
    "argument not UTF-8": b"/a\0\0,s\0\0\xc3\x28\0\0",
    "surrogate": b"/a\0\0,s\0\0\xed\xa0\x80\0",
    "no end": b"/abc",
    "argument without end": b"/a\0\0,s\0\0abcd",
    "no address": b"\0\0\0\0,f\0\0" + bytes(4),
    "bad padding": b"/a\0x,f\0\0" + bytes(4),
    "bad padding of tags": b"/a\0\0,f\0x" + bytes(4),
    "tags without comma": b"/a\0\0ff\0\0" + bytes(8),
    "argument missing": b"/a\0\0,f\0\0",
    "argument left": b"/a\0\0,f\0\0" + bytes(8),
    "double cut": b"/a\0\0,d\0\0" + bytes(4),
    "unknown tag": b"/a\0\0,Q\0\0" + bytes(4),
    "blob too large": b"/a\0\0,b\0\0" + struct.pack(">i", 5) + bytes(4),
    "blob negative": b"/a\0\0,b\0\0" + struct.pack(">i", -1) + bytes(4),
    "blob of -4": b"/a\0\0,b\0\0" + struct.pack(">i", -4),
    "bracket open": b"/a\0\0,[T\0",
    "bracket closed": b"/a\0\0,]T[\0\0\0\0",
    "no character": b"/a\0\0,c\0\0" + struct.pack(">i", -1),
    "too many messages": HEAD + element(b"/a\0\0") * (MESSAGES + 1),
    "too many bundles": HEAD + element(HEAD) * (MESSAGES + 1),
    "too many arguments": b"/a\0\0," + b"T" * (ARGUMENTS + 2) + b"\0",
}


@pytest.mark.parametrize("data", BROKEN.values(), ids=BROKEN.keys())
def test_broken_packets_are_refused_with_a_reason(data: bytes) -> None:
    with pytest.raises(OscError, match=r".{8}"):
        decode(data)


def test_the_limits_themselves_are_taken() -> None:
    assert len(decode(HEAD + element(b"/a\0\0") * MESSAGES)) == MESSAGES
    assert decode(DEEP[20:]) == []  # one level less than too deep
    assert len(decode(b"/a\0\0," + b"T" * (ARGUMENTS - 1) + b"\0\0\0\0")[0].args) == ARGUMENTS - 1


def seeds() -> list[bytes]:
    """Packets to begin a mutation from."""
    full = others("/sda/slider/1", (3.5, "f"), (2, "i"), ("x", "s"), (b"12", "b"), (1.0, "d"), (True, "T"))
    nested = HEAD + element(full) + element(HEAD + element(full) + element(b"/a\0\0,f\0\0" + bytes(4)))
    return [full, nested, *BROKEN.values()]


def taken_or_refused(data: bytes) -> None:
    """The invariant: messages of the known types, or one `OscError`."""
    try:
        messages = decode(data)
    except OscError:
        return
    for message in messages:
        assert message.address.startswith("/")
        assert all(arg is None or isinstance(arg, (int, float, str, bytes)) for arg in message.args)


def test_a_hundred_thousand_mutations() -> None:
    chance = random.Random(7)
    starts = [seed for seed in seeds() if 0 < len(seed) < 400]
    for _ in range(100_000):
        data = bytearray(chance.choice(starts))
        for _ in range(chance.randint(1, 4)):
            at = chance.randrange(len(data))
            match chance.randrange(4):
                case 0:
                    data[at] = chance.choice(b"\0\1\x7f\x80\xff#/,[]bsfdTN")
                case 1:
                    data[at : at + 4] = struct.pack(">i", chance.choice((-4, -1, 0, 4, 8, 2**31 - 1, -(2**31))))
                case 2:
                    del data[at : at + 4]
                case 3:
                    data[at:at] = data[chance.randrange(len(data)) :][: 4 * chance.randint(1, 5)]
            data = data or bytearray(1)
        taken_or_refused(bytes(data))


@settings(max_examples=400, deadline=None)
@given(
    st.binary(max_size=200).map(lambda tail: tail[: len(tail) // 4 * 4]), st.sampled_from([b"", HEAD, b"/a\0\0,", b"#bundle\0"])
)
def test_any_bytes(tail: bytes, head: bytes) -> None:
    taken_or_refused(head + tail)


ARGS = st.one_of(
    st.integers(-(2**31), 2**31 - 1),
    st.floats(width=32, allow_nan=False),
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=30),
    st.binary(max_size=30),
)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.lists(ARGS, max_size=8), max_size=4))
def test_what_is_written_is_read_back(messages: list[list[object]]) -> None:
    packets = [encode(f"/m/{n}", *args) for n, args in enumerate(messages)]
    assert decode(encode_bundle(packets)) == [Message(f"/m/{n}", tuple(args)) for n, args in enumerate(messages)]


def test_what_32_bits_do_not_hold_goes_out_as_f() -> None:
    assert OscMessage(encode("/a", 2**31, -(2**31), 1e300, -1e300, None)).params == [2.0**31, -(2**31), math.inf, -math.inf, 0]
    assert decode(encode("/a", "a\0b", "\ud800"))[0].args == ("a b", "?")


def test_nothing_larger_than_a_datagram_is_written() -> None:
    text = "x" * (DATAGRAM - 9)  # 4 of the address, 4 of the tags, at least one NUL
    assert len(encode("/a", text)) == DATAGRAM
    with pytest.raises(OscError, match="1404"):
        encode("/a", text + "x")
    with pytest.raises(OscError, match="bundle"):
        encode_bundle([encode("/a", text)])


def test_time_grows_with_the_size_and_no_faster() -> None:
    def seconds(data: bytes) -> float:
        best = math.inf
        for _ in range(5):
            began = time.perf_counter()
            with contextlib.suppress(OscError):
                decode(data)
            best = min(best, time.perf_counter() - began)
        return best

    largest = 65_504
    killers = [
        HEAD + element(b"/a\0\0") * (largest // 8),
        HEAD + element(HEAD) * (largest // 20),
        b"/a\0\0," + b"T" * (largest - 8) + b"\0\0\0",
        b"/a\0\0," + b"[" * (largest - 8) + b"\0\0\0",
        b"/" + b"a" * largest + b"\0\0\0",
        HEAD + element(b"/a\0\0," + b"T" * 239 + b"\0\0\0\0") * 256,
        b"/a\0\0,s\0\0" + b"\xff" * largest,
    ]
    assert max(map(seconds, killers)) < 5e-3
    assert IMMEDIATELY == 1
