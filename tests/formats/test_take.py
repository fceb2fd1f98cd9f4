"""Takes as text: what is written is read again, and what is damaged, cut off or newer is said in one line."""

from __future__ import annotations

import json

import pytest
from small_models import sounding

from sda.core.schedule import Event
from sda.errors import TakeError
from sda.formats import moment, take
from sda.model import Model


@pytest.fixture(scope="module")
def segment() -> dict:
    kept = moment.to_json(Model(sounding()).renderer(rate=48_000).moment())
    names = {"model": "0b8f", "name": "Glöckchen 鐘", "hash": "ab", "vocoder": "hifigan"}
    return {"how": "join", "pos": 1000, "origin": -24, **names, "moment": kept}


@pytest.fixture(scope="module")
def content(segment: dict) -> bytes:
    return (
        take.header(48_000, 1000, segment, "2026-01-02T03:04:05+00:00")
        + take.lines([(2000, "slider.1", 3.5, "osc:1"), (1500, "spatial", "mono", "midi")])
        + take.mark(49_000, take.CLOCK)
        + take.swap(50_000, {**segment, "how": "fade", "origin": 50_000, "name": "bells"})
        + take.lines([(60_000, "strike", 0.5, "midi")])
        + take.swap(70_000, None)
        + take.mark(97_000, take.END)
    )


def test_what_is_written_is_read_again(content: bytes) -> None:
    found = take.read(content)
    assert (found.rate, found.position, found.end, found.whole, found.seconds) == (48_000, 1000, 97_000, True, 2.0)
    first, second, third = found.segments
    assert (first.how, first.name, first.origin, first.vocoder) == ("join", "Glöckchen 鐘", -24, "hifigan")
    assert first.events == (Event(2000, "slider.1", 3.5, "osc:1"), Event(1500, "spatial", "mono", "midi"))
    assert first.moment is not None
    assert first.moment.values["density"] == 2.0
    assert (second.how, second.name, second.pos, second.events) == (
        "fade",
        "bells",
        50_000,
        (Event(60_000, "strike", 0.5, "midi"),),
    )
    assert (third.moment, third.pos) == (None, 70_000)


def test_every_line_is_json_with_position_id_value_and_source(content: bytes) -> None:
    lines = [json.loads(line) for line in content.decode().splitlines()]
    assert (lines[0]["format"], lines[0]["version"]) == ("sda-take", 1)
    assert lines[1] == {"pos": 2000, "id": "slider.1", "value": 3.5, "source": "osc:1"}
    assert [line["id"] for line in lines[3:]] == ["clock", "model", "strike", "model", "end"]


def test_a_take_that_was_cut_off_is_read_as_far_as_it_goes(content: bytes) -> None:
    whole = take.read(content)
    seen = set()
    for size in range(content.index(b"\n") + 1, len(content), 13):
        found = take.read(content[:size])
        assert not found.whole
        assert found.segments[0].events == whole.segments[0].events[: len(found.segments[0].events)]
        seen.add(found.end)
    assert seen == {1000, 49_000, 50_000, 70_000}  # what is known to have been reached


@pytest.mark.parametrize(
    ("what", "text"),
    [
        (b"", "no line of a take"),
        (b"RIFF....WAVE", "no line of a take"),
        (b"RIFF....WAVE\n", "line 1: expected a JSON object"),
        (b'{"format": "sda-preset"}\n', "expected a take"),
        (b'{"format": "sda-take", "version": 2}\n', "version 2, expected 1; update"),
        (b'{"format": "sda-take", "version": 1, "rate": 48000.5, "position": 0}\n', "rate: expected a whole number"),
        (b'{"format": "sda-take", "version": 1, "rate": 7, "position": 0}\n', "a rate from 8000 to 192000"),
        (b'{"format": "sda-take", "version": 1, "rate": 48000, "position": 0, "segment": {}}\n', "a model that comes by"),
    ],
)
def test_what_is_no_take_is_said(what: bytes, text: str) -> None:
    with pytest.raises(TakeError, match=text):
        take.read(what)


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (b"", "expected a JSON object"),
        (b"{", "expected a JSON object"),
        (b"[" * 100_000, "expected a JSON object"),
        (b'{"pos": 1e99, "id": "gain", "value": 1}', "whole number"),
        (b'{"pos": 999999999999999, "id": "gain", "value": 1}', "outside the take"),
        (b'{"pos": 2000, "id": 7, "value": 1}', "an id"),
        (b'{"pos": 2000, "id": "gain", "value": [1]}', "gain: expected a value"),
        (b'{"pos": 2000, "id": "model", "value": {"how": "warp"}}', "join, cut, fade, follow"),
        (b'{"pos": 2000, "id": "model", "value": {"how": "cut", "model": 3}}', "id, name, hash"),
    ],
)
def test_damage_before_the_end_is_said_with_its_line(content: bytes, line: bytes, text: str) -> None:
    rows = content.split(b"\n")
    rows[2] = line
    with pytest.raises(TakeError, match=f"line 3: .*{text}"):
        take.read(b"\n".join(rows))
