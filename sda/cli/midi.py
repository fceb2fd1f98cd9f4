"""`sda-engine midi`: what controllers send."""

from __future__ import annotations

import time

import click

from sda.cli import output

FREQUENT = ("clock", "active sensing")  # words that come all the time


@click.group()
def midi() -> None:
    """Show what MIDI controllers send."""


@midi.command()
@click.argument("ports", nargs=-1, metavar="[PORT]...")
@click.option("--all", "everything", is_flag=True, help="The ticks of a clock as well.")
@click.option("--seconds", type=click.FloatRange(0, min_open=True), help="End after so long; otherwise Ctrl-C ends it.")
def monitor(ports: tuple[str, ...], everything: bool, seconds: float | None) -> None:
    """Print what comes in at the MIDI inputs whose names hold PORT; at all of them where none is named.

    What an engine sends to its controllers is shown by `sda-engine midi monitor sda`.
    """
    from sda.adapters.midi_bytes import words
    from sda.live import midi_listing

    begun = time.monotonic()
    before: list[str] = []
    for message in midi_listing.monitor(ports):
        if message["kind"] == "ports":
            for text in _news(message, before):
                click.echo(output.printable(text), err=True)
            before = message["inputs"]
        elif message["kind"] == "midi":
            text = words(bytes(message["data"]))
            if everything or text not in FREQUENT:
                data = " ".join(f"{byte:02X}" for byte in message["data"])
                port = output.printable(message["port"])
                click.echo(f"{message['time'] - begun:9.3f}  {port:<24}  {data:<8}  {text}")
        if seconds is not None and time.monotonic() - begun > seconds:
            return


def _news(message: dict[str, object], before: list[str]) -> list[str]:
    inputs, held, trouble = message["inputs"], message["held"], message["trouble"]
    assert isinstance(inputs, list)
    assert isinstance(held, list)
    came = [f"listening to {name}" for name in inputs if name not in before]
    went = [f"{name} is gone" for name in before if name not in inputs]
    return [*([str(trouble)] if trouble else []), *came, *went, *map(str, held)]
