"""One page of many sounds: a spectrogram to press, what each is set to, and the command that makes it again.

The page needs no network: pictures and scripts are in it, the sounds are the files beside it. Its template is
`sda/data/contact_sheet.html`, where `{{name}}` stands for a text; everything that comes from a model is escaped.
"""

from __future__ import annotations

import base64
import html
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from sda.formats import png

MARK = '<meta name="generator" content="sda-engine explore">'  # by which a page is known as one of ours
RANGE_DB = 75.0  # of a picture
NEPER_DB = 20 / np.log(10)


@dataclass(frozen=True, slots=True)
class Sound:
    """One sound of the page."""

    file: str  # name of the wav beside the page
    log_mel: NDArray[np.float32]  # [M, F] nat
    seconds: float
    seed: int
    start: str  # what the sliders start from, in words
    near: str  # the nearest recording, in words; empty where none is known
    sliders: tuple[tuple[str, float], ...]  # names and positions, -10 to 10, of those that are moved
    command: str


def page(title: str, words: Sequence[str], sounds: Sequence[Sound]) -> str:
    """The whole page; words: sentences under its title."""
    loudest = max((float(sound.log_mel.max()) for sound in sounds), default=0.0)
    template = (files("sda") / "data" / "contact_sheet.html").read_text("utf-8")
    cards = "\n".join(_card(number, sound, loudest) for number, sound in enumerate(sounds, 1))
    said = "\n".join(f"<p>{html.escape(sentence)}</p>" for sentence in words)
    parts = {"mark": MARK, "title": html.escape(title), "words": said, "cards": cards}
    head, *rest = template.split("{{")
    return head + "".join(parts[name] + after for name, after in (part.split("}}", 1) for part in rest))


def picture(log_mel: NDArray[np.float32], loudest: float) -> bytes:
    """A spectrogram [M, F] in nat as a PNG, low bands at the bottom; brightest at `loudest` nat, dark 75 dB below."""
    share = 1 + (log_mel[::-1].astype(np.float64) - loudest) * NEPER_DB / RANGE_DB
    return png.encode((share.clip(0, 1) * 255).round().astype(np.uint8))


def _card(number: int, sound: Sound, loudest: float) -> str:
    image = base64.b64encode(picture(sound.log_mel, loudest)).decode()
    file, command, near = (html.escape(text) for text in (sound.file, sound.command, sound.near))
    bars = "\n".join(_bar(name, value) for name, value in sound.sliders) or "<li class='none'>all sliders at 0</li>"
    closest = f"<p class='near'>{near}</p>" if near else ""
    return f"""<article id="sound-{number}">
<button class="play" aria-label="Play sound {number}">
<img alt="Spectrogram of sound {number}" src="data:image/png;base64,{image}">
<span class="head"></span><span class="number">{number}</span><span class="time">{sound.seconds:.1f} s</span></button>
<audio preload="none" src="{file}"></audio>
<p class="start">{html.escape(sound.start)}</p>{closest}
<ul class="sliders">
{bars}
</ul>
<footer><span>seed {sound.seed}</span><a href="{file}" download>{file}</a>
<button class="copy" data-command="{command}">copy command</button></footer>
</article>"""


def _bar(name: str, value: float) -> str:
    left, width = min(50.0, 50 + 5 * value), abs(5 * value)  # percent
    shown = f"{value:+.2f}".replace("-", "−")
    fill = f'<i style="left:{left:.1f}%;width:{width:.1f}%"></i>'
    return f"<li><span>{html.escape(name)}</span><b>{fill}</b><em>{shown}</em></li>"
