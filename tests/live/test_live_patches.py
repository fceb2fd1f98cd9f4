"""The patches for Pure Data and SuperCollider, opened in the real programs, beside a real engine that plays into a file."""

from __future__ import annotations

import itertools
import os
import shutil
import socket
import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile
from live_session import Session, session
from small_models import sounding

import sda
from sda.adapters.osc_probe import Asker
from sda.library import Library

PATCHES = Path(__file__).parents[2] / "patches"
RATE = 48_000
STEADY = ("--set", "variation=0", "--set", "drift=0", "--set", "glide=0")  # every grain the same
ENGINE, PATCH = "16180", "16181"  # the ports in the patches

# Pure Data: move sliders by their names once the patch is up, and ask one of them what it shows.
PLAYER = """#N canvas 0 0 400 300 12;
#X obj 0 0 loadbang;
#X obj 0 0 delay 500;
#X msg 0 0 \\; sda-gain 0.75 \\; sda-slider-1 6 \\; sda-vocoder 2;
#X obj 0 0 delay 700;
#X msg 0 0 \\; sda-play 1;
#X obj 0 0 delay 4000;
#X msg 0 0 \\; pd quit;
#X obj 0 0 r sda-name;
#X obj 0 0 print name;
#X obj 0 0 r sda-slider;
#X obj 0 0 print slider;
#X connect 0 0 1 0;
#X connect 1 0 2 0;
#X connect 0 0 3 0;
#X connect 3 0 4 0;
#X connect 0 0 5 0;
#X connect 5 0 6 0;
#X connect 7 0 8 0;
#X connect 9 0 10 0;
"""

# SuperCollider: the window's own views, a pattern, a message; then what the patch knows of the engine.
SCRIPT = """(
"%s".load;
fork {
	while { ~sdaViews['slider.1'].isNil } { 0.05.wait };
	0.5.wait;
	{
		~sdaViews['slider.1'].valueAction_(0.8);
		~sdaViews['vocoder'].valueAction_(2);
		~sdaViews['play'].valueAction_(true);
		Pbind(\\type, \\sda, \\path, "gain", \\value, Pseq([-6.0], 1), \\dur, 0.1).play;
	}.defer;
	3.wait;
	"menu %%".format(~sdaPresets.items).postln;
	"knows %% of %%".format(~sdaValues['slider.2'], ~sdaViews.keys.asArray.sort).postln;
	0.exit;
};
)
"""


def free_port() -> str:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


def opened_from(folder: str, tmp_path: Path, engine: int) -> Path:
    """A copy of a patch with the ports of this test in it, and nothing else changed."""
    hears = free_port()
    for path in (PATCHES / folder).iterdir():
        if path.suffix in (".pd", ".scd"):
            text = path.read_text(encoding="utf-8").replace(ENGINE, str(engine)).replace(PATCH, hears)
            (tmp_path / path.name).write_text(text, encoding="utf-8")
    return tmp_path


def spectrum(wave: np.ndarray) -> np.ndarray:
    """Mean level of third-octave-wide bands, dB."""
    power = np.square(np.abs(np.fft.rfft(wave * np.hanning(len(wave)))))
    edges = np.geomspace(20, len(power) - 1, 25).astype(int)
    return np.asarray([10 * np.log10(power[low:high].mean() + 1e-12) for low, high in itertools.pairwise(edges)])


def sounds_as_asked(path: Path) -> bool:
    """Whether the end of a recording is the model's sound at gain -6 with its first slider at 6, and not at 0."""
    wave = soundfile.read(path, dtype="float32", always_2d=True)[0][-RATE:, 0]
    model = sda.load("pebbles")
    steady = {"variation": 0.0, "drift": 0.0, "gain": -6.0}
    there, here = (
        np.abs(spectrum(wave) - spectrum(model.render(2.0, sliders={1: at, 2: -3.0}, values=steady)[0][-RATE:])).mean()
        for at in (6.0, 0.0)
    )
    return bool(there < 1.0 and there < here / 2)


def values_of(running: Session) -> dict[str, object]:
    return {id: running.ask(f"/sda/q/{id}").params[0] for id in ("slider/1", "gain", "vocoder", "play")}


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("pd"), reason="needs puredata-core")
def test_the_pure_data_patch_plays_a_real_engine(home: Path, tmp_path: Path) -> None:
    Library().add(sounding("pebbles"))
    with session("pebbles", "--audio", f"file:{tmp_path / 'out.wav'}", *STEADY) as running:
        folder = opened_from("puredata", tmp_path, running.port)
        (folder / "player.pd").write_text(PLAYER)
        command = ["pd", "-nogui", "-noaudio", "-nomidi", "-noprefs", "-stderr", "-open", "sda.pd", "-open", "player.pd"]
        pd = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        while "name: slider.1" not in (line := pd.stderr.readline()):  # type: ignore[union-attr]
            assert line, "Pure Data ended"
        running.send("/sda/slider/2", -3.0)  # somebody else moves one
        said = pd.communicate(timeout=30)[1]
        # gain 0.75 of -60 to 12 is -6 dB
        assert values_of(running) == {"slider/1": 6.0, "gain": -6.0, "vocoder": "hifigan", "play": 1}
        running.end()
    assert sounds_as_asked(tmp_path / "out.wav")
    assert "slider: 2 -3" in said
    assert not [line for line in said.splitlines() if "couldn't create" in line or "error" in line or "no such object" in line]


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("sclang"), reason="needs supercollider-language")
def test_the_supercollider_patch_plays_a_real_engine(home: Path, tmp_path: Path) -> None:
    Library().add(sounding("pebbles"))
    path = tmp_path / "out.wav"
    with session("pebbles", "--audio", f"file:{path}", *STEADY) as running:
        folder = opened_from("supercollider", tmp_path, running.port)
        (folder / "player.scd").write_text(SCRIPT % (folder / "sda.scd"))
        running.send("/sda/slider/2", -3.0)
        running.ask("/sda/sync", 1)
        with Asker(("127.0.0.1", running.port)) as asker:
            asker.ask("/sda/preset/save", "dusk", answer="/sda/done")
        environment = {**os.environ, "QTWEBENGINE_DISABLE_SANDBOX": "1", "QT_QPA_PLATFORM": "offscreen"}
        done = subprocess.run(
            ["sclang", "player.scd"], cwd=folder, env=environment, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert values_of(running) == {"slider/1": 6.0, "gain": -6.0, "vocoder": "hifigan", "play": 1}
        running.end()
    assert sounds_as_asked(path)
    assert done.returncode == 0
    assert "ERROR" not in done.stdout
    assert "menu [ presets, dusk ]" in done.stdout
    assert "knows -3.0 of [ azimuth, density," in done.stdout
