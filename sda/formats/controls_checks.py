"""What the values of `controls.toml` must be: each check gives a value as it is used, or raises a `ValueError` that says
what was expected.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from sda.acts import ACTS
from sda.mapping import Takeover
from sda.params import PARAMS, SLIDER_RANGE, Kind, Param

LONGEST = 200  # characters of a text
CONTROLS = {row.id: row for row in PARAMS if row.kind is not Kind.TEXT}


def table(value: Any) -> Any:
    if not isinstance(value, dict):
        raise ValueError("a table")
    return value


def tables(value: Any) -> Any:
    if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
        raise ValueError("entries with [[ ]] around their name")
    return value


def switch(value: Any) -> Any:
    if not isinstance(value, bool):
        raise ValueError("true or false")
    return value


def true(value: Any) -> Any:
    if value is not True:
        raise ValueError("true")
    return value


def whole(low: int, high: int) -> Callable[[Any], Any]:
    def check(value: Any) -> Any:
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise ValueError(f"a whole number from {low} to {high}")
        return value

    return check


def number(low: float, high: float) -> Callable[[Any], Any]:
    def check(value: Any) -> Any:
        if not isinstance(value, int | float) or isinstance(value, bool) or not low <= value <= high:
            raise ValueError(f"a number from {low:g} to {high:g}")
        return float(value)

    return check


def words(value: Any) -> Any:
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST:
        raise ValueError(f"a text of 1 to {LONGEST} characters")
    return value


def control(value: Any) -> Any:
    if not isinstance(value, str) or not (value in CONTROLS or re.fullmatch(r"slider\.[a-z0-9-]{1,80}", value)):
        raise ValueError(f"slider.NUMBER, slider.NAME or one of {', '.join(CONTROLS)}")
    return value


def act(value: Any) -> Any:
    known = [row.id for row in ACTS]
    if value not in known:
        raise ValueError(f"one of {', '.join(known)}")
    return value


def arguments(value: Any) -> Any:
    if not isinstance(value, list) or len(value) > 16 or not all(isinstance(a, str | bool | int | float) for a in value):
        raise ValueError("a list of texts and numbers")
    if any(isinstance(a, str) and len(a) > LONGEST for a in value):
        raise ValueError(f"texts of at most {LONGEST} characters")
    return tuple(value)


def takeover(value: Any) -> Any:
    if value not in [*Takeover]:
        raise ValueError(f"one of {', '.join(Takeover)}")
    return Takeover(value)


def pair(value: Any) -> Any:
    fit = isinstance(value, list) and len(value) == 2 and all(type(v) in (int, float) and abs(v) < 1e9 for v in value)
    if not fit or value[0] == value[1]:
        raise ValueError("two different numbers, such as [0, 1]")
    return float(value[0]), float(value[1])


def span(control: str) -> Callable[[Any], Any]:
    low, high = SLIDER_RANGE
    row = CONTROLS.get(control) or Param(id=control, kind=Kind.FLOAT, low=low, high=high)

    def check(value: Any) -> Any:
        low, high = pair(value)
        if row.kind in (Kind.BOOL, Kind.CHOICE):
            raise ValueError("no range: a switch and a choice have none")
        if not all(row.low <= end <= row.high for end in (low, high)):
            raise ValueError(f"two different numbers from {row.low:g} to {row.high:g}")
        return low, high

    return check


def address(value: Any) -> Any:
    if not isinstance(value, str) or not re.fullmatch(r"/[^\s#*,?\[\]{}]{1,200}", value) or f"{value}/".startswith("/sda/"):
        raise ValueError("an OSC address such as /brightness, and none below /sda")
    return value
