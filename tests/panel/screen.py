"""A screen of our own, a real mouse and keyboard on it, and the panel in its own process, for the tests of the window."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PANEL = [sys.executable, "-c", "from sda.cli.main import main; main()", "panel"]
PATIENCE = 60.0  # s
STEP = 0.12  # s between two things that a hand does where nobody tells when they were seen


class Screen:
    """An X server without a screen."""

    def __init__(self, width: int = 1280, height: int = 800) -> None:
        ours, its = os.pipe()
        size = ["-screen", "0", f"{width}x{height}x24"]
        command = ["Xvfb", "-displayfd", str(its), *size, "+extension", "GLX", "-nolisten", "tcp"]
        self.process = subprocess.Popen(command, pass_fds=[its], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(its)
        with os.fdopen(ours) as told:
            self.name = f":{told.readline().strip()}"
        self.size = (width, height)
        self.settle: Callable[[], object] = lambda: time.sleep(STEP)  # wait until the window has seen what a hand did

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "DISPLAY": self.name, "LP_NUM_THREADS": os.environ.get("LP_NUM_THREADS", "1")}

    def do(self, *arguments: str | int) -> str:
        """One thing that xdotool does."""
        command = ["xdotool", *map(str, arguments)]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=30, check=True)
        return done.stdout

    def point(self, x: float, y: float) -> None:
        self.do("mousemove", round(x), round(y))
        self.settle()

    def press(self) -> None:
        self.do("mousedown", 1)
        self.settle()

    def let_go(self) -> None:
        self.do("mouseup", 1)
        self.settle()

    def click(self, x: float, y: float) -> None:
        self.point(x, y)
        self.press()
        self.let_go()

    def double_click(self, x: float, y: float) -> None:
        self.point(x, y)
        time.sleep(0.4)  # so that what went before is no half of it
        self.do("click", "--repeat", 2, "--delay", 90, 1)
        self.settle()

    def drag(self, start: tuple[float, float], end: tuple[float, float], *, held: str = "") -> None:
        self.point(*start)
        if held:
            self.do("keydown", held)
            self.settle()
        self.press()
        for share in (0.25, 0.5, 0.75, 1.0):
            self.point(*(a + (b - a) * share for a, b in zip(start, end, strict=True)))
        self.let_go()
        if held:
            self.do("keyup", held)

    def key(self, *names: str) -> None:
        for name in names:
            self.do("key", name)
            self.settle()

    def type(self, text: str) -> None:
        self.do("type", "--delay", 60, "--", text)
        self.settle()

    def picture(self, path: Path) -> Path:
        """All of it, as a PNG."""
        subprocess.run(["import", "-window", "root", str(path)], env=self.environment, timeout=60, check=True)
        return path

    def colour(self, x: float, y: float) -> tuple[int, int, int]:
        """Of one pixel."""
        crop = ["-crop", f"1x1+{round(x)}+{round(y)}", "-depth", "8", "rgb:-"]
        done = subprocess.run(
            ["import", "-window", "root", *crop], env=self.environment, capture_output=True, timeout=60, check=True
        )
        red, green, blue = done.stdout[:3]
        return red, green, blue

    def close(self) -> None:
        self.process.terminate()
        self.process.wait(10)


class Panel:
    """`sda-engine panel` on a screen, and what is seen in it."""

    def __init__(self, screen: Screen, port: int, folder: Path) -> None:
        self.screen, self._file = screen, folder / "inventory.json"
        size = "x".join(map(str, screen.size))
        command = [*PANEL, "--connect", f"127.0.0.1:{port}", "--size", size, "--at", "0x0"]
        environment = {**screen.environment, "SDA_PANEL_INVENTORY": str(self._file)}
        self.process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        screen.settle = self._settle

    def _settle(self) -> None:
        """What happened before a frame is looked at in the next one, and what came of that is seen in the one after it."""
        for _ in range(3):
            self.items()

    def items(self) -> list[dict[str, Any]]:
        """What is drawn from now on."""
        now, end = time.monotonic(), time.monotonic() + PATIENCE
        self._file.unlink(missing_ok=True)
        while time.monotonic() < end:
            assert self.process.poll() is None, self.process.stdout.read()  # type: ignore[union-attr]
            time.sleep(0.01)
            if not self._file.exists():
                continue
            found = json.loads(self._file.read_bytes())
            if found["at"] > now:
                items: list[dict[str, Any]] = found["items"]
                return items
            self._file.unlink()  # that frame had begun before
        raise AssertionError("nothing is drawn")

    def until(self, wanted: Callable[[list[dict[str, Any]]], Any]) -> Any:
        """What `wanted` finds among the items, as soon as it finds something."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            items = self.items()
            if found := wanted(items):
                return found
        raise AssertionError([(item["kind"], item["label"], item["value"]) for item in items])

    def place(self, label: str, kind: str = "", share: float = 0.5, nth: int = 0) -> tuple[float, float]:
        """A point in an item: so far from left to right, in its middle."""

        def named(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
            found = [i for i in items if i["label"] == label and i["kind"].endswith(kind)]
            return found if len(found) > nth else []

        left, top, width, height = self.until(named)[nth]["place"]
        return left + width * share, top + height / 2

    def click(self, label: str, kind: str = "", share: float = 0.5, nth: int = 0) -> None:
        self.screen.click(*self.place(label, kind, share, nth))

    def says(self, text: str) -> None:
        """Wait until some item says this."""
        self.until(lambda items: any(text in str(i["value"]) or text in str(i["label"]) for i in items))

    def value(self, label: str) -> Any:
        """What an item says."""
        return self.until(lambda items: [i for i in items if i["label"] == label])[0]["value"]

    def show(self, title: str) -> None:
        """Bring a view to the front."""
        self.click(title, "mvTab")

    def close(self) -> None:
        self.process.kill()
        self.process.communicate()


@contextmanager
def screen(width: int = 1280, height: int = 800) -> Iterator[Screen]:
    made = Screen(width, height)
    try:
        yield made
    finally:
        made.close()


@contextmanager
def panel(on: Screen, port: int, folder: Path) -> Iterator[Panel]:
    made = Panel(on, port, folder)
    try:
        yield made
    finally:
        made.close()
