"""`sda-engine panel`: the window on an engine that runs, here or on another machine."""

from __future__ import annotations

import signal
from contextlib import suppress

import click

from sda.errors import DeviceError

LARGEST = 16_384  # pixels


@click.command()
@click.option("--connect", default="127.0.0.1:16180", show_default=True, metavar="HOST:PORT", help="Where the engine is.")
@click.option("--size", default="", metavar="WIDTHxHEIGHT", help="Of the window, in pixels.")
@click.option("--at", default="", metavar="XxY", help="Of its corner on the screen, in pixels.")
def panel(connect: str, size: str, at: str) -> None:
    """Open the panel of a running engine. It shows the state of now, and closing it leaves the sound alone."""
    from sda.adapters.osc import parse_host_port
    from sda.live.window import lacks

    place = parse_host_port(connect, "--connect")
    wanted, corner = _pair("--size", size, least=240), _pair("--at", at)
    if why := lacks():
        raise DeviceError(f"{why}: expected a screen; on a machine that has one: sda-engine panel --connect HOST:PORT")
    try:
        from sda.panel.app import App
    except ImportError as error:
        raise DeviceError(f"the window's library cannot be loaded ({error}); expected OpenGL (on Debian: libgl1)") from error
    app = App(place, size=wanted, at=corner)
    for sign in ("SIGINT", "SIGTERM"):
        with suppress(AttributeError):
            signal.signal(getattr(signal, sign), lambda *_: app.close())
    app.run()


def _pair(option: str, text: str, least: int = 0) -> tuple[int, int] | None:
    """`1280x800` in pixels; None where nothing is said. Raises `DeviceError`."""
    if not text:
        return None
    one, _, other = text.partition("x")
    numbers = [int(part) for part in (one, other) if part.isdecimal()]
    if len(numbers) != 2 or not least <= min(numbers) <= max(numbers) <= LARGEST:
        raise DeviceError(f"{option} {text}: expected pixels such as 1280x800")
    return numbers[0], numbers[1]
