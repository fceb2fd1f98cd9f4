"""Attached to an engine on another machine, the views of this machine's files are greyed and say why."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from sda.job import environment
from sda.panel.machine import ELSEWHERE

CODE = """
import sys
import dearpygui.dearpygui as dpg
from sda.panel import machine, theme
from sda.panel.hand import Hand
from sda.panel.mirror import Mirror
from sda.panel.palette import DUSK
from sda.panel.view import Desk
dpg.create_context()
dpg.create_viewport(width=1280, height=800)
mirror, look = Mirror(("127.0.0.1", 9)), theme.Look(DUSK, 1.0)
desk = Desk(mirror, look, theme.install(look), Hand(), sys.argv[1] == "here", print, print)
def below(item):
    for child in (child for slot in dpg.get_item_children(item).values() for child in slot):
        yield child
        yield from below(child)
for view in machine.views(desk, machine.home_beside(mirror)):
    tab = dpg.add_group(parent=dpg.add_window())
    view.build(tab)
    view.refresh(0.0)
    made = list(below(tab))
    kinds = ("mvButton", "mvInputText", "mvCombo", "mvCheckbox", "mvInputFloat", "mvInputInt", "mvRadioButton")
    used = [item for item in made if dpg.get_item_type(item).endswith(kinds)]
    free = sum(dpg.get_item_configuration(item)["enabled"] for item in used)
    words = any(dpg.get_value(item) == machine.ELSEWHERE for item in made if dpg.get_item_type(item).endswith("mvText"))
    print(view.title, len(used) > 3, free > 0, words, sep="|")
"""


def test_the_views_are_greyed_where_the_engine_is_elsewhere(home: Path) -> None:
    assert "another machine" in ELSEWHERE
    titles = ["Library", "Generate", "Train", "Train Vocoder", "Downloads"]
    for where, free, words in (("here", True, False), ("elsewhere", False, True)):
        done = subprocess.run(
            [sys.executable, "-c", CODE, where], env=environment(), capture_output=True, text=True, check=False
        )
        assert done.stdout.splitlines() == [f"{title}|True|{free}|{words}" for title in titles], done.stdout + done.stderr
