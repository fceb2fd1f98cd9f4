"""BigVGAN's weights as the panel tells of them: what is there, what is coming, and what went wrong. No toolkit."""

from __future__ import annotations

from dataclasses import dataclass

from sda.panel import words
from sda.panel.jobs import State, Watched
from sda.weights import State as Weights
from sda.weights import about

VERDICTS = {
    "verified": "checked, sha256 as pinned",
    "unverified": "UNVERIFIED, not the pinned content: it was taken by import --unverified",
    "unchecked": "not checked yet; it is hashed before its first use",
    "wrong": "its size is wrong, and it will not be used",
}


@dataclass(frozen=True, slots=True)
class Telling:
    """What stands in the view."""

    state: str
    size: str
    share: float  # of the bytes, 0..1
    numbers: str  # bytes and rate
    left: float | None  # s
    stage: str
    trouble: str  # why the last download did not end well
    comes: bool  # a process fetches it now
    begun: bool  # a part of it is here
    can_fetch: bool
    fetch: str  # what fetching is called here


def telling(weights: Weights, run: Watched | None) -> Telling:
    """From the files, and the newest run of a download if there was one."""
    live = run if run is not None and run.state.lives else None
    here = weights.status == "present" and weights.verdict != "wrong"
    begun = weights.generator.status == "partly"
    total = weights.generator.expected or weights.generator.size or 1
    data = live.step if live is not None else {}
    done, eta = float(data.get("step") or weights.generator.size), data.get("eta_s")
    numbers = f"{words.size(done)} of {words.size(total)}"
    if speed := words.rate(data.get("rate")):
        numbers += f", {speed}"
    return Telling(
        state="coming" if live is not None else _state(weights),
        size=words.size(weights.size if here else total),
        share=min(1.0, done / total),
        numbers=numbers,
        left=float(eta) if isinstance(eta, int | float) else None,
        stage="" if live is None else _stage(live),
        trouble="" if here or live is not None else _trouble(run),
        comes=live is not None,
        begun=begun,
        can_fetch=live is None and not here,
        fetch="Go on" if begun else "Fetch it",
    )


def _state(weights: Weights) -> str:
    if weights.status == "present":
        return f"here; {VERDICTS.get(weights.verdict, '')}"
    return "partly here; what came is kept" if weights.generator.status == "partly" else "not here"


def _stage(run: Watched) -> str:
    """What a download is at."""
    if run.state is State.STOPPING:
        return "stopping"
    data = run.step
    return about(str(data.get("stage")), str(data.get("file", "")), str(data.get("note", "")))


def _trouble(run: Watched | None) -> str:
    """Why the last download did not end well."""
    if run is None or run.state is State.DONE:
        return ""
    if run.state is State.STOPPED:
        return "The last download was stopped; Go on continues where it was."
    if run.state is State.BROKEN_OFF:
        return "The last download broke off: its process was killed or the machine went down."
    return run.error
