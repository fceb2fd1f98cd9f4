"""The bar on top of every view: whether the engine is there, what plays, and the acts that a hand must find at once.

Keys, while no text is typed: space plays and stops, return strikes, escape is panic, ctrl-Z and ctrl-Y undo and redo.
"""

from __future__ import annotations

import dearpygui.dearpygui as dpg

from sda.panel import parts
from sda.panel.view import Desk

STATES = {"playing": "good", "stopped": "dim", "loading": "warn", "empty": "warn", "gone": "bad"}
FLOOR = -60.0  # dB, the left end of a meter
SPAN = 170  # points, width of the meters
HOLD_DB = 20.0  # dB a second by which a meter falls
NEWS_S = 8.0  # s for which something that came to an end is told


class Transport:
    """Play, strike, freeze, panic, undo, redo, record, take; levels; the state in a line."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._recording = self._taking = False
        self._levels = [FLOOR, FLOOR]
        self._then = 0.0
        self._shown: dict[int | str, object] = {}

    def build(self, parent: int | str) -> None:
        desk, mirror = self._desk, self._desk.mirror
        line = dpg.add_group(horizontal=True, parent=parent)
        self._play = parts.button(desk, "Play", line, self._toggle_play, width=76, help="Sound on or off (space)")
        self._strike = parts.button(desk, "Strike", line, lambda: mirror.send("/sda/strike"), help="A grain now (return)")
        self._freeze = parts.button(desk, "Freeze", line, self._toggle_freeze, help="Hold the sounding mel still")
        panic = parts.button(
            desk, "Panic", line, lambda: mirror.send("/sda/panic"), help="Silence within 10 ms (escape); play ends it"
        )
        dpg.bind_item_theme(panic, desk.paint.danger)
        parts.button(desk, "Undo", line, lambda: mirror.send("/sda/undo"), help="Back before the last jump (ctrl-Z)")
        parts.button(desk, "Redo", line, lambda: mirror.send("/sda/redo"), help="Forth again (ctrl-Y)")
        self._record = parts.button(desk, "Record", line, self._toggle_record, width=92, help="What is heard, into a file")
        self._take = parts.button(desk, "Take", line, self._toggle_take, width=76, help="What is done, to be rendered again")
        self._build_meters(line)
        self._state = dpg.add_text("", parent=line)
        below = dpg.add_group(horizontal=True, parent=parent)
        self._load = dpg.add_text("", parent=below)
        self._notice = parts.Notice(desk, below)

    def _build_meters(self, parent: int | str) -> None:
        look = self._desk.look
        area = parts.canvas(parent, look.px(SPAN), look.line)
        self._bars = []
        for channel in range(2):
            top = look.line * (0.12 + 0.42 * channel)
            bottom = top + look.line * 0.34
            dpg.draw_rectangle(
                (0, top), (look.px(SPAN), bottom), fill=look.palette.raised, color=look.palette.raised, parent=area
            )
            self._bars.append((dpg.draw_rectangle((0, top), (0, bottom), parent=area), top, bottom))
        at = look.px(SPAN) * (1 - 1 / -FLOOR)  # where the limiter begins, -1 dBFS
        dpg.draw_line((at, 0), (at, look.line), color=look.palette.line, parent=area)
        parts.tooltip(self._desk, area, "Peak levels, left and right, -60 to 0 dBFS; the line is the limiter's -1 dBFS")

    # Acts.

    def _toggle_play(self) -> None:
        self._toggle("play")

    def _toggle_freeze(self) -> None:
        self._toggle("freeze")

    def _toggle(self, id: str) -> None:
        self._desk.mirror.set(id, not self._desk.mirror.values.get(id, False))

    def _toggle_record(self) -> None:
        self._desk.mirror.send("/sda/record/stop" if self._recording else "/sda/record/start")

    def _toggle_take(self) -> None:
        self._desk.mirror.send("/sda/take/stop" if self._taking else "/sda/take/start")

    def _heed_keys(self) -> None:
        hand, mirror = self._desk.hand, self._desk.mirror
        if hand.control:
            if hand.hit(dpg.mvKey_Z):
                mirror.send("/sda/undo")
            elif hand.hit(dpg.mvKey_Y):
                mirror.send("/sda/redo")
            return
        if hand.hit(dpg.mvKey_Spacebar):
            self._toggle_play()
        elif hand.hit(dpg.mvKey_Return):
            mirror.send("/sda/strike")
        elif hand.hit(dpg.mvKey_Escape):
            mirror.send("/sda/panic")

    # Every frame.

    def refresh(self, now: float) -> None:
        """Heed the keys and show what is so; now: s of the monotonic clock."""
        self._heed_keys()
        mirror, paint = self._desk.mirror, self._desk.paint
        playing, frozen = bool(mirror.values.get("play")), bool(mirror.values.get("freeze"))
        self._light(self._play, playing, "Playing" if playing else "Play", paint.lit)
        self._light(self._freeze, frozen, "Freeze", paint.lit)
        self._recording, self._taking = (bool(name) for name in mirror.files)
        self._light(self._record, self._recording, "Stop rec." if self._recording else "Record", paint.danger)
        self._light(self._take, self._taking, "Stop take" if self._taking else "Take", paint.danger)
        self._show_levels(now)
        self._show_state()
        self._show_news(now)

    def _light(self, item: int | str, on: bool, label: str, theme: int) -> None:
        if self._shown.get(item) != (on, label):
            self._shown[item] = on, label
            dpg.set_item_label(item, label)
            dpg.bind_item_theme(item, theme if on else 0)

    def _show_levels(self, now: float) -> None:
        palette, width = self._desk.look.palette, self._desk.look.px(SPAN)
        fall, self._then = HOLD_DB * min(now - self._then, 1.0), now
        for channel, peak in enumerate(self._desk.mirror.peaks):
            level = max(peak, self._levels[channel] - fall, FLOOR)
            if level == self._levels[channel]:
                continue
            self._levels[channel] = level
            item, top, bottom = self._bars[channel]
            colour = palette.bad if level > -1.0 else palette.warn if level > -6.0 else palette.good
            share = min(1.0, 1 - level / FLOOR)
            dpg.configure_item(item, pmin=(0, top), pmax=(share * width, bottom), fill=colour, color=colour)

    def _show_state(self) -> None:
        mirror, status = self._desk.mirror, self._desk.mirror.status
        where = f"{mirror.place[0]}:{mirror.place[1]}"
        if not mirror.there:
            begun = "gone, looking for it again" if mirror.begun else "not found yet, looking for it"
            self._put(self._state, f"The engine at {where} is {begun}", "bad")
            self._put(self._load, "Sound and values are with the engine; the panel joins it as soon as it is back", "dim")
            return
        self._put(self._state, f"{status.state}  {status.model or 'no model'}  through {status.vocoder or 'nothing'}",
                  STATES.get(status.state, "dim"))  # fmt: skip
        load = f"load {100 * status.rtf_mean:.0f} % ({100 * status.rtf_worst:.0f} % at worst)"
        text = f"{load}   latency {status.latency_ms:.0f} ms   under-runs {status.underruns}   {status.device}"
        self._put(self._load, text, "bad" if status.rtf_mean > 1 else "dim")

    def _put(self, item: int | str, text: str, kind: str) -> None:
        if self._shown.get(item) != (text, kind):
            self._shown[item] = text, kind
            dpg.set_value(item, text)
            dpg.configure_item(item, color=getattr(self._desk.look.palette, kind))

    def _show_news(self, now: float) -> None:
        """The last thing that came to nothing, or to something."""
        last = self._desk.mirror.latest
        if last is None or now - last[1].at > NEWS_S:
            self._notice.say("")
            return
        address, outcome = last
        self._notice.say(f"{address}  {outcome.text}", "good" if outcome.good else "bad")
