"""Many controls on their way to new values over some seconds, in steps too fine to be heard.

Numbers move evenly over their faders (through the row's curve); switches, choices and whole numbers change at the beginning.
A control that anybody else moves meanwhile is let go. Sliders take their own `glide` for each step: it is kept short on the
way, so that they arrive in time, and takes its new value at the end.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from sda.control import Change, Controls, Setting
from sda.params import Kind, Param, Value, from_unit, to_unit

STEP = 0.005  # s, as long as the ramp of the gain: sidebands of a fade of 30 dB in a second are 57 dB down
QUICK = 50.0  # ms, of `glide` on the way
GLIDE = "glide"


@dataclass(slots=True, kw_only=True, eq=False)
class Way:
    """From where to where, and when."""

    source: str
    started: float  # s
    seconds: float
    places: Mapping[str, tuple[Param, float, float]]  # of what moves evenly: from and to, 0..1 on its fader
    targets: Mapping[str, Value]  # of all, by control id
    let_go: set[str] = field(default_factory=set)  # moved by somebody else
    left: bool = False

    def settings(self, now: float) -> Iterator[Setting]:
        """Where everything is at a moment; at the end exactly where it was to be."""
        share = (now - self.started) / self.seconds
        if self.left:
            return
        for id, (row, start, end) in self.places.items():
            if id not in self.let_go and share < 1:
                yield Setting(id, from_unit(row, start + (end - start) * share))
        if share >= 1:
            yield from (Setting(id, self.targets[id]) for id in (*self.places, GLIDE) if id not in self.let_go)


class Glider:
    """One glide at a time, in a thread of its own from the first one on. One thread starts them, any may stop one."""

    def __init__(self, controls: Controls, clock: Callable[[], float] = time.monotonic) -> None:
        self._controls, self._clock = controls, clock
        self._way: Way | None = None
        self._changed = threading.Condition()
        self._closed = False
        self._thread: threading.Thread | None = None
        controls.subscribe(self._note)

    def start(self, targets: Mapping[str, Value], seconds: float, source: str) -> None:
        """Begin, in the place of a glide under way. targets: values by id as their controls take them; seconds: more than 0."""
        self.stop()
        values = self._controls.values()
        final = {**targets, GLIDE: targets.get(GLIDE, values[GLIDE])}
        rows = {id: self._controls.row(id) for id in targets if id != GLIDE}
        moving = {id: row for id, row in rows.items() if row.kind is Kind.FLOAT and values[id] != targets[id]}
        places = {id: (row, to_unit(row, values[id]), to_unit(row, targets[id])) for id, row in moving.items()}
        first = [Setting(id, targets[id]) for id in rows if id not in moving]
        way = Way(source=source, started=self._clock(), seconds=seconds, places=places, targets=final)
        self._controls.set_many([*first, Setting(GLIDE, min(float(values[GLIDE]), QUICK))], source, act=True)
        with self._changed:
            self._way = way
            self._changed.notify()
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="glide", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Leave everything where it is, but for `glide`."""
        with self._changed:
            way, self._way = self._way, None
        if way is None:
            return
        way.left = True
        if GLIDE not in way.let_go:
            self._controls.set(GLIDE, way.targets[GLIDE], f"{way.source} left", act=True)

    def headed(self) -> dict[str, Value]:
        """Where what is under way will arrive, by id."""
        way = self._way
        return {} if way is None else {id: value for id, value in way.targets.items() if id not in way.let_go}

    def close(self) -> None:
        """End the thread."""
        with self._changed:
            self._way, self._closed = None, True
            self._changed.notify()

    def _note(self, changes: tuple[Change, ...]) -> None:
        """Let go of what another one moved; inside the controls' lock."""
        way = self._way
        if way is not None:
            way.let_go.update(change.id for change in changes if change.source != way.source)

    def _run(self) -> None:
        while True:
            with self._changed:
                while self._way is None and not self._closed:
                    self._changed.wait()
                way = self._way
            if way is None:
                return
            now = self._clock()
            # The settings are drawn inside the controls' lock, so that no hand is overruled by a step made before it moved.
            self._controls.set_many(way.settings(now), way.source)
            if now - way.started >= way.seconds:
                with self._changed:
                    self._way = None if self._way is way else self._way
            time.sleep(STEP)
