"""How the panel looks: a palette, the shipped font and one scale for every length, made into Dear PyGui's theme.

Lengths are given in points, of which there are 800 to the height of a small screen; `px` makes pixels of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import dearpygui.dearpygui as dpg

from sda.panel.palette import Colour, Palette, mixed

FONT = Path(__file__).with_name("fonts") / "DejaVuSans.ttf"
TEXT, HEADING = 14, 19  # points, heights of the font
GRID = 4  # points that lengths are multiples of
SCALES = (0.75, 1.0, 1.25, 1.5, 1.75, 2.0, 2.5, 3.0)
BASE_HEIGHT = 800  # points


@dataclass(frozen=True, slots=True)
class Look:
    """Colours and lengths of one window."""

    palette: Palette
    scale: float  # pixels in a point
    font_points: int = TEXT

    def px(self, points: float) -> int:
        """A length in pixels."""
        return round(points * self.scale)

    @property
    def line(self) -> int:
        """Height of a row of widgets, pixels."""
        return self.px(self.font_points + 2 * GRID + 2)


@dataclass(frozen=True, slots=True)
class Paint:
    """What of the look Dear PyGui made: themes and fonts to bind to single items."""

    heading: int  # a font
    primary: int  # themes: the button that does the main thing
    danger: int  # the one that destroys or silences
    lit: int  # one that is on
    quiet: int  # text that is no news
    label: int  # a name before a field: a button that looks like text, so that it is as wide as the others
    fault: int  # the name of what went wrong


def scale_for(height: int) -> float:
    """The scale that suits a window of so many pixels in height."""
    wanted = height / BASE_HEIGHT
    return max((s for s in SCALES if s <= wanted + 0.05), default=SCALES[0])


def install(look: Look) -> Paint:
    """Bind font and theme to everything; the window's context must exist."""
    with dpg.font_registry():
        text = dpg.add_font(str(FONT), look.px(look.font_points))
        heading = dpg.add_font(str(FONT), look.px(look.font_points + HEADING - TEXT))
    dpg.bind_font(text)
    dpg.bind_theme(_everything(look))
    p = look.palette
    return Paint(
        heading=heading,
        primary=_button(p.accent, p.on_accent, p.text),
        danger=_button(p.bad, p.on_accent, p.text),
        lit=_button(p.cool, p.on_accent, p.text),
        quiet=_text(p.dim),
        label=_label(p.dim),
        fault=_label(p.bad),
    )


def _everything(look: Look) -> int:
    p, px = look.palette, look.px
    colours = {
        "WindowBg": p.ground, "ChildBg": p.surface, "PopupBg": p.surface, "Border": p.line, "FrameBg": p.raised,
        "FrameBgHovered": p.lifted, "FrameBgActive": p.lifted, "TitleBg": p.surface, "TitleBgActive": p.raised,
        "TitleBgCollapsed": p.surface, "MenuBarBg": p.surface, "ScrollbarBg": p.ground, "ScrollbarGrab": p.line,
        "ScrollbarGrabHovered": p.dim, "ScrollbarGrabActive": p.dim, "CheckMark": p.accent, "SliderGrab": p.accent,
        "SliderGrabActive": p.accent, "Button": p.raised, "ButtonHovered": p.lifted, "ButtonActive": p.line,
        "Header": p.raised, "HeaderHovered": p.lifted, "HeaderActive": p.lifted, "Separator": p.line,
        "SeparatorHovered": p.line, "SeparatorActive": p.line, "ResizeGrip": p.line, "ResizeGripHovered": p.dim,
        "ResizeGripActive": p.dim, "Tab": p.ground, "TabHovered": p.lifted, "TabSelected": p.raised,
        "TabSelectedOverline": p.accent, "TabDimmed": p.ground, "TabDimmedSelected": p.raised,
        "TabDimmedSelectedOverline": p.accent, "Text": p.text, "TextDisabled": p.dim, "TextSelectedBg": p.line,
        "TableHeaderBg": p.raised, "TableBorderStrong": p.line, "TableBorderLight": p.line, "TableRowBg": p.surface,
        "TableRowBgAlt": p.ground, "PlotLines": p.cool, "PlotHistogram": p.line, "InputTextCursor": p.text,
        "NavCursor": p.accent,
    }  # fmt: skip
    plots = {
        "FrameBg": p.surface, "PlotBg": p.ground, "PlotBorder": p.line, "LegendBg": p.surface, "LegendBorder": p.line,
        "LegendText": p.text, "TitleText": p.text, "InlayText": p.text, "AxisText": p.dim, "AxisGrid": p.raised,
        "AxisTick": p.line, "Crosshairs": p.text,
    }  # fmt: skip
    styles = {
        "WindowPadding": (px(12), px(12)), "FramePadding": (px(8), px(5)), "ItemSpacing": (px(8), px(6)),
        "ItemInnerSpacing": (px(6), px(4)), "CellPadding": (px(8), px(4)), "FrameRounding": (px(4),),
        "ChildRounding": (px(6),), "PopupRounding": (px(6),), "TabRounding": (px(4),), "GrabRounding": (px(4),),
        "ScrollbarSize": (px(12),), "ScrollbarRounding": (px(6),), "GrabMinSize": (px(12),), "IndentSpacing": (px(16),),
        "WindowBorderSize": (0,), "ChildBorderSize": (0,), "FrameBorderSize": (0,), "TabBarOverlineSize": (px(2),),
        "DisabledAlpha": (0.55,),
    }  # fmt: skip
    with dpg.theme() as theme, dpg.theme_component(dpg.mvAll):
        for name, colour in colours.items():
            dpg.add_theme_color(getattr(dpg, f"mvThemeCol_{name}"), colour)
        for name, colour in plots.items():
            dpg.add_theme_color(getattr(dpg, f"mvPlotCol_{name}"), colour, category=dpg.mvThemeCat_Plots)
        for name, lengths in styles.items():
            dpg.add_theme_style(getattr(dpg, f"mvStyleVar_{name}"), *lengths)
    return int(theme)


def _button(ground: Colour, text: Colour, hover: Colour) -> int:
    """A button of one colour; under the mouse it is nearer to another."""
    shades = {"Button": ground, "ButtonHovered": mixed(ground, hover, 0.15), "ButtonActive": ground, "Text": text}
    with dpg.theme() as theme, dpg.theme_component(dpg.mvButton):
        for name, colour in shades.items():
            dpg.add_theme_color(getattr(dpg, f"mvThemeCol_{name}"), colour)
    return int(theme)


def _label(colour: Colour) -> int:
    nothing = (0, 0, 0, 0)
    shades = {"Button": nothing, "ButtonHovered": nothing, "ButtonActive": nothing, "Text": colour}
    with dpg.theme() as theme, dpg.theme_component(dpg.mvButton):
        for name, shade in shades.items():
            dpg.add_theme_color(getattr(dpg, f"mvThemeCol_{name}"), shade)
        dpg.add_theme_style(dpg.mvStyleVar_ButtonTextAlign, 0.0, 0.5)
    return int(theme)


def _text(colour: Colour) -> int:
    with dpg.theme() as theme, dpg.theme_component(dpg.mvAll):
        dpg.add_theme_color(dpg.mvThemeCol_Text, colour)
    return int(theme)
