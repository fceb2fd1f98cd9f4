"""What may keep the instrument from working on this machine, looked at one after the other, each with what to do about it.

Nothing here loads torch or a sound library into this process: what may hang or crash is asked in a child.
"""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata

from sda import universal
from sda.adapters import osc_probe
from sda.errors import SdaError
from sda.job import environment
from sda.library import Library, home
from sda.live import midi_listing
from sda.live.player_devices import devices

FINE, NOTE, WRONG = "fine", "note", "wrong"
PACKAGE = "sda-engine"
ROOM = 2e9  # bytes below which a disk is short: BigVGAN and its copy are 1 GB
PATIENCE = 60.0  # s for torch to load and look for a GPU
ASK_TORCH = """
import json, torch
cuda = torch.cuda.is_available()
name = torch.cuda.get_device_name() if cuda else ""
print(json.dumps([torch.__version__, cuda, name, torch.backends.mps.is_available()]))
"""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    subject: str
    level: str  # FINE, NOTE (works, but less well than it could) or WRONG
    text: str
    remedy: str = ""  # what to do, where it is not fine


def examine(osc: tuple[str, int]) -> Iterator[Finding]:
    """Everything, the quick things first. osc: host and port that the engine would take."""
    yield _python()
    yield from _packages()
    yield _place()
    yield from _models()
    yield _weights()
    yield _port(*osc)
    yield _sound()
    yield _midi()
    yield _processor()


def _python() -> Finding:
    text = f"{platform.python_version()} on {platform.platform()}, {os.cpu_count()} cores"
    if (3, 11) <= sys.version_info[:2] < (3, 13):
        return Finding("Python", FINE, text)
    return Finding("Python", WRONG, text, "install it under Python 3.11 or 3.12: wheels of python-rtmidi end there")


def _packages() -> Iterator[Finding]:
    """Those that the program asks for: whether they are here, and new enough."""
    try:
        wanted = metadata.requires(PACKAGE) or []
    except metadata.PackageNotFoundError:
        yield Finding("packages", WRONG, f"{PACKAGE} is not installed here", "pip install sda-engine")
        return
    bad, good = [], []
    for line in wanted:
        name, _, condition = line.partition(";")
        if "extra" in condition:
            continue
        found = re.match(r"([\w.-]+)(?:\[.*\])?\s*(?:>=([\d.]+))?", name.strip())
        assert found is not None, line
        bad += _shortcoming(found[1], found[2] or "0")
        good.append(found[1])
    if bad:
        yield Finding("packages", WRONG, "; ".join(bad), f"pip install --upgrade {PACKAGE}")
    else:
        yield Finding("packages", FINE, f"{PACKAGE} {metadata.version(PACKAGE)} and the {len(good)} that it needs")


def _shortcoming(name: str, least: str) -> list[str]:
    """Why a package will not do, if it will not."""
    try:
        version = metadata.version(name)
    except metadata.PackageNotFoundError:
        return [f"{name} is missing"]
    return [] if _numbers(version) >= _numbers(least) else [f"{name} is {version}, expected {least} or newer"]


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version.split("+")[0])[:3])


def _place() -> Finding:
    """Whether models, runs and caches can be written, and whether there is room."""
    folder = home()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
        free = shutil.disk_usage(folder).free
    except OSError as error:
        return Finding(
            "library", WRONG, f"{folder}: cannot write there ({error.strerror})", "make it writable, or set SDA_HOME"
        )
    text = f"{folder}, {free / 1e9:.1f} GB free"
    if free < ROOM:
        return Finding("library", NOTE, text, "make room, or move it with SDA_HOME: BigVGAN and training want 2 GB")
    return Finding("library", FINE, text)


