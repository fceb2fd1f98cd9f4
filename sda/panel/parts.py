"""Small things that several views are made of: headings, labelled lines, notices, questions, progress, pictures of sound."""

from __future__ import annotations

from collections.abc import Callable

import dearpygui.dearpygui as dpg
import numpy as np
from numpy.typing import NDArray

from sda.panel.palette import Colour
from sda.panel.view import Desk

LABEL = 110  # points, width of the names before fields


def heading(desk: Desk, text: str, parent: int | str = 0) -> int | str:
    """A title of a part of a view."""
    item: int | str = dpg.add_text(text, parent=parent)
    dpg.bind_item_font(item, desk.paint.heading)
    return item


def labelled(desk: Desk, label: str, parent: int | str, help: str = "", width: int = LABEL) -> int | str:
    """A line that begins with a name; what is made inside the group that is returned stands behind it. width: points."""
    line: int | str = dpg.add_group(horizontal=True, parent=parent)
    text = dpg.add_button(label=label, parent=line, width=desk.look.px(width))
    dpg.bind_item_theme(text, desk.paint.label)
    if help:
        tooltip(desk, text, help)
    return line


def tooltip(desk: Desk, item: int | str, text: str) -> None:
    """Words that appear where the mouse rests on an item."""
    target = dpg.get_item_parent(item) if dpg.get_item_type(item).endswith("mvDrawlist") else item
    box = dpg.add_tooltip(target, delay=0.5)
    dpg.add_text(text, wrap=desk.look.px(360), parent=box)


def canvas(parent: int | str, width: int, height: int, label: str = "") -> int | str:
    """A place to draw, pixels wide and high. It has a box of its own, since a drawing can have no tooltip."""
    box = dpg.add_group(parent=parent)
    area: int | str = dpg.add_drawlist(width, height, label=label, parent=box)
    return area


def button(
    desk: Desk,
    label: str,
    parent: int | str,
    press: Callable[[], None],
    *,
    theme: int | None = None,
    help: str = "",
    width: int = 0,
) -> int | str:
    """A button. width: points, 0 as wide as its words."""
    item: int | str = dpg.add_button(label=label, parent=parent, width=desk.look.px(width), callback=lambda: press())
    if theme is not None:
        dpg.bind_item_theme(item, theme)
    if help:
        tooltip(desk, item, help)
    return item


class Notice:
    """One line under what it is about: what went wrong and what to do, or what was done. It has its place while it is empty."""

    def __init__(self, desk: Desk, parent: int | str) -> None:
        self._desk, self._shown = desk, ("", "")
        self._item = dpg.add_text(" ", parent=parent, wrap=0)

    def say(self, text: str, kind: str = "dim") -> None:
        """kind: a colour of the palette by its name; "bad" for what went wrong, "good" for what is done."""
        if (text, kind) != self._shown:
            self._shown = text, kind
            dpg.set_value(self._item, text or " ")
            dpg.configure_item(self._item, color=getattr(self._desk.look.palette, kind))


class Question:
    """A dialogue that asks before something is lost."""

    def __init__(self, desk: Desk) -> None:
        """One for a view; it is asked again and again."""
        self._yes: Callable[[], None] = lambda: None
        self._window = dpg.add_window(
            modal=True, show=False, no_resize=True, no_move=True, no_collapse=True, autosize=True, no_saved_settings=True
        )
        self._text = dpg.add_text("", parent=self._window, wrap=desk.look.px(420))
        line = dpg.add_group(horizontal=True, parent=self._window)
        self._button = button(desk, "Yes", line, self._agree, theme=desk.paint.danger)
        button(desk, "Cancel", line, self.close)
        self._desk = desk

    def ask(self, title: str, text: str, agree: str, yes: Callable[[], None]) -> None:
        """Ask; `yes` is called where the button labelled `agree` is pressed."""
        self._yes = yes
        dpg.set_value(self._text, text)
        dpg.set_item_label(self._button, agree)
        middle = dpg.get_viewport_client_width() / 2 - self._desk.look.px(230)
        dpg.configure_item(self._window, label=title, show=True, pos=(max(0, middle), self._desk.look.px(220)))

    def close(self) -> None:
        dpg.configure_item(self._window, show=False)

    def _agree(self) -> None:
        self.close()
        self._yes()


class Progress:
    """A bar with what is done, how fast, and how long it takes yet."""

    def __init__(self, desk: Desk, parent: int | str, width: int = -1) -> None:
        """width: pixels, -1 as wide as there is room."""
        self._item = dpg.add_progress_bar(parent=parent, width=width, height=desk.look.line, overlay="")

    def show(self, share: float, words: str = "", left: float | None = None) -> None:
        """share: 0..1; words: how far and how fast; left: seconds that it takes yet, where that is known."""
        rest = "" if left is None else f", {duration(left)} left"
        dpg.set_value(self._item, min(max(share, 0.0), 1.0))
        dpg.configure_item(self._item, overlay=f"{words}{rest}")


def duration(seconds: float) -> str:
    """A time for people: 42 s, 3 min 05 s, 2 h 10 min."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02} min"


class Trace:
    """A line drawn in a box: a waveform or a spectrum. Its points are set; nothing is made anew."""

    def __init__(self, desk: Desk, parent: int | str, width: int, height: int, colour: Colour) -> None:
        """width, height: pixels."""
        self.width, self.height, self._thick = width, height, max(1, desk.look.px(1))
        self.area = canvas(parent, width, height)
        ground, line = desk.look.palette.ground, desk.look.palette.line
        self._box = dpg.draw_rectangle((0, 0), (width, height), fill=ground, color=line, parent=self.area)
        self._line = dpg.draw_polyline([(0, 0), (0, 0)], color=colour, thickness=self._thick, parent=self.area)

    def show(self, values: NDArray[np.float32], low: float, high: float) -> None:
        """values [N], drawn from left to right between `low` at the bottom and `high` at the top."""
        if len(values) < 2:
            return
        x = np.linspace(1, self.width - 1, len(values))
        y = (high - np.clip(values, low, high)) / (high - low) * (self.height - 2) + 1
        dpg.configure_item(self._line, points=np.stack([x, y], 1).tolist())
