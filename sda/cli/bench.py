"""`sda-engine bench`: how fast this machine plays a model, and after how long a move is heard."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import click

from sda.cli import output

if TYPE_CHECKING:
    from sda.live.bench import Row

HEADS = ("vocoder", "device", "block", "real-time factor", "latency ms", "= block", "+ look-ahead", "+ compute", "+ buffer", "")


@click.command()
@click.argument("model", required=False)
@click.option(
    "--vocoder", type=click.Choice(["all", "auto", "bigvgan", "hifigan"]), default="all", show_default=True,
    help="Which vocoder; all are those that are here.",
)  # fmt: skip
@click.option(
    "--device", type=click.Choice(["all", "cpu", "cuda", "mps"]), default="all", show_default=True, help="Where it runs."
)
@click.option(
    "--block", "blocks", type=click.IntRange(2, 64), multiple=True, default=(2, 4, 8), show_default=True,
    help="Mel frames a block; run takes 2. May repeat.",
)  # fmt: skip
@click.option("--buffer", "buffer_ms", type=click.FloatRange(5, 2000), default=40, show_default=True, help="As in run.")
@click.option("--seconds", type=click.FloatRange(0.1, 60), default=3, show_default=True, help="Of sound for each row.")
@click.option("--json", "as_json", is_flag=True, help="For programs, and to go with a bug report.")
def bench(
    model: str | None, vocoder: str, device: str, blocks: tuple[int, ...], buffer_ms: float, seconds: float, as_json: bool
) -> None:
    """Measure how MODEL plays here: work for a second of sound, and what the latency of a move is made of.

    Without MODEL, one of the usual size with random weights: speed does not depend on what was learned. Nothing else
    should be running. The latency of the sound device is not in it; run shows the sum.
    """
    from sda.live.bench import devices_here, measure, vocoders_of
    from sda.live.stand_in import stand_in
    from sda.model import Model, load

    rows: list[Row] = []
    for place in devices_here() if device == "all" else [device]:
        loaded = load(model, place) if model else Model(stand_in(), place)
        names = vocoders_of(loaded, vocoder)
        found = measure(loaded, place, vocoders=names, blocks=blocks, seconds=seconds, buffer=buffer_ms / 1000)
        rows += found
    if as_json:
        output.print_json([dataclasses.asdict(row) | {"latency": row.latency} for row in rows])
        return
    output.print_table(HEADS, [_cells(row) for row in rows], numbers=HEADS[2:-1])
    click.echo("block: mel frames; latency: from a move to its sound, at the most, without the sound device's own")


def _cells(row: Row) -> tuple[str, ...]:
    if not row.block_frames:
        late = f"{row.latency:.0f}"
        return row.vocoder, row.device, "-", f"{row.rtf:.2f}", late, "-", "-", late, "-", row.verdict
    parts = (row.latency, row.block, row.look_ahead, row.compute, row.buffer)
    return row.vocoder, row.device, str(row.block_frames), f"{row.rtf:.3f}", *(f"{part:.1f}" for part in parts), row.verdict
