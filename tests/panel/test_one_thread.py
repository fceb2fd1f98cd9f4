"""Dear PyGui is called in one thread only: its lock and Python's would wait for each other some day."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest
from live_session import Session
from screen import STEP, Screen

import sda

FOLDER = Path(sda.__file__).parent / "panel"
WATCHED = """
import sys, threading, time
import dearpygui.dearpygui as dpg
callers = {}
def watched(name, call):
    def wrapper(*args, **kwargs):
        callers.setdefault(threading.get_ident(), set()).add(name)
        return call(*args, **kwargs)
    return wrapper
for name in dir(dpg):
    call = getattr(dpg, name)
    if callable(call) and not name.startswith(("_", "mv")) and getattr(call, "__module__", "") == dpg.__name__:
        setattr(dpg, name, watched(name, call))
from sda.panel.app import App
app = App(("127.0.0.1", int(sys.argv[1])), size=(1280, 800), at=(0, 0))
if sys.argv[2] == "wrong":
    threading.Timer(2.0, lambda: dpg.get_frame_count()).start()
threading.Timer(7.0, app.close).start()
app.run()
main = threading.main_thread().ident
print(len(callers), len(callers[main]), sorted(set().union(*(n for i, n in callers.items() if i != main))), flush=True)
import os; os._exit(0)
"""


@pytest.mark.parametrize(("kind", "others"), [("right", []), ("wrong", ["get_frame_count"])])
def test_only_the_main_thread_calls_it(engine: Session, display: Screen, kind: str, others: list[str]) -> None:
    command = [sys.executable, "-c", WATCHED, str(engine.port), kind]
    watched = subprocess.Popen(command, env=display.environment, stdout=subprocess.PIPE, text=True)
    for _ in range(8):  # buttons, tabs and faders, wherever they are: callbacks must be ours as well
        for x, y in ((60, 30), (150, 30), (230, 30), (100, 110), (200, 110), (300, 300)):
            if watched.poll() is None:
                display.click(x, y)
    out = watched.communicate(timeout=60)[0]
    threads, calls, found = out.strip().split(" ", 2)
    assert found == str(others)
    assert int(threads) == 1 + len(others)
    assert int(calls) > 20
    assert STEP > 1 / 30


def test_no_file_of_the_panel_starts_a_thread_that_could_call_it() -> None:
    """Where a thread is started, the file does not know Dear PyGui at all."""
    for path in sorted(FOLDER.glob("*.py")):
        names = {node.attr for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Attribute)}
        if "Thread" in names:
            assert "dearpygui" not in path.read_text(), path.name
