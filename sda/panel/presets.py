"""The part of the view that plays in which presets are kept, recalled, and gone between."""

from __future__ import annotations

import dearpygui.dearpygui as dpg

from sda.panel import parts
from sda.panel.rows import Line, line
from sda.panel.view import Desk

SHOWN = 4  # presets that are seen at once


class Presets:
    """List, save, recall, apply, and morph between two."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._names: tuple[str, ...] = ()
        self._morph: Line | None = None
        self._row: object = None

    def build(self, parent: int | str) -> None:
        desk, px = self._desk, self._desk.look.px
        parts.heading(desk, "Presets", parent)
        self._list = dpg.add_listbox([], parent=parent, width=-1, num_items=SHOWN)
        self._build_acts(dpg.add_group(horizontal=True, parent=parent))
        save = dpg.add_group(horizontal=True, parent=parent)
        self._name = dpg.add_input_text(
            label="##preset", parent=save, width=px(220), hint="name of a new preset", on_enter=True, callback=self._save
        )
        parts.button(desk, "Save", save, self._save, theme=desk.paint.primary, help="All values of now, under this name")
        between = dpg.add_group(horizontal=True, parent=parent)
        self._one = dpg.add_combo([], parent=between, width=px(150))
        self._other = dpg.add_combo([], parent=between, width=px(150))
        parts.button(desk, "Morph between", between, self._between, help="From here on the bar lies between these two")
        self._bar = dpg.add_group(parent=parent)

    def _build_acts(self, parent: int | str) -> None:
        desk, mirror = self._desk, self._desk.mirror
        parts.button(desk, "Recall", parent, self._recall, theme=desk.paint.primary, help="Its model, then its values")
        parts.button(desk, "Apply", parent, self._apply, help="Its values for the model that sounds, sliders by name")
        dpg.add_text("in", parent=parent)
        self._seconds = dpg.add_input_float(
            parent=parent, width=desk.look.px(76), min_value=0, max_value=600, min_clamped=True, step=0, format="%.1f s"
        )
        parts.button(desk, "<", parent, lambda: mirror.send("/sda/preset/prev"), help="Recall the one before")
        parts.button(desk, ">", parent, lambda: mirror.send("/sda/preset/next"), help="Recall the next one")
        parts.button(
            desk, "Random", parent, lambda: mirror.send("/sda/randomize"), help="Sliders by chance, near the recordings"
        )
        parts.button(desk, "Center", parent, lambda: mirror.send("/sda/center"), help="Every slider to 0")

    def _chosen(self) -> str:
        return str(dpg.get_value(self._list) or "")

    def _recall(self) -> None:
        if self._chosen():
            self._desk.mirror.send("/sda/preset/recall", self._chosen(), float(dpg.get_value(self._seconds)))

    def _apply(self) -> None:
        if self._chosen():
            self._desk.mirror.send("/sda/preset/apply", self._chosen(), float(dpg.get_value(self._seconds)))

    def _save(self) -> None:
        name = str(dpg.get_value(self._name)).strip()
        if name:
            self._desk.mirror.send("/sda/preset/save", name)
            dpg.set_value(self._name, "")

    def _between(self) -> None:
        one, other = dpg.get_value(self._one), dpg.get_value(self._other)
        if one and other:
            self._desk.mirror.send("/sda/preset/morph", one, other)

    def refresh(self, now: float) -> None:
        mirror = self._desk.mirror
        names = tuple(preset.name for preset in mirror.presets)
        if names != self._names:
            self._names = names
            for item in (self._list, self._one, self._other):
                dpg.configure_item(item, items=names)
        row = mirror.row("morph")
        if row is not None and row is not self._row:
            self._row = row
            dpg.delete_item(self._bar, children_only=True)
            width = dpg.get_viewport_client_width() * 0.46
            self._morph = line(self._desk, row, self._bar, round(width))
        if self._morph is not None:
            self._morph.refresh(now)
