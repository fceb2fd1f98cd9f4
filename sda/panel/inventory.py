"""What can be seen in the window, as JSON: where each item is and what it says. For tests, and for a report of what went wrong.

Written to the file that the environment names in `SDA_PANEL_INVENTORY`, once it is not there: who wants another takes it away.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import dearpygui.dearpygui as dpg

from sda.formats import whole

NAME = "SDA_PANEL_INVENTORY"
SAYING = ("mvText", "mvInputText", "mvCombo", "mvCheckbox", "mvRadioButton", "mvListbox", "mvTabBar")


class Inventory:
    """Keeps the file."""

    def __init__(self) -> None:
        name = os.environ.get(NAME)
        self._path = Path(name) if name else None

    def refresh(self, now: float) -> None:
        """Write the file where it is wanted; now: s of the monotonic clock."""
        if self._path is not None and not self._path.exists():
            whole.write(self._path, json.dumps({"at": now, "items": seen()}).encode(), lasting=False)


def seen() -> list[dict[str, Any]]:
    """Kind, label, value and place, pixels from the window's corner, of every item that was drawn."""
    found = []
    for item in dpg.get_all_items():
        state = dpg.get_item_state(item)
        if state.get("visible") and "rect_min" in state:
            kind = dpg.get_item_type(item).rpartition("::")[2]
            value = dpg.get_value(item) if kind in SAYING else None
            place = [*state["rect_min"], *state["rect_size"]]
            found.append({"kind": kind, "label": dpg.get_item_label(item), "value": value, "place": place})
    return found
