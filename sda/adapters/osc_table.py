"""The addresses of the controls, made from their rows: which message sets or asks what.

`/sda/<id with dots as slashes>`, a slider also by its name, and below each number's address its twin `/norm`, 0..1.
Beside them the foreign addresses that `controls.toml` gives to controls.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from sda.adapters.osc_packet import Arg, Message
from sda.adapters.osc_pattern import Addresses, Budget, is_pattern
from sda.control import Setting
from sda.errors import ControlError
from sda.mapping import Alias, spanned, value_at
from sda.params import Kind, Param, Value, check_name, to_unit, unbend

SLIDER, SLIDERS = "/sda/slider/", "/sda/sliders"


class Target(NamedTuple):
    """What an address means: a control, in its unit or by its place in the range, or in the numbers of a foreign address."""

    row: Param  # of an alias: with its range
    norm: bool
    alias: Alias | None = None


class Table:
    """Addresses of a set of rows. Made anew when a model brings other sliders."""

    def __init__(self, rows: Sequence[Param], aliases: Sequence[Alias] = ()) -> None:
        self.rows, self.aliases = rows, aliases
        self.sliders = tuple(row for row in rows if row.address.startswith(SLIDER))
        self._slider_ids = tuple(row.id for row in self.sliders)
        self.targets = dict(_targets(rows)) | dict(_alias_targets(rows, aliases))
        self._addresses = Addresses(self.targets)

    def find(self, address: str, budget: Budget) -> dict[str, Target]:
        """The targets of an address or pattern, by address; each control once. Raises `OscError` for a bad pattern."""
        if address in self.targets:
            return {address: self.targets[address]}
        if not is_pattern(address):
            return {}
        distinct: dict[tuple[str, bool], str] = {}
        for found in self._addresses.matching(address, budget):
            target = self.targets[found]
            distinct.setdefault((target.row.id, target.norm), found)
        return {found: self.targets[found] for found in distinct.values()}

    def sliders_of(self, message: Message) -> list[Setting]:
        """The settings of `/sda/sliders f f f ...`. Raises `ControlError` for more values than there are sliders."""
        if not 0 < len(message.args) <= len(self.sliders):
            raise ControlError(f"expected 1 to {len(self.sliders)} values, found {len(message.args)}")
        pairs = zip(self._slider_ids, message.args, strict=False)
        return [Setting(id, value if type(value) is float else plain(value)) for id, value in pairs]


def setting(target: Target, message: Message) -> Setting:
    """The setting that a message to a control asks for. Raises `ControlError` where it cannot be one."""
    row, norm, alias = target
    if len(message.args) == 1 and type(message.args[0]) is float and not norm and alias is None:
        return Setting(row.id, message.args[0])
    if len(message.args) != 1:
        raise ControlError(f"{row.id}: expected one value, found {len(message.args)}")
    value = plain(message.args[0])
    if row.kind is Kind.TEXT and isinstance(value, str):
        check_name(row.id, value)
    if norm or alias is not None:
        low, high = (0.0, 1.0) if alias is None else (alias.low, alias.high)
        if not isinstance(value, int | float):
            raise ControlError(f"{row.id}: expected a number from {low:g} to {high:g}, found {value[:40]!r}")
        value = unbend(row, value) if alias is None else aliased(row, alias, value)
    return Setting(row.id, value)


def aliased(row: Param, alias: Alias, value: float) -> float:
    """The control's value for a number of a foreign address. Raises `ControlError` for one that is not finite."""
    if not math.isfinite(value):
        raise ControlError(f"{alias.address}: expected a finite number, found {value}")
    return value_at(row, (value - alias.low) / (alias.high - alias.low))


def shown(target: Target, value: Value) -> Value:
    """A control's value as an answer to this address gives it."""
    return to_unit(target.row, value) if target.norm else value


def plain(value: Arg) -> Value:
    """A number or text. Raises `ControlError` for what can be no control's value."""
    if value is None or isinstance(value, bytes):
        raise ControlError(f"expected a number or a text, found {'nil' if value is None else 'a blob'}")
    return value


def _targets(rows: Sequence[Param]) -> Iterator[tuple[str, Target]]:
    for row in rows:
        for address in [row.address, *([SLIDER + row.name] if row.name else [])]:
            yield address, Target(row, False)
            if row.kind is not Kind.TEXT:
                yield address + "/norm", Target(row, True)


def _alias_targets(rows: Sequence[Param], aliases: Sequence[Alias]) -> Iterator[tuple[str, Target]]:
    """The foreign addresses of controls that are there."""
    known = {id: row for row in rows for id in (row.id, f"slider.{row.name}" if row.name else row.id)}
    for alias in aliases:
        row = known.get(alias.control)
        if row is not None:
            yield alias.address, Target(spanned(row, alias.span, alias.curve), False, alias)
