"""The library's presets as the engine sees them: their names in memory, and which one was recalled last.

The engine's main thread calls it; `names` is read by all.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence

from sda.adapters.osc_acts import PresetName
from sda.errors import ControlError, SdaError
from sda.formats.preset import Preset, taken
from sda.params import Param, Value
from sda.presets import Kept, Presets

LOOK_S = 2.0  # s between looks at the folder


class Shelf:
    """Presets for recall."""

    def __init__(self) -> None:
        self.names: Sequence[PresetName] = ()
        self.current = ""  # name of the last one recalled or saved
        self._presets = Presets()
        self._looked, self._stamp = float("-inf"), 0

    def look(self, now: float) -> None:
        """Read the names again if the folder changed; now: s of the monotonic clock."""
        if now - self._looked < LOOK_S:
            return
        self._looked = now
        try:
            stamp = self._presets.folder.stat().st_mtime_ns
        except OSError:
            stamp = -1
        if stamp != self._stamp:
            self._stamp = stamp
            self._read()

    def find(self, name: str) -> Preset:
        """The preset of a name. Raises `SdaError` where there is none that can be read."""
        return _sound(self._presets.find(name))

    def at(self, number: int) -> Preset:
        """The preset of a number. Raises `SdaError` where there is none."""
        return _sound(self._presets.at(number))

    def near(self, step: int) -> Preset:
        """The next one (1) or the one before (-1), round and round. Raises `ControlError` where there are none."""
        known = [kept.preset for kept in self._presets.all() if kept.preset is not None]
        if not known:
            raise ControlError("the library has no presets yet; /sda/preset/save makes one")
        here = next((place for place, preset in enumerate(known) if preset.name == self.current), None)
        place = (0 if step > 0 else -1) if here is None else (here + step) % len(known)
        return known[place]

    def save(self, name: str, rows: Sequence[Param], values: Mapping[str, Value], model: str, model_name: str) -> Kept:
        """Store what lasts of the controls. Raises `SdaError` where that cannot be."""
        kept = self._presets.save(taken(rows, values, name=name, model=model, model_name=model_name))
        self.current = kept.name
        self._read()
        return kept

    def _read(self) -> None:
        with contextlib.suppress(SdaError):
            found = [(kept.preset, kept.number) for kept in self._presets.all()]
            self.names = tuple(
                PresetName(preset.name, number, preset.model_name)
                for preset, number in found
                if preset is not None and number is not None
            )


def _sound(kept: Kept) -> Preset:
    assert kept.preset is not None
    return kept.preset
