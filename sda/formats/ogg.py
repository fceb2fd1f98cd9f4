"""The serial number of an Ogg file, made to depend on its content, so that the same sound is the same bytes.

Every page carries the number of its stream, which libsndfile draws at random, and a checksum (RFC 3533, section 6: the page
with a checksum of 0 as a polynomial times x^32, modulo 0x104c11db7). It starts at 0 and so is linear: another number in bytes
14 to 17 changes it by the checksum of the difference, moved up by all bytes behind.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import BinaryIO

from sda.errors import AudioError

POLYNOMIAL = 0x104C11DB7
SERIAL, CHECKSUM, SEGMENTS = 14, 22, 26  # where they stand in a page, in bytes
HEADER = 27


def settle_serial(path: Path) -> None:
    """Replace the random serial number of an Ogg file of one stream. Raises `AudioError` for what is no Ogg."""
    with path.open("rb+") as file:
        found = [(start, size, _number(file, start + SERIAL)) for start, size in _pages(file)]
        sums = [_number(file, start + CHECKSUM) ^ _moved(serial, size) for start, size, serial in found]
        settled = zlib.crc32(b"".join(value.to_bytes(4, "little") for value in sums))
        for (start, size, _), value in zip(found, sums, strict=True):
            file.seek(start + SERIAL)
            file.write(settled.to_bytes(4, "little"))
            file.seek(start + CHECKSUM)
            file.write((value ^ _moved(settled, size)).to_bytes(4, "little"))


def _pages(file: BinaryIO) -> Iterator[tuple[int, int]]:
    """Start and size in bytes of every page."""
    start, end = 0, file.seek(0, 2)
    while start < end:
        file.seek(start)
        header = file.read(HEADER)
        table = file.read(header[SEGMENTS]) if len(header) == HEADER else b""
        size = HEADER + len(table) + sum(table)
        if header[:4] != b"OggS" or len(header) < HEADER or len(table) < header[SEGMENTS] or start + size > end:
            raise AudioError(f"{file.name}: damaged at byte {start}; expected a page of an Ogg file")
        yield start, size
        start += size


def _number(file: BinaryIO, place: int) -> int:
    file.seek(place)
    return int.from_bytes(file.read(4), "little")


def _moved(serial: int, size: int) -> int:
    """What a serial number adds to the checksum of a page of `size` bytes."""
    word = int.from_bytes(serial.to_bytes(4, "little"), "big")  # the first byte counts most
    return _times(word, _power(8 * (size - SERIAL - 4) + 32))


@cache
def _power(exponent: int) -> int:
    """x^exponent modulo the polynomial."""
    if exponent == 0:
        return 1
    half = _power(exponent // 2)
    square = _times(half, half)
    return _times(square, 2) if exponent % 2 else square


def _times(a: int, b: int) -> int:
    """The product of two polynomials over GF(2), modulo the polynomial."""
    product = 0
    for bit in range(b.bit_length()):
        if b >> bit & 1:
            product ^= a << bit
    for bit in range(product.bit_length() - 1, 31, -1):
        if product >> bit & 1:
            product ^= POLYNOMIAL << (bit - 32)
    return product
