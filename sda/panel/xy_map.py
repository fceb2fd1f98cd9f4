"""The map of the model's recordings: a dot for every second of them, where it sounds now, and a hand that travels.

A press goes there and makes it the place that the sliders start from; a press on a dot goes to that very second; a drag
travels. The dots are one picture, painted anew only for another map: thousands of drawn circles would cost a frame each.
"""

from __future__ import annotations

from collections import deque
from contextlib import suppress

import dearpygui.dearpygui as dpg
import numpy as np
from numpy.typing import NDArray

from sda.adapters.osc_acts import MapShown
from sda.panel import parts, rows
from sda.panel.palette import Palette
from sda.panel.rows import Line
from sda.panel.view import Desk
from sda.params import Param

X, Y, SHARE = "map.x", "map.y", "map.share"
MARGIN = 10  # points between the edge and a place at -1 or 1
DOT, GRASP = 3.0, 8  # points: a dot's radius, and how near the mouse takes hold of it
TRAIL = 80  # places behind the present one
OWN = "the model's own home"


class XyMap:
    """A square with the map in it, and two lines below."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._side = 0
        self._area: int | str = 0
        self._texture: int | str = 0
        self._painted: MapShown | None = None
        self._trail: deque[tuple[float, float]] = deque(maxlen=TRAIL)
        self._here: object = None
        self._sent: tuple[float, float] | None = None
        self._pressed: tuple[float, float] | None = None  # where, until the mouse moves away from there
        self._sliders: tuple[str, ...] = ()
        self._row: Param | None = None  # of the share
        self._bar: Line | None = None

    def build(self, parent: int | str, side: int) -> None:
        """Make it inside `parent`, `side` pixels wide and high. It may be made again, in another size."""
        desk, self._side = self._desk, side
        palette = desk.look.palette
        self._painted, self._here, self._sliders = None, None, ()
        self._area = parts.canvas(parent, side, side, "map")
        dpg.draw_rectangle((0, 0), (side, side), fill=palette.ground, color=palette.line, parent=self._area)
        if self._texture:
            dpg.delete_item(self._texture)
        with dpg.texture_registry():
            self._texture = dpg.add_dynamic_texture(side, side, [0.0] * (side * side * 4))
        dpg.draw_image(self._texture, (0, 0), (side, side), parent=self._area)
        self._line = dpg.draw_polyline([(0, 0), (0, 0)], color=palette.dim, thickness=desk.look.px(1), parent=self._area)
        radius = desk.look.px(7)
        self._home = dpg.draw_circle((-99, -99), radius, color=palette.accent, thickness=2, parent=self._area)
        self._point = dpg.draw_circle((-99, -99), desk.look.px(5), color=palette.text, fill=palette.text, parent=self._area)
        self._hover = dpg.draw_circle((-99, -99), radius, color=palette.text, thickness=1, parent=self._area)
        self._words = dpg.add_text(" ", parent=parent, wrap=side)
        line = dpg.add_group(horizontal=True, parent=parent)
        parts.button(desk, "Own home", line, self._go_home, help="The sliders start from the model's own home again")
        parts.labelled(desk, "colour", line, "What the dots are coloured by", 50)
        self._shade = dpg.add_combo(
            [], parent=line, width=side - desk.look.px(158), callback=lambda _, name: self._colour(name)
        )
        self._share, self._row = dpg.add_group(parent=parent), None

    def _go_home(self) -> None:
        self._desk.mirror.set(SHARE, 0.0)

    def _colour(self, name: str) -> None:
        with suppress(ValueError):
            self._desk.mirror.shade(self._sliders.index(name) + 1)

    # Every frame.

    def refresh(self, now: float) -> None:
        """Heed the hand and show what is so."""
        mirror = self._desk.mirror
        if mirror.map is not self._painted:
            self._paint(mirror.map)
        sliders = tuple(row.name for row in mirror.rows if row.name)
        if sliders != self._sliders:
            self._sliders = sliders
            dpg.configure_item(self._shade, items=sliders)
            dpg.set_value(self._shade, sliders[0] if sliders else "")
        row = mirror.row(SHARE)
        if row is not self._row:
            self._row = row
            dpg.delete_item(self._share, children_only=True)
            self._bar = None if row is None else rows.line(self._desk, row, self._share, self._side)
        if self._bar is not None:
            self._bar.refresh(now)
        under = self._under() if dpg.is_item_hovered(self._area) else None
        self._heed(under)
        self._show(under)

    def _heed(self, under: int | None) -> None:
        hand = self._desk.hand
        if not self._painted or not self._painted.x:
            return
        if hand.pressed and dpg.is_item_hovered(self._area):
            hand.held, self._pressed = self, (hand.x, hand.y)
            self._go(self._hand_place() if under is None else (self._painted.x[under], self._painted.y[under]))
            self._desk.mirror.set(SHARE, 1.0)
        elif hand.held is self:
            if self._pressed is not None and self._away(self._pressed):
                self._pressed = None  # a drag, and no click on a dot
            if self._pressed is None:
                self._go(self._hand_place())

    def _away(self, start: tuple[float, float]) -> bool:
        hand = self._desk.hand
        return max(abs(hand.x - start[0]), abs(hand.y - start[1])) > self._desk.look.px(GRASP)

    def _go(self, place: tuple[float, float]) -> None:
        if place != self._sent:
            self._sent = place
            self._desk.mirror.set(X, place[0])
            self._desk.mirror.set(Y, place[1])

    def _under(self) -> int | None:
        """The dot under the mouse."""
        known = self._painted
        if known is None or not known.x:
            return None
        hand = self._desk.hand
        left, top = dpg.get_item_rect_min(self._area)
        dots = self._pixels(np.asarray(known.x), np.asarray(known.y))
        apart = np.hypot(dots[:, 0] - (hand.x - left), dots[:, 1] - (hand.y - top))
        nearest = int(apart.argmin())
        return nearest if apart[nearest] <= self._desk.look.px(GRASP) else None

    def _show(self, under: int | None) -> None:
        mirror, known = self._desk.mirror, self._painted
        share = float(mirror.values.get(SHARE, 0.0))
        home = (float(mirror.values.get(X, 0.0)), float(mirror.values.get(Y, 0.0)))
        state = (mirror.here, under, share, home, known)
        if state == self._here:
            return
        if mirror.here is not None and (not self._trail or mirror.here[:2] != self._trail[-1]):
            self._trail.append(mirror.here[:2])
        self._here = state
        there = mirror.here is not None and mirror.there and known is not None and bool(known.x)
        self._place(self._point, mirror.here[:2] if mirror.here is not None and there else None)
        self._place(self._home, home if share > 0 else None)
        self._place(self._hover, (known.x[under], known.y[under]) if known is not None and under is not None else None)
        trail = self._pixels(*np.array(self._trail).T).tolist() if len(self._trail) > 1 and there else [(0, 0), (0, 0)]
        dpg.configure_item(self._line, points=trail)
        dpg.set_value(self._words, self._said(under, share))

    def _said(self, under: int | None, share: float) -> str:
        known, here = self._painted, self._desk.mirror.here
        if known is None or not known.x:
            return "This model has no map; sda-engine analyze makes one"
        if under is not None:
            return f"{_name(known, under)}: a click makes it the home"
        start = f"at {OWN}" if share == 0 else f"{100 * share:.0f} % of the way from home to the ring"
        near = _name(known, here[2]) if here is not None and here[2] < len(known.x) else "nothing yet"
        return f"sounds nearest to {near}; sliders start {start}"

    # Places and pixels.

    @property
    def _half(self) -> float:
        """Pixels from the middle to a place at 1."""
        return self._side / 2 - self._desk.look.px(MARGIN)

    def _pixels(self, x: NDArray[np.floating], y: NDArray[np.floating]) -> NDArray[np.floating]:
        """Places [N] and [N] as pixels [N, 2] from the square's corner; up is up."""
        return np.stack([self._side / 2 + x * self._half, self._side / 2 - y * self._half], 1)

    def _hand_place(self) -> tuple[float, float]:
        """The place under the mouse, -1 to 1."""
        left, top = dpg.get_item_rect_min(self._area)
        x = (self._desk.hand.x - left - self._side / 2) / self._half
        y = (self._side / 2 - (self._desk.hand.y - top)) / self._half
        return min(max(x, -1.0), 1.0), min(max(y, -1.0), 1.0)

    def _place(self, item: int | str, place: tuple[float, float] | None) -> None:
        centre = (-99.0, -99.0) if place is None else tuple(self._pixels(np.array(place[:1]), np.array(place[1:]))[0].tolist())
        dpg.configure_item(item, center=centre)

    def _paint(self, known: MapShown) -> None:
        """The dots, into the picture."""
        self._painted = known
        self._trail.clear()
        dots = self._pixels(np.asarray(known.x, np.float64), np.asarray(known.y, np.float64))
        shades = np.asarray(known.shades[0] if known.shades else [0.0] * len(known.x))
        picture = painted(self._side, dots, shades, self._desk.look.palette, self._desk.look.scale * DOT)
        dpg.set_value(self._texture, picture.ravel())


