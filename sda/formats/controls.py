"""`controls.toml`: which knobs, pads and foreign OSC addresses move which controls. Text in, values out; nothing is run.

Musicians edit it by hand, so every error names file, line and what was expected, a word that is not known is one, and a
change made by the program keeps their comments and their order.

    play_channel = 1                # whose keys strike; left out: all

    [clock]
    transport = true                # start and stop of a sequencer are play
    density = 2                     # grains per beat
    drift = 0.25                    # cycles per beat

    [[midi]]
    cc = 21                         # or cc14, nrpn, note, program = NUMBER; bend, pressure = true
    channel = 1                     # left out: any
    port = "nanoKONTROL"            # a part of its name; left out: any
    control = "slider.brightness"   # or act = "center", args = [...]
    range = [-5, 5]                 # left out: all of the control's
    curve = 1.0                     # power
    takeover = "pickup"             # jump, scale, toggle, relative-twos, relative-offset, relative-sign
    feedback = false                # left out: the controller is told where the control stands

    [[osc]]
    address = "/brightness"
    from = [0, 1]
    control = "slider.brightness"
    to = [-10, 10]
    curve = 1.0
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Sequence
from collections.abc import Mapping as Table
from dataclasses import replace
from pathlib import Path
from typing import Any

from sda.acts import act_of, check_arguments
from sda.errors import ControlError
from sda.formats import controls_checks as must_be
from sda.formats import whole
from sda.mapping import HIGHEST, TOUCH, Alias, Binding, ClockUse, Mapping, Sender, Takeover

LARGEST = 1 << 20  # bytes; a longer file is none of ours
ROOT = ("play_channel", "clock", "midi", "osc")
CLOCK = ("transport", "density", "drift")
MIDI = (*Sender, "channel", "port", "control", "act", "args", "range", "curve", "takeover", "feedback")
OSC = ("address", "control", "from", "to", "curve")

_REQUIRED: Any = object()


def read(path: Path) -> Mapping:
    """The maps of a file; none where there is no file.

    Raises `ControlError`, which names the file, the line and what was expected.
    """
    return decode(_text(path), path.name)


def decode(text: str, name: str) -> Mapping:
    """The maps of a file's text. Raises `ControlError`."""
    try:
        found = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ControlError(f"{name}: not TOML: {error}") from error
    root = _Entry(found, name, text, ROOT)
    clock = _Entry(root.take("clock", {}, must_be.table), f"{name}, [clock]", text, CLOCK)
    return Mapping(
        play_channel=root.take("play_channel", None, must_be.whole(1, 16)),
        clock=ClockUse(
            transport=clock.take("transport", True, must_be.switch),
            density=clock.take("density", None, must_be.number(0, 1000)),
            drift=clock.take("drift", None, must_be.number(0, 1000)),
        ),
        bindings=tuple(_binding(entry) for entry in root.entries("midi", MIDI)),
        aliases=tuple(_alias(entry) for entry in root.entries("osc", OSC)),
    )


def add(path: Path, binding: Binding) -> Mapping:
    """Write a binding into the file, in the place of those it replaces; the maps that are then in it.

    Raises `SdaError` where it cannot be read or written.
    """
    before = read(path)
    after = before.learned(binding)
    _rewrite(path, before, after)
    return after


def adjust(
    path: Path, target: str, takeover: Takeover | None, span: tuple[float, float] | None, curve: float | None
) -> Mapping:
    """Change how the bindings of a control move it; None leaves a thing to the control. The maps that are then in the file.

    Raises `SdaError` as `add` does, and `ControlError` where nothing is bound to it, or the control does not take that.
    """
    before = read(path)
    after = before.adjusted(target, takeover, span, curve)
    if not any(b.control == target for b in before.bindings):
        raise ControlError(f"{target[:60]}: no controller moves it; learn one first")
    _rewrite(path, before, after)
    return after


def remove(path: Path, target: str) -> Mapping:
    """Take the bindings of a control or act out of the file; the maps that are then in it.

    Raises `SdaError` as `add` does, and `ControlError` where nothing is bound to it.
    """
    before = read(path)
    after = before.forgotten(target)
    if after == before:
        bound = ", ".join(sorted({b.target for b in before.bindings})) or "nothing"
        raise ControlError(f"{target[:60]}: nothing is bound to it; found {bound}")
    _rewrite(path, before, after)
    return after


def described(binding: Binding) -> dict[str, Any]:
    """A binding as an entry of the file; what is as by default is left out."""
    sender: dict[str, Any] = {binding.sender.value: True if binding.sender in TOUCH else binding.number}
    entry = {
        "channel": binding.channel,
        "port": binding.port or None,
        "control": binding.control or None,
        "act": binding.act or None,
        "args": list(binding.args) or None,
        "range": list(binding.span) if binding.span else None,
        "curve": binding.curve,
        "takeover": binding.takeover.value if binding.takeover else None,
        "feedback": None if binding.feedback else False,
    }
    return sender | {key: value for key, value in entry.items() if value is not None}


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > LARGEST:
            raise ControlError(f"{path.name}: expected at most {LARGEST} bytes")
        return path.read_text("utf-8")
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise ControlError(f"{path.name}: cannot be read ({error})") from error


