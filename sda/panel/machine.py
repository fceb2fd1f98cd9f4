"""The views that work on this machine's files, as the window takes them; greyed where the engine is on another machine."""

from __future__ import annotations

import dearpygui.dearpygui as dpg

from sda.panel import pieces
from sda.panel.downloads import Downloads
from sda.panel.generate import Generate
from sda.panel.home import Home
from sda.panel.library import Library
from sda.panel.mirror import Mirror
from sda.panel.train import Train
from sda.panel.train_vocoder import TrainVocoder
from sda.panel.view import Desk, View

NOWHERE = ("null", "file:")  # how an engine's device begins where it is none
ELSEWHERE = "The engine is on another machine, and so are its models, runs and files. Open the panel there to use this."


def views(desk: Desk, home: Home) -> list[View]:
    """One of each."""
    made: list[View] = [make(desk, home) for make in (Library, Generate, Train, TrainVocoder, Downloads)]
    return made if desk.local else [Greyed(desk, view) for view in made]


def home_beside(mirror: Mirror) -> Home:
    """The files, and sounds from them played to the device that the engine plays to."""

    def device() -> str:
        name = mirror.status.device
        return "" if name.startswith(NOWHERE) else name

    return Home(device)


class Greyed:
    """A view that is there to be seen, and says why it cannot be used."""

    def __init__(self, desk: Desk, view: View) -> None:
        self._desk, self._view = desk, view

    @property
    def title(self) -> str:
        return self._view.title

    def build(self, parent: int | str) -> None:
        dpg.add_text(ELSEWHERE, parent=parent, wrap=0, color=self._desk.look.palette.warn)
        group = dpg.add_group(parent=parent)
        self._view.build(group)
        pieces.grey_all(self._desk, group)

    def refresh(self, now: float) -> None:
        """Nothing here changes."""

    def close(self) -> None:
        """Nothing goes on."""
