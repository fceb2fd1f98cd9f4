"""What the engine tells OSC clients by itself: answers that come late, refusals, and what is pushed at its own pace.

Taken from any thread, handed out by the thread of the port. Nothing is told to nobody: where no client wants it, a push
costs next to nothing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from sda.acts import ACTS
from sda.adapters.osc_answers import Answers
from sda.adapters.osc_clients import Client, Clients
from sda.adapters.osc_packet import Arg, encode

LATE = 1024  # answers that may wait for the engine
NEWS = 64  # words and pushes of the engine that may wait to be told
_LONG = frozenset(act.address for act in ACTS if act.long)


class _Refusal(NamedTuple):
    """What came to nothing, and who asked for it."""

    source: str
    address: str
    text: str


class _Answer(NamedTuple):
    """For whoever asked, by its name as a source of changes."""

    source: str
    packet: bytes


class _Push(NamedTuple):
    """For all who listen to a topic; "" for all who listen to ids that the name begins with."""

    topic: str
    name: str
    packet: bytes


class News:
    """Collected for the clients of a surface."""

    def __init__(self, clients: Clients, answers: Answers, wake: Callable[[], None]) -> None:
        self._clients, self._answers, self._wake = clients, answers, wake
        self._late: deque[tuple[Client, bytes]] = deque(maxlen=LATE)
        self._waiting: deque[_Refusal | _Answer | _Push] = deque(maxlen=NEWS)

    def refuse(self, source: str, address: str, text: str) -> None:
        """Tell the listeners, and whoever asked, what came to nothing."""
        self._add(_Refusal(source, address, text))

    def tell(self, source: str, address: str, *args: Arg) -> None:
        """Answer whoever asked for something that is done only now."""
        self._add(_Answer(source, encode(address, *args)))

    def push(self, address: str, *args: Arg, topic: str = "") -> None:
        """Tell the listeners, or those to a topic."""
        if self.wanted(topic):
            self._add(_Push(topic, address.removeprefix("/sda/").replace("/", "."), encode(address, *args)))

    def wanted(self, topic: str = "") -> bool:
        """Whether somebody listens, perhaps to this topic."""
        return bool(self._clients.tuned(topic) if topic else self._clients.listeners)

    def answer_late(self, client: Client, packet: bytes) -> None:
        """An answer that had to wait."""
        self._late.append((client, packet))
        self._wake()

    def _add(self, news: _Refusal | _Answer | _Push) -> None:
        self._waiting.append(news)
        self._wake()

    # For the thread of the port.

    def deliver(self, now: float) -> None:
        """Make answers of all that was collected; now: s."""
        while self._late:
            client, packet = self._late.popleft()
            self._answers.add(packet, client)
        while self._waiting:
            news = self._waiting.popleft()
            if isinstance(news, _Answer):
                for client in self._clients.named(news.source):
                    self._answers.add(news.packet, client)
            elif isinstance(news, _Push):
                self._spread(news, now)
            else:
                self._report(news, now)

    def _spread(self, push: _Push, now: float) -> None:
        for client in self._clients.tuned(push.topic) if push.topic else self._clients.listeners:
            if self._clients.drop_silent(client, now):
                continue
            listening = client.listening
            if push.topic or (listening is not None and push.name.startswith(listening.prefix)):
                self._answers.add(push.packet, client)

    def _report(self, refusal: _Refusal, now: float) -> None:
        for client in self._clients.hearing(refusal.source):
            asked = client.source == refusal.source and refusal.address in _LONG
            if asked:  # it was told that this is accepted, so it waits for the end
                self._answers.fault(client, refusal.address, "refused", refusal.text)
            else:
                self._answers.complain(client, refusal.address, "refused", refusal.text, now)
