"""Who listens to an OSC surface: what they may ask, and what is due to them.

Called by the thread of the port, but for `announce`.
"""

from __future__ import annotations

from collections.abc import Iterable

from sda.adapters.osc_answers import Answers
from sda.adapters.osc_clients import LISTENERS, REV_S, Address, Client, Clients, source_of
from sda.adapters.osc_news import News
from sda.adapters.osc_packet import Arg, encode
from sda.control import Controls
from sda.errors import ControlError

OURS = ("127.0.0.1", "::1")  # under which a port of all addresses is reached too


class Audience:
    """The listeners among the clients of a surface."""

    def __init__(self, controls: Controls, clients: Clients, answers: Answers, news: News) -> None:
        self.own: Address | None = None  # where we receive: no listener may be there
        self._controls, self._clients, self._answers, self._news = controls, clients, answers, news

    @property
    def addresses(self) -> tuple[Address, ...]:
        """Where those who listen by UDP hear."""
        return tuple(client.reply_to for client in self._clients.listeners if client.reply_to[1] > 0)

    def add(self, address: Address, now: float) -> None:
        """Have an address hear every change, for as long as we live. Raises `ControlError` for our own."""
        self._check(address)
        self._clients.add(address, now)

    def listen(self, client: Client, args: tuple[Arg, ...], now: float) -> None:
        """`/sda/listen [port] [prefix]`. Raises `ControlError`."""
        port, prefix = self._wish(client, args)
        if not self._clients.listen(client, port, prefix, now):
            raise ControlError(f"expected at most {LISTENERS} listeners")
        self._answers.all(client, prefix)

    def tune(self, client: Client, topic: str, on: bool, args: tuple[Arg, ...]) -> None:
        """`/sda/<topic>/listen [port]`, or unlisten. Raises `ControlError`."""
        port, _ = self._wish(client, args)
        if not self._clients.tune(client, topic, on):
            raise ControlError(f"expected at most {LISTENERS} listeners")
        if port is not None:
            client.reply_to = (client.address[0], port)

    def announce(self, others: Iterable[Address], address: str, *args: Arg) -> None:
        """Tell all listeners, and some other addresses, one message, and the former all values after it. Any thread."""
        packet = encode(address, *args)
        for client in self._clients.listeners:
            self._news.answer_late(client, packet)
            if client.listening is not None:
                client.listening.values_due = True
        heard = self.addresses
        for other in others:
            if other not in heard and not self._is_own(other):
                self._news.answer_late(Client(other, other, source_of(other), 0.0), packet)

    def renew(self) -> None:
        """The table of controls is another."""
        for client in self._clients.listeners:
            if client.listening is not None:
                client.listening.rows_due = True

    def answer(self, now: float) -> float:
        """Make answers of what is due; the seconds until it is worth asking again."""
        wait = REV_S
        for client, listening in self._clients.awake(now):
            if listening.rows_due:
                listening.rows_due = False
                self._answers.params(client)
            if listening.values_due:
                listening.values_due = False
                self._answers.all(client, listening.prefix)
            for id in listening.due(now):
                self._answers.value(client, id)
            if now >= listening.rev_at:
                listening.rev_at = now + REV_S
                self._answers.send(client, "/sda/rev", self._controls.rev)
            wait = min(wait, listening.next() - now)
        return max(wait, 0.0)

    def _wish(self, client: Client, args: tuple[Arg, ...]) -> tuple[int | None, str]:
        port, prefix = _wish(args)
        if port is not None:
            self._check((client.address[0], port))
        return port, prefix

    def _check(self, address: Address) -> None:
        if self._is_own(address):
            raise ControlError(f"port {address[1]} is the engine's own")

    def _is_own(self, address: Address) -> bool:
        return self.own is not None and address[1] == self.own[1] and address[0] in (self.own[0], *OURS)


def _wish(args: tuple[Arg, ...]) -> tuple[int | None, str]:
    """Port and prefix that a listener wishes. Raises `ControlError`."""
    numbers = [a for a in args if isinstance(a, int | float)]
    texts = [a for a in args if isinstance(a, str)]
    port = int(numbers[0]) if numbers and 0 < numbers[0] < 65536 else None
    if len(numbers) > 1 or len(texts) > 1 or len(numbers) + len(texts) < len(args) or (numbers and port is None):
        raise ControlError("expected a port from 1 to 65535, or none, and perhaps a prefix")
    return port, "".join(texts).removeprefix("/sda").strip("/").replace("/", ".")
