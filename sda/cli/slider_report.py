"""What a model's sliders do, as its analysis measured it: for people with a small picture of each, or for programs.

A named slider's picture is its descriptor at positions over its range, heard in the self-test from home. An axis has no
descriptor: its picture is how far the sound is from that at its lower end.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any, TypeGuard

import click

from sda.cli import output
from sda.formats.distill import ModelDocument

BLOCKS, ASCII = "▁▂▃▄▅▆▇█", "_.-~=+*#"  # eight heights; the second for terminals that have no such characters
WIDE = 2  # columns of a measured position
WORDS, NUMBERS = ("name", "unit", "reason", "measured_on"), ("reach", "share")
FOLLOWS = ("home", "median", "tenth", "starts")
LEAKS = {"leakage": "mel", "leakage_heard": "heard", "leakage_elsewhere": "heard_elsewhere"}


def described(document: ModelDocument) -> dict[str, Any]:
    """Everything that is known of the sliders, in JSON's kinds."""
    report = document.analysis.get("report")
    report = report if isinstance(report, dict) else {}
    tried = {row["name"]: row for key in ("descriptors", "axes") for row in _rows(report.get(key))}
    sliders: list[dict[str, Any]] = list(document.analysis.get("sliders", ()))
    named = {slider["name"] for slider in sliders}
    rest = [{"reason": "", **_measured(row)} for name, row in tried.items() if name not in named]
    return {
        "model": document.name,
        "id": document.id,
        "home": report.get("home"),
        "sliders": [slider | _measured(tried.get(slider["name"], {})) for slider in sliders],
        "not_named": rest,
        "notes": list(document.notes),
    }


def show(document: ModelDocument) -> None:
    """Print what `described` finds, for people."""
    found = described(document)
    home = found["home"] or {}
    where = f"; all at 0: {home['recording']} at {home['start_s']:g} s" if {"recording", "start_s"} <= home.keys() else ""
    click.echo(output.printable(f"{found['model']}: {len(found['sliders'])} sliders{where}"))
    for slider in found["sliders"]:
        click.secho(f"\n{slider['number']} {output.printable(slider['name'])}", bold=True, nl=False)
        click.echo(f"  {output.printable(slider['explains'])}")
        for line in _lines(slider):
            click.echo(f"  {output.printable(line)}")
    if found["not_named"]:
        click.echo("\nTried, and not named:")
        for row in found["not_named"]:
            click.echo(f"  {output.printable(row['name'])}: {output.printable(row['reason'])}")
    for note in found["notes"]:
        click.echo(f"\nnote: {output.printable(note)}")


def sparkline(values: Sequence[float], *, heights: str = BLOCKS) -> str:
    """A row of bars between the lowest and the highest of the values; all lowest where they do not differ."""
    low, high = min(values), max(values)
    scale = (len(heights) - 1) / (high - low) if high > low else 0.0
    return "".join(heights[round((value - low) * scale)] * WIDE for value in values)


def _lines(slider: dict[str, Any]) -> list[str]:
    """The picture, then the numbers, of one slider."""
    unit, picture, lines = slider.get("unit", ""), slider.get("picture"), []
    span = f"from {slider['low']:g} to {slider['high']:g}, safe {slider['safe_low']:g} to {slider['safe_high']:g}"
    if picture:
        heard, heights = picture["heard"], BLOCKS if _can_show(BLOCKS) else ASCII
        lines.append(f"{heard[0]:.3g} {sparkline(heard, heights=heights)} {heard[-1]:.3g} {unit}  {span}")
    else:
        lines.append(span)
    if follows := slider.get("fidelity"):
        words = f"follows with rank correlation {_number(follows.get('home'))} from home"
        if follows.get("starts"):
            elsewhere = f"{_number(follows.get('median'))} in the median of {follows['starts']} other starts"
            words += f", {elsewhere}, {_number(follows.get('tenth'))} at their 10th percentile"
        lines.append(f"{words}; tested on its {slider.get('measured_on', 'mel')}")
    if "reach" in slider:
        share = f", {slider['share']:.0%} of the recordings' range" if "share" in slider else ""
        leak = slider.get("leakage", {})
        moved = (
            f"; the others move {_number(leak.get('mel'))} of it (mel), {_number(leak.get('heard'))} (heard)" if leak else ""
        )
        lines.append(f"reaches {slider['reach']:.3g} {unit}{share}{moved}")
    return lines


def _measured(row: dict[str, Any]) -> dict[str, Any]:
    """What the report measured of one descriptor or axis, in words that do not change with how it was measured."""
    found: dict[str, Any] = {key: row[key] for key in WORDS if isinstance(row.get(key), str)}
    found |= {key: row[key] for key in NUMBERS if _is_number(row.get(key))}
    if follows := {key: row[key] for key in FOLLOWS if _is_number(row.get(key))}:
        found["fidelity"] = follows
    if leaks := {word: row[key] for key, word in LEAKS.items() if _is_number(row.get(key))}:
        found["leakage"] = leaks
    positions, heard = (row.get(key) for key in ("positions", "heard"))
    if _is_series(positions) and _is_series(heard) and len(positions) == len(heard):
        found["picture"] = {"positions": positions, "heard": heard}
    return found


def _is_number(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_series(value: Any) -> TypeGuard[list[float]]:
    return isinstance(value, list) and len(value) > 1 and all(map(_is_number, value))


def _rows(value: Any) -> list[dict[str, Any]]:
    return (
        [row for row in value if isinstance(row, dict) and isinstance(row.get("name"), str)] if isinstance(value, list) else []
    )


def _number(value: Any) -> str:
    return f"{value:.2f}" if _is_number(value) else "?"


def _can_show(text: str) -> bool:
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True
