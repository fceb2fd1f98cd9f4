"""OSC 1.0 packets: bytes to messages and back. Bounded, linear in the size of the packet, no I/O.

Rules: a packet is a message or a bundle; every size is a multiple of four; text ends with one to four NULs; nothing but
NUL pads. Whatever the bytes, `decode` returns messages or raises one `OscError`: a packet is taken whole or not at all.
Brackets of arrays are checked for balance and their contents taken in a row. A message that lacks the leading slash
(Max) gets it, one that lacks the type tags (very old senders) has no arguments.

Source: "The Open Sound Control 1.0 Specification", Wright 2002, with the tags of OSC 1.1 (Freed and Schmeder 2009).
"""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from sda.errors import SdaError

Arg = float | int | bool | str | bytes | None

IMMEDIATELY = 1  # the time tag that means now
MESSAGES = 256  # in one packet; as many bundles
LEVELS = 8  # of bundles in bundles
ARGUMENTS = 4096  # in one packet
BUNDLE_SIGN = 0x23  # "#", the first byte of a bundle
DATAGRAM = 1400  # bytes, of what we send: fits an Ethernet frame

HEAD = 128  # bytes of a message's address and type tags that are worth remembering

_BUNDLE = b"#bundle\0"
_INT, _SIZE, _LONG = struct.Struct(">i"), struct.Struct(">i"), struct.Struct(">q")
_FLOAT, _DOUBLE, _TIME = struct.Struct(">f"), struct.Struct(">d"), struct.Struct(">Q")
_NUMBERS = {"f": _FLOAT, "i": _INT, "d": _DOUBLE, "h": _LONG, "t": _TIME}
_CODES = {tag: number.format[1:] for tag, number in _NUMBERS.items()}
_CONSTANTS: dict[str, Arg] = {"T": True, "F": False, "N": None, "I": math.inf}
_RAW = "rm"  # four bytes each: a colour, a MIDI message


class OscError(SdaError):
    """A packet that is not OSC, or larger than we take: the sender's fault."""


class Message(NamedTuple):
    """One message; `time` is the NTP time tag of the bundle it came in (32.32 bits, seconds since 1900)."""

    address: str
    args: tuple[Arg, ...] = ()
    time: int = IMMEDIATELY


def decode(data: bytes) -> list[Message]:
    """All messages of a packet, in order. Raises `OscError`, and nothing else, for anything that is not OSC."""
    if not data or len(data) & 3:
        raise OscError(f"a packet of {len(data)} bytes; expected a multiple of four")
    if data[0] != BUNDLE_SIGN:
        return [_message(data, 0, len(data), IMMEDIATELY)]
    messages: list[Message] = []
    bundles, arguments = 1, 0
    # Bundles that are open: where each goes on, where it ends, its time tag.
    stack = [(16, len(data), _time(data, 0, len(data)))]
    while stack:
        at, end, time = stack.pop()
        if at == end:
            continue
        stop = _element(data, at, end)
        stack.append((stop, end, time))
        if data[at + 4] == BUNDLE_SIGN:
            stack.append((at + 20, stop, _time(data, at + 4, stop)))
            bundles += 1
        else:
            messages.append(_message(data, at + 4, stop, time))
            arguments += len(messages[-1].args)
        _check_limits(len(messages), bundles, len(stack), arguments)
    return messages


def encode(address: str, *args: Arg) -> bytes:
    """A message. Numbers go out as `f` and `i` (`f` where 32 bits do not hold an integer), bools and None as `i`.

    Raises `OscError` where the message is longer than 1,400 bytes.
    """
    tags = ","
    body = bytearray()
    for arg in args:
        tag, content = _argument(arg)
        tags += tag
        body += content
    packet = _text(address) + _text(tags) + body
    if len(packet) > DATAGRAM:
        raise OscError(f"{address}: a message of {len(packet)} bytes; expected at most {DATAGRAM}")
    return packet


def encode_bundle(elements: Sequence[bytes], time: int = IMMEDIATELY) -> bytes:
    """A bundle of encoded messages or bundles. Raises `OscError` where it is longer than 1,400 bytes."""
    packet = _BUNDLE + _TIME.pack(time) + b"".join(_SIZE.pack(len(e)) + e for e in elements)
    if len(packet) > DATAGRAM:
        raise OscError(f"a bundle of {len(packet)} bytes; expected at most {DATAGRAM}")
    return packet


def moment_of(tag: int) -> float | None:
    """The moment that a time tag means, in seconds since 1970 (NTP counts from 1900, 25,567 days earlier); None for now."""
    return None if tag <= IMMEDIATELY else tag / 2**32 - 25_567 * 86_400


def _check_limits(messages: int, bundles: int, levels: int, arguments: int) -> None:
    if messages > MESSAGES or bundles > MESSAGES:
        raise OscError(f"more than {MESSAGES} messages or bundles in a packet")
    if levels > LEVELS:
        raise OscError(f"bundles nested deeper than {LEVELS} levels")
    if arguments > ARGUMENTS:
        raise OscError(f"more than {ARGUMENTS} arguments in a packet")


def _time(data: bytes, at: int, end: int) -> int:
    """The time tag of the bundle that begins at `at`."""
    if end - at < 16 or data[at : at + 8] != _BUNDLE:
        raise OscError("a bundle without its head")
    time: int = _TIME.unpack_from(data, at + 8)[0]
    return time


