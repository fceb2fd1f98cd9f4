"""One training looked at: which run, how far it is, its curves, what it sounded like on the way, how it ended."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import dearpygui.dearpygui as dpg

from sda.panel import parts, pieces, words
from sda.panel.charts import Chart, Plan
from sda.panel.home import Home
from sda.panel.jobs import State, Watched
from sda.panel.parts import Notice, Progress
from sda.panel.pieces import HERE, Sound
from sda.panel.view import Desk

PREVIEW_S = 3.0  # s, about; that of training's previews
STATES = {
    State.AT_WORK: "at work",
    State.STOPPING: "stopping after this step; the best so far is kept",
    State.DONE: "done",
    State.STOPPED: "stopped",
    State.FAILED: "failed",
    State.BROKEN_OFF: "broken off: its process was killed or the machine went down",
}


class CourseOfTraining:
    """The runs of one kind, one of them at a time."""

    def __init__(
        self, desk: Desk, home: Home, kind: str, plans: Sequence[Plan], go_on: Callable[[Watched], list[str]],
        ended: Callable[[Watched], str],
    ) -> None:  # fmt: skip
        """Here. go_on: the command that resumes a run; ended: what to say of its result."""
        self._desk, self._home, self._kind = desk, home, kind
        self._go_on, self._ended = go_on, ended
        self.run: Watched | None = None  # that which is looked at
        self._runs: dict[str, Watched] = {}  # by what the combo shows
        self._shown: object = None
        self._living: set[str] = set()  # ids, as of the last look
        self._previews: list[dict[str, Any]] = []
        self._wide = 0  # pixels, of the course
        self._build(plans)

    def _build(self, plans: Sequence[Plan]) -> None:
        desk, kind, px = self._desk, self._kind, self._desk.look.px
        with dpg.group(horizontal=True):
            dpg.add_combo(tag=f"{kind}.run", label=f"##{kind}.run", width=px(380), callback=self._choose)
            pieces.button(desk, "Cancel", f"{kind}.cancel", self._cancel)
            pieces.button(desk, "Go on", f"{kind}.resume", self._resume, theme=desk.paint.primary)
        pieces.quiet(desk, name=f"{kind}.empty")
        with dpg.group(tag=f"{kind}.course"):
            with dpg.group(tag=f"{kind}.state.bar"):
                self._progress = Progress(desk, f"{kind}.state.bar")
            pieces.named(dpg.add_text("", wrap=0), f"{kind}.state")
            self._notice = Notice(desk, HERE)
            with dpg.group(tag=f"{kind}.ended"):  # a view may add to it
                pieces.named(dpg.add_text("", wrap=0), f"{kind}.result")
            self._charts = []
            for first in range(0, len(plans), 2):
                with dpg.group(horizontal=True):
                    for number in range(first, min(first + 2, len(plans))):
                        name = f"{kind}.chart.{number}"
                        self._charts.append(Chart(desk, plans[number], name, px(152)))
            with dpg.group(tag=f"{kind}.previews", show=False):
                dpg.add_combo(
                    tag=f"{kind}.preview",
                    label=f"##{kind}.preview",
                    parent=parts.labelled(desk, "previews", HERE),
                    width=px(380),
                    callback=self._hear,
                )
                self._sound = Sound(desk, self._home, f"{kind}.sound", self._notice)

    def refresh(self, now: float) -> None:
        """Show how the run is."""
        self._offer()
        run = self.run
        pieces.visible(f"{self._kind}.course", run is not None)
        pieces.say(f"{self._kind}.empty", "" if run else "Nothing was trained yet.")
        self._sound.refresh(now)
        self._fit()
        busy = self._home.commands.at_work(self._kind)
        pieces.allow(self._desk, f"{self._kind}.cancel", run is not None and run.state is State.AT_WORK)
        pieces.allow(self._desk, f"{self._kind}.resume", run is not None and run.resumable and not busy)
        if run is None or (shown := (run.id, run.revision)) == self._shown:
            return
        self._shown = shown
        self._tell(run)

    def _fit(self) -> None:
        """Two charts side by side, whatever the width of the window."""
        wide, px = int(dpg.get_item_rect_size(f"{self._kind}.state.bar")[0]), self._desk.look.px
        if wide > 0 and wide != self._wide:
            self._wide = wide
            for chart in self._charts:
                chart.widen(max(px(160), (wide - px(8)) // 2))

    def _offer(self) -> None:
        """The runs to choose from; one that begins is looked at."""
        runs = self._home.runs.of(self._kind)
        self._runs = {f"{run.name}, {words.moment(run.began)}, {run.state}": run for run in runs}
        living = {run.id for run in runs if run.state.lives}
        fresh, self._living = living - self._living, living
        if self.run is None or self.run not in runs:
            self.run = runs[0] if runs else None
        for run in runs:
            if run.id in fresh:
                self.run = run
        label = next((label for label, run in self._runs.items() if run is self.run), "")
        combo = f"{self._kind}.run"
        pieces.entries(combo, list(self._runs), label)
        if dpg.get_value(combo) != label:
            dpg.set_value(combo, label)

    def _choose(self, sender: int | str, label: str) -> None:
        self.run = self._runs.get(label, self.run)

    def _tell(self, run: Watched) -> None:
        self._progress.show(run.share, *_numbers(run))
        pieces.say(f"{self._kind}.state", _state(run))
        trouble = run.error or "; ".join(run.warnings[-2:])
        self._notice.say(trouble, "bad" if run.error else "warn")
        for chart in self._charts:
            chart.show(run.curves)
        self._show_previews(run)
        pieces.say(f"{self._kind}.result", self._ended(run) if run.end else "")
        pieces.visible(f"{self._kind}.ended", bool(run.end))

    def _show_previews(self, run: Watched) -> None:
        """The newest preview is at hand, unless an older one was chosen."""
        previews = list(reversed(run.previews))
        if previews != self._previews:
            self._previews = previews
            labels = [_label(preview) for preview in previews]
            pieces.visible(f"{self._kind}.previews", bool(labels))
            dpg.configure_item(f"{self._kind}.preview", items=labels)
            dpg.set_value(f"{self._kind}.preview", labels[0] if labels else "")
            self._hear()

    def _hear(self) -> None:
        label = dpg.get_value(f"{self._kind}.preview")
        chosen = next((preview for preview in self._previews if _label(preview) == label), None)
        facts = f"{chosen['vocoder']}: {chosen['why']}" if chosen and "vocoder" in chosen else ""
        self._sound.set(Path(str(chosen["file"])) if chosen else None, PREVIEW_S, facts)

    def _cancel(self) -> None:
        if self.run is not None:
            self.run.run.cancel()

    def _resume(self) -> None:
        if self.run is not None and self.run.resumable:
            self._home.commands.start(self._kind, *self._go_on(self.run))


def _label(preview: dict[str, Any]) -> str:
    return f"step {preview.get('step')}"


def _numbers(run: Watched) -> tuple[str, float | None]:
    """What stands in the bar, and the seconds left."""
    step, eta = run.step, run.step.get("eta_s")
    if not step:
        return ("" if not run.state.lives else run.stage or "reading the recordings"), None
    text = f"step {step.get('step')} of {step.get('steps')}"
    if run.state is State.AT_WORK:
        text += f", {words.number(step.get('rate'), 1)} steps/s"
    return text, eta if run.state is State.AT_WORK and isinstance(eta, int | float) else None


def _state(run: Watched) -> str:
    """How it is, what it does beside its steps, and what of the recordings was used."""
    files = list(run.files.values())
    used = sum(bool(file.get("used")) for file in files)
    heard = f"{used} of {len(files)} recordings used" if files else ""
    stage = f"{run.stage} ..." if run.stage and run.state.lives else ""
    return "; ".join(part for part in (STATES[run.state], stage, heard) if part)
