"""The Library view: the models of this machine, searched, sorted, looked into, loaded, renamed, deleted, brought in."""

from __future__ import annotations

from collections.abc import Callable

import dearpygui.dearpygui as dpg

from sda.panel import parts, pieces
from sda.panel.home import Home
from sda.panel.later import Later
from sda.panel.listing import COLUMNS, Row, chosen, details
from sda.panel.parts import Notice, Question
from sda.panel.pieces import HERE, PathField
from sda.panel.view import Desk

FILES = (".distill", ".sda", ".distillgan")
WIDTHS = {"sound": 84, "sliders": 60, "own vocoder": 90, "size": 70, "made": 84}  # points; the name has the rest
EMPTY = "The library is empty. Train makes a model of a folder of recordings; a model's file can be brought in below."
PLAYS = "It is what the engine plays."
NONE_FOUND = "No model has all of these words in its name, tags or sliders."


class Library:
    """One tab."""

    title = "Library"

    def __init__(self, desk: Desk, home: Home) -> None:
        self._desk, self._home = desk, home
        self._column, self._descending = "name", False
        self._chosen = ""  # key of the row that is looked into
        self._listed: object = None  # what the table shows
        self._detailed: object = None  # what the details show
        self._rows: list[Row] = []
        self._work = Later[str]()
        self._worked = 0
        self._importing = False

    def build(self, parent: int | str) -> None:
        px = self._desk.look.px
        self._question = Question(self._desk)
        with dpg.group(horizontal=True, parent=parent, tag="library"):
            with dpg.child_window(always_use_window_padding=True, width=px(660)):
                dpg.add_input_text(tag="library.search", label="##library.search", hint="Search names, tags, sliders", width=-1)
                with dpg.child_window(height=-px(72), border=False):
                    pieces.quiet(self._desk, name="library.empty", wrap=0)
                    self._build_table()
                pieces.quiet(self._desk, "Bring in a model's file, also one of an older program:")
                PathField(
                    self._desk,
                    "library.import",
                    "Path of a .distill, .sda or .distillgan",
                    self._import,
                    suffixes=FILES,
                    width=520,
                )
            with dpg.child_window(always_use_window_padding=True):
                self._build_details()

    def _build_table(self) -> None:
        with dpg.table(
            tag="library.table", sortable=True, callback=lambda _, order: self._sort(order), scrollY=True, freeze_rows=1,
            row_background=True, policy=dpg.mvTable_SizingFixedFit, borders_outerH=True, show=False,
        ):  # fmt: skip
            pieces.columns(self._desk, {name: WIDTHS.get(name, 0) for name in COLUMNS})

    def _build_details(self) -> None:
        desk = self._desk
        pieces.named(parts.heading(desk, "", HERE), "library.name")
        pieces.quiet(desk, name="library.plays")
        with dpg.group(tag="library.acts", show=False):
            with dpg.group(horizontal=True):
                pieces.button(desk, "Load", "library.load", self._load, theme=desk.paint.primary)
                pieces.button(desk, "Show in folder", "library.show", self._show)
                pieces.button(desk, "Delete", "library.delete", self._delete, theme=desk.paint.danger)
            with dpg.group(horizontal=True):
                dpg.add_input_text(
                    tag="library.newname",
                    label="##library.newname",
                    width=desk.look.px(240),
                    hint="Another name",
                    on_enter=True,
                    callback=self._rename,
                )
                pieces.button(desk, "Rename", "library.rename", self._rename)
        self._notice = Notice(desk, HERE)
        dpg.add_child_window(border=False, tag="library.details")

    def refresh(self, now: float) -> None:
        home = self._home
        home.look(now)
        self._take_up()
        search = str(dpg.get_value("library.search"))
        loaded = self._desk.mirror.values.get("model")
        wanted = (home.revision, search, self._column, self._descending, loaded)
        if wanted != self._listed:
            self._listed = wanted
            self._rows = chosen(home.glance.rows, search, self._column, descending=self._descending)
            self._fill(loaded)
        row = self._row()
        pieces.say("library.plays", PLAYS if row is not None and row.meant_by(loaded) else "")
        if (shown := (home.revision, self._chosen)) != self._detailed:
            self._detailed = shown
            self._tell(row)
        pieces.allow(self._desk, "library.load", row is not None and row.entry.document is not None and self._desk.mirror.there)

    def close(self) -> None:
        """Nothing goes on."""

    def _fill(self, loaded: object) -> None:
        """The table's rows, made anew where the list changed; that of the loaded model has another ground."""
        dpg.delete_item("library.table", children_only=True, slot=1)
        height = pieces.rows_of("library.table", self._desk)
        for number, row in enumerate(self._rows):
            name, *rest = row.cells
            with dpg.table_row(parent="library.table"):
                dpg.add_selectable(
                    label=f"{name}##{row.key}", tag=f"library.row.{number}", span_columns=True, user_data=row.key,
                    default_value=row.key == self._chosen, height=height, callback=lambda _, on, key: self._choose(key),
                )  # fmt: skip
                for cell in rest:
                    dpg.add_text(cell)
            if row.meant_by(loaded):
                dpg.highlight_table_row("library.table", number, self._desk.look.palette.raised)
            else:
                dpg.unhighlight_table_row("library.table", number)
        glance = self._home.glance
        nothing = not self._rows and glance.weights is not None
        pieces.say("library.empty", self._home.error or ((NONE_FOUND if glance.rows else EMPTY) if nothing else ""))
        pieces.visible("library.empty", nothing or bool(self._home.error))
        pieces.visible("library.table", bool(self._rows))

    def _choose(self, key: str) -> None:
        self._chosen = key
        self._notice.say("")
        for number, row in enumerate(self._rows):
            dpg.set_value(f"library.row.{number}", row.key == key)

    def _sort(self, order: list[list[int]] | None) -> None:
        if order:
            column, direction = order[0]
            self._column, self._descending = str(dpg.get_item_label(column)), direction < 0

    def _tell(self, row: Row | None) -> None:
        """Everything about a model, made anew where another one was chosen."""
        dpg.delete_item("library.details", children_only=True)
        pieces.visible("library.acts", row is not None)
        pieces.say("library.name", row.entry.name if row else "")
        if row is None:
            if self._home.glance.rows:
                dpg.add_text("Choose a model to see what it is made of.", parent="library.details", wrap=0)
            return
        dpg.set_value("library.newname", row.entry.name)
        source = self._home.library.source(row.entry.id) if row.entry.id else None
        for title, pairs in details(row, source):
            with dpg.group(parent="library.details"):
                dpg.add_spacer(height=self._desk.look.px(4))
                dpg.add_text(title, color=self._desk.look.palette.accent)
                for name, text in pairs:
                    dpg.add_text(text, parent=parts.labelled(self._desk, name, HERE, width=150) if name else HERE, wrap=0)

    # What can be done with the chosen one.

    def _row(self) -> Row | None:
        return next((row for row in self._home.glance.rows if row.key == self._chosen), None)

    def _load(self) -> None:
        if (row := self._row()) is not None:
            self._desk.mirror.set("model", row.entry.id)
            self._notice.say(f"{row.entry.name} is being loaded.", "good")

    def _show(self) -> None:
        if (row := self._row()) is not None:
            pieces.in_folder(self._home, row.entry.path, self._notice)

    def _rename(self) -> None:
        row, name = self._row(), str(dpg.get_value("library.newname"))

        def work() -> str:
            assert row is not None
            self._chosen = self._home.library.rename(row.entry.path, name).name
            return f"{row.entry.name} is called {name.strip()} now."

        if row is not None:
            self._do(work)

    def _delete(self) -> None:
        row = self._row()

        def work() -> str:
            assert row is not None
            self._home.library.delete(row.entry.path)
            return f"{row.entry.name} was deleted."

        if row is not None:
            text = f"{row.entry.name} is removed for good, with its file {row.entry.path.name}. The recordings stay."
            self._question.ask("Delete a model", text, "Delete it", lambda: self._do(work))

    def _do(self, work: Callable[[], str]) -> None:
        if not self._work.ask(work):
            self._notice.say("Something else is still being done; try again in a moment.", "warn")

    def _import(self, path: str) -> None:
        if self._importing:
            self._notice.say("Another file is still being brought in; try again in a moment.", "warn")
        elif path:
            self._home.commands.start("import", "model", "import", path)
            self._importing = True
            self._notice.say("It is being brought in.")

    def _take_up(self) -> None:
        """What came of something that took a while."""
        if self._work.count != self._worked:
            self._worked = self._work.count
            self._notice.say(self._work.error or self._work.value or "", "bad" if self._work.error else "good")
            self._home.hurry()
        commands = self._home.commands
        if self._importing and not commands.at_work("import"):
            self._importing = False
            failure = commands.failure("import")
            self._notice.say(failure or "It is in the library now.", "bad" if failure else "good")
            self._home.hurry()
