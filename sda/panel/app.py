"""The panel's window: one thread, one loop, a capped frame rate, a tab for each view.

Dear PyGui's callbacks are run by this loop as well (its manual callback management), so that nothing of it happens in
another thread: its lock and Python's would wait for each other some day.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable
from functools import partial

import dearpygui.dearpygui as dpg

from sda.adapters.osc import is_loopback
from sda.panel import machine, theme
from sda.panel.hand import Hand
from sda.panel.inventory import Inventory
from sda.panel.log import Log
from sda.panel.mapping import Mapping
from sda.panel.mirror import Address, Mirror
from sda.panel.palette import PALETTES
from sda.panel.play import Play
from sda.panel.settings import Settings
from sda.panel.taste import Taste
from sda.panel.transport import Transport
from sda.panel.view import Desk, View

FRAMES, RESTING = 30, 15  # a second at the most, and where the hand rests: without a GPU each costs the processor dearly
BUSY_S = 1.0  # s after which a hand rests
REST_S = 0.25  # s between two looks of a view that is not shown
SIZE, CORNER = (1280, 800), (40, 60)  # pixels, of a new window and of its corner on the screen

Maker = Callable[[Desk], View]
VIEWS: tuple[Maker, ...] = (Play, Mapping, Log, Settings)
WIRED = (Play, Mapping)  # views of which nothing works without the engine
VEIL = 150  # of 255, over those while it is gone


class App:
    """A window on an engine, from `run` to its end."""

    def __init__(self, place: Address, *, size: tuple[int, int] | None = None, at: tuple[int, int] | None = None) -> None:
        """place: where the engine receives OSC. size, at: of the window and of its corner on the screen, pixels."""
        self.mirror = Mirror(place)
        self._home = machine.home_beside(self.mirror)
        self._size, self._at = size or SIZE, at or CORNER
        self._views: list[View] = []
        self._tabs: dict[int | str, View] = {}
        self._content: dict[int | str, int | str] = {}  # of each tab
        self._again = False
        self._closing = False
        self._rested = 0.0
        self._told: set[str] = set()  # bugs
        self._inventory = Inventory()

    def run(self) -> None:
        """Show the window until it is closed. Call it in the process's main thread."""
        self.mirror.start()
        dpg.create_context()
        try:
            self._open()
            while dpg.is_dearpygui_running() and not self._closing:
                self._frame()
                if self._again:
                    self._clear()
                    self._furnish()
        finally:
            for view in self._views:
                view.close()
            self._home.close()
            dpg.destroy_context()
            self.mirror.close()

    def close(self) -> None:
        """End the run, from any thread."""
        self._closing = True

    # The window.

    def _open(self) -> None:
        dpg.configure_app(manual_callback_management=True)
        host, port = self.mirror.place
        width, height = self._size
        dpg.create_viewport(
            title=f"sda {host}:{port}", width=width, height=height, x_pos=self._at[0], y_pos=self._at[1],
            min_width=800, min_height=560, vsync=False,
        )  # fmt: skip
        dpg.setup_dearpygui()
        self._furnish()
        dpg.show_viewport()

    def _furnish(self) -> None:
        """Fill the window, in the look that the taste of now asks for."""
        self._again, taste = False, Taste.read()
        look = theme.Look(
            PALETTES.get(taste.palette, next(iter(PALETTES.values()))),
            taste.scale or theme.scale_for(dpg.get_viewport_client_height() if dpg.is_viewport_ok() else self._size[1]),
            taste.font_points or theme.TEXT,
        )
        dpg.set_viewport_clear_color(look.palette.ground)
        host = self.mirror.place[0]
        self._desk = Desk(self.mirror, look, theme.install(look), Hand(), is_loopback(host), self._show, self._reopen)
        self._build()

    def _clear(self) -> None:
        """Empty the window. The context stays: Dear PyGui does not outlive a second one in a process."""
        for view in self._views:
            view.close()
        for item in dpg.get_windows():  # fonts, themes and textures are among them, which must outlive what is drawn with them
            if dpg.get_item_type(item).endswith(("mvWindowAppItem", "mvViewportDrawlist")):
                dpg.delete_item(item)

    def _build(self) -> None:
        window = dpg.add_window(no_saved_settings=True, no_background=True)
        dpg.set_primary_window(window, True)
        self._transport = Transport(self._desk)
        self._transport.build(window)
        self._bar = dpg.add_tab_bar(parent=window)
        play, *others = (make(self._desk) for make in VIEWS)
        self._views = [play, *machine.views(self._desk, self._home), *others]
        self._tabs, self._content = {}, {}
        for view in self._views:
            tab = dpg.add_tab(label=view.title, parent=self._bar)
            self._tabs[tab] = view
            self._content[tab] = dpg.add_group(parent=tab)
            view.build(self._content[tab])
        ground = self._desk.look.palette.ground
        over = dpg.add_viewport_drawlist(front=True)
        self._veil = dpg.draw_rectangle((0, 0), (0, 0), fill=(*ground, VEIL), color=(*ground, 0), parent=over, show=False)

    def _frame(self) -> None:
        begun = time.monotonic()
        self._safely(lambda: self._desk.hand.look(begun))
        self._safely(lambda: dpg.run_callbacks(dpg.get_callback_queue()))
        self._safely(lambda: self._transport.refresh(begun))
        shown, rest = self._shown(), begun - self._rested > REST_S
        if rest:
            self._rested = begun
        for view in self._views:
            if view is shown or rest:
                self._safely(partial(view.refresh, begun))
        self._desk.hand.after()
        self._safely(lambda: self._show_veil(shown))
        self._safely(lambda: self._inventory.refresh(begun))
        dpg.render_dearpygui_frame()
        if not self._desk.hand.stale:
            pace = FRAMES if begun - self._desk.hand.busy_at < BUSY_S else RESTING
            time.sleep(max(0.0, 1 / pace - (time.monotonic() - begun)))

    def _safely(self, work: Callable[[], object]) -> None:
        """A bug in one part of the window is told once, and the rest goes on: a concert may hang on it."""
        try:
            work()
        except Exception as error:
            text = f"a bug in the panel: {type(error).__name__}: {error}"
            if text not in self._told:
                self._told.add(text)
                traceback.print_exc()
                self.mirror.note("error", text)

    def _shown(self) -> View | None:
        tab = dpg.get_value(self._bar)
        return self._tabs.get(tab) or self._tabs.get(dpg.get_alias_id(tab)) if tab else next(iter(self._views), None)

    def _show_veil(self, shown: View | None) -> None:
        """Grey what is of no use while the engine is gone."""
        gone = isinstance(shown, WIRED) and not self.mirror.there
        if gone:
            tab = next(tab for tab, view in self._tabs.items() if view is shown)
            top = dpg.get_item_rect_min(self._content[tab])[1]
            size = (dpg.get_viewport_client_width(), dpg.get_viewport_client_height())
            dpg.configure_item(self._veil, pmin=(0, top), pmax=size)
        dpg.configure_item(self._veil, show=gone)

    def _show(self, title: str) -> None:
        tab = next((tab for tab, view in self._tabs.items() if view.title == title), None)
        if tab is not None:
            dpg.set_value(self._bar, tab)

    def _reopen(self) -> None:
        self._again = True
