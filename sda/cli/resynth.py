"""`sda-engine resynth`: a recording taken through a model, as a sound file."""

from __future__ import annotations

from pathlib import Path

import click

from sda.cli import export
from sda.cli.voice import chosen, device_option, offline_option, vocoder_option


@click.command()
@click.argument("model")
@click.argument("recording", type=click.Path(path_type=Path))
@vocoder_option
@device_option
@offline_option
@export.file_options
def resynth(model: str, recording: Path, vocoder: str, device: str, offline: bool, wish: export.Wish) -> None:
    """Take RECORDING through MODEL: encode it, decode it, and vocode it to a file of the same length.

    The file is mono unless --spatial says otherwise.
    """
    from sda.formats.audio import read_mono
    from sda.model import load

    export.check(wish)
    loaded = load(model, device)
    own_rate = loaded.document.grid.sample_rate
    audio = read_mono(recording, own_rate)
    values = export.space(wish, "mono", {})
    choice = chosen(loaded, vocoder, offline=offline)
    blocks = loaded.resynthesise(audio, own_rate, vocoder=choice.name, out_rate=wish.rate, values=values)
    recipe = {"model": loaded.document.name, "id": loaded.document.id, "recording": recording.name, "values": values}
    export.write(loaded, blocks, wish, choice, recipe)
