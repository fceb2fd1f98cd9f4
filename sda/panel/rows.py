"""A line for each row of the registry, by its kind: what a new row needs to be in the panel is to be in the registry."""

from __future__ import annotations

from contextlib import suppress
from typing import Protocol

import dearpygui.dearpygui as dpg

from sda.panel import parts
from sda.panel.fader import Fader
from sda.panel.view import Desk
from sda.params import Kind, Param, Value

NAME, NUMBER = 92, 104  # points
FAULT_S = 6.0  # s for which a row shows that its last value was refused
FEW = 10_000  # whole numbers up to which a fader makes sense


class Line(Protocol):
    """One row of the registry in the window."""

    row: Param

    def refresh(self, now: float) -> None:
        """Heed the hand and show what is so; now: s of the monotonic clock."""
        ...


def line(desk: Desk, row: Param, parent: int | str, width: int) -> Line:
    """The line of a row, `width` pixels wide."""
    if row.kind is Kind.BOOL:
        return Switch(desk, row, parent)
    if row.kind is Kind.CHOICE:
        return Chooser(desk, row, parent)
    if row.kind is Kind.TEXT or (row.kind is Kind.INT and row.high - row.low > FEW):
        return Entry(desk, row, parent, width)
    return Slide(desk, row, parent, width)


def words(row: Param, value: Value) -> str:
    """A value as it is shown, with its unit."""
    if row.kind is Kind.FLOAT:
        span = abs(row.high - row.low)
        number = f"{float(value):.{0 if span >= 1000 else 1 if span >= 100 else 2}f}"
        return f"{number} {row.unit}".rstrip()
    return f"{value} {row.unit}".rstrip()


class _Named:
    """The name before a row's widget; it turns red where the last value was refused."""

    def __init__(self, desk: Desk, row: Param, parent: int | str) -> None:
        self.row, self._desk = row, desk
        self.box = parts.labelled(desk, row.name or row.id, parent, self._help(), NAME)
        self._text = dpg.get_item_children(self.box, 1)[0]
        self._faulty = False

    def _help(self) -> str:
        return f"{self.row.help}\n{self.row.address}"

    def mark(self, now: float) -> None:
        outcome = self._desk.mirror.outcomes.get(self.row.address)
        faulty = outcome is not None and not outcome.good and now - outcome.at < FAULT_S
        if faulty != self._faulty:
            self._faulty = faulty
            paint = self._desk.paint
            dpg.bind_item_theme(self._text, paint.fault if faulty else paint.label)

    def value(self) -> Value:
        return self._desk.mirror.values.get(self.row.id, self.row.default)

    def move(self, value: Value) -> None:
        self._desk.mirror.set(self.row.id, value)


class Slide(_Named):
    """A number: a fader, and a field to type into."""

    def __init__(self, desk: Desk, row: Param, parent: int | str, width: int) -> None:
        super().__init__(desk, row, parent)
        self.fader = Fader(desk, row, self.move)
        gaps = 2 * desk.look.px(8)
        self.fader.build(self.box, max(60, width - desk.look.px(NAME + NUMBER) - gaps))
        parts.tooltip(desk, self.fader.item, f"{self._help()}\n{row.low:g} to {row.high:g} {row.unit}")
        self._field = dpg.add_input_text(
            label=f"##{row.id}",
            parent=self.box,
            width=desk.look.px(NUMBER),
            on_enter=True,
            callback=lambda _, text: self._typed(text),
        )
        self._shown: Value | None = None

    def _typed(self, text: str) -> None:
        with suppress(ValueError, IndexError):
            self.move(float(text.replace(",", ".").split()[0]))
        self._shown = None

    def refresh(self, now: float) -> None:
        value = self.value()
        self.fader.refresh(value)
        if value != self._shown and not dpg.is_item_active(self._field):
            self._shown = value
            dpg.set_value(self._field, words(self.row, value))
        self.mark(now)


class Switch(_Named):
    """On or off."""

    def __init__(self, desk: Desk, row: Param, parent: int | str) -> None:
        super().__init__(desk, row, parent)
        self._box = dpg.add_checkbox(parent=self.box, callback=lambda _, on: self.move(on))
        self._shown: Value | None = None

    def refresh(self, now: float) -> None:
        value = self.value()
        if value != self._shown:
            self._shown = value
            dpg.set_value(self._box, bool(value))
        self.mark(now)


class Chooser(_Named):
    """One of several."""

    def __init__(self, desk: Desk, row: Param, parent: int | str) -> None:
        super().__init__(desk, row, parent)
        self._buttons = dpg.add_radio_button(
            row.choices, parent=self.box, horizontal=True, callback=lambda _, choice: self.move(choice)
        )
        self._shown: Value | None = None

    def refresh(self, now: float) -> None:
        value = self.value()
        if value != self._shown:
            self._shown = value
            dpg.set_value(self._buttons, str(value))
        self.mark(now)


class Entry(_Named):
    """A text, or a whole number of a wide range."""

    def __init__(self, desk: Desk, row: Param, parent: int | str, width: int) -> None:
        super().__init__(desk, row, parent)
        self._field = dpg.add_input_text(
            parent=self.box,
            width=max(60, width - desk.look.px(NAME + 8)),
            on_enter=True,
            callback=lambda _, text: self._typed(text),
        )
        self._shown: Value | None = None

    def _typed(self, text: str) -> None:
        with suppress(ValueError):
            self.move(int(text) if self.row.kind is Kind.INT else text.strip())
        self._shown = None

    def refresh(self, now: float) -> None:
        value = self.value()
        if value != self._shown and not dpg.is_item_active(self._field):
            self._shown = value
            dpg.set_value(self._field, words(self.row, value))
        self.mark(now)
