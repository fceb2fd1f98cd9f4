"""The rows of `sda.train.comparison` as a table for people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

NOTE = "distances from the recordings: 0 is the same; LSD between two takes of one noise is 7.9 dB"


def quality_table(rows: Sequence[dict[str, Any]]) -> Table:
    """One line for each vocoder, with the mel's share of the start's where there is a start."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold", caption=NOTE, caption_justify="left")
    bands = list(rows[0]["lsd"]) if rows else []
    table.add_column("vocoder")
    for heading in ("mel nat", "against start", "M-STFT", *(f"LSD {band} dB" for band in bands), "clips"):
        table.add_column(heading, justify="right")
    start = next((row["mel"] for row in rows if row["name"] == "start"), None)
    for row in rows:
        compared = start is not None and row["name"] == "trained"
        against = f"{row['mel'] / start - 1:+.0%}" if compared and start else ""
        table.add_row(
            Text(row["name"]), f"{row['mel']:.3f}", against, f"{row['stft']:.3f}",
            *(f"{value:.1f}" for value in row["lsd"].values()), str(row["clips"]),
        )  # fmt: skip
    return table
