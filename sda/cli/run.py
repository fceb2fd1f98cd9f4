"""`sda-engine run`: the instrument and its panel, playing until Ctrl-C."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from sda.cli.voice import device_option, fetch, offline_option, vocoder_option
from sda.errors import ControlError, DeviceError

if TYPE_CHECKING:
    from rich.console import Console

    from sda.live.engine import Engine
    from sda.params import Value

EPILOG = """\b
While it runs, any OSC client steers it; liblo's oscsend for instance:
  oscsend localhost 16180 /sda/play i 1
  oscsend localhost 16180 /sda/slider/1 f 3.5
  oscsend localhost 16180 /sda/slider/brightness f 3.5
  oscsend localhost 16180 /sda/model s bells
  oscsend localhost 16180 /sda/reload
  oscsend localhost 16180 /sda/panic

\b
/sda/q/all and /sda/q/params ask, /sda/status tells how it is, /sda/listen
has every change sent back. `sda-engine params` prints every control.
"""

WORDS = {"on": True, "true": True, "yes": True, "off": False, "false": False, "no": False}


@click.command(epilog=EPILOG)
@click.argument("model", required=False)
@click.option("--headless", is_flag=True, help="Without the panel's window.")
@click.option("--audio", default="", metavar="DEVICE|null|file:PATH.wav", help="A device's number or part of its name.")
@click.option("--outs", default="", metavar="A-B", help="Channels of the device, from 1: 3-4, or 3 for one channel.")
@click.option("--rate", type=click.IntRange(8000, 192_000), default=48_000, show_default=True, help="Hz wished of the device.")
@click.option(
    "--block", type=click.IntRange(0, 8192), default=0, help="Frames that the device asks for at a time; 0 as it likes."
)
@click.option("--transport", is_flag=True, help="JACK's transport starts and stops the sound (pip install 'sda-engine[jack]').")
@click.option("--name", default="sda", show_default=True, help="Of this engine: each has a memory of its own, and one may run.")
@click.option("--fresh", is_flag=True, help="Begin with defaults, not where the last run ended.")
@click.option("--osc", default="127.0.0.1:16180", show_default=True, metavar="HOST:PORT", help="Where to receive OSC.")
@click.option(
    "--oscquery", default="", metavar="PORT|off", help="Where to answer OSCQuery: the port behind OSC's, or the next free one."
)
@click.option("--osc-out", multiple=True, metavar="HOST:PORT", help="Send every change there from the start. May repeat.")
@click.option("--midi", multiple=True, metavar="PORT", help="Part of a MIDI input's name; all where none is named. May repeat.")
@click.option("--no-midi", is_flag=True, help="Leave MIDI alone.")
@click.option("--duration", type=click.FloatRange(0, min_open=True), help="Seconds to play, from the first sample.")
@click.option(
    "--buffer", "buffer_ms", type=click.FloatRange(5, 2000), default=40, show_default=True, help="Milliseconds kept ahead."
)
@vocoder_option
@device_option
@offline_option
@click.option("--take", type=click.Path(path_type=Path), help="A new file for all that is done; see `sda-engine render-take`.")
@click.option("--timetags", type=click.Choice(["on", "off"]), default="on", show_default=True, help="Whether OSC's are heeded.")
@click.option("--play", is_flag=True, help="Sound from the start; otherwise it waits for /sda/play 1.")
@click.option(
    "--set", "settings", multiple=True, metavar="ID=VALUE", help="A control's first value: gain=-6, slider.2=3. May repeat."
)
def run(
    model: str | None,
    headless: bool,
    audio: str,
    outs: str,
    rate: int,
    block: int,
    transport: bool,
    name: str,
    fresh: bool,
    osc: str,
    oscquery: str,
    osc_out: tuple[str, ...],
    midi: tuple[str, ...],
    no_midi: bool,
    duration: float | None,
    buffer_ms: float,
    vocoder: str,
    device: str,
    offline: bool,
    take: Path | None,
    timetags: str,
    play: bool,
    settings: tuple[str, ...],
) -> None:
    """Play MODEL (a name, id, unique prefix or path) live, steered by its panel, OSC and MIDI, until Ctrl-C.

    It begins where the last run ended: its values and, without MODEL, its model; --fresh begins with defaults, and what is
    said here comes first. It starts silent: --play or /sda/play 1 lets it sound.
    """
    from sda.adapters.osc import is_loopback, parse_host_port
    from sda.cli.output import console
    from sda.library import Library
    from sda.live.engine import Engine
    from sda.live.options import Options
    from sda.live.window import lacks

    screen = console()
    address = parse_host_port(osc)
    options = Options(
        osc=address,
        oscquery=_query_port(oscquery),
        osc_out=[parse_host_port(text, "--osc-out") for text in osc_out],
        name=name,
        fresh=fresh,
        model=Library().resolve(model) if model else None,
        audio=audio,
        outs=_outs(outs, audio),
        rate=rate,
        block=block,
        transport=transport,
        midi=None if no_midi else midi,
        duration=duration,
        buffer=buffer_ms / 1000,
        device=device,
        panel=not headless and not lacks(),
        take=take,
        timetags=timetags == "on",
        values={**dict(map(_setting, settings)), **_said("vocoder", vocoder), **({"play": True} if play else {})},
    )
    if vocoder == "bigvgan":
        fetch(offline=offline)
    engine = Engine(options, lambda line: screen.print(line, style="yellow", markup=False, soft_wrap=True))
    for sign in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK"):
        if hasattr(signal, sign):
            signal.signal(getattr(signal, sign), lambda *_: engine.stop())
    engine.run(lambda: _welcome(engine, screen, exposed=not is_loopback(address[0]), headless=headless))
    played, underruns = engine.facts.totals
    screen.print(f"played {played:.3f} s, {underruns} under-run{'' if underruns == 1 else 's'}", markup=False)
    if audio.startswith("file:") and played:
        screen.print(audio.removeprefix("file:"), markup=False, soft_wrap=True)


def _said(option: str, value: Value) -> dict[str, Value]:
    """The value of an option that was given: what is not said is as in the last run."""
    given = click.get_current_context().get_parameter_source(option) is not ParameterSource.DEFAULT
    return {option: value} if given else {}


def _outs(text: str, audio: str) -> tuple[int, int] | None:
    """`3-4` or `3` as the first and last channel."""
    if not text:
        return None
    if audio == "null" or audio.startswith("file:"):
        raise DeviceError(f"--outs {text}: expected a device to play to, found --audio {audio}")
    first, dash, last = text.partition("-")
    numbers = [int(part) if part.isdecimal() else 0 for part in (first, last if dash else first)]
    if not 0 < numbers[0] <= numbers[1] <= numbers[0] + 1:
        raise DeviceError(f"--outs {text}: expected two neighbouring channels such as 3-4, or one such as 3")
    return numbers[0], numbers[1]


def _setting(text: str) -> tuple[str, Value]:
    """`ID=VALUE` as an id and a value; what the control makes of it is the control's."""
    name, equals, value = text.partition("=")
    if not (name and equals and value):
        raise ControlError(f"--set {text}: expected ID=VALUE, such as gain=-6")
    if name in ("model", "vocoder"):
        raise ControlError(
            f"--set {text}: expected the {'model as the argument of run' if name == 'model' else 'option --vocoder'}"
        )
    if value.lower() in WORDS:
        return name, WORDS[value.lower()]
    try:
        return name, float(value)
    except ValueError:
        return name, value


