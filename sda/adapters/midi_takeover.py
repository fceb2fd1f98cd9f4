"""How a knob gets hold of a control that stands elsewhere. All places are 0..1; a knob is told what it comes to."""

from __future__ import annotations

from sda.mapping import RELATIVE, Binding, Sender, Takeover
from sda.params import Kind, Param

TOLERANCE = 0.02  # places this near count as equal: two and a half steps of 7 bits
STEP = 1 / 127  # place that one tick of an encoder is worth
PRESSED = 0.5  # place from which a button counts as down


def resolved(binding: Binding, row: Param) -> Takeover:
    """A binding's own choice, else what is best: switches and keys at once, knobs when they reach the value."""
    if binding.takeover is not None:
        return binding.takeover
    if binding.sender in (Sender.NOTE, Sender.PROGRAM):
        switch = row.kind in (Kind.BOOL, Kind.CHOICE) and binding.sender is Sender.NOTE
        return Takeover.TOGGLE if switch else Takeover.JUMP
    return Takeover.JUMP if row.kind in (Kind.BOOL, Kind.CHOICE) else Takeover.PICKUP


class Knob:
    """One thing on a controller, and whether it holds its control."""

    def __init__(self) -> None:
        self.last: float | None = None  # where it stood when it last moved
        self._holds = False
        self._down = False

    def rearm(self) -> None:
        """Something else moved the control: the knob has lost it."""
        self._holds = False

    def pressed(self, place: float) -> bool:
        """Whether this move is a press: from below the middle to above."""
        was, self._down = self._down, place >= PRESSED
        return self._down and not was

    def move(self, takeover: Takeover, place: float, raw: int, current: float) -> float | None:
        """Where the control goes as the knob moves to a place (an encoder: by `raw`); None where it stays.

        current: where the control is.
        """
        if takeover in RELATIVE:
            return current + STEP * ticks(takeover, raw)
        last, self.last = self.last, place
        if takeover is Takeover.SCALE:
            return scaled(last, place, current)
        if takeover is Takeover.PICKUP and not self._holds:
            self._holds = abs(place - current) <= TOLERANCE or (last is not None and (last - current) * (place - current) <= 0)
            return place if self._holds else None
        return place


def ticks(takeover: Takeover, raw: int) -> int:
    """Steps up or down that an encoder's 7-bit value means."""
    if takeover is Takeover.TWOS:
        return raw if raw < 64 else raw - 128
    if takeover is Takeover.OFFSET:
        return raw - 64
    return raw if raw < 64 else 64 - raw


def scaled(last: float | None, place: float, current: float) -> float | None:
    """The control's place when the knob goes on: both reach the end together. None for a knob not heard of before."""
    if last is None:
        return None
    if place > last:
        return current + (place - last) * (1 - current) / (1 - last)
    return current - (last - place) * current / last if place < last else current
