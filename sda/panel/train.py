"""The Train view: a folder of recordings looked at, what is to be used of it, and the training of a model."""

from __future__ import annotations

from pathlib import Path

import dearpygui.dearpygui as dpg

from sda.errors import SdaError
from sda.formats.document import check_name
from sda.panel import orders, parts, pieces, words
from sda.panel.charts import Plan
from sda.panel.course import CourseOfTraining
from sda.panel.files import Survey, summary
from sda.panel.home import Home
from sda.panel.jobs import HELD_OUT, State, Watched
from sda.panel.parts import Notice
from sda.panel.pieces import HERE, Minutes, PathField
from sda.panel.view import Desk

KIND = "train"
FORM = 520  # points, width of what is chosen
COLUMNS = {"use": 28, "file": 0, "length": 48, "Hz": 46, "level": 58, "what is done": 110}  # points
PLANS = (
    Plan("training loss", (("loss", "loss"), ("reconstruction", "reconstruction"))),
    Plan("error on held-out recordings, nat", ((f"{HELD_OUT}loud", "loud bins"), (f"{HELD_OUT}quiet", "quiet bins"))),
    Plan("KL divergence, nat", (("kl", "training"), (f"{HELD_OUT}kl", "held-out"))),
    Plan("active axes", ((f"{HELD_OUT}active", "active axes"),)),
)


class Train:
    """One tab."""

    title = "Train"

    def __init__(self, desk: Desk, home: Home) -> None:
        self._desk, self._home = desk, home
        self._survey: Survey | None = None
        self._listed = 0  # recordings in the table
        self._left_out: set[str] = set()
        self._started = False

    def build(self, parent: int | str) -> None:
        pieces.beside(self._desk, parent, KIND, FORM, self._build_form, self._build_course)

    def _build_course(self) -> None:
        self._course = CourseOfTraining(self._desk, self._home, KIND, PLANS, lambda run: orders.train_again(run.name), _result)

    def _build_form(self) -> None:
        desk, px = self._desk, self._desk.look.px
        pieces.quiet(desk, "A folder of 5 to 500 recordings (wav, flac, ogg, mp3, aiff)")
        self._folder = PathField(desk, "train.folder", "Path of the folder", self._look_into, width=400)
        pieces.quiet(desk, name="train.summary", wrap=px(FORM - 12))
        with dpg.table(
            tag="train.files", height=-px(150), scrollY=True, freeze_rows=1, row_background=True, borders_outerH=True,
            policy=dpg.mvTable_SizingFixedFit,
        ):  # fmt: skip
            pieces.columns(desk, COLUMNS)
        dpg.add_input_text(
            parent=parts.labelled(desk, "name", HERE),
            tag="train.name",
            label="##train.name",
            hint="Of the model",
            width=px(280),
        )
        self._minutes = Minutes(desk, "train.minutes")
        pieces.button(desk, "Train", "train.start", self._start, theme=desk.paint.primary)
        self._notice = Notice(desk, HERE)

    def refresh(self, now: float) -> None:
        self._home.look(now)
        self._list()
        self._course.refresh(now)
        commands = self._home.commands
        pieces.allow(self._desk, "train.start", self._survey is not None and not commands.at_work(KIND))
        if self._started and not commands.at_work(KIND):
            self._started = False
            failure = commands.failure(KIND)
            self._notice.say(failure, "bad")
            self._home.hurry()

    def close(self) -> None:
        if self._survey is not None:
            self._survey.stop()

    def _look_into(self, folder: str) -> None:
        """Look at the recordings of a folder."""
        self.close()
        dpg.delete_item("train.files", children_only=True, slot=1)
        self._listed, self._left_out = 0, set()
        path = Path(folder).expanduser()
        self._survey = Survey(path)
        if not dpg.get_value("train.name"):
            dpg.set_value("train.name", path.name)
        self._notice.say("")

    def _list(self) -> None:
        """Add the recordings that were looked at since."""
        survey = self._survey
        if survey is None:
            return
        known = survey.recordings[:]
        for recording in known[self._listed :]:
            with dpg.table_row(parent="train.files"):
                dpg.add_checkbox(
                    tag=f"train.use.{self._listed}", label=f"##use {recording.name}", default_value=recording.used,
                    enabled=recording.used, user_data=recording.name, callback=lambda _, used, name: self._use(name, used),
                )  # fmt: skip
                palette = self._desk.look.palette
                dpg.add_text(words.lines(recording.name, 34), color=palette.text if recording.used else palette.bad)
                facts = words.span(recording.seconds), str(recording.rate), words.level(recording.peak_db)
                for cell in facts if recording.rate else ("-", "-", "-"):
                    dpg.add_text(cell)
                self._tell("; ".join(recording.notes), used=recording.used)
            self._listed += 1
        if survey.error:
            self._notice.say(survey.error, "bad")
        ends = "" if survey.done else f"; looking at {survey.total - len(known)} more"
        pieces.say("train.summary", summary(known, self._left_out) + ends if known or not survey.done else "")

    def _tell(self, notes: str, *, used: bool) -> None:
        """What would be done to a recording; all of it where the mouse rests."""
        palette = self._desk.look.palette
        item = dpg.add_text(words.begun(notes, 20), color=palette.dim if used else palette.bad)
        if notes:
            parts.tooltip(self._desk, item, notes)

    def _use(self, name: str, used: bool) -> None:
        (self._left_out.discard if used else self._left_out.add)(name)

    def _start(self) -> None:
        survey = self._survey
        if survey is None:
            return
        name = str(dpg.get_value("train.name")).strip()
        try:
            check_name(name)
        except SdaError as error:
            self._notice.say(str(error), "bad")
            return
        self._notice.say("")
        command = orders.train(survey.folder, name, self._minutes.value, sorted(self._left_out))
        self._home.commands.start(KIND, *command)
        self._started = True


def _result(run: Watched) -> str:
    """What a training came to."""
    sliders = run.end.get("sliders") or []
    text = f"Sliders found: {', '.join(map(str, sliders)) or 'none'}."
    if run.state is State.STOPPED:
        text += " It was stopped early; its best so far is in the library, and Go on continues from there."
    return " ".join([text, *map(str, run.end.get("notes") or [])])
