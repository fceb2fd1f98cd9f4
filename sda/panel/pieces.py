"""Widgets that only the views of this machine's files have: a path to choose, a sound to look at and play, lists of either."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import dearpygui.dearpygui as dpg

from sda.errors import SdaError
from sda.panel import orders, parts
from sda.panel.home import Home
from sda.panel.later import Later
from sda.panel.palette import Colour
from sda.panel.parts import Notice
from sda.panel.results import Floats, outline
from sda.panel.view import Desk

USED = ("mvButton", "mvInputText", "mvInputFloat", "mvInputInt", "mvCombo", "mvCheckbox", "mvRadioButton")
HERE = 0  # as a parent: the container that is being filled
COLUMNS = 800  # of a sound's picture


def named(item: int | str, name: str) -> str:
    """Give an item a name to be found by."""
    dpg.add_alias(name, item)
    return name


def beside(desk: Desk, parent: int | str, name: str, width: int, form: Callable[[], None], course: Callable[[], None]) -> None:
    """A form of so many points, and beside it what comes of it."""
    with dpg.group(horizontal=True, parent=parent, tag=name):
        with dpg.child_window(always_use_window_padding=True, width=desk.look.px(width)):
            form()
        with dpg.child_window(always_use_window_padding=True):
            course()


def button(desk: Desk, label: str, name: str, press: Callable[[], None], *, theme: int | None = None) -> str:
    """A button with a name, here. It is greyed and gets its colour back by `allow`."""
    item = parts.button(desk, label, HERE, press, theme=theme)
    dpg.set_item_user_data(item, theme or 0)
    return named(item, name)


def quiet(desk: Desk, text: str = "", name: str = "", *, wrap: int = -1) -> int | str:
    """Text that is no news, here."""
    item = dpg.add_text(text, wrap=wrap)
    dpg.bind_item_theme(item, desk.paint.quiet)
    return named(item, name) if name else item


def say(item: int | str, text: str) -> None:
    """A text's words; set where they changed."""
    if dpg.get_value(item) != text:
        dpg.set_value(item, text)


def allow(desk: Desk, item: int | str, allowed: bool) -> None:
    """Whether an item can be used now; set where that changed."""
    if dpg.get_item_configuration(item)["enabled"] != allowed:
        dpg.configure_item(item, enabled=allowed)
        dpg.bind_item_theme(item, dpg.get_item_user_data(item) or 0 if allowed else greyed(desk))


def greyed(desk: Desk) -> int | str:
    """The theme of what cannot be used now; made once for a palette, since themes outlive a window made anew."""
    palette = desk.look.palette
    name = f"greyed {palette.name}"
    if not dpg.does_item_exist(name):
        shades = ("Button", "ButtonHovered", "ButtonActive", "FrameBg", "FrameBgHovered", "FrameBgActive")
        with dpg.theme(tag=name), dpg.theme_component(dpg.mvAll, enabled_state=False):
            for shade in shades:
                dpg.add_theme_color(getattr(dpg, f"mvThemeCol_{shade}"), palette.ground)
            dpg.add_theme_color(dpg.mvThemeCol_Text, palette.dim)
    return name


def grey_all(desk: Desk, container: int | str) -> None:
    """Let nothing in a container be used."""
    for item in (child for slot in dpg.get_item_children(container).values() for child in slot):
        if dpg.get_item_type(item).endswith(USED):
            dpg.configure_item(item, enabled=False)
            dpg.bind_item_theme(item, greyed(desk))
        grey_all(desk, item)


def visible(item: int | str, shown: bool) -> None:
    """Whether an item is there; set where that changed."""
    if dpg.get_item_configuration(item)["show"] != shown:
        dpg.configure_item(item, show=shown)


def columns(desk: Desk, widths: Mapping[str, int]) -> None:
    """A table's columns, here: their names and widths in points; 0 takes what is left."""
    for name, width in widths.items():
        dpg.add_table_column(
            label=name, width_stretch=not width, width_fixed=bool(width), init_width_or_weight=desk.look.px(width) or 1.0
        )


