"""The acts: what can be asked of the engine that is more than a control's value. One row each, as the registry has them.

OSC addresses, MIDI targets, OSCQuery and `sda-engine params` are derived from these rows; the engine has a deed for each
(`sda.live.deeds`). An act that takes nothing does not mind a value: buttons send 1 when they are pressed and 0 when they
are let go, and the latter is no press.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from sda.errors import ControlError
from sda.params import TEXT_LIMIT, Kind, Value, check_name


@dataclass(frozen=True, slots=True, kw_only=True)
class Argument:
    """What an act is told. Its kind is `FLOAT`, `INT` or `TEXT`; a text is a name, never a path."""

    name: str
    kind: Kind
    unit: str = ""
    low: float = 0.0
    high: float = 1.0
    needed: bool = True
    help: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One act. One that is `long` is answered twice: accepted at once, done or an error later."""

    id: str
    arguments: tuple[Argument, ...] = ()
    long: bool = False
    writes: bool = False  # it may move every control
    help: str = ""

    @property
    def address(self) -> str:
        """The OSC address."""
        return "/sda/" + self.id.replace(".", "/")


PRESET = Argument(name="name", kind=Kind.TEXT, help="Of a preset of the library.")
SECONDS = Argument(name="seconds", kind=Kind.FLOAT, unit="s", high=600.0, needed=False, help="To get there.")

WIDE = 1e6  # beyond every control's range

NEW = Argument(name="name", kind=Kind.TEXT, needed=False, help="Of the file; the time if left out.")

ACTS = (
    Act(id="panic", help="Silence within 10 ms; play on ends it."),
    Act(
        id="strike", help="A grain now; the velocity's square is its level.",
        arguments=(Argument(name="velocity", kind=Kind.FLOAT, needed=False, help="How hard."),),
    ),
    Act(id="center", writes=True, help="Every slider to 0."),
    Act(
        id="randomize", long=True, writes=True, help="Sliders by chance, where the recordings are; done tells the seed.",
        arguments=(Argument(name="seed", kind=Kind.INT, high=2**31 - 1, needed=False, help="The same seed, the same place."),),
    ),
    Act(id="undo", long=True, writes=True, help="Back before the last recall, apply, morph, randomize, center or model."),
    Act(id="redo", long=True, writes=True, help="Forth again, after undo."),
    Act(
        id="preset.recall", arguments=(PRESET, SECONDS), long=True, writes=True,
        help="Its model, then its values, in so many seconds (0 if left out).",
    ),
    Act(
        id="preset.apply", arguments=(PRESET, SECONDS), long=True, writes=True,
        help="Its values for the model that sounds; sliders are found by name.",
    ),
    Act(id="preset.save", arguments=(PRESET,), long=True, help="All but play, freeze, model, morph; replaces one of its name."),
    Act(id="preset.next", long=True, writes=True, help="Recall the one after the last recalled."),
    Act(id="preset.prev", long=True, writes=True, help="Recall the one before the last recalled."),
    Act(
        id="preset.number", long=True, writes=True, help="Recall by number: 0 is the first, which program change 0 means.",
        arguments=(Argument(name="number", kind=Kind.INT, high=128**3 - 1, help="Bank * 128 + program."), SECONDS),
    ),
    Act(
        id="preset.morph", long=True, writes=True, help="The two that the control morph lies between.",
        arguments=(PRESET, Argument(name="other", kind=Kind.TEXT, help="Where morph is 1.")),
    ),
    Act(
        id="generate", long=True, help="A job: what is loaded and set now, into a new file of the library's recordings.",
        arguments=(
            Argument(name="name", kind=Kind.TEXT, help="Of the recording; done tells its file."),
            Argument(name="seconds", kind=Kind.FLOAT, unit="s", low=0.1, high=3600.0, help="How long."),
        ),
    ),
    Act(
        id="train.vocoder", long=True, help="A job: a vocoder of the model's own; reload it when that is done.",
        arguments=(Argument(name="model", kind=Kind.TEXT, help="Of the library."),),
    ),
    Act(id="train.cancel", long=True, help="End the training that goes on, whoever started it; the best so far is kept."),
    Act(id="download.bigvgan", long=True, help="A job: BigVGAN's weights, or the rest of them."),
    Act(id="download.cancel", long=True, help="End the download; what came is kept."),
    Act(id="take.start", arguments=(NEW,), long=True, help="Write down all that is done, to be rendered again (render-take)."),
    Act(id="take.stop", long=True, help="The take ends; done tells its name."),
    Act(id="record.start", arguments=(NEW,), long=True, help="Record what is heard into a file of the library."),
    Act(id="record.stop", long=True, help="The recording ends; done tells its name."),
    Act(id="reload", help="The file of the model that sounds again, for instance after it was trained further."),
    Act(
        id="audio.open", long=True, help="Play to another sound device; to the one before where that cannot be opened.",
        arguments=(
            Argument(name="device", kind=Kind.TEXT, help="Number or part of its name; default, or null for nowhere."),
            Argument(name="first", kind=Kind.INT, high=256, needed=False, help="Of two channels, from 1; 0 as it has them."),
            Argument(name="rate", kind=Kind.INT, unit="Hz", high=192_000, needed=False, help="Wished of it; 0 as now."),
            Argument(name="block", kind=Kind.INT, high=8192, needed=False, help="Frames at a time; 0 as it likes."),
        ),
    ),
    Act(
        id="midi.learn", arguments=(Argument(name="id", kind=Kind.TEXT, help="A control or act."),), long=True,
        help="Bind what is moved next on a MIDI controller to a control or act.",
    ),
    Act(
        id="midi.adjust", help="How what is bound to a control moves it; low and high alike: its whole range.",
        arguments=(
            Argument(name="id", kind=Kind.TEXT, help="A control."),
            Argument(name="takeover", kind=Kind.TEXT, help="auto, or how a knob that stands elsewhere gets hold of it."),
            Argument(name="low", kind=Kind.FLOAT, low=-WIDE, high=WIDE, needed=False, help="Where the knob is at its low end."),
            Argument(name="high", kind=Kind.FLOAT, low=-WIDE, high=WIDE, needed=False, help="At its high end."),
            Argument(name="curve", kind=Kind.FLOAT, high=10.0, needed=False, help="Power; 0 is the control's own."),
        ),
    ),
    Act(
        id="midi.forget", arguments=(Argument(name="id", kind=Kind.TEXT, help="A control or act."),),
        help="No MIDI controller moves this control or act any more.",
    ),
)  # fmt: skip


