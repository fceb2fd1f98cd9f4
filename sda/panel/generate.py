"""The Generate view: sound files from a model, how far they are, and the last ones with their recipes, to look at and hear."""

from __future__ import annotations

import dearpygui.dearpygui as dpg

from sda.errors import SdaError
from sda.panel import parts, pieces, words
from sda.panel.generate_form import WIDTH, Form
from sda.panel.home import Home
from sda.panel.jobs import State, Watched
from sda.panel.parts import Notice, Progress
from sda.panel.pieces import HERE, Sound
from sda.panel.results import Result
from sda.panel.view import Desk

COLUMNS = {"file": 170, "made": 116, "length": 64, "recipe": 0}  # points


class Generate:
    """One tab."""

    title = "Generate"

    def __init__(self, desk: Desk, home: Home) -> None:
        self._desk, self._home = desk, home
        self._results: tuple[Result, ...] = ()
        self._shown: Result | None = None
        self._newest: object = None  # path and time of the first result
        self._started = False  # from here, and its end not told yet

    def build(self, parent: int | str) -> None:
        px = self._desk.look.px
        with dpg.group(horizontal=True, parent=parent, tag="generate"):
            with dpg.child_window(always_use_window_padding=True, width=px(WIDTH)):
                self._form = Form(self._desk, self._home)
                self._build_course()
            with dpg.child_window(always_use_window_padding=True):
                parts.heading(self._desk, "Results", HERE)
                self._trouble = Notice(self._desk, HERE)
                self._sound = Sound(self._desk, self._home, "generate.sound", self._trouble)
                pieces.quiet(self._desk, "Nothing was rendered yet.", "generate.recipe", wrap=0)
                self._build_results()

    def _build_course(self) -> None:
        desk = self._desk
        with dpg.group(horizontal=True):
            pieces.button(desk, "Generate", "generate.start", self._start, theme=desk.paint.primary)
            pieces.button(desk, "Cancel", "generate.cancel", self._cancel)
        with dpg.group(tag="generate.course", show=False):
            self._progress = Progress(desk, "generate.course")
        self._notice = Notice(desk, HERE)

    def _build_results(self) -> None:
        with dpg.table(
            tag="generate.results", scrollY=True, freeze_rows=1, row_background=True, borders_outerH=True,
            policy=dpg.mvTable_SizingFixedFit,
        ):  # fmt: skip
            pieces.columns(self._desk, COLUMNS)

    def refresh(self, now: float) -> None:
        self._home.look(now)
        self._form.refresh()
        self._follow()
        if self._results is not self._home.glance.results:
            self._results = self._home.glance.results
            self._fill()
        self._sound.refresh(now)

    def close(self) -> None:
        """What was started goes on."""

    # What goes on.

    def _start(self) -> None:
        row = self._form.row
        if row is None:
            return
        try:
            command = self._form.command(row)
        except SdaError as error:
            self._notice.say(str(error), "bad")
            return
        self._notice.say("")
        self._home.commands.start("generate", *command)
        self._started = True

    def _cancel(self) -> None:
        for run in self._home.runs.living("generate"):
            run.run.cancel()

    def _follow(self) -> None:
        """How far it is, and how it ended."""
        commands = self._home.commands
        living = self._home.runs.living("generate")
        at_work = commands.at_work("generate")
        pieces.allow(self._desk, "generate.start", self._form.row is not None and not at_work)
        pieces.visible("generate.course", bool(living) or at_work)
        pieces.allow(self._desk, "generate.cancel", bool(living))
        if living:
            self._progress.show(living[0].share, *_course(living[0]))
        elif at_work:
            self._progress.show(0.0, "starting")
        if self._started and not at_work:
            self._started = False
            failure = commands.failure("generate")
            self._notice.say(failure or "Done; it is the first of the results.", "bad" if failure else "good")
            self._home.hurry()

    # What was made.

    def _fill(self) -> None:
        """The results, made anew where they changed; a new one is shown at once."""
        first = self._results[0] if self._results else None
        newest = (first.path, first.made) if first else None
        if newest != self._newest:
            self._newest, self._shown = newest, first
        path = self._shown.path if self._shown else None
        self._shown = next((result for result in self._results if result.path == path), None)
        dpg.delete_item("generate.results", children_only=True, slot=1)
        height = pieces.rows_of("generate.results", self._desk)
        for number, result in enumerate(self._results):
            with dpg.table_row(parent="generate.results"):
                dpg.add_selectable(
                    label=f"{words.lines(result.path.name, 30)}##{number}", tag=f"generate.result.{number}", span_columns=True,
                    user_data=number, height=height, callback=lambda _, on, which: self._look_at(self._results[which]),
                )  # fmt: skip
                for cell in (words.day(result.made), words.span(result.seconds), result.words):
                    dpg.add_text(cell)
        self._look_at(self._shown)

    def _look_at(self, result: Result | None) -> None:
        self._shown = result
        for number, each in enumerate(self._results):
            dpg.set_value(f"generate.result.{number}", each is result)
        if result is None:
            self._sound.set(None)
            pieces.say("generate.recipe", "Nothing was rendered yet.")
        else:
            self._sound.set(result.path, result.seconds, f"{result.path.name}: {result.facts}")
            pieces.say("generate.recipe", result.words)


def _course(run: Watched) -> tuple[str, float | None]:
    """How far a rendering is, and the seconds left."""
    if run.state is State.STOPPING:
        return "stopping", None
    if not run.step:
        return "loading", None
    eta = run.step.get("eta_s")
    return f"{run.share:.0%}", eta if isinstance(eta, int | float) else None
