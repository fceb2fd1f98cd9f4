"""The Train Vocoder view: a vocoder of its own for any model whose VAE is trained, and how its training goes."""

from __future__ import annotations

from typing import Any

import dearpygui.dearpygui as dpg

from sda.panel import orders, parts, pieces, words
from sda.panel.charts import Plan
from sda.panel.course import CourseOfTraining
from sda.panel.home import Home
from sda.panel.jobs import HELD_OUT, Watched
from sda.panel.listing import Row, by_name
from sda.panel.parts import Notice
from sda.panel.pieces import HERE, Minutes, PathField
from sda.panel.view import Desk
from sda.spec import VaeSpec
from sda.train.vocoder_plan import LONG_MINUTES

KIND = "train-vocoder"
FORM = 380  # points, width of what is chosen
LATE = f"on a CPU from {LONG_MINUTES:g} minutes on, near the end"
PLANS = (
    Plan(f"G and D ({LATE})", (("adversarial", "G"), ("discriminator", "D"), ("features", "features"))),
    Plan("mel error, nat", (("mel", "training"), (f"{HELD_OUT}mel", "held-out"))),
    Plan(
        "spectral loss",
        (("total", "total"), ("convergence", "convergence"), (f"{HELD_OUT}convergence", "held-out convergence")),
    ),
    Plan(
        "discriminators right on",
        (("accuracy_real", "own recordings"), ("accuracy_held_out", "held-out"), ("accuracy_made", "made sound")),
    ),
)
TABLE = ("vocoder", "mel nat", "against start", "M-STFT", "clips")


class TrainVocoder:
    """One tab."""

    title = "Train Vocoder"

    def __init__(self, desk: Desk, home: Home) -> None:
        self._desk, self._home = desk, home
        self._models: dict[str, Row] = {}  # by what the combo shows
        self._listed: object = None
        self._told: object = None
        self._compared: object = None
        self._started = False

    def build(self, parent: int | str) -> None:
        pieces.beside(self._desk, parent, KIND, FORM, self._build_form, self._build_course)

    def _build_course(self) -> None:
        self._course = CourseOfTraining(
            self._desk, self._home, KIND, PLANS, lambda run: orders.train_vocoder_again(run.name), _result
        )
        self._build_table()

    def _build_form(self) -> None:
        desk, px = self._desk, self._desk.look.px
        pieces.quiet(
            desk,
            "A vocoder that knows one model's recordings plays it live and sounds better than the draft.",
            wrap=px(FORM - 12),
        )
        dpg.add_combo(parent=parts.labelled(desk, "model", HERE), tag=f"{KIND}.model", label=f"##{KIND}.model", width=px(236))
        pieces.quiet(desk, name=f"{KIND}.about", wrap=px(FORM - 12))
        self._minutes = Minutes(desk, f"{KIND}.minutes")
        pieces.quiet(desk, "Its recordings, where they are not found by themselves:")
        self._audio = PathField(desk, f"{KIND}.audio", "Path of the folder", lambda path: None, width=280)
        pieces.button(desk, "Train vocoder", f"{KIND}.start", self._start, theme=desk.paint.primary)
        self._notice = Notice(desk, HERE)

    def _build_table(self) -> None:
        with dpg.table(
            parent=f"{KIND}.ended", tag=f"{KIND}.table", policy=dpg.mvTable_SizingFixedFit, row_background=True, show=False
        ):
            for name in TABLE:
                dpg.add_table_column(label=name)

    def refresh(self, now: float) -> None:
        self._home.look(now)
        self._offer()
        self._course.refresh(now)
        self._compare(self._course.run)
        commands = self._home.commands
        pieces.allow(self._desk, f"{KIND}.start", self._row() is not None and not commands.at_work(KIND))
        if self._started and not commands.at_work(KIND):
            self._started = False
            self._notice.say(commands.failure(KIND), "bad")
            self._home.hurry()

    def close(self) -> None:
        """A training goes on."""

    def _offer(self) -> None:
        """The models whose VAE can be trained on: those of this program."""
        if self._listed != self._home.revision:
            self._listed = self._home.revision
            rows = self._home.glance.rows
            self._models = by_name(row for row in rows if row.entry.document and isinstance(row.entry.document.vae, VaeSpec))
            pieces.entries(f"{KIND}.model", list(self._models))
        row = self._row()
        if (told := (self._home.revision, row.key if row else "")) != self._told:
            self._told = told
            pieces.say(f"{KIND}.about", self._about(row))

    def _row(self) -> Row | None:
        return self._models.get(str(dpg.get_value(f"{KIND}.model")))

    def _about(self, row: Row | None) -> str:
        if row is None:
            return "There is no model yet whose VAE is trained: Train makes one." if self._home.glance.weights else ""
        source = self._home.library.source(row.entry.id)
        where = f"recordings: {source.folder}" if source else "where its recordings are is not known here"
        has = "It has one already, which is replaced only by a better one" if row.own_vocoder else "It has none yet"
        return f"{has}; {where}."

    def _start(self) -> None:
        row = self._row()
        if row is not None:
            self._notice.say("")
            command = orders.train_vocoder(row.entry.id, self._minutes.value, self._audio.text)
            self._home.commands.start(KIND, *command)
            self._started = True

    def _compare(self, run: Watched | None) -> None:
        """The table at the end, made anew where another run's is shown."""
        table = list(run.end.get("quality") or []) if run is not None else []
        if table == self._compared:
            return
        self._compared = table
        dpg.delete_item(f"{KIND}.table", children_only=True, slot=1)
        start = next((row.get("mel") for row in table if row.get("name") == "start"), None)
        for row in table:
            with dpg.table_row(parent=f"{KIND}.table"):
                for cell in _cells(row, start):
                    dpg.add_text(cell)
        pieces.visible(f"{KIND}.table", bool(table))


def _cells(row: dict[str, Any], start: Any) -> tuple[str, ...]:
    """As `TABLE` has them."""
    mel, compared = row.get("mel"), row.get("name") == "trained" and isinstance(start, int | float) and start > 0
    against = f"{mel / start - 1:+.0%}" if compared and isinstance(mel, int | float) else ""
    return str(row.get("name")), words.number(mel), against, words.number(row.get("stft")), str(row.get("clips"))


def _result(run: Watched) -> str:
    """What a training came to."""
    data = run.end
    before, after = data.get("before") or {}, data.get("after") or {}
    said = [
        f"Mel error on {whose}: {words.number(before.get(key))} nat at the start, {words.number(after.get(key))} now."
        for key, whose in (("held_out", "held-out recordings"), ("own", "its own recordings"))
        if key in after
    ]
    said.append("The model has it now." if data.get("bundled") else "The model keeps the vocoder that it had.")
    return " ".join([*said, *map(str, data.get("notes") or [])])