def act_of(id: str) -> Act:
    """An act by its id. Raises `ControlError` where there is none."""
    found = next((act for act in ACTS if act.id == id), None)
    if found is None:
        raise ControlError(f"{id[:60]}: no such act; expected one of {', '.join(act.id for act in ACTS)}")
    return found


def is_release(act: Act, args: Sequence[object]) -> bool:
    """Whether a message to an act that takes nothing is a button that was let go: a single 0 or false."""
    return not act.arguments and len(args) == 1 and isinstance(args[0], int | float) and args[0] == 0


def check_arguments(act: Act, args: Sequence[object]) -> tuple[Value, ...]:
    """The arguments as the act takes them: numbers clipped to their range, those left out at the end left out.

    Raises `ControlError` for too few or too many, and for values of another kind.
    """
    if not act.arguments:
        return ()
    least = sum(argument.needed for argument in act.arguments)
    if not least <= len(args) <= len(act.arguments):
        count = f"{least}" if least == len(act.arguments) else f"{least} to {len(act.arguments)}"
        wanted = ", ".join(a.name if a.needed else f"[{a.name}]" for a in act.arguments)
        raise ControlError(f"{act.id}: expected {count} values ({wanted}), found {len(args)}")
    return tuple(_checked(act, argument, value) for argument, value in zip(act.arguments, args, strict=False))


def _checked(act: Act, argument: Argument, value: object) -> Value:
    what = f"{act.id}, {argument.name}"
    if argument.kind is Kind.TEXT:
        if not isinstance(value, str) or not 0 < len(value) <= TEXT_LIMIT:
            raise ControlError(f"{what}: expected a text of 1 to {TEXT_LIMIT} characters, found {str(value)[:40]!r}")
        return check_name(what, value)
    if not isinstance(value, int | float) or not math.isfinite(value):
        raise ControlError(f"{what}: expected a finite number, found {str(value)[:40]!r}")
    clipped = min(max(value, argument.low), argument.high)
    return round(clipped) if argument.kind is Kind.INT else float(clipped)
