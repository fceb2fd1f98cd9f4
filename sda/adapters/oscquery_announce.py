"""The OSC and OSCQuery ports told to the local network by zeroconf, so that clients find them by name.

On a loopback-only host they are told on the loopback interface alone. Where zeroconf cannot be (no multicast, another
program holds its port) everything else goes on.

Source: "OSCQuery Proposal", https://github.com/Vidvox/OSCQueryProposal: service type `_oscjson._tcp`.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from sda.adapters.osc_clients import Address

CLOSING_S = 1.0  # for the good-byes
OUTSIDE = {socket.AF_INET: "192.0.2.1", socket.AF_INET6: "2001:db8::1"}  # of documentation (RFC 5737, RFC 3849)

_log = logging.getLogger(__name__)


@asynccontextmanager
async def announced(name: str, osc: Address, port: int) -> AsyncIterator[None]:
    """Announce while the context lasts. osc: where OSC is received; port: of OSCQuery, on the same host."""
    task = asyncio.create_task(_announce(name, osc, port))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError, TimeoutError):
            await asyncio.wait_for(task, CLOSING_S)


async def _announce(name: str, osc: Address, port: int) -> None:
    from zeroconf import ServiceInfo
    from zeroconf.asyncio import AsyncZeroconf

    try:
        host = _reachable(osc[0])
        zeroconf = AsyncZeroconf(interfaces=[host])
    except Exception as error:
        _log.info("not announced by zeroconf: %s", error)
        return
    try:
        for kind, number in (("_oscjson._tcp.local.", port), ("_osc._udp.local.", osc[1])):
            info = ServiceInfo(kind, f"{name}.{kind}", number, parsed_addresses=[host], server=f"sda-{port}.local.")
            await zeroconf.async_register_service(info, allow_name_change=True)
        await asyncio.Event().wait()
    except Exception as error:
        _log.info("not announced by zeroconf: %s", error)
    finally:
        await zeroconf.async_close()  # says good-bye


def _reachable(host: str) -> str:
    """An address in figures under which others reach a host; of one that receives everywhere the way out. `OSError`."""
    family, _, _, _, address = socket.getaddrinfo(host, None, type=socket.SOCK_DGRAM)[0]
    if str(address[0]) not in ("0.0.0.0", "::"):
        return str(address[0])
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        probe.connect((OUTSIDE[family], 9))  # a datagram socket that connects sends nothing
        return str(probe.getsockname()[0])
