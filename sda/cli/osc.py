"""`sda-engine osc`: what an engine tells its listeners."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING

import click

from sda.cli import output
from sda.errors import DeviceError

if TYPE_CHECKING:
    from sda.adapters.osc_packet import Arg, Message
    from sda.adapters.osc_probe import Asker

FREQUENT = ("/sda/meter", "/sda/rev", "/sda/pong")  # addresses that come all the time
ANSWER_S = 5.0  # for an engine to answer
PING_S = 2.0  # between two signs of life: they keep us a listener, and show when the engine is gone
RETRY_S = 1.0  # between two looks for an engine that is gone


@click.group()
def osc() -> None:
    """Watch the OSC of a running engine."""


@osc.command()
@click.argument("prefix", default="")
@click.option("--osc", "place", default="127.0.0.1:16180", show_default=True, metavar="HOST:PORT", help="Where the engine is.")
@click.option("--all", "everything", is_flag=True, help="Levels and revisions as well, which come all the time.")
@click.option("--seconds", type=click.FloatRange(0, min_open=True), help="End after so long; otherwise Ctrl-C ends it.")
def monitor(prefix: str, place: str, everything: bool, seconds: float | None) -> None:
    """Print what listeners hear: every value, then every change, progress, errors and the engine's own words.

    With PREFIX only what begins so: slider, gain, train.
    """
    from sda.adapters.osc import parse_host_port
    from sda.adapters.osc_packet import encode
    from sda.adapters.osc_probe import Asker

    end = float("inf") if seconds is None else time.monotonic() + seconds
    with Asker(parse_host_port(place), ANSWER_S) as engine:
        try:
            _listen(engine, prefix, everything)
        except OSError as error:
            why = "no engine answers there; start one with `sda-engine run`, or say where it is"
            raise DeviceError(f"--osc {place}: {why}") from error
        while time.monotonic() < end:
            try:
                for message in engine.heard(min(PING_S, end - time.monotonic())):
                    _show(message, everything)
                engine.send(encode("/sda/ping"))
            except OSError:
                _await(engine, prefix, everything, end)
        engine.send(encode("/sda/unlisten"))


def _listen(engine: Asker, prefix: str, everything: bool) -> None:
    """Become a listener, and show the values of now. Raises `OSError` where no engine answers."""
    from sda.adapters.osc_packet import encode

    engine.send(encode("/sda/log/listen"))
    engine.send(encode("/sda/listen", prefix))
    for message in engine.heard(ANSWER_S):
        _show(message, everything)
        if message.address == "/sda/rev":  # the last of them
            return
    raise TimeoutError


def _await(engine: Asker, prefix: str, everything: bool, end: float) -> None:
    """Wait for an engine that is gone."""
    click.echo("the engine is gone; waiting for it", err=True)
    while time.monotonic() < end:
        with suppress(OSError):
            _listen(engine, prefix, everything)
            return
        time.sleep(min(RETRY_S, max(0.0, end - time.monotonic())))


def _show(message: Message, everything: bool) -> None:
    if everything or message.address not in FREQUENT:
        stamp = datetime.now().strftime("%H:%M:%S.%f")[:-3]
        click.echo(f"{stamp}  {' '.join([output.printable(message.address), *map(_word, message.args)])}")


def _word(arg: Arg) -> str:
    """An argument for people: a number, a text in quotes, the size of a blob."""
    if isinstance(arg, bytes):
        return f"<{len(arg)} bytes>"
    return json.dumps(arg, ensure_ascii=False) if isinstance(arg, str) else f"{arg:g}" if isinstance(arg, float) else str(arg)
