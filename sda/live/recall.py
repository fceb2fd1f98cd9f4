"""The acts that move many controls at once: presets, chance, center, undo and redo.

Those that look at the disk or may need another model are done by the engine's main thread, in the order in which they were
asked for; whoever asked is told when they are done. A preset that cannot be read, or whose model is gone, leaves everything as
it is.
"""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from sda.acts import ACTS
from sda.control import Change, Controls, Setting
from sda.core.chance import randomized
from sda.core.latent import Slider
from sda.errors import ControlError, SdaError
from sda.formats.preset import SLIDER, Preset, fit
from sda.live.deeds import Deed
from sda.live.facts import Facts, Model
from sda.live.glider import Glider
from sda.live.jumps import Jumps, Place
from sda.live.morph import Morph
from sda.live.repertoire import Repertoire
from sda.live.shelf import Shelf
from sda.live.supervisor import Events
from sda.params import Param, Value, check

SEEDS = 2**31
ADDRESSES = {act.id: act.address for act in ACTS}


class Wish(NamedTuple):
    """An act that somebody waits for."""

    act: str
    source: str
    done: Callable[..., None]  # with what it came to
    refuse: Callable[[str], None]  # with why not


class Recall:
    """Deeds for these acts, and what they need of the rest of the engine."""

    def __init__(
        self,
        controls: Controls,
        facts: Facts,
        repertoire: Repertoire,
        events: Events,
        tell: Callable[..., None],
        refuse: Callable[[str, str, str], None],
    ) -> None:
        """`tell` answers a source of an act, on an address, with values; `refuse` tells it, of an address, why not."""
        self.shelf = Shelf()
        self._controls, self._facts, self._repertoire, self._events = controls, facts, repertoire, events
        self._tell, self._refuse = tell, refuse
        self._glider, self._jumps = Glider(controls), Jumps()
        self._morph = Morph(controls, self._model_id, self._later)
        self._numbers = itertools.count(1)  # tell acts of one kind apart
        repertoire.leaving = self._left
        self.table: dict[str, Deed] = {"center": self._center, "randomize": self._randomize}
        deeds: dict[str, Callable[..., None]] = {
            "preset.recall": self._recall,
            "preset.number": self._recall_number,
            "preset.next": partial(self._recall_near, 1),
            "preset.prev": partial(self._recall_near, -1),
            "preset.apply": self._apply,
            "preset.save": self._save,
            "preset.morph": self._morph_between,
            "undo": partial(self._go, Jumps.undo),
            "redo": partial(self._go, Jumps.redo),
        }
        self.table |= {act: self._deed(act, deed) for act, deed in deeds.items()}

    def close(self) -> None:
        """End what is under way."""
        self._glider.close()

    # From an adapter's thread to the main one.

    def _later(self, run: Callable[[], None]) -> None:
        self._events.put((None, {"kind": "call", "run": run}))

    def _deed(self, act: str, deed: Callable[..., None]) -> Deed:
        def perform(args: Sequence[Value], source: str) -> None:
            self._later(partial(self._attempt, act, deed, args, source))

        return perform

    def _wish(self, act: str, source: str) -> Wish:
        address = ADDRESSES[act]
        return Wish(act, source, partial(self._tell, source, "/sda/done", address), partial(self._refuse, source, address))

    def _attempt(self, act: str, deed: Callable[..., None], args: Sequence[Value], source: str) -> None:
        wish = self._wish(act, source)
        try:
            deed(wish, *args)
        except SdaError as error:
            wish.refuse(str(error))

    # Chance and center, at once.

    def _center(self, args: Sequence[Value], source: str) -> None:
        self._move("center", {row.id: row.default for row in self._controls.sliders})

    def _randomize(self, args: Sequence[Value], source: str) -> None:
        model, rows = self._facts.model, self._controls.sliders
        if model is None or not rows:
            raise ControlError("no model with sliders is loaded")
        seed = int(args[0]) if args else secrets.randbelow(SEEDS)
        pairs = enumerate(zip(rows, model.safe, strict=False), start=1)  # a model may take over at this very moment
        sliders = [Slider(n, row.name, row.low, row.high, *safe, "") for n, (row, safe) in pairs]
        self._move("randomize", {f"slider.{n}": place for n, place in randomized(sliders, seed).items()})
        self._wish("randomize", source).done(seed)

    # Presets.

    def _recall(self, wish: Wish, name: str, seconds: float = 0.0) -> None:
        self._bring(wish, self.shelf.find(name), seconds)

    def _recall_number(self, wish: Wish, number: int, seconds: float = 0.0) -> None:
        self._bring(wish, self.shelf.at(number), seconds)

    def _recall_near(self, step: int, wish: Wish) -> None:
        self._bring(wish, self.shelf.near(step), 0.0)

    def _bring(self, wish: Wish, preset: Preset, seconds: float) -> None:
        path = self._model_for(preset)
        self.shelf.current = preset.name
        self._with_model(wish.act, path, partial(self._set, wish, preset, seconds, True), wish.refuse)

    def _apply(self, wish: Wish, name: str, seconds: float = 0.0) -> None:
        preset = self.shelf.find(name)
        self._set(wish, preset, seconds, preset.is_for(self._model_id()), None)

    def _set(self, wish: Wish, preset: Preset, seconds: float, own: bool, before: Place | None) -> None:
        found = fit(preset, self._controls.rows, own=own)
        wrong = self._move(wish.act, found.values, seconds, before)
        wish.done(preset.name, *_left_out(found.unknown, wrong))

    def _save(self, wish: Wish, name: str) -> None:
        model, values = self._facts.model, {**self._controls.values(), **self._glider.headed()}
        id, called = (model.id, model.name) if model is not None else ("", "")
        kept = self.shelf.save(name, self._controls.rows, values, id, called)
        wish.done(kept.name, kept.number)

    def _morph_between(self, wish: Wish, name: str, other: str) -> None:
        one, two = self.shelf.find(name), self.shelf.find(other)
        path = self._model_for(one) if one.model == two.model else None
        self._with_model(wish.act, path, partial(self._begin_morph, wish, one, two), wish.refuse)

    def _begin_morph(self, wish: Wish, one: Preset, two: Preset, before: Place | None) -> None:
        unknown = self._morph.between(one, two)
        self._move(wish.act, self._morph.values(), 0.0, before)
        wish.done(one.name, two.name, *_left_out(unknown, []))

    # Undo and redo.

    def _go(self, way: Callable[[Jumps, Callable[[Place], Place]], Place], wish: Wish) -> None:
        place = way(self._jumps, self._opposite)
        path = None if place.model is None or self._sounds(place.model) else place.model

        def arrive(before: Place | None) -> None:
            self._set_all(wish.act, place.values)
            wish.done(place.what)

        self._with_model(wish.act, path, arrive, wish.refuse)

    def _opposite(self, place: Place) -> Place:
        """What is left where a place is gone back to."""
        rows = self._controls.rows
        moved = [row.id for row in rows if _lasting_id(row) in place.values or (place.model is not None and row.name)]
        return self._here(place.what, moved, with_model=place.model is not None)

    def _left(self, model: Model) -> None:
        """A model was asked for by name and takes over: a jump."""
        self._jumps.note(self._here("model", [row.id for row in self._controls.sliders], with_model=True))

    # What they all do.

    def _model_id(self) -> str:
        return self._facts.model.id if self._facts.model is not None else ""

    def _sounds(self, path: Path) -> bool:
        return self._facts.model is not None and self._facts.model.path == path and not self._facts.loading

    def _model_for(self, preset: Preset) -> Path | None:
        """The file of a preset's model, None where that sounds. Raises `SdaError` where it is gone."""
        model = self._facts.model
        if not preset.model:
            return None
        if model is not None and model.id == preset.model:
            path = model.path
        else:
            try:
                path = self._repertoire.find(preset.model)
            except SdaError as error:
                name = preset.model_name or preset.model
                raise ControlError(f"{preset.name!r} is for the model {name!r}, which the library does not have") from error
        return None if self._sounds(path) else path

    def _with_model(
        self, what: str, path: Path | None, go_on: Callable[[Place | None], None], refuse: Callable[[str], None]
    ) -> None:
        """Go on once the model of a file sounds, with the place that was left for it; at once where there is none to load."""
        if path is None:
            go_on(None)
            return
        ids = [row.id for row in self._controls.rows if row.lasting]
        before = self._here(what, ids, with_model=True)
        self._repertoire.bring(path, lambda text: refuse(text) if text else go_on(before))

    def _here(self, what: str, ids: Iterable[str], *, with_model: bool = False) -> Place:
        """Where some controls stand, or are on their way to."""
        values = {**self._controls.values(), **self._glider.headed()}
        rows = {row.id: row for row in self._controls.rows}
        kept = {_lasting_id(rows[id]): values[id] for id in ids if id in rows}
        model = self._facts.model
        return Place(what, kept, model.path if with_model and model is not None else None)

    def _move(self, what: str, values: Mapping[str, object], seconds: float = 0.0, before: Place | None = None) -> list[str]:
        """Set controls, at once or over some seconds, as one jump. Returns what was wrong with those that were left alone."""
        rows = {row.id: row for row in self._controls.rows}
        checked: dict[str, Value] = {}
        wrong: list[str] = []
        for id, value in values.items():
            try:
                checked[id] = check(rows[id], value)
            except ControlError as error:
                wrong.append(str(error))
        place = before or self._here(what, checked)
        if before is not None or any(place.values[_lasting_id(rows[id])] != value for id, value in checked.items()):
            self._jumps.note(place)
        if seconds > 0:
            self._glider.start(checked, seconds, f"{what} {next(self._numbers)}")
            self._morph.renew()
        else:
            self._set_all(what, checked)
        return wrong

    def _set_all(self, what: str, values: Mapping[str, Value]) -> tuple[Change, ...]:
        self._glider.stop()
        self._morph.renew()
        settings = [Setting(id, value) for id, value in values.items()]
        return self._controls.set_many(settings, f"{what} {next(self._numbers)}", act=True).changes


def _lasting_id(row: Param) -> str:
    """By what a control is found again: a slider by its name."""
    return f"{SLIDER}{row.name}" if row.name else row.id


def _left_out(unknown: Iterable[str], wrong: Iterable[str]) -> tuple[str, ...]:
    """What to tell of values that came to nothing: a text, or nothing."""
    nowhere = ", ".join(unknown)
    texts = [*([f"not here: {nowhere}"] if nowhere else []), *wrong]
    return ("; ".join(texts)[:200],) if texts else ()
