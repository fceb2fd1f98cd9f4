"""A fader: a number on a ruler, moved by mouse and keys, with the range in which it is safe.

Drawn by the panel itself, since Dear PyGui's own slider knows neither a safe range nor a default. A press sets, a drag goes
on, shift makes it ten times as fine, a double click resets. The fader that was touched last has the keys: left and right
move it by a hundredth of its range (shift: a thousandth), up and down take another one, delete resets.
"""

from __future__ import annotations

from collections.abc import Callable

import dearpygui.dearpygui as dpg

from sda.panel import parts
from sda.panel.palette import mixed
from sda.panel.view import Desk
from sda.params import Kind, Param, Value, from_unit, to_unit

FINE = 0.1  # of the mouse's way
STEP = 0.01  # of the range, by a key
TRACK, KNOB = 6, 8  # points, height and half the width


class Fader:
    """The ruler of one row, without its name and number."""

    def __init__(self, desk: Desk, row: Param, move: Callable[[Value], None]) -> None:
        """`move` is called with a value whenever the hand sets one."""
        self.row, self._desk, self._move = row, desk, move
        self.place = self._at(row.default)  # 0..1
        self.safe: tuple[float, float] | None = None  # values between which it is safe
        self._shown: object = None
        self._width = 100
        self._items: dict[str, int | str] = {}
        self._area: int | str = 0
        self._grabbed = (0.0, 0.0)  # mouse and place at the last step of a drag

    @property
    def item(self) -> int | str:
        """The drawing, for tooltips."""
        return self._area

    @property
    def moving(self) -> bool:
        """Whether the mouse has it."""
        return self._desk.hand.held is self

    def build(self, parent: int | str, width: int) -> None:
        """Make the drawing, `width` pixels wide."""
        self._width = width
        self._area = parts.canvas(parent, width, self._desk.look.line, f"fader {self.row.id}")
        for name in ("track", "low", "high", "fill", "zero", "knob"):
            self._items[name] = dpg.draw_rectangle((0, 0), (0, 0), parent=self._area)

    def refresh(self, value: Value) -> None:
        """Heed the hand, then show the value."""
        self._heed_mouse()
        self._heed_keys()
        if not self.moving:
            self.place = self._at(value)
        look = (self.place, self.safe, self._desk.hand.chosen is self, self._desk.mirror.there)
        if look != self._shown:
            self._shown = look
            self._draw()

    # The hand.

    def _heed_mouse(self) -> None:
        hand = self._desk.hand
        if hand.pressed and dpg.is_item_hovered(self._area):
            hand.chosen = self
            if hand.double:
                self._set(self._at(self.row.default))
                return
            hand.held = self
            if not hand.fine:
                self._set((hand.x - dpg.get_item_rect_min(self._area)[0] - self._edge) / self._way)
            self._grabbed = (hand.x, self.place)
        elif hand.held is self and hand.x != self._grabbed[0]:
            before, place = self._grabbed
            place += (hand.x - before) / self._way * (FINE if hand.fine else 1.0)
            self._grabbed = (hand.x, place)  # beyond the ends, so that the knob comes back where it left the mouse
            self._set(place)

    def _heed_keys(self) -> None:
        hand = self._desk.hand
        if hand.chosen is not self or hand.down:
            return
        step = STEP * (FINE if hand.fine else 1.0)
        if self.row.kind is Kind.INT:
            step = max(step, 1 / (self.row.high - self.row.low))
        if hand.hit(dpg.mvKey_Right):
            self._set(self.place + step)
        elif hand.hit(dpg.mvKey_Left):
            self._set(self.place - step)
        elif hand.hit(dpg.mvKey_Delete) or hand.hit(dpg.mvKey_Back):
            self._set(self._at(self.row.default))

    def _set(self, place: float) -> None:
        self.place = min(max(place, 0.0), 1.0)
        self._move(from_unit(self.row, self.place))

    # The picture.

    def _at(self, value: Value) -> float:
        return min(max(to_unit(self.row, value), 0.0), 1.0)

    @property
    def _edge(self) -> int:
        return self._desk.look.px(KNOB)

    @property
    def _way(self) -> int:
        """Pixels from one end to the other."""
        return self._width - 2 * self._edge

    def _draw(self) -> None:
        look, palette = self._desk.look, self._desk.look.palette
        middle, half = look.line / 2, look.px(TRACK) / 2
        low, high = (self._at(end) for end in self.safe) if self.safe else (0.0, 1.0)
        home = self._at(self.row.default)
        there, chosen = self._desk.mirror.there, self._desk.hand.chosen is self
        inside = low <= self.place <= high
        knob = (palette.accent if inside else palette.warn) if there else palette.line
        tint = mixed(palette.raised, palette.warn, 0.35)
        bands = {
            "track": (0.0, 1.0, palette.raised), "low": (0.0, low, tint), "high": (high, 1.0, tint),
            "fill": (min(home, self.place), max(home, self.place), mixed(palette.raised, knob, 0.6)),
        }  # fmt: skip
        for name, (left, right, colour) in bands.items():
            self._rectangle(name, self._x(left), middle - half, self._x(right), middle + half, colour)
        tick = look.px(5)
        self._rectangle("zero", self._x(home) - 1, middle - tick, self._x(home) + 1, middle + tick, palette.line)
        wide, tall = look.px(4), look.px(9)
        at = self._x(self.place)
        self._rectangle("knob", at - wide, middle - tall, at + wide, middle + tall, knob, look.px(3), chosen)

    def _x(self, place: float) -> float:
        return self._edge + place * self._way

    def _rectangle(
        self, name: str, left: float, top: float, right: float, bottom: float, colour: tuple[int, int, int],
        rounding: int = 0, edged: bool = False,
    ) -> None:  # fmt: skip
        edge = (*self._desk.look.palette.text, 255 if edged else 0)
        dpg.configure_item(
            self._items[name], pmin=(left, top), pmax=(right, bottom), fill=colour, color=edge, rounding=rounding, thickness=2
        )
