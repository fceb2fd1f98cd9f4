"""What the commands print: aligned tables for people, JSON for programs, one line for errors."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.console import Console

PIPE_WIDTH = 500  # columns, where nobody's window limits a line


def error_line(text: str) -> None:
    """Say on stderr what went wrong."""
    click.echo(f"sda-engine: error: {printable(text)}", err=True)


def printable(text: str) -> str:
    """One line without control characters, which could move the cursor or recolour a terminal."""
    return "".join(letter if letter.isprintable() else " " for letter in " ".join(text.split()))


def print_json(value: Any) -> None:
    """Print for programs: ASCII, so that no terminal's encoding matters."""
    click.echo(json.dumps(value, indent=2))


def console(*, stderr: bool = False) -> Console:
    """Rich's console on stdout or stderr, as wide as the window or, in a pipe, as any line."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    return Console(highlight=False, stderr=stderr, width=None if stream.isatty() else PIPE_WIDTH)


def print_table(heads: Sequence[str], rows: Sequence[Sequence[str]], *, numbers: Sequence[str] = ()) -> None:
    """Print rows under their heads; the columns in `numbers` are set to the right."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for head in heads:
        table.add_column(head, justify="right" if head in numbers else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(printable(cell)) for cell in row))
    console().print(table)


def print_pairs(title: str, pairs: Sequence[tuple[str, str]]) -> None:
    """Print a titled block of names and values."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    table.add_column(min_width=14)
    table.add_column(overflow="fold")
    for name, value in pairs:
        table.add_row(Text(f"  {printable(name)}"), Text(printable(value)))
    console().print(Text(title, style="bold"))
    console().print(table)


def size(count: int) -> str:
    """Bytes for people."""
    return f"{count / 1e6:.1f} MB" if count >= 1e5 else f"{count / 1e3:.1f} kB"


def duration(seconds: object) -> str:
    """Seconds for people; a dash for what is no number."""
    if not isinstance(seconds, int | float):
        return "-"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}" if minutes >= 60 else f"{minutes}:{rest:02}"
