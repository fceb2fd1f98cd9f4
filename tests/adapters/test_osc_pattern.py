"""Address patterns, as the OSC 1.0 specification describes them, and what they may cost."""

from __future__ import annotations

import pytest

from sda.adapters.osc_packet import OscError
from sda.adapters.osc_pattern import LENGTH, Addresses, Budget, matches


@pytest.mark.parametrize(
    ("pattern", "yes", "no"),
    [
        ("gain", ["gain"], ["gai", "gains", ""]),
        ("?ain", ["gain", "rain"], ["ain", "again"]),
        ("*", ["", "a", "abc"], []),
        ("*n*n", ["nn", "anbn", "nnn"], ["n", "nb", "anb"]),
        ("a*b?c", ["abxc", "aXbbxc"], ["abc", "axc"]),
        ("[a-c]1", ["a1", "b1", "c1"], ["d1", "1", "a"]),
        ("[!a-c]1", ["d1", "-1"], ["a1", "1"]),
        ("[ac-]x", ["ax", "cx", "-x"], ["bx"]),
        ("[c-a]", ["b"], ["d"]),
        ("{one,two}*", ["one", "two", "twofold"], ["on", "three"]),
        ("*{a,ab}{bc,c}", ["abc", "aabc", "xac", "abbc"], ["ab", "cb"]),
        ("{,a}b", ["b", "ab"], ["aab"]),
        ("slider", ["slider"], ["Slider"]),
    ],
)
def test_patterns_as_the_specification_says(pattern: str, yes: list[str], no: list[str]) -> None:
    assert [text for text in yes if not matches(pattern, text)] == []
    assert [text for text in no if matches(pattern, text)] == []


@pytest.mark.parametrize("pattern", ["[a", "{a", "a]", "a}", "{a,{b}}", "{a*}"])
def test_broken_patterns_are_refused(pattern: str) -> None:
    with pytest.raises(OscError, match="pattern"):
        matches(pattern, "abc")


def test_a_pattern_has_its_length_and_its_price() -> None:
    known = Addresses(f"/sda/slider/{n}" for n in range(200))
    assert len(known.matching("/sda/*/1*", Budget())) == 111  # 1, 10 .. 19, 100 .. 199
    with pytest.raises(OscError, match="characters"):
        known.matching("/sda/" + "*" * LENGTH, Budget())
    with pytest.raises(OscError, match="too long"):
        known.matching("/sda/slider/*", Budget(steps=50))
