"""Who may talk to the OSCQuery port: programs, and pages that came from this very port; no other page in a browser.

A browser lets any page send requests to this machine. It tells where the page came from (`Origin`, `Sec-Fetch-Site`), and
under which name it reached us (`Host`): a name of the attacker's own that was made to mean 127.0.0.1 (DNS rebinding) is not
one of ours. An address in figures cannot be made to mean another machine, so any is taken.

Sources: RFC 6454 (origins), RFC 6455 section 10.2 (WebSocket servers check them), "Fetch Metadata Request Headers" (W3C).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Mapping
from urllib.parse import urlsplit


def refusal(headers: Mapping[str, str], names: Collection[str]) -> str:
    """Why a request is not answered, or nothing. headers: by lower-case name; names: under which we may be reached."""
    host = headers.get("host", "")
    if host and not _is_ours(host, names):
        return "the Host header names another machine"
    origin = headers.get("origin", "")
    if origin and origin.casefold() not in (f"http://{host}".casefold(), f"ws://{host}".casefold()):
        return "pages of other origins are not answered"
    if headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
        return "pages of other sites are not answered"
    return ""


def _is_ours(host: str, names: Collection[str]) -> bool:
    """Whether a Host header is a figure address, localhost, or one of our names."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    if name == "localhost" or name in {ours.casefold() for ours in names}:
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
