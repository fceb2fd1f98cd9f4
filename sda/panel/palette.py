"""The panel's colours, as numbers: two palettes that say the same in the dark and in daylight. No toolkit.

Text keeps a contrast of 4.5:1 or more to whatever it stands on (WCAG 2.1, success criterion 1.4.3).
"""

from __future__ import annotations

from dataclasses import dataclass

Colour = tuple[int, int, int]
"""Red, green and blue, 0..255, as sRGB has them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Palette:
    """Colours by what they say."""

    name: str
    ground: Colour  # behind everything
    surface: Colour  # of groups
    raised: Colour  # of buttons and fields
    lifted: Colour  # of those under the mouse
    line: Colour  # edges and rulers; no text
    text: Colour
    dim: Colour  # text that is no news
    accent: Colour  # what is set by hand
    on_accent: Colour  # text on it
    cool: Colour  # what is measured
    good: Colour
    warn: Colour
    bad: Colour

    @property
    def texts(self) -> tuple[Colour, ...]:
        """Colours in which words are written on the three grounds."""
        return (self.text, self.dim, self.accent, self.cool, self.good, self.warn, self.bad)

    @property
    def grounds(self) -> tuple[Colour, ...]:
        """What words are written on."""
        return (self.ground, self.surface, self.raised)


DUSK = Palette(
    name="dusk",
    ground=(19, 21, 25), surface=(27, 30, 36), raised=(40, 44, 53), lifted=(54, 60, 71), line=(74, 81, 95),
    text=(236, 233, 226), dim=(172, 178, 190), accent=(232, 170, 92), on_accent=(24, 20, 14),
    cool=(122, 196, 208), good=(134, 205, 144), warn=(238, 196, 92), bad=(255, 140, 124),
)  # fmt: skip
PAPER = Palette(
    name="paper",
    ground=(236, 233, 226), surface=(246, 244, 239), raised=(224, 220, 211), lifted=(208, 203, 192), line=(150, 146, 137),
    text=(28, 28, 30), dim=(75, 75, 80), accent=(122, 68, 8), on_accent=(255, 252, 246),
    cool=(12, 82, 98), good=(22, 88, 40), warn=(112, 70, 0), bad=(150, 28, 18),
)  # fmt: skip
PALETTES = {palette.name: palette for palette in (DUSK, PAPER)}


def contrast(one: Colour, other: Colour) -> float:
    """The contrast ratio of two colours, 1 to 21 (WCAG 2.1, "contrast ratio")."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: Colour) -> float:
    """Relative luminance, 0..1 (WCAG 2.1, "relative luminance")."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (part / 255 for part in colour)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def mixed(one: Colour, other: Colour, share: float) -> Colour:
    """A colour between two; share: of the other, 0..1."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return red, green, blue