def _rewrite(path: Path, before: Mapping, after: Mapping) -> None:
    """The file with the `[[midi]]` entries of other maps, of which all but the last were in it; all else stays as it is."""
    import tomlkit  # reads and writes what stands between the values too
    from tomlkit.items import AoT

    document = tomlkit.parse(_text(path))
    entries: Any = document.get("midi")
    if not isinstance(entries, AoT):
        document.pop("midi", None)
        document["midi"] = tomlkit.aot()
        entries = document["midi"]
        before = replace(before, bindings=())
    for index in reversed(range(len(before.bindings))):
        if before.bindings[index] not in after.bindings:
            del entries[index]
    for binding in after.bindings[len(entries) :]:
        table = tomlkit.table()
        table.update(described(binding))
        entries.append(table)
    text = tomlkit.dumps(document)
    assert decode(text, path.name) == after
    path.parent.mkdir(parents=True, exist_ok=True)
    whole.write(path, text.encode())


class _Entry:
    """One table of the file, from which every value is taken with what it must be."""

    def __init__(self, values: Table[str, Any], where: str, text: str, known: Sequence[str]) -> None:
        self._values, self.where, self._text = values, where, text
        for key in values:
            if key not in known:
                raise self.error(key, f"not known; expected one of {', '.join(known)}")

    def take(self, key: str, default: Any, check: Callable[[Any], Any]) -> Any:
        """A value; the default where it is left out."""
        if key not in self._values:
            if default is _REQUIRED:
                raise self.error(key, "expected, but left out")
            return default
        try:
            return check(self._values[key])
        except ValueError as error:
            raise self.error(key, f"expected {error}, found {str(self._values[key])[:60]!r}") from None

    def has(self, key: str) -> bool:
        return key in self._values

    def entries(self, key: str, known: Sequence[str]) -> list[_Entry]:
        """The entries of an array of tables, each with the line where it begins."""
        found = self.take(key, [], must_be.tables)
        lines = [n for n, line in enumerate(self._text.splitlines(), 1) if re.match(rf"\s*\[\[\s*{key}\s*\]\]", line)]
        return [
            _Entry(values, f"{self.where}{f':{lines[n]}' if len(lines) == len(found) else ''}, [[{key}]] {n + 1}", "", known)
            for n, values in enumerate(found)
        ]

    def error(self, key: str, text: str) -> ControlError:
        return ControlError(f"{self.where}: {key[:60]}: {text}")


def _binding(entry: _Entry) -> Binding:
    senders = [sender for sender in Sender if entry.has(sender)]
    if len(senders) != 1:
        raise entry.error(" or ".join(senders) or "sender", f"expected exactly one of {', '.join(Sender)}")
    sender = senders[0]
    number = entry.take(sender, 0, must_be.true if sender in TOUCH else must_be.whole(0, HIGHEST[sender]))
    if entry.has("control") == entry.has("act"):
        raise entry.error("control", 'expected either control = "ID" or act = "ID"')
    control = entry.take("control", "", must_be.control)
    for key in ("args",) if control else ("range", "curve", "takeover"):
        if entry.has(key):
            raise entry.error(key, f"belongs to {'an act' if control else 'a control'}, and there is none here")
    act, args = entry.take("act", "", must_be.act), entry.take("args", (), must_be.arguments)
    if act:
        try:
            check_arguments(act_of(act), args)
        except ControlError as error:
            raise entry.error("args", str(error)) from None
    return Binding(
        sender=sender,
        number=0 if sender in TOUCH else number,
        channel=entry.take("channel", None, must_be.whole(1, 16)),
        port=entry.take("port", "", must_be.words),
        control=control,
        act=act,
        args=args,
        span=entry.take("range", None, must_be.span(control)),
        curve=entry.take("curve", None, must_be.number(0.1, 10)),
        takeover=entry.take("takeover", None, must_be.takeover),
        feedback=entry.take("feedback", True, must_be.switch),
    )


def _alias(entry: _Entry) -> Alias:
    low, high = entry.take("from", (0.0, 1.0), must_be.pair)
    control = entry.take("control", _REQUIRED, must_be.control)
    return Alias(
        address=entry.take("address", _REQUIRED, must_be.address),
        control=control,
        low=low,
        high=high,
        span=entry.take("to", None, must_be.span(control)),
        curve=entry.take("curve", None, must_be.number(0.1, 10)),
    )
