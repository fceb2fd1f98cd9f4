"""Which requests the OSCQuery port answers: programs yes, other people's pages no."""

from __future__ import annotations

import pytest

from sda.adapters.oscquery_guard import refusal

NAMES = {"127.0.0.1", "studio", "studio.local"}


@pytest.mark.parametrize(
    "headers",
    [
        {},  # HTTP/1.0, and programs that say nothing
        {"host": "127.0.0.1:16181"},
        {"host": "localhost:16181"},
        {"host": "LOCALHOST"},
        {"host": "Studio.local:16181"},
        {"host": "192.168.1.20:16181"},
        {"host": "[::1]:16181"},
        {"host": "127.0.0.1:16181", "origin": "http://127.0.0.1:16181"},  # a page of this very port
        {"host": "127.0.0.1:16181", "origin": "http://127.0.0.1:16181", "sec-fetch-site": "same-origin"},
        {"host": "127.0.0.1:16181", "sec-fetch-site": "none"},  # typed into a browser
    ],
)
def test_programs_are_answered(headers: dict[str, str]) -> None:
    assert refusal(headers, NAMES) == ""


@pytest.mark.parametrize(
    ("headers", "word"),
    [
        ({"host": "evil.example:16181"}, "Host"),  # DNS rebinding
        ({"host": "127.0.0.1.evil.example"}, "Host"),
        ({"host": "localhost.evil.example"}, "Host"),
        ({"host": "evil.example@127.0.0.1.evil.example"}, "Host"),
        ({"host": "[::1"}, "Host"),
        ({"host": ":16181"}, "Host"),
        ({"host": "127.0.0.1:16181", "origin": "https://evil.example"}, "origin"),
        ({"host": "127.0.0.1:16181", "origin": "null"}, "origin"),  # a sandboxed frame, a file
        ({"host": "127.0.0.1:16181", "origin": "http://127.0.0.1:8000"}, "origin"),  # another server of this machine
        ({"host": "127.0.0.1:16181", "origin": "http://localhost:16181"}, "origin"),
        ({"host": "127.0.0.1:16181", "sec-fetch-site": "cross-site"}, "sites"),
        ({"host": "127.0.0.1:16181", "sec-fetch-site": "same-site"}, "sites"),
    ],
)
def test_pages_of_others_are_not(headers: dict[str, str], word: str) -> None:
    assert word in refusal(headers, NAMES)
