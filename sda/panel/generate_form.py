"""What is asked for in the Generate view: the model, how long, which seeds, what kind of file, and which vocoder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import dearpygui.dearpygui as dpg

from sda import choice
from sda.errors import SdaError
from sda.panel import orders, parts, pieces, words
from sda.panel.home import Home
from sda.panel.listing import Row, by_name
from sda.panel.orders import Wanted
from sda.panel.pieces import HERE
from sda.panel.view import Desk

WIDTH = 380  # points
LAST_SEED = 2**31 - 1
SPACES = ("stereo", "mono", "binaural")
NO_MODELS = "There is no model yet: Train makes one of a folder of recordings."


class Form:
    """The fields, and what they say."""

    def __init__(self, desk: Desk, home: Home) -> None:
        """Here."""
        self._desk, self._home = desk, home
        self._models: dict[str, Row] = {}  # by what the combo shows
        self._listed: object = None
        self._explained: object = None
        self._build()

    def _build(self) -> None:
        desk, width = self._desk, self._desk.look.px(236)

        def beside(label: str, help: str = "") -> int | str:
            return parts.labelled(desk, label, HERE, help)

        def combo(label: str, name: str, texts: Sequence[str], first: str = "") -> None:
            dpg.add_combo(texts, parent=beside(label), tag=name, label=f"##{name}", default_value=first, width=width)

        combo("model", "generate.model", ())
        dpg.add_input_text(
            parent=beside("name", "Of the file; several are numbered."), tag="generate.name", label="##generate.name",
            default_value="sound", width=width,
        )  # fmt: skip
        self._build_numbers(beside)
        combo("format", "generate.format", orders.FORMATS, "wav")
        combo("rate, Hz", "generate.rate", orders.rates("wav"), "48000")
        combo("bits", "generate.depth", orders.depths("wav"), "24")
        for name, texts in (("space", SPACES), ("vocoder", tuple(orders.VOCODERS))):
            dpg.add_radio_button(
                texts, parent=beside(name), tag=f"generate.{name}", label=f"##generate.{name}", default_value=texts[0],
                horizontal=name == "space",
            )  # fmt: skip
        pieces.quiet(desk, name="generate.why", wrap=desk.look.px(WIDTH - 12))
        dpg.add_checkbox(label="sliders and controls as they are set now", tag="generate.as_set", default_value=True)

    def _build_numbers(self, beside: Callable[[str, str], int | str]) -> None:
        both = {"min_clamped": True, "max_clamped": True, "width": self._desk.look.px(236)}
        seeds = "The same seed gives the same sound; of several files each has the next one."
        dpg.add_input_float(
            parent=beside("seconds", "Of each file."), tag="generate.seconds", label="##generate.seconds", default_value=10,
            min_value=0.1, max_value=86_400, step=0, format="%.1f", **both,
        )  # fmt: skip
        dpg.add_input_int(
            parent=beside("seed", seeds), tag="generate.seed", label="##generate.seed", max_value=LAST_SEED, **both
        )
        dpg.add_input_int(
            parent=beside("files", "How many."), tag="generate.count", label="##generate.count", default_value=1, min_value=1,
            max_value=1000, **both,
        )  # fmt: skip

    def refresh(self) -> None:
        """Offer what there is, and say what will sound."""
        if self._listed != self._home.revision:
            self._listed = self._home.revision
            self._models = by_name(self._home.glance.rows)
            pieces.entries("generate.model", list(self._models), str(self._desk.mirror.values.get("model", "")))
        pieces.entries("generate.rate", orders.rates(self.suffix), "48000")
        pieces.entries("generate.depth", orders.depths(self.suffix), "24")
        row = self.row
        pieces.allow(self._desk, "generate.as_set", row is not None and self._plays(row))
        wanted = (self._home.revision, row.key if row else "", self._vocoder)
        if wanted != self._explained:
            self._explained = wanted
            pieces.say("generate.why", self._why(row))

    @property
    def row(self) -> Row | None:
        """The model."""
        return self._models.get(str(dpg.get_value("generate.model")))

    @property
    def suffix(self) -> str:
        """The format, as a file's name ends."""
        return str(dpg.get_value("generate.format"))

    @property
    def _vocoder(self) -> str:
        return orders.VOCODERS[str(dpg.get_value("generate.vocoder"))]

    def command(self, row: Row) -> list[str]:
        """What a terminal would say. Raises `SdaError` where the recordings' folder cannot be had."""
        count, depths = int(dpg.get_value("generate.count")), orders.depths(self.suffix)
        wanted = Wanted(
            model=row.entry.id,
            seconds=float(dpg.get_value("generate.seconds")),
            seed=int(dpg.get_value("generate.seed")),
            count=count,
            rate=int(dpg.get_value("generate.rate")),
            depth=str(dpg.get_value("generate.depth")) if depths else "",
            spatial=str(dpg.get_value("generate.space")),
            vocoder=self._vocoder,
        )
        name = str(dpg.get_value("generate.name")).strip() or "sound"
        target: Path = self._home.library.recording(name, f".{self.suffix}", count=count)
        mirror = self._desk.mirror
        as_set = self._plays(row) and bool(dpg.get_value("generate.as_set"))
        return orders.generate(wanted, target, orders.moved(mirror.rows, dict(mirror.values)) if as_set else {})

    def _plays(self, row: Row) -> bool:
        """Whether it is the model that the engine has loaded."""
        return row.meant_by(self._desk.mirror.values.get("model"))

    def _why(self, row: Row | None) -> str:
        """What will sound, and why; or why it cannot."""
        weights = self._home.glance.weights
        if row is None or row.entry.document is None:
            return NO_MODELS if weights is not None else ""
        try:
            found = choice.choose(row.entry.document, self._vocoder)
        except SdaError:
            return f"{row.entry.name} has no vocoder of its own: Train Vocoder gives it one."
        text = f"{found.name}: {found.why}"
        if found.name == "bigvgan" and weights is not None and not weights.usable:
            text += f". It is not here yet: {words.size(weights.generator.expected or 0)} are fetched first"
        return text