def _element(data: bytes, at: int, end: int) -> int:
    """Where the bundle's element ends whose size stands at `at`."""
    size: int = _SIZE.unpack_from(data, at)[0]  # sizes and ends are multiples of four, so four bytes are there
    if size <= 0 or size & 3 or size > end - at - 4:
        raise OscError(f"an element of {size} bytes where {end - at - 4} are left")
    return at + 4 + size


def _message(data: bytes, at: int, end: int, time: int) -> Message:
    known, body = _known(data, at, end)
    if known is not None and known[1].size == end - body:
        return Message(known[0], known[1].unpack_from(data, body), time)
    address, at = _string(data, at, end)
    if address[:1] != "/":
        if not address:
            raise OscError("an empty address")
        address = "/" + address
    if at == end:
        return Message(address, (), time)
    tags, at = _string(data, at, end)
    if tags[:1] != ",":
        raise OscError(f"{address[:60]}: type tags that do not begin with a comma")
    return Message(address, _arguments(data, at, end, tags), time)


def _known(data: bytes, at: int, end: int) -> tuple[tuple[str, struct.Struct] | None, int]:
    """What `_head` says of the bytes up to what should be the end of the type tags, and where that is."""
    comma = data.find(b",", at, end)
    stop = data.find(0, comma, end) if comma >= 0 else -1
    body = (stop | 3) + 1
    return (_head(data[at:body]) if stop >= 0 and body - at <= HEAD else None), body


@lru_cache(maxsize=1024)
def _head(head: bytes) -> tuple[str, struct.Struct] | None:
    """Address and numbers of a message of nothing but numbers, from the bytes before these; None if it is another kind.

    Nearly all that ever comes is such a message to one of a few addresses: remembering them halves the time of `decode`.
    """
    try:
        address, at = _string(head, 0, len(head))
        tags, at = _string(head, at, len(head))
    except OscError:
        return None
    if not address or tags[:1] != "," or at != len(head) or not set(tags[1:]) <= set(_CODES):
        return None
    return address if address[0] == "/" else "/" + address, struct.Struct(">" + "".join(_CODES[tag] for tag in tags[1:]))


def _arguments(data: bytes, at: int, end: int, tags: str) -> tuple[Arg, ...]:
    if len(tags) > ARGUMENTS:
        raise OscError(f"more than {ARGUMENTS} arguments in a packet")
    args: list[Arg] = []
    depth = 0
    for tag in tags[1:]:
        if (number := _NUMBERS.get(tag)) is not None:
            if end - at < number.size:
                raise OscError(f"arguments that end before their type tags ({tag})")
            args.append(number.unpack_from(data, at)[0])
            at += number.size
        elif tag in _CONSTANTS:
            args.append(_CONSTANTS[tag])
        elif tag in "[]":
            depth += 1 if tag == "[" else -1
            if depth < 0:
                break
        else:
            arg, at = _other(data, at, end, tag)
            args.append(arg)
    if depth or at != end:
        raise OscError("brackets that do not match" if depth else f"{end - at} bytes behind the last argument")
    return tuple(args)


def _other(data: bytes, at: int, end: int, tag: str) -> tuple[Arg, int]:
    """A text, blob, character or four raw bytes, and where the next argument begins."""
    if tag in "sS":
        return _string(data, at, end)
    if end - at < 4:
        raise OscError(f"arguments that end before their type tags ({tag})")
    if tag == "b":
        size = _SIZE.unpack_from(data, at)[0]
        after = at + 4 + (size + 3 & ~3)
        if size < 0 or after > end:
            raise OscError(f"a blob of {size} bytes where {end - at - 4} are left")
        return data[at + 4 : at + 4 + size], after
    if tag == "c":
        code = _INT.unpack_from(data, at)[0]
        if not 0 <= code < 0x110000 or 0xD800 <= code < 0xE000:
            raise OscError(f"a character of number {code}")
        return chr(code), at + 4
    if tag in _RAW:
        return data[at : at + 4], at + 4
    raise OscError(f"an unknown type tag {tag[:1]!r}")


def _string(data: bytes, at: int, end: int) -> tuple[str, int]:
    """The text that begins at `at`, and where what follows it begins."""
    stop = data.find(0, at, end)
    if stop < 0:
        raise OscError("a text without an end")
    after = (stop | 3) + 1
    if data.count(0, stop, after) != after - stop:
        raise OscError("a text not padded with NULs")
    try:
        return str(data[at:stop], "utf-8"), after
    except UnicodeDecodeError as error:
        raise OscError("a text that is not UTF-8") from error


def _text(text: str) -> bytes:
    """A text with its padding; a NUL inside would end it, so it becomes a space."""
    content = text.replace("\0", " ").encode("utf-8", "replace")
    return content + b"\0" * (4 - len(content) % 4)


def _argument(arg: Arg) -> tuple[str, bytes]:
    if isinstance(arg, str):
        return "s", _text(arg)
    if isinstance(arg, bytes):
        return "b", _SIZE.pack(len(arg)) + arg + b"\0" * (-len(arg) % 4)
    if arg is None or (isinstance(arg, int) and -(2**31) <= arg < 2**31):
        return "i", _INT.pack(arg or 0)
    try:
        return "f", _FLOAT.pack(arg)
    except OverflowError:
        return "f", _FLOAT.pack(math.copysign(math.inf, arg))