def entries(combo: str, texts: Sequence[str], first: str = "") -> None:
    """The entries of a combo; set where they changed. What was chosen stays while it is among them."""
    if list(dpg.get_item_configuration(combo)["items"]) != list(texts):
        dpg.configure_item(combo, items=list(texts))
    if dpg.get_value(combo) not in texts:
        dpg.set_value(combo, first if first in texts else next(iter(texts), ""))


def inked(colour: Colour, weight: float) -> int:
    """A theme for lines and areas of plots. weight: pixels."""
    with dpg.theme() as theme, dpg.theme_component(dpg.mvAll):
        for part in (dpg.mvPlotCol_Line, dpg.mvPlotCol_Fill):
            dpg.add_theme_color(part, colour, category=dpg.mvThemeCat_Plots)
        dpg.add_theme_style(dpg.mvPlotStyleVar_LineWeight, weight, category=dpg.mvThemeCat_Plots)
    return int(theme)


def rows_of(table: str, desk: Desk) -> int:
    """Let the first cells of a table's rows stand on one line with the others; the height of such a cell, pixels."""
    if not dpg.does_item_exist("rows"):
        with dpg.theme(tag="rows"), dpg.theme_component(dpg.mvAll):
            dpg.add_theme_style(dpg.mvStyleVar_SelectableTextAlign, 0, 0.5)
    dpg.bind_item_theme(table, "rows")
    return desk.look.line


class PathField:
    """A path: written by hand, or picked in the toolkit's dialogue."""

    def __init__(
        self, desk: Desk, name: str, hint: str, done: Callable[[str], None], *, suffixes: Sequence[str] = (), width: int = 360
    ) -> None:
        """`done` is called with what was entered or picked. suffixes: of a file; none means a folder. width: points."""
        self._desk, self._name, self._suffixes, self._done = desk, name, suffixes, done
        self._dialogue: int | str = 0
        with dpg.group(horizontal=True):
            dpg.add_input_text(
                tag=name,
                label=f"##{name}",
                hint=hint,
                width=desk.look.px(width),
                on_enter=True,
                callback=lambda: done(self.text),
            )
            button(desk, "Browse", f"{name}.browse", self._browse)

    @property
    def text(self) -> str:
        return str(dpg.get_value(self._name)).strip()

    def _browse(self) -> None:
        """The dialogue is made at its first use: it reads a folder when it is made."""
        if not self._dialogue:
            px = self._desk.look.px
            self._dialogue = dpg.add_file_dialog(
                label="Choose a file" if self._suffixes else "Choose a folder", directory_selector=not self._suffixes,
                modal=True, show=False, width=px(680), height=px(440), default_path=str(Path.home()),
                callback=lambda _, chosen: self._picked(str(chosen["file_path_name"])),
            )  # fmt: skip
            for suffix in self._suffixes:
                dpg.add_file_extension(suffix, parent=self._dialogue)
        dpg.configure_item(self._dialogue, show=True)

    def _picked(self, path: str) -> None:
        dpg.set_value(self._name, path)
        self._done(path)


class Minutes:
    """How long a training takes: a preset, or any other number."""

    def __init__(self, desk: Desk, name: str) -> None:
        """Here."""
        self._name = name
        first = "good"
        line = parts.labelled(desk, "training", HERE, "How long it takes. It can be stopped, and gone on with.")
        dpg.add_combo(
            tuple(orders.PRESETS), parent=line, tag=f"{name}.preset", label=f"##{name}.preset", default_value=first,
            width=desk.look.px(92), callback=lambda _, preset: dpg.set_value(name, orders.PRESETS[preset]),
        )  # fmt: skip
        dpg.add_input_float(
            parent=line, tag=name, label=f"##{name}", default_value=orders.PRESETS[first], min_value=0.01, max_value=10_000,
            step=0, min_clamped=True, max_clamped=True, format="%.2f", width=desk.look.px(64),
        )  # fmt: skip
        dpg.add_text("minutes", parent=line)

    @property
    def value(self) -> float:
        return float(dpg.get_value(self._name))


