"""The view of what is as it is: the panel's own looks, and where the engine's sound goes; both can be changed here."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import dearpygui.dearpygui as dpg

from sda.panel import parts, theme
from sda.panel.devices import Devices, Listed
from sda.panel.palette import PALETTES
from sda.panel.taste import Taste, path
from sda.panel.view import Desk

AUTO = "as the window is high"
POINTS = (12, 13, 14, 15, 16, 18, 20)  # of the font
SYSTEM, NOWHERE = "the system's own choice", "nowhere"
FIXED = {SYSTEM: "default", NOWHERE: "null"}  # what `/sda/audio/open` calls them
RATES = ("as now", "44100", "48000", "88200", "96000")
BLOCKS = ("as the device likes", "64", "128", "256", "512", "1024")
OPEN = "/sda/audio/open"
FACTS = ("engine", "sound", "OSC", "OSCQuery", "MIDI inputs")


class Settings:
    """Looks, and where sound, OSC and MIDI go."""

    title = "Settings"

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._devices = Devices()
        self._listed: Listed | None = None
        self._facts: dict[str, int | str] = {}
        self._shown: dict[str, str] = {}

    def build(self, parent: int | str) -> None:
        box = dpg.add_child_window(parent=parent, height=-1, border=False, always_use_window_padding=True)
        self._build_looks(box)
        self._build_sound(box)
        self._build_facts(box)

    def _build_looks(self, parent: int | str) -> None:
        desk, look, px = self._desk, self._desk.look, self._desk.look.px
        parts.heading(desk, "Looks", parent)
        line = parts.labelled(desk, "colours", parent)
        dpg.add_radio_button(
            tuple(PALETTES), parent=line, horizontal=True, default_value=look.palette.name,
            callback=lambda _, name: self._keep(palette=name),
        )  # fmt: skip
        line = parts.labelled(desk, "scale", parent, "How large everything is; screens of many dots want more than 1")
        scales = (AUTO, *(f"{scale:g}" for scale in theme.SCALES))
        dpg.add_combo(
            scales, parent=line, width=px(220), default_value=_shown_scale(), callback=lambda _, text: self._scale(text)
        )
        line = parts.labelled(desk, "font size", parent)
        dpg.add_combo(
            [str(points) for points in POINTS], parent=line, width=px(220), default_value=str(look.font_points),
            callback=lambda _, text: self._keep(font_points=int(text)),
        )  # fmt: skip
        dpg.add_text(f"kept in {path()}", parent=parent, color=look.palette.dim)
        dpg.add_spacer(height=px(12), parent=parent)

    def _build_sound(self, parent: int | str) -> None:
        desk, px = self._desk, self._desk.look.px
        parts.heading(desk, "Sound", parent)
        if not desk.local:
            host = desk.mirror.place[0]
            dpg.add_text(
                f"The engine is on {host}: its sound device is chosen there", parent=parent, color=desk.look.palette.dim
            )
            dpg.add_spacer(height=px(12), parent=parent)
            return
        line = parts.labelled(desk, "device", parent)
        self._device = dpg.add_combo(tuple(FIXED), parent=line, width=px(420), default_value=SYSTEM)
        parts.button(desk, "Look again", line, self._devices.look, help="Ask the system for its devices")
        line = parts.labelled(desk, "first channel", parent, "Of the two that it plays to; 0 as the device has them")
        self._first = dpg.add_input_int(
            parent=line, width=px(220), min_value=0, max_value=256, min_clamped=True, max_clamped=True
        )
        line = parts.labelled(desk, "rate, Hz", parent)
        self._rate = dpg.add_combo(RATES, parent=line, width=px(220), default_value=RATES[0])
        line = parts.labelled(desk, "block, frames", parent, "As many as the device asks for at a time")
        self._block = dpg.add_combo(BLOCKS, parent=line, width=px(220), default_value=BLOCKS[0])
        parts.button(desk, "Play there", parent, self._open, theme=desk.paint.primary, help="The sound fades out and in")
        self._notice = parts.Notice(desk, parent)
        self._devices.look()

    def _build_facts(self, parent: int | str) -> None:
        parts.heading(self._desk, "Now", parent)
        for name in FACTS:
            line = parts.labelled(self._desk, name, parent)
            self._facts[name] = dpg.add_text("", parent=line)

    # What the hand asks for.

    def _scale(self, text: str) -> None:
        self._keep(scale=0.0 if text == AUTO else float(text))

    def _keep(self, **changes: str | float) -> None:
        """Write what was chosen, and show the window in it."""
        replace(Taste.read(), **changes).write()  # type: ignore[arg-type]
        self._desk.reopen()

    def _open(self) -> None:
        words = str(dpg.get_value(self._device))
        sound = self._listed.sound if self._listed is not None else ()
        device = FIXED.get(words) or next((number for number, name in sound if name == words), words)
        numbers = [0, 0]
        for index, item in enumerate((self._rate, self._block)):
            with suppress(ValueError):
                numbers[index] = int(dpg.get_value(item))
        self._desk.mirror.send(OPEN, device, int(dpg.get_value(self._first)), *numbers)

    # Every frame.

    def refresh(self, now: float) -> None:
        mirror, status = self._desk.mirror, self._desk.mirror.status
        host, port = mirror.place
        up = f", up for {parts.duration(status.uptime_s)}" if mirror.there else ""
        sound = f"{status.device}, {status.rate} Hz, {status.latency_ms:.0f} ms from control to sound at the most"
        listed = self._listed or Listed()
        facts = {
            "engine": f"{status.state} at {host}:{port}{up}",
            "sound": sound if status.device else "none",
            "OSC": f"{host}:{port}",
            "OSCQuery": mirror.oscquery or "off",
            "MIDI inputs": ", ".join(listed.midi) or "none" if self._desk.local else f"those of {host}",
        }
        for name, text in facts.items():
            if self._shown.get(name) != text:
                self._shown[name] = text
                dpg.set_value(self._facts[name], text)
        if self._desk.local:
            self._show_devices()

    def _show_devices(self) -> None:
        if self._devices.listed is not self._listed:
            self._listed = self._devices.listed
            names = [name for _, name in self._listed.sound] if self._listed else []
            dpg.configure_item(self._device, items=[*FIXED, *names])
        outcome = self._desk.mirror.outcomes.get(OPEN)
        if outcome is not None:
            self._notice.say(f"plays to {outcome.text}" if outcome.good else outcome.text, "good" if outcome.good else "bad")
        elif self._devices.busy:
            self._notice.say("asking the system for its devices")
        elif self._listed is not None:
            self._notice.say(self._listed.trouble, "warn")

    def close(self) -> None:
        """Nothing to let go of."""


def _shown_scale() -> str:
    scale = Taste.read().scale
    return f"{scale:g}" if scale else AUTO
