"""The page of sounds and its pictures: read back by an image library and an HTML parser, with nothing from elsewhere."""

from __future__ import annotations

import base64
import io
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

from sda.formats import contact_sheet, png
from sda.formats.contact_sheet import Sound


class Page(HTMLParser):
    """Every start tag with its attributes, and the text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        self.text += data


def sound(**changes: object) -> Sound:
    values = {
        "file": "01.wav", "log_mel": np.linspace(-11, 0, 128 * 30, dtype=np.float32).reshape(128, 30), "seconds": 0.35,
        "seed": 7, "start": "from bell.wav at 1 s", "near": "nearest: bell.wav",
        "sliders": (("brightness", -2.5), ("axis-1", 10.0)),
        "command": "sda-engine generate 'two words' -o 01.wav",
    }  # fmt: skip
    return Sound(**{**values, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize("shape", [(1, 1), (128, 344), (3, 500)])
def test_an_image_library_reads_the_pixels_back(shape: tuple[int, int]) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    image = Image.open(io.BytesIO(png.encode(pixels)))
    image.load()
    assert image.size == shape[::-1]
    assert np.array_equal(np.asarray(image), pixels)
    assert np.array_equal(np.asarray(image.convert("RGB")), png.palette()[pixels])


def test_louder_is_lighter() -> None:
    # relative luminance of ITU-R BT.709
    assert (np.diff(png.palette() @ [0.2126, 0.7152, 0.0722]) > -0.5).all()


def test_a_picture_has_low_bands_below_and_75_decibels() -> None:
    log_mel = np.full((128, 4), -20.0, np.float32)
    log_mel[5] = 1.0
    log_mel[6] = 1.0 - 37.5 * np.log(10) / 20
    pixels = np.asarray(Image.open(io.BytesIO(contact_sheet.picture(log_mel, 1.0))))
    assert (pixels[127 - 5] == 255).all()
    assert np.isin(pixels[127 - 6], (127, 128)).all()  # half of 255
    assert (np.delete(pixels, [121, 122], axis=0) == 0).all()


def test_the_page_has_players_pictures_and_commands_and_needs_no_network() -> None:
    text = contact_sheet.page("bells", ["Two sounds."], [sound(), sound(file="02.wav")])
    page = Page(text)
    assert [attrs["src"] for tag, attrs in page.tags if tag == "audio"] == ["01.wav", "02.wav"]
    images = [attrs["src"] for tag, attrs in page.tags if tag == "img"]
    assert len(images) == 2
    for source in images:
        picture = Image.open(io.BytesIO(base64.b64decode(source.removeprefix("data:image/png;base64,"))))
        assert picture.size == (30, 128)
    commands = [attrs["data-command"] for tag, attrs in page.tags if "data-command" in attrs]
    assert commands == ["sda-engine generate 'two words' -o 01.wav"] * 2
    assert all(
        words in page.text for words in ("bells", "Two sounds.", "seed 7", "brightness", "−2.50", "+10.00", "bell.wav at 1 s")
    )
    assert not any(attrs.get(name, "").startswith(("http", "//")) for _, attrs in page.tags for name in ("src", "href"))
    assert "://" not in text
    assert "{{" not in text
    assert contact_sheet.MARK in text


def test_bars_lie_on_their_side_of_the_middle() -> None:
    page = contact_sheet.page("bells", [], [sound()])
    assert "left:37.5%;width:12.5%" in page  # -2.5 of 10
    assert "left:50.0%;width:50.0%" in page


def test_nothing_from_a_model_is_markup() -> None:
    evil = '"><script>alert(1)</script>{{cards}}'
    text = contact_sheet.page(evil, [evil], [sound(file=evil, near=evil, start=evil, command=evil, sliders=((evil, 1.0),))])
    page = Page(text)
    assert [tag for tag, _ in page.tags].count("script") == 1  # the page's own
    assert next(attrs["src"] for tag, attrs in page.tags if tag == "audio") == evil
    assert [tag for tag, _ in page.tags].count("article") == 1


def test_a_page_without_sounds_is_a_page() -> None:
    assert "<main>" in contact_sheet.page("bells", [], [])