def _models() -> Iterator[Finding]:
    try:
        entries = Library().entries()
    except (SdaError, OSError) as error:
        yield Finding("models", WRONG, str(error), "mend the folder of the library, or set SDA_HOME")
        return
    broken = [entry for entry in entries if entry.document is None]
    for entry in broken:
        yield Finding("models", WRONG, f"{entry.path}: cannot be read", "take it out of the folder, or train it again")
    if not entries:
        yield Finding("models", NOTE, "none yet", "make one: sda-engine train FOLDER --name NAME")
    elif not broken:
        yield Finding("models", FINE, f"{len(entries)} in the library")


def _weights() -> Finding:
    """BigVGAN, which nobody has to have."""
    state = universal.store().state()
    fetch = "sda-engine vocoder download"
    if state.status == "absent":
        return Finding("BigVGAN", FINE, "not here; models play without it", "")
    if state.status == "partly":
        return Finding("BigVGAN", NOTE, f"a begun download, {state.place}", fetch)
    if state.verdict == "wrong":
        return Finding("BigVGAN", WRONG, f"not the pinned file, {state.place}", f"sda-engine vocoder remove, then {fetch}")
    return Finding("BigVGAN", FINE, f"here, {state.verdict}")


def _port(host: str, port: int) -> Finding:
    where = f"{host}:{port}"
    try:
        held = osc_probe.holder(host, port)
    except OSError as error:
        return Finding("OSC port", WRONG, f"{where}: {error.strerror}", "name an address of this machine with --osc")
    if held == osc_probe.FREE:
        return Finding("OSC port", FINE, f"{where} is free")
    if held == osc_probe.OTHER:
        return Finding("OSC port", WRONG, f"{where} is held by another program", "end that, or choose another with --osc")
    return Finding("OSC port", FINE, f"{where} is held by {held}")


def _sound() -> Finding:
    try:
        found = devices()
    except SdaError as error:
        remedy = "install PortAudio (Debian: libportaudio2), or use --audio null or file:PATH"
        return Finding("sound", WRONG, str(error), remedy)
    if not found:
        what = "connect one, start JACK or PipeWire, or use --audio null or file:PATH"
        return Finding("sound", WRONG, "no device can play", what)
    names = ", ".join(f"{device.number} {device.name} ({device.api})" for device in found)
    return Finding("sound", FINE, names)


def _midi() -> Finding:
    try:
        found = midi_listing.ports()
    except SdaError as error:
        return Finding("MIDI", NOTE, str(error), "look at what other programs say of MIDI here; without it use --no-midi")
    names = ", ".join(dict.fromkeys([*found["others_in"], *found["others_out"]]))
    if found["trouble"]:
        return Finding(
            "MIDI", NOTE, found["trouble"], "on Linux load snd-seq (ALSA) or start JACK; everything else works without"
        )
    return Finding("MIDI", FINE, f"{found['system']}: {names or 'no port but ours'}")


def _processor() -> Finding:
    """What BigVGAN and training run on; a model's own vocoder is at home on the CPU."""
    command = [sys.executable, "-P", "-c", ASK_TORCH]
    try:
        asked = subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=PATIENCE, check=False)
    except subprocess.TimeoutExpired:
        return Finding("GPU", WRONG, f"torch did not load within {PATIENCE:g} s", "pip install --force-reinstall torch")
    if asked.returncode != 0:
        words = asked.stderr.strip().splitlines()[-1:] or ["it crashed"]
        return Finding("GPU", WRONG, f"torch does not load: {words[0]}", "pip install --force-reinstall torch")
    version, cuda, name, mps = json.loads(asked.stdout.splitlines()[-1])
    if cuda or mps:
        return Finding("GPU", FINE, f"torch {version}, {name if cuda else 'Apple MPS'}")
    if advice := universal.advice("cpu"):
        return Finding("GPU", NOTE, f"torch {version}, none: BigVGAN takes seconds per second of sound", advice)
    return Finding("GPU", FINE, f"torch {version}, none: BigVGAN plays loops rendered ahead, training takes its time")
