"""`sda-engine devices`: what can play, and which MIDI ports there are."""

from __future__ import annotations

import click

from sda.cli import output
from sda.errors import SdaError


@click.command()
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def devices(as_json: bool) -> None:
    """List the sound devices and MIDI ports of this machine, as --audio and --midi take them.

    Both are asked in processes of their own: a driver that hangs or crashes does no harm.
    """
    from sda.live import midi_listing, player_devices

    try:
        sound, silence = player_devices.devices(), ""
    except SdaError as error:
        sound, silence = [], str(error)
    midi = midi_listing.ports()
    if as_json:
        ports = {
            "system": midi["system"],
            "inputs": midi["others_in"],
            "outputs": midi["others_out"],
            "trouble": midi["trouble"],
        }
        output.print_json({"sound": [device._asdict() for device in sound], "trouble": silence, "midi": ports})
        return
    rows = [
        (str(d.number), d.name, d.api, str(d.outputs), str(d.rate), f"{d.latency_ms:.0f} ms", "default" if d.default else "")
        for d in sound
    ]
    if rows:
        heads = ("--audio", "device", "through", "outputs", "Hz", "latency", "")
        output.print_table(heads, rows, numbers=("--audio", "outputs", "Hz", "latency"))
    else:
        click.echo(f"no sound device: {output.printable(silence or 'none can play')}")
    click.echo()
    names = [*dict.fromkeys([*midi["others_in"], *midi["others_out"]])]
    if names:
        table = [(name, _mark(name in midi["others_in"]), _mark(name in midi["others_out"])) for name in names]
        output.print_table((f"MIDI port ({midi['system']})", "in", "out"), table)
    else:
        click.echo(f"no MIDI port: {output.printable(midi['trouble'] or midi['system'] + ' has none')}")


def _mark(there: bool) -> str:
    return "yes" if there else "-"
