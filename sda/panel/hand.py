"""The mouse and the keys as they are in this frame, for what is drawn by the panel itself."""

from __future__ import annotations

import dearpygui.dearpygui as dpg

DOUBLE_S = 0.45  # s; frames may be slow, and what counts is when they see a press
NEAR = 8  # pixels between the presses of a double click
TYPED_IN = ("mvInputText", "mvInputFloat", "mvInputInt", "mvInputDouble")


class Hand:
    """Asked of Dear PyGui once a frame."""

    def __init__(self) -> None:
        self.x = self.y = 0.0  # pixels from the window's corner
        self.down = self.pressed = self.released = self.double = False  # the left button
        self.fine = False  # shift is held
        self.held: object = None  # what the mouse pressed on, until it lets go
        self.chosen: object = None  # what the keys move
        self.busy_at = 0.0  # s, when it last did something
        self._typing = (False, False)  # in the last frame and in this one
        self._last = (float("-inf"), 0.0, 0.0)  # when and where the last press was that was no second one

    def look(self, now: float) -> None:
        """Take in this frame, at `now` s of the monotonic clock."""
        x, y = dpg.get_mouse_pos(local=False)
        if (x, y) != (self.x, self.y) or self.down or any(self._typing):
            self.busy_at = now
        self.x, self.y = x, y
        down = dpg.is_mouse_button_down(dpg.mvMouseButton_Left)
        self.pressed, self.released = down and not self.down, self.down and not down
        self.down = down
        self.double = self.pressed and self._follows(now)
        self.fine = dpg.is_key_down(dpg.mvKey_LShift) or dpg.is_key_down(dpg.mvKey_RShift)
        self._typing = (self._typing[1], _field_has_keys())
        if self.pressed:
            self.held = self.chosen = None

    def _follows(self, now: float) -> bool:
        """Whether this press makes a double click of the one before."""
        at, x, y = self._last
        double = now - at < DOUBLE_S and max(abs(self.x - x), abs(self.y - y)) < NEAR
        self._last = (float("-inf") if double else now, self.x, self.y)
        return double

    @property
    def stale(self) -> bool:
        """Whether the button has moved since this frame was looked at: another look is due at once."""
        return bool(dpg.is_mouse_button_down(dpg.mvMouseButton_Left)) != self.down

    def after(self) -> None:
        """All views have looked."""
        if not self.down:
            self.held = None

    def hit(self, key: int) -> bool:
        """Whether a key went down, or repeats, and no text is being typed."""
        return bool(dpg.is_key_pressed(key)) and not self.typing

    @property
    def control(self) -> bool:
        """Whether a control key is held."""
        return bool(dpg.is_key_down(dpg.mvKey_LControl) or dpg.is_key_down(dpg.mvKey_RControl))

    @property
    def typing(self) -> bool:
        """Whether keys go into a field, or the one that left it did."""
        return any(self._typing)


def _field_has_keys() -> bool:
    item = dpg.get_focused_item()
    if not item or not dpg.does_item_exist(item):  # it may have gone with its window
        return False
    return dpg.get_item_type(item).endswith(TYPED_IN) and bool(dpg.get_item_state(item).get("active"))  # others lack it
