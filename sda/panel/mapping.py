"""The view of what moves what: every control and act with its OSC address and MIDI binding, and the last messages that came."""

from __future__ import annotations

import time
from functools import partial

import dearpygui.dearpygui as dpg

from sda.acts import ACTS
from sda.mapping import Takeover
from sda.panel import parts
from sda.panel.told import BoundTo
from sda.panel.view import Desk
from sda.params import Kind, Param

AUTO = "auto"
UNLIT = (0, 0, 0, 0)
WAYS = (AUTO, *Takeover)
LIT_S = 0.3  # s for which a control that moved is lit
COPIED_S = 2.0  # s for which it is said that an address was copied
SHOWN = 9  # lines of the monitor
LIST = 0.72  # of the height, for the table
COLUMNS = (  # title, share of the width
    ("", 0.2), ("control or act", 1.5), ("OSC address, click to copy", 2.4), ("MIDI", 2.6), ("", 1.7), ("takeover", 1.6),
    ("from", 0.9), ("to", 0.9), ("curve", 0.8),
)  # fmt: skip


class _Target:
    """One line of the table: a control, or an act that a button can do."""

    def __init__(self, desk: Desk, view: Mapping, id: str, address: str, row: Param | None, parent: int | str) -> None:
        self.names = {id} | ({f"slider.{row.name}"} if row is not None and row.name else set())
        self.id, self._desk, self._row, self._view = id, desk, row, view
        self._bound: BoundTo | None = None
        self._fields: dict[str, int | str] = {}
        self._lit = False
        line = dpg.add_table_row(parent=parent)
        self._dot = dpg.add_text("●", parent=line, color=UNLIT)
        dpg.add_text(row.name if row is not None and row.name else id, parent=line)
        parts.button(desk, address, line, partial(view.copy, address))
        self._words = dpg.add_text("", parent=line)
        self._build_buttons(line)
        if row is not None and row.kind is not Kind.TEXT:
            self._build_ways(line, ranged=row.kind in (Kind.FLOAT, Kind.INT))
        self.show(None, learning=False)

    def _build_buttons(self, line: int | str) -> None:
        both = dpg.add_group(horizontal=True, parent=line)
        self._learn = parts.button(self._desk, "Learn", both, self._arm, width=64, help="Then move what is to move it")
        self._forget = parts.button(self._desk, "Forget", both, self._let_go, help="No controller moves it any more")

    def _build_ways(self, line: int | str, *, ranged: bool) -> None:
        fields = {"takeover": dpg.add_combo(WAYS, parent=line, width=-1, callback=self._adjust)}
        if ranged:
            for name in ("low", "high", "curve"):
                fields[name] = dpg.add_input_text(parent=line, width=-1, on_enter=True, decimal=True, callback=self._adjust)
        self._fields = fields

    # What the hand asks for.

    def _arm(self) -> None:
        self._desk.mirror.send("/sda/midi/learn", self.id)
        self._view.learning = self.id

    def _let_go(self) -> None:
        if self._bound is not None:
            self._desk.mirror.send("/sda/midi/forget", self._bound.target)

    def _adjust(self) -> None:
        if self._bound is None:
            return
        way = str(dpg.get_value(self._fields["takeover"]))
        numbers = [_number(str(dpg.get_value(self._fields[name]))) for name in ("low", "high", "curve") if name in self._fields]
        self._desk.mirror.send("/sda/midi/adjust", self._bound.target, way, *numbers)

    # What is so.

    def show(self, bound: BoundTo | None, *, learning: bool) -> None:
        self._bound = bound
        palette = self._desk.look.palette
        dpg.set_value(self._words, "move a knob, key or pedal" if learning else bound.words if bound else "")
        dpg.configure_item(self._words, color=palette.warn if learning else palette.text)
        dpg.configure_item(self._forget, show=bound is not None)
        values = {"takeover": bound.takeover, **_ends(bound)} if bound else {}
        for name, item in self._fields.items():
            dpg.configure_item(item, show=bound is not None)
            dpg.set_value(item, values.get(name, ""))

    def light(self, now: float) -> None:
        lit = now - self._desk.mirror.moved.get(self.id, 0.0) < LIT_S
        if lit != self._lit:
            self._lit = lit
            palette = self._desk.look.palette
            dpg.configure_item(self._dot, color=palette.cool if lit else UNLIT)