class Sound:
    """A sound file: its picture, where playing is in it, and buttons to play it and to find it."""

    def __init__(self, desk: Desk, home: Home, name: str, notice: Notice) -> None:
        """Here, as wide as there is room."""
        self._home, self._name, self._notice = home, name, notice
        self._path: Path | None = None
        self._seconds = 0.0
        self._later = Later[tuple[Path, Floats]]()
        self._taken = 0
        self._heard: Path | None = None  # what was started from here
        with dpg.group(show=False) as self._group:
            self._build_picture(desk)
            with dpg.group(horizontal=True):
                button(desk, "Play", f"{name}.play", self.toggle, theme=desk.paint.primary)
                button(desk, "Show in folder", f"{name}.show", self._show)
                quiet(desk, name=f"{name}.facts")

    def _build_picture(self, desk: Desk) -> None:
        bare = {"no_tick_labels": True, "no_tick_marks": True, "no_gridlines": True, "no_menus": True, "no_highlight": True}
        look, name = desk.look, self._name
        with dpg.plot(width=-1, height=look.px(96), no_menus=True, no_mouse_pos=True, no_inputs=True):
            dpg.set_axis_limits(dpg.add_plot_axis(dpg.mvXAxis, **bare), 0, COLUMNS)
            with dpg.plot_axis(dpg.mvYAxis, **bare) as axis:
                dpg.set_axis_limits(axis, -1, 1)
                dpg.add_shade_series([0, 0], [0, 0], y2=[0, 0], tag=f"{name}.wave")
                dpg.add_inf_line_series([-1], tag=f"{name}.place")
            for item, colour in (("wave", look.palette.cool), ("place", look.palette.accent)):
                dpg.bind_item_theme(f"{name}.{item}", inked(colour, look.px(2)))

    def set(self, path: Path | None, seconds: float = 0.0, facts: str = "") -> None:
        """Show this file, so many seconds long."""
        visible(self._group, path is not None)
        say(f"{self._name}.facts", facts)
        if path is not None and path != self._path:
            self._later.ask(lambda: (path, outline(path, COLUMNS)))
        self._path, self._seconds = path, seconds

    def refresh(self, now: float) -> None:
        """Take up a picture that came, and how playing goes."""
        listening = self._home.listening
        if self._heard is not None and listening.path != self._heard:
            self._notice.say(listening.error, "bad")
            self._heard = None
        if self._path is None:
            return
        if self._later.count != self._taken:
            self._taken = self._later.count
            self._drawn(self._path)
        playing = listening.path == self._path
        label = "Stop" if playing else "Play"
        if dpg.get_item_label(f"{self._name}.play") != label:
            dpg.set_item_label(f"{self._name}.play", label)
        share = min(1.0, (now - listening.began) / self._seconds) if playing and self._seconds else -1
        dpg.set_value(f"{self._name}.place", [[share * COLUMNS]])

    def toggle(self) -> None:
        """Play it, or be silent."""
        listening, path = self._home.listening, self._path
        if path is None or listening.path == path:
            self._heard = None
            listening.stop()
        else:
            self._heard = path
            listening.start(path)

    def _drawn(self, path: Path) -> None:
        found = self._later.value
        if self._later.error:
            self._notice.say(self._later.error, "bad")
        elif found is not None and found[0] == path:
            low, high = found[1].reshape(-1, 2).T.tolist()
            dpg.set_value(f"{self._name}.wave", [list(range(COLUMNS)), high, low])
        else:  # another one was chosen meanwhile
            self._later.ask(lambda: (path, outline(path, COLUMNS)))

    def _show(self) -> None:
        if self._path is not None:
            in_folder(self._home, self._path, self._notice)


def in_folder(home: Home, path: Path, notice: Notice) -> None:
    """Show a file in its folder, or say why that cannot be."""
    try:
        home.show_in_folder(path)
    except SdaError as error:
        notice.say(str(error), "bad")