def _query_port(text: str) -> int | None:
    """A port; 0 where none is asked for, None where there is to be none."""
    if text == "off":
        return None
    if text and not (text.isascii() and text.isdigit() and 0 < int(text) < 65536):
        raise ControlError(f"--oscquery {text}: expected a port from 1 to 65535, or off")
    return int(text or 0)


def _welcome(engine: Engine, screen: Console, *, exposed: bool, headless: bool) -> None:
    """Say what plays, what steers it, and how to begin."""

    def line(text: str, style: str = "") -> None:
        screen.print(text, style=style, markup=False, soft_wrap=True)

    status, controls = engine.deeds.status(), engine.controls
    host, port = engine.ports.osc.address
    local = "localhost" if host in ("0.0.0.0", "::") else host
    line(f"{status.model or 'no model'}", "bold")
    for row in controls.sliders:
        line(f"  {row.address:<14} {row.name:<16} {controls.get(row.id):+.1f}  ({row.low:g} to {row.high:g}) {row.help}")
    if status.model:
        line(f"vocoder  {status.vocoder} ({status.why})")
    line(f"sound    {status.device}, {status.rate} Hz, {status.latency_ms:.0f} ms from control to sound at the most")
    if status.rate != engine.options.rate:
        line(f"         the device does not take {engine.options.rate} Hz")
    line(f"OSC      {host}:{port}")
    if engine.ports.query_address is not None:
        line(f"OSCQuery http://{f'[{host}]' if ':' in host else host}:{engine.ports.query_address[1]}")
    line(f"MIDI     {engine.midi.introduce()}")
    if exposed:
        line(f"OSC is open to the network: whoever reaches {host}:{port} can play this instrument", "bold red")
    if not headless:
        line(f"panel    {_about_panel(local, port)}")
    if not status.model:
        line(f"name a model: oscsend {local} {port} /sda/model s NAME  (`sda-engine model list` shows them)")
    if not controls.get("play"):
        line(f"play is off: oscsend {local} {port} /sda/play i 1")
    line("Ctrl-C ends it")


def _about_panel(host: str, port: int) -> str:
    """A line: it opens, or why not."""
    from sda.live.window import lacks

    if why := lacks():
        return f"none, since {why}; where there is one: sda-engine panel --connect {host}:{port}"
    return "opens in a window; closing it leaves the sound alone (sda-engine panel opens it again)"
