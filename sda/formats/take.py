"""Takes: a performance as JSON lines, written while it goes on, so that a cut loses nothing but what comes after it.

The first line is the header: format, version, rate in Hz, `position` (the stream's, in output samples, where the take begins)
and what sounds there. Then lines `{pos, id, value, source}` in the order in which they took effect, each at the position where
it did. An id is a control's, "strike" (value: the velocity), "model" (value: what sounds from there on), "vocoder" (value:
whose sound is heard), "clock" (the take went on at least to there) or "end".

What sounds is a segment: model, hash and name, vocoder, `how` it came ("join" in the midst of its sound, "cut", "fade" over
30 ms, "follow" in step with the one before), its `origin` (position of the first sample it ever made) and the moment at which
it stands (`sda.formats.moment`), or null for silence. Lines that follow belong to it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from sda.core.render import Moment
from sda.core.schedule import Event
from sda.errors import TakeError
from sda.formats import moment

FORMAT, VERSION = "sda-take", 1
MODEL, CLOCK, END = "model", "clock", "end"  # ids that are no control's
WAYS = ("join", "cut", "fade", "follow")
LONGEST_S = 30 * 86_400  # s of a take; a longer one is a damaged number
RATES = (8_000, 192_000)  # Hz
NEWLINE = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """What sounds from a position on, and what happens to it."""

    pos: int
    how: str
    origin: int = 0
    model: str = ""  # id; none: silence
    name: str = ""
    hash: str = ""
    vocoder: str = ""
    moment: Moment | None = None
    events: tuple[Event, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Take:
    """A performance."""

    rate: int  # Hz, of all positions
    position: int  # where it begins
    end: int  # and ends
    segments: tuple[Segment, ...]
    whole: bool  # it was ended in order

    @property
    def seconds(self) -> float:
        return (self.end - self.position) / self.rate


def header(rate: int, position: int, segment: dict[str, Any] | None, created: str) -> bytes:
    """The first line."""
    return _line({"format": FORMAT, "version": VERSION, "created": created, "rate": rate, "position": position,
                  "segment": segment})  # fmt: skip


def lines(events: Iterable[Iterable[Any]]) -> bytes:
    """Lines of what happened: position, id, value, source of each."""
    return b"".join(_line(dict(zip(("pos", "id", "value", "source"), event, strict=True))) for event in events)


def swap(position: int, segment: dict[str, Any] | None) -> bytes:
    """The line of another model that sounds, or of none."""
    return _line({"pos": position, "id": MODEL, "value": segment, "source": MODEL})


def mark(position: int, identity: str) -> bytes:
    """A line of the clock, or the last one."""
    return _line({"pos": position, "id": identity})


def read(content: bytes) -> Take:
    """A take, as far as it was written. Raises `TakeError` for what is none, too new, or damaged before its end."""
    rows = content.split(b"\n")
    rows = rows[:-1]  # behind the last newline there is nothing, or a line that was cut off
    if not rows:
        raise TakeError("found no line of a take")
    head = _object(rows[0], 1)
    if head.get("format") != FORMAT:
        raise TakeError(f"expected a take ({FORMAT}), found {str(head.get('format'))[:40]!r}")
    if head.get("version") != VERSION:
        raise TakeError(f"found a take of version {str(head.get('version'))[:20]}, expected {VERSION}; update sda-engine")
    reading = _Reading(head)
    for number, row in enumerate(rows[1:], start=2):
        try:
            reading.take(_object(row, number))
        except TakeError as error:
            raise TakeError(f"line {number}: {error}") from None
    return reading.done()


class _Reading:
    """The lines so far."""

    def __init__(self, head: dict[str, Any]) -> None:
        rate, self._position = _whole(head, "rate"), _whole(head, "position")
        if not RATES[0] <= rate <= RATES[1] or self._position < 0:
            raise TakeError(f"line 1: expected a rate from {RATES[0]} to {RATES[1]} Hz and a position, found {rate}")
        self._rate, self._end, self._whole = rate, self._position, False
        self._segments: list[Segment] = []
        self._events: list[Event] = []
        self._begin(self._position, head.get("segment"))

    def take(self, line: dict[str, Any]) -> None:
        position, identity = _whole(line, "pos"), line.get("id")
        if not 0 <= position - self._position + self._rate <= LONGEST_S * self._rate:  # a swap in flight may begin earlier
            raise TakeError(f"position {position} lies outside the take")
        if not isinstance(identity, str):
            raise TakeError("expected an id")
        if identity in (CLOCK, END):
            self._end, self._whole = max(self._end, position), identity == END
        elif identity == MODEL:
            self._finish()
            self._begin(position, line.get("value"))
        else:
            value, source = line.get("value"), line.get("source", "")
            if not isinstance(value, bool | int | float | str) or not isinstance(source, str):
                raise TakeError(f"{identity[:40]}: expected a value and a source")
            self._events.append(Event(position, identity, value, source))

    def done(self) -> Take:
        """All of it. Without a last line the end is where something was last known to happen."""
        self._finish()
        end = self._end if self._whole else max(self._end, *(s.pos for s in self._segments))
        return Take(rate=self._rate, position=self._position, end=end, segments=tuple(self._segments), whole=self._whole)

    def _begin(self, position: int, value: object) -> None:
        self._segments.append(_segment(position, value))

    def _finish(self) -> None:
        self._segments[-1] = replace(self._segments[-1], events=tuple(self._events))
        self._events = []


def _segment(position: int, value: object) -> Segment:
    if value is None:
        return Segment(pos=position, how="cut")
    if not isinstance(value, dict) or value.get("how") not in WAYS:
        raise TakeError(f"expected a model that comes by one of {', '.join(WAYS)}")
    names = {name: value.get(name) for name in ("model", "name", "hash", "vocoder")}
    if not all(isinstance(text, str) for text in names.values()):
        raise TakeError("expected the id, name, hash and vocoder of a model")
    origin, kept = _whole(value, "origin"), moment.from_json(value.get("moment"))
    return Segment(pos=position, how=value["how"], origin=origin, moment=kept, **names)  # type: ignore[arg-type]


def _whole(line: dict[str, Any], name: str) -> int:
    found = line.get(name)
    if not isinstance(found, int) or isinstance(found, bool) or abs(found) > 1 << 53:
        raise TakeError(f"{name}: expected a whole number, found {str(found)[:40]!r}")
    return found


def _object(row: bytes, number: int) -> dict[str, Any]:
    try:
        found = json.loads(row)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise TakeError(f"line {number}: expected a JSON object, found {row[:40]!r}")
    return found


def _line(content: dict[str, Any]) -> bytes:
    return json.dumps(content, allow_nan=False, separators=(",", ":")).encode() + b"\n"
