"""BigVGAN on its way, shown over any view by itself; and fetched by itself where it was wished for and is not here."""

from __future__ import annotations

import dearpygui.dearpygui as dpg

from sda.panel import pieces
from sda.panel.fetching import telling
from sda.panel.home import Home
from sda.panel.parts import Progress
from sda.panel.view import Desk

WISH = "/sda/vocoder"  # what is refused where BigVGAN is wished for and not here
WIDTH = 420  # points


class Coming:
    """A small window in the lower corner, there while a download goes on that nobody put away."""

    def __init__(self, desk: Desk, home: Home) -> None:
        self._desk, self._home = desk, home
        self._hidden = ""  # id of the run that was put away
        self._run = ""
        self._wished = False  # it is fetched for a wish of the engine's
        self._heard = float("-inf")  # s, when the last wish was refused that was heeded
        px = desk.look.px
        with dpg.window(
            tag="coming", label="BigVGAN is being fetched", show=False, width=px(WIDTH), no_resize=True, no_collapse=True,
            no_close=True, no_saved_settings=True, autosize=True, no_focus_on_appearing=True,
        ):  # fmt: skip
            self._progress = Progress(desk, "coming", px(WIDTH - 24))
            pieces.quiet(desk, name="coming.stage")
            with dpg.group(horizontal=True):
                pieces.button(desk, "Cancel", "coming.cancel", self._cancel)
                pieces.button(desk, "Put away", "coming.hide", self._hide)
                pieces.button(desk, "Downloads", "coming.more", self._more)

    def refresh(self) -> None:
        """Appear, go, and heed a wish."""
        self._heed()
        weights, runs = self._home.glance.weights, self._home.runs.living("download")
        self._run = runs[0].id if runs else ""
        shown = bool(runs) and weights is not None and self._run != self._hidden
        if shown and not dpg.is_item_shown("coming"):
            px = self._desk.look.px
            width, height = dpg.get_viewport_client_width(), dpg.get_viewport_client_height()
            dpg.configure_item("coming", pos=(width - px(WIDTH + 16), height - px(150)))
        pieces.visible("coming", shown)
        if shown and weights is not None:
            told = telling(weights, runs[0])
            self._progress.show(told.share, told.numbers, told.left)
            pieces.say("coming.stage", told.stage)

    def _heed(self) -> None:
        """Fetch what the engine was asked for in vain, and ask it again once that is here."""
        mirror, commands, weights = self._desk.mirror, self._home.commands, self._home.glance.weights
        outcome = mirror.outcomes.get(WISH)
        refused = outcome is not None and not outcome.good and "BigVGAN" in outcome.text and outcome.at > self._heard
        if refused and outcome is not None and weights is not None and weights.status != "present" and self._desk.local:
            self._heard, self._wished = outcome.at, True
            if not self._home.runs.living("download"):
                commands.start("download", "vocoder", "download")
        if self._wished and weights is not None and weights.usable:
            self._wished = False
            mirror.set("vocoder", "bigvgan")

    def _cancel(self) -> None:
        self._wished = False
        for run in self._home.runs.living("download"):
            run.run.cancel()

    def _hide(self) -> None:
        self._hidden = self._run

    def _more(self) -> None:
        self._hide()
        self._desk.show("Downloads")