def painted(
    side: int, dots: NDArray[np.floating], shades: NDArray[np.floating], palette: Palette, radius: float
) -> NDArray[np.float32]:
    """A picture [side, side, 4] of discs at dots [N, 2], pixels, coloured by shades [N] from the lowest to the highest."""
    picture = np.zeros((side, side, 4), np.float32)
    if len(dots) == 0:
        return picture
    low, high = np.percentile(shades, [5, 95])
    share = np.clip((shades - low) / max(high - low, 1e-9), 0, 1)[:, None]
    colours = (np.array(palette.cool) * (1 - share) + np.array(palette.accent) * share) / 255
    reach = int(np.ceil(radius)) + 1
    for (x, y), colour in zip(dots, colours, strict=True):
        left, top = max(0, int(x) - reach), max(0, int(y) - reach)
        rows, columns = np.mgrid[top : min(side, int(y) + reach + 1), left : min(side, int(x) + reach + 1)]
        cover = np.clip(radius + 0.5 - np.hypot(columns + 0.5 - x, rows + 0.5 - y), 0, 1)[..., None]
        part = picture[top : top + rows.shape[0], left : left + rows.shape[1]]
        part[..., :3] = np.where(cover > 0, colour, part[..., :3])
        part[..., 3:] = np.maximum(part[..., 3:], cover * 0.85)
    return picture


def _name(known: MapShown, index: int) -> str:
    """A second of a recording, in words."""
    owner = known.owners[index]
    recording = known.recordings[owner] if owner < len(known.recordings) else "a recording"
    return f"{recording} at {known.starts[index]:.1f} s"
