"""Packets that nobody should send: each is meant to stop or slow a receiver.

The first three stop python-osc for ever, or for seconds. All fit a UDP datagram.
"""

from __future__ import annotations

import math
import struct

from sda.adapters.osc_packet import MESSAGES


def element(packet: bytes) -> bytes:
    return struct.pack(">i", len(packet)) + packet


HEAD = b"#bundle\0" + bytes(7) + b"\1"
STAR = b"/sda/" + b"*" * 24 + b"Z"


def message(address: bytes, value: float = 1.0) -> bytes:
    return address + b"\0" * (4 - len(address) % 4) + b",f\0\0" + struct.pack(">f", value)


def many(element_bytes: bytes, count: int = MESSAGES) -> bytes:
    return HEAD + element(element_bytes) * min(count, (65_507 - 16) // (len(element_bytes) + 4))


DEEP = HEAD
for _ in range(3000):
    DEEP = HEAD + element(DEEP)
KILLERS = {
    "element of -4": HEAD + struct.pack(">i", -4) + bytes(4),
    "24 stars": message(STAR),
    "32 stars": message(b"/sda/" + b"*" * 32 + b"Z"),
    "24 stars in sliders": message(b"/sda/slider/" + b"*" * 24 + b"Z"),
    "stars between": message(b"/sda/slider/" + b"*?" * 30 + b"Z"),
    "empty alternatives": many(message(b"/sda/slider/" + b"{,}" * 80 + b"Z")),
    "alternatives": many(message(b"/sda/slider/" + b"{n,na,nam}" * 23 + b"Z")),
    "classes": many(message(b"/sda/slider/[" + b" -~" * 75 + b"]*[!a-z]Z")),
    "many patterns": many(message(b"/sda/slider/*a*e*i*")),
    "many that match": many(message(b"/sda/slider/*")),
    "patterns asked": many(message(b"/sda/q/slider/*")),
    "not UTF-8": message(b"/sda/\xff\xfe\xfd"),
    "deep": DEEP,
    "5,457 messages": HEAD + element(b"/a\0\0") * 5457,
    "tags": b"/sda/gain\0\0\0," + b"T" * 65_483 + b"\0\0\0\0",
    "tags in bundle": many(b"/sda/gain\0\0\0," + b"T" * 231 + b"\0\0\0\0"),
    "blob": b"/sda/gain\0\0\0,b\0\0" + struct.pack(">i", 65_480) + b"\xff" * 65_480,
    "text": b"/sda/model\0\0,s\0\0" + b"x" * 65_480 + b"\0\0\0\0",
    "long address": message(b"/" + b"x" * 65_480),
    "unknown": many(message(b"/sda/nothing/here")),
    "nan": many(message(b"/sda/gain", math.nan)),
    "everything asked": many(b"/sda/q/all\0\0"),
    "table asked": many(b"/sda/q/params\0\0\0"),
    "status asked": many(b"/sda/status\0"),
    "listening": many(b"/sda/listen\0"),
    "centering": many(b"/sda/center\0"),
    "reloading": many(b"/sda/reload\0"),
    "pinging": many(b"/sda/ping\0\0\0"),
    "future": HEAD[:8] + b"\xff" * 8 + element(message(b"/sda/gain", -1.0)),
    "sliders": many(b"/sda/sliders\0\0\0\0," + b"f" * 199 + bytes(4) + bytes(4 * 199)),
}  # fmt: skip
