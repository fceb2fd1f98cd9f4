"""The view that plays: the model's sliders, every other row of the registry, the vocoder, presets, and a look at the sound."""

from __future__ import annotations

import dearpygui.dearpygui as dpg

from sda.panel import parts
from sda.panel.presets import Presets
from sda.panel.rows import Line, Slide, line
from sda.panel.view import Desk
from sda.panel.xy_map import XyMap
from sda.params import Param

ELSEWHERE = (
    "play",
    "freeze",
    "vocoder",
    "model",
    "morph",
    "map.x",
    "map.y",
    "map.share",
)  # rows that have a place of their own in the panel
VOCODERS = {"auto": "Auto", "bigvgan": "BigVGAN Universal", "hifigan": "Per-model HiFi-GAN"}
LEFT = 0.47  # of the width, for the faders
SCOPE = 76  # points, height of the wave and of the spectrum
MAP, MAP_HIGH = 0.52, 0.42  # side of the map: of the width that is left, of the height at the most


class Play:
    """Sliders and sound."""

    title = "Play"

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._map, self._presets = XyMap(desk), Presets(desk)
        self._rows: tuple[Param, ...] = ()
        self._sliders: list[Line] = []
        self._others: list[Line] = []
        self._models: tuple[str, ...] = ()
        self._looks = -1
        self._size = (0, 0)
        self._shown: dict[int | str, object] = {}

    def build(self, parent: int | str) -> None:
        desk = self._desk
        both = dpg.add_group(horizontal=True, parent=parent)
        self._left = dpg.add_child_window(parent=both, width=100, height=-1, border=False, always_use_window_padding=True)
        self._right = dpg.add_child_window(parent=both, width=-1, height=-1, border=False, always_use_window_padding=True)
        self._build_model(self._left)
        self._slider_box = dpg.add_group(parent=self._left)
        dpg.add_spacer(height=desk.look.px(6), parent=self._left)
        parts.heading(desk, "Sound", self._left)
        self._other_box = dpg.add_group(parent=self._left)
        top = dpg.add_group(horizontal=True, parent=self._right)
        self._map_box = dpg.add_group(parent=top)
        beside = dpg.add_group(parent=top)
        self._build_vocoder(beside)
        self._scope_box = dpg.add_group(parent=beside)
        self._presets.build(self._right)

    def _build_model(self, parent: int | str) -> None:
        box = parts.labelled(self._desk, "model", parent, "The model that sounds; another takes over without a gap", 92)
        self._model = dpg.add_combo([], parent=box, width=-1, callback=lambda _, name: self._desk.mirror.set("model", name))

    def _build_vocoder(self, parent: int | str) -> None:
        parts.heading(self._desk, "Vocoder", parent)
        self._vocoder = dpg.add_radio_button([], parent=parent, callback=lambda _, label: self._choose(label))
        self._why = parts.Notice(self._desk, dpg.add_child_window(parent=parent, height=self._desk.look.px(40), border=False))

    def _choose(self, label: str) -> None:
        choice = next((id for id, words in VOCODERS.items() if words == label), label)
        self._desk.mirror.set("vocoder", choice)

    def close(self) -> None:
        """Nothing to let go of."""

    # Every frame.

    def refresh(self, now: float) -> None:
        mirror = self._desk.mirror
        size = (dpg.get_viewport_client_width(), dpg.get_viewport_client_height())
        if mirror.rows is not self._rows or size != self._size:
            self._lay_out(mirror.rows, size)
        for number, each in enumerate(self._sliders):
            if isinstance(each, Slide) and number < len(mirror.safe):
                each.fader.safe = mirror.safe[number]
        for each in (*self._sliders, *self._others):
            each.refresh(now)
        self._move_choice()
        self._show_model()
        self._show_vocoder()
        self._show_scope()
        self._map.refresh(now)
        self._presets.refresh(now)

    def _lay_out(self, rows: tuple[Param, ...], size: tuple[int, int]) -> None:
        """Make the lines of these rows: another model came, or the window has another size."""
        self._rows, self._size = rows, size
        desk, left = self._desk, round(size[0] * LEFT)
        dpg.configure_item(self._left, width=left)
        inside = left - desk.look.px(2 * 12 + 14)
        for box in (self._slider_box, self._other_box, self._map_box, self._scope_box):
            dpg.delete_item(box, children_only=True)
        self._sliders = [line(desk, row, self._slider_box, inside) for row in rows if row.name]
        others = (row for row in rows if not row.name and row.id not in ELSEWHERE)
        self._others = [line(desk, row, self._other_box, inside) for row in others]
        if not self._sliders:
            words = "No sliders: load a model above, or have this one analysed (sda-engine analyze)"
            dpg.add_text(words if desk.mirror.there else " ", parent=self._slider_box, wrap=inside)
        right = size[0] - left - desk.look.px(5 * 12 + 20)
        side = min(round(right * MAP), round(size[1] * MAP_HIGH))
        self._map.build(self._map_box, side)
        width, scope = right - side, self._scope_box
        self._wave = parts.Trace(desk, scope, width, desk.look.px(SCOPE), desk.look.palette.cool)
        self._spectrum = parts.Trace(desk, scope, width, desk.look.px(SCOPE), desk.look.palette.accent)
        parts.tooltip(desk, self._wave.area, "The wave of what is heard, 20 ms")
        parts.tooltip(desk, self._spectrum.area, "The spectrum of what is heard, 20 Hz to 20 kHz, -100 to 0 dB")
        self._looks = -1

    def _move_choice(self) -> None:
        """Up and down give the keys to another fader."""
        hand = self._desk.hand
        faders = [each.fader for each in (*self._sliders, *self._others) if isinstance(each, Slide)]
        if hand.chosen in faders:
            at = faders.index(hand.chosen)
            if hand.hit(dpg.mvKey_Down):
                hand.chosen = faders[(at + 1) % len(faders)]
            elif hand.hit(dpg.mvKey_Up):
                hand.chosen = faders[at - 1]

    def _show_model(self) -> None:
        mirror = self._desk.mirror
        if mirror.models != self._models:
            self._models = mirror.models
            dpg.configure_item(self._model, items=mirror.models)
        self._put(self._model, str(mirror.values.get("model", "")))

    def _show_vocoder(self) -> None:
        mirror = self._desk.mirror
        row = mirror.row("vocoder")
        if row is None:
            return
        labels = tuple(VOCODERS.get(choice, choice) for choice in row.choices)
        if self._shown.get("choices") != labels:
            self._shown["choices"] = labels
            dpg.configure_item(self._vocoder, items=labels)
        wish = str(mirror.values.get("vocoder", ""))
        self._put(self._vocoder, VOCODERS.get(wish, wish))
        chosen = VOCODERS.get(mirror.status.vocoder, mirror.status.vocoder)
        by = "auto chose" if wish == "auto" else "sounds"
        self._why.say(f"{by} {chosen}: {mirror.status.why}" if chosen else mirror.status.why)

    def _show_scope(self) -> None:
        mirror = self._desk.mirror
        if mirror.looks != self._looks:
            self._looks = mirror.looks
            self._wave.show(mirror.wave, -1.0, 1.0)
            self._spectrum.show(mirror.spectrum, -100.0, 0.0)

    def _put(self, item: int | str, value: str) -> None:
        if self._shown.get(item) != value:
            self._shown[item] = value
            dpg.set_value(item, value)