class Mapping:
    """The table, and the monitor under it."""

    title = "Mapping"

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self.learning = ""  # the control or act that is armed, as far as we know
        self._targets: list[_Target] = []
        self._rows: tuple[Param, ...] = ()
        self._shown: object = None
        self._height = 0
        self._copied = ("", 0.0)
        self._came: object = None

    def build(self, parent: int | str) -> None:
        desk = self._desk
        self._notice = parts.Notice(desk, parent)
        self._box = dpg.add_child_window(parent=parent, height=desk.look.px(200), border=False)
        self._table = dpg.add_table(
            parent=self._box,
            header_row=True,
            scrollY=True,
            freeze_rows=1,
            policy=dpg.mvTable_SizingStretchProp,
            row_background=True,
        )
        for title, share in COLUMNS:
            dpg.add_table_column(label=title, parent=self._table, init_width_or_weight=share)
        parts.heading(desk, "Last messages that came in", parent)
        lines = dpg.add_child_window(parent=parent, height=-1, border=False, always_use_window_padding=True)
        self._lines = [dpg.add_text(" ", parent=lines) for _ in range(SHOWN)]

    def copy(self, address: str) -> None:
        """Put an address on the clipboard."""
        dpg.set_clipboard_text(address)
        self._copied = address, time.monotonic()

    def close(self) -> None:
        """Nothing to let go of."""

    # Every frame.

    def refresh(self, now: float) -> None:
        mirror = self._desk.mirror
        self._fit(dpg.get_viewport_client_height())
        if mirror.rows is not self._rows:
            self._make(mirror.rows)
        if self.learning and "/sda/midi/learn" in mirror.outcomes:
            self.learning = ""
        state = (mirror.bindings, self.learning)
        if state != self._shown:
            self._shown = state
            for target in self._targets:
                bound = next((b for b in mirror.bindings if b.target in target.names), None)
                target.show(bound, learning=target.id == self.learning)
        for target in self._targets:
            target.light(now)
        self._show_notice(now)
        self._show_monitor()

    def _fit(self, height: int) -> None:
        """Share the window's height between the table and the monitor."""
        if height != self._height:
            self._height = height
            dpg.configure_item(self._box, height=round((height - self._desk.look.px(150)) * LIST))

    def _make(self, rows: tuple[Param, ...]) -> None:
        """A line for every row and act: another model came."""
        self._rows, self._shown = rows, None
        dpg.delete_item(self._table, children_only=True, slot=1)
        targets = [(row.id, row.address, row) for row in rows]
        acts = [(act.id, act.address, None) for act in ACTS if not any(argument.needed for argument in act.arguments)]
        self._targets = [_Target(self._desk, self, *target, self._table) for target in (*targets, *acts)]

    def _show_notice(self, now: float) -> None:
        address, at = self._copied
        failed = self._first_fault(now)
        if failed:
            self._notice.say(failed, "bad")
        elif address and now - at < COPIED_S:
            self._notice.say(f"{address} is on the clipboard", "good")
        else:
            query = self._desk.mirror.oscquery
            where = f"OSC at {self._desk.mirror.place[0]}:{self._desk.mirror.place[1]}"
            self._notice.say(f"{where}{f'   OSCQuery at {query}' if query else ''}")

    def _first_fault(self, now: float) -> str:
        for act in ("learn", "forget", "adjust"):
            outcome = self._desk.mirror.outcomes.get(f"/sda/midi/{act}")
            if outcome is not None and not outcome.good and now - outcome.at < 8.0:
                return outcome.text
        return ""

    def _show_monitor(self) -> None:
        came = self._desk.mirror.came
        last = came[-1] if came else None
        if last is self._came:
            return
        self._came = last
        for item, message in zip(self._lines, reversed(tuple(came)), strict=False):
            stamp = time.strftime("%H:%M:%S", time.localtime(message.at))
            dpg.set_value(item, f"{stamp}  {message.source:<24}  {message.text}")


def _ends(bound: BoundTo) -> dict[str, str]:
    """The range and curve as they stand in the fields; what is the control's own is left empty."""
    whole = bound.low == bound.high
    curve = f"{bound.curve:g}" if bound.curve else ""
    return {"low": "" if whole else f"{bound.low:g}", "high": "" if whole else f"{bound.high:g}", "curve": curve}


def _number(text: str) -> float:
    """What a field says, 0 where it says nothing."""
    try:
        return float(text)
    except ValueError:
        return 0.0
