"""Colours: text can be read on every ground that it stands on, in every palette."""

from __future__ import annotations

from itertools import product

import pytest

from sda.panel.palette import DUSK, PALETTES, Palette, contrast, mixed

WHITE, BLACK = (255, 255, 255), (0, 0, 0)


def test_contrast_is_that_of_the_standard() -> None:
    assert contrast(WHITE, BLACK) == pytest.approx(21.0)
    assert contrast(DUSK.text, DUSK.text) == 1.0
    # #767676 on white is known as the lightest gray that passes 4.5:1, #777777 as the first that fails.
    assert contrast((0x76, 0x76, 0x76), WHITE) >= 4.5 > contrast((0x77, 0x77, 0x77), WHITE)


@pytest.mark.parametrize("palette", PALETTES.values(), ids=PALETTES)
def test_every_text_is_readable(palette: Palette) -> None:
    pairs = [*product(palette.texts, palette.grounds), (palette.text, palette.lifted)]
    pairs += [(palette.on_accent, ground) for ground in (palette.accent, palette.bad, palette.cool)]
    assert min(contrast(*pair) for pair in pairs) >= 4.5


def test_colours_mix_evenly() -> None:
    assert mixed(BLACK, (100, 200, 50), 0.5) == (50, 100, 25)
