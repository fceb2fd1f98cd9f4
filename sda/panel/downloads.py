"""The Downloads view: BigVGAN's weights, their state and place, how they come, and what went wrong, in words."""

from __future__ import annotations

import dearpygui.dearpygui as dpg

from sda.panel import parts, pieces
from sda.panel.coming import Coming
from sda.panel.fetching import telling
from sda.panel.home import Home
from sda.panel.parts import Notice, Progress, Question
from sda.panel.pieces import HERE, PathField
from sda.panel.view import Desk

ABOUT = (
    "BigVGAN-v2 is the universal vocoder: the best sound for any model, at a price in time. Its weights are published by "
    "NVIDIA under the MIT license. They are fetched once, checked against a pinned hash, and kept."
)
REMOVE = "BigVGAN's weights, begun downloads and everything made of them are deleted. They can be fetched again."
ACTS = {"verify": "It was hashed again, and is right.", "remove": "It was removed.", "bring": "It was brought in."}
DOING = {"verify": "Hashing ...", "remove": "Removing ...", "bring": "Copying and hashing ..."}


class Downloads:
    """One tab."""

    title = "Downloads"

    def __init__(self, desk: Desk, home: Home) -> None:
        self._desk, self._home = desk, home
        self._doing = ""  # of `ACTS`, what was asked for and is not told yet

    def build(self, parent: int | str) -> None:
        desk, px = self._desk, self._desk.look.px
        self._question, self._coming = Question(desk), Coming(desk, self._home)
        with dpg.child_window(parent=parent, always_use_window_padding=True, tag="downloads"):
            parts.heading(desk, "BigVGAN Universal", HERE)
            pieces.quiet(desk, ABOUT, wrap=px(720))
            for label in ("state", "size", "place"):
                pieces.named(dpg.add_text("", parent=parts.labelled(desk, label, HERE)), f"downloads.{label}")
            with dpg.group(tag="downloads.course", show=False):
                self._progress = Progress(desk, "downloads.course", px(720))
                pieces.quiet(desk, name="downloads.stage")
            with dpg.group(horizontal=True):
                pieces.button(desk, "Fetch it", "downloads.fetch", self._fetch, theme=desk.paint.primary)
                pieces.button(desk, "Cancel", "downloads.cancel", self._cancel)
                pieces.button(desk, "Verify", "downloads.verify", lambda: self._do("verify", "vocoder", "verify"))
                pieces.button(desk, "Show in folder", "downloads.show", self._show)
                pieces.button(desk, "Remove", "downloads.remove", self._remove, theme=desk.paint.danger)
            self._notice = Notice(desk, HERE)
            pieces.quiet(desk, "Without a network: the folder with bigvgan_generator.pt and config.json from another machine")
            PathField(desk, "downloads.bring", "Path of the folder", self._bring, width=500)

    def refresh(self, now: float) -> None:
        home = self._home
        home.look(now)
        self._coming.refresh()
        weights = home.glance.weights
        if weights is None:
            return
        runs = home.runs.of("download")
        told = telling(weights, runs[0] if runs else None)
        busy = bool(self._doing) or home.commands.at_work("download")
        pieces.say("downloads.state", told.state)
        pieces.say("downloads.size", told.size)
        pieces.say("downloads.place", str(weights.place))
        pieces.say("downloads.stage", told.stage)
        pieces.visible("downloads.course", told.comes or told.begun)
        self._progress.show(told.share, told.numbers, told.left)
        dpg.set_item_label("downloads.fetch", told.fetch)
        pieces.allow(self._desk, "downloads.fetch", told.can_fetch and not busy)
        pieces.allow(self._desk, "downloads.cancel", told.comes)
        pieces.allow(self._desk, "downloads.verify", weights.status == "present" and not busy)
        pieces.allow(self._desk, "downloads.remove", weights.status != "absent" and not told.comes and not busy)
        self._tell(told.trouble)

    def close(self) -> None:
        """A download goes on."""

    def _tell(self, trouble: str) -> None:
        """What came of what was asked for here, or why the last download did not end well."""
        commands, doing = self._home.commands, self._doing
        if doing and not commands.at_work(doing):
            self._doing = ""
            failure = commands.failure(doing)
            self._notice.say(failure or ACTS[doing], "bad" if failure else "good")
            self._home.hurry()
        elif not doing and trouble:
            self._notice.say(trouble, "warn" if "stopped" in trouble else "bad")
        elif not doing and not commands.at_work("download") and (failure := commands.failure("download")):
            self._notice.say(failure, "bad")

    def _fetch(self) -> None:
        self._notice.say("")
        self._home.commands.start("download", "vocoder", "download")

    def _cancel(self) -> None:
        for run in self._home.runs.living("download"):
            run.run.cancel()

    def _do(self, what: str, *arguments: str) -> None:
        self._notice.say(DOING[what])
        self._home.commands.start(what, *arguments)
        self._doing = what

    def _remove(self) -> None:
        self._question.ask("Remove BigVGAN", REMOVE, "Remove it", lambda: self._do("remove", "vocoder", "remove", "--yes"))

    def _bring(self, folder: str) -> None:
        if folder:
            self._do("bring", "vocoder", "import", folder)

    def _show(self) -> None:
        weights = self._home.glance.weights
        if weights is not None:
            place = next((p for p in (weights.place, *weights.place.parents) if p.is_dir()), weights.place)
            pieces.in_folder(self._home, place, self._notice)
