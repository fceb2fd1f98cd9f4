"""The view of the engine's own words: what it said, what was refused and why, what the panel noticed."""

from __future__ import annotations

import time

import dearpygui.dearpygui as dpg

from sda.panel.told import Line
from sda.panel.view import Desk

SHOWN = 200  # lines
KINDS = {"log": "engine", "error": "refusals", "panel": "panel"}
COLOURS = {"log": "text", "error": "bad", "panel": "dim"}


class Log:
    """Messages, the newest first, filtered by words and by who says them."""

    title = "Log"

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._shown: object = None
        self._kinds: dict[str, int | str] = {}

    def build(self, parent: int | str) -> None:
        px = self._desk.look.px
        line = dpg.add_group(horizontal=True, parent=parent)
        self._filter = dpg.add_input_text(parent=line, width=px(320), hint="only lines with these words")
        for kind, label in KINDS.items():
            self._kinds[kind] = dpg.add_checkbox(label=label, default_value=True, parent=line)
        box = dpg.add_child_window(parent=parent, height=-1, border=False, always_use_window_padding=True)
        self._lines = [dpg.add_text("", parent=box, show=False, wrap=0) for _ in range(SHOWN)]

    def refresh(self, now: float) -> None:
        lines = self._desk.mirror.lines
        words = str(dpg.get_value(self._filter)).lower().split()
        kinds = tuple(kind for kind, item in self._kinds.items() if dpg.get_value(item))
        state = (lines[-1] if lines else None, tuple(words), kinds)
        if state == self._shown:
            return
        self._shown = state
        found = [line for line in reversed(tuple(lines)) if _wanted(line, words, kinds)]
        for number, item in enumerate(self._lines):
            dpg.configure_item(item, show=number < len(found))
            if number < len(found):
                self._put(item, found[number])

    def _put(self, item: int | str, line: Line) -> None:
        stamp = time.strftime("%H:%M:%S", time.localtime(line.at))
        dpg.set_value(item, f"{stamp}  {line.text}")
        dpg.configure_item(item, color=getattr(self._desk.look.palette, COLOURS[line.kind]))

    def close(self) -> None:
        """Nothing to let go of."""


def _wanted(line: Line, words: list[str], kinds: tuple[str, ...]) -> bool:
    return line.kind in kinds and all(word in line.text.lower() for word in words)
