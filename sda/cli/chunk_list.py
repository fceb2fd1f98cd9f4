"""The map of a model's recordings as a list: every second that the sliders can start from."""

from __future__ import annotations

from dataclasses import asdict

import click

from sda.cli import output
from sda.formats.distill import ModelDocument


def show(document: ModelDocument, *, as_json: bool) -> None:
    """Print the chunks of a document with tensors."""
    from sda.core.sound_map import NONE, SoundMap

    places = SoundMap.of(document.analysis.get("map"), document.tensors, document.vae.latent)
    if as_json:
        chunks = [asdict(chunk) for chunk in places.chunks]
        output.print_json({"model": document.name, "trustworthiness": places.trust, "chunks": chunks})
        return
    if not len(places):
        click.echo(f"{output.printable(document.name)}: {NONE}")
        return
    rows = [(str(c.number), c.recording, f"{c.start_s:g}", f"{c.x:.2f}", f"{c.y:.2f}") for c in places.chunks]
    output.print_table(("chunk", "recording", "second", "x", "y"), rows, numbers=("chunk", "second", "x", "y"))
    click.echo(f"trustworthiness of the map: {places.trust:.2f} (1: all neighbours on it are neighbours in sound)")
