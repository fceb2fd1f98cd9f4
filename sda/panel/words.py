"""Numbers and dates in words, as the views of this machine's files have them. No toolkit."""

from __future__ import annotations

import math
import time


def size(count: float) -> str:
    """Bytes."""
    for unit, factor in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= factor:
            return f"{count / factor:.1f} {unit}"
    return f"{count:.0f} B"


def span(seconds: object) -> str:
    """A length of time; a dash for what is no number."""
    if not isinstance(seconds, int | float) or not math.isfinite(seconds):
        return "-"
    if seconds < 60:
        return f"{seconds:.2f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60} h {minutes % 60:02} min" if minutes >= 60 else f"{minutes} min {rest:02} s"


def rate(value: object) -> str:
    """Bytes a second, "" where nobody knows."""
    return f"{size(value)}/s" if isinstance(value, int | float) and math.isfinite(value) else ""


def level(peak_db: float) -> str:
    """A peak in dB of full scale."""
    return f"{peak_db:.1f} dB" if peak_db > -200 else "silent"


def number(value: object, digits: int = 3) -> str:
    return f"{value:.{digits}f}" if isinstance(value, int | float) and math.isfinite(value) else "-"


def day(stamp: float) -> str:
    """A time of the clock, s since 1970, in local time."""
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(stamp))


def moment(stamp: float) -> str:
    """The same to the second."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(stamp))


def lines(text: str, length: int) -> str:
    """A text no longer than so many letters, its middle left out."""
    if len(text) <= length:
        return text
    half = (length - 1) // 2
    return f"{text[:half]}…{text[len(text) - (length - 1 - half) :]}"


def begun(text: str, length: int) -> str:
    """The beginning of a text, no longer than so many letters."""
    return text if len(text) <= length else f"{text[: length - 1]}…"
