"""Curves of a training, drawn in plots whose lines are made once and only given other points."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import dearpygui.dearpygui as dpg

from sda.panel.jobs import Curve
from sda.panel.pieces import inked
from sda.panel.view import Desk

MOST = 1000  # points of a line that are drawn


@dataclass(frozen=True, slots=True)
class Plan:
    """One plot."""

    title: str
    curves: tuple[tuple[str, str], ...]  # a run's curve, and what it is called here


class Chart:
    """A plot of some curves over the steps."""

    def __init__(self, desk: Desk, plan: Plan, name: str, height: int) -> None:
        """Here. height: pixels."""
        self._plan, self._name = plan, name
        palette = desk.look.palette
        colours = (palette.accent, palette.cool, palette.good, palette.warn, palette.bad)
        with dpg.plot(label=plan.title, tag=name, height=height, no_menus=True, no_mouse_pos=True):
            dpg.add_plot_legend(location=dpg.mvPlot_Location_NorthEast, no_menus=True)
            dpg.add_plot_axis(dpg.mvXAxis, auto_fit=True, no_menus=True, no_highlight=True)
            with dpg.plot_axis(dpg.mvYAxis, auto_fit=True, no_menus=True, no_highlight=True):
                for (curve, label), colour in zip(plan.curves, colours, strict=False):
                    line = dpg.add_line_series([], [], label=label, tag=f"{name}.{curve}")
                    dpg.bind_item_theme(line, inked(colour, desk.look.px(2)))

    def widen(self, width: int) -> None:
        """width: pixels."""
        dpg.configure_item(self._name, width=width)

    def show(self, curves: Mapping[str, Curve]) -> None:
        """Draw what a run has of these curves."""
        for name, _ in self._plan.curves:
            steps, values = thinned(curves.get(name, Curve()), MOST)
            dpg.set_value(f"{self._name}.{name}", [steps, values])


def thinned(curve: Curve, most: int) -> tuple[Sequence[float], Sequence[float]]:
    """At most about so many points of a curve: means of as many successive ones as it takes, the last one as it is."""
    count = min(len(curve.steps), len(curve.values))
    each = -(-count // most) or 1
    if each == 1:
        return curve.steps[:count], curve.values[:count]
    starts = range(0, count, each)
    means = [sum(part) / len(part) for part in (curve.values[start : min(start + each, count)] for start in starts)]
    return [curve.steps[min(start + each, count) - 1] for start in starts], means
