"""Who sends us OSC: where the answers to each go, what each listens to, and how often each may hear of errors.

A client is an address and port that packets come from. After `/sda/listen PORT` everything for it goes to that port.
Listeners get every change, at most 60 a second and control, the last value always; never the change that they made
themselves, except where it was clipped or rounded. No sockets and no clocks: moments come as arguments, in seconds.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from sda.control import Change

Address = tuple[str, int]
"""Host and port; the port of a WebSocket's client is negative, so that it is not taken for a sender of datagrams."""

CLIENTS = 256  # remembered; the longest silent that does not listen is forgotten first
LISTENERS = 32
TOPICS = ("scope", "log", "monitor")
SILENT_S = 600.0  # after which a listener is dropped
PUSH_S = 1 / 60  # least time between two pushes of a control to a listener
REV_S = 1.0  # time between two `/sda/rev`
ERROR_S = 1.0  # least time between two errors of a kind about an address to a client
BURST = 20  # errors that a client may hear at once
REFILL = 20.0  # errors per s that it may hear for long
ERRORS = 64  # kinds and addresses remembered for a client


@dataclass(slots=True, eq=False)
class Client:
    """A sender, by the address that its packets come from."""

    address: Address
    reply_to: Address
    source: str  # its name as a source of changes
    heard: float  # s, when its last packet came
    listening: Listening | None = None
    lasting: bool = False  # a listener however long it is silent
    topics: frozenset[str] = frozenset()  # that it listens to besides
    warned: bool = False  # of time tags
    _told: dict[tuple[str, str], float] = field(default_factory=dict)  # kinds of errors, and when it may hear them again
    _allowed: float = BURST  # errors that it may hear now, and when that was so
    _counted_at: float = 0.0

    def may_hear(self, code: str, address: str, now: float) -> bool:
        """Whether an error may be sent to it now; if so it counts as sent."""
        if now < self._told.get((code, address), now):
            return False
        self._allowed = min(BURST, self._allowed + REFILL * (now - self._counted_at))
        self._counted_at = now
        if self._allowed < 1:
            return False
        if len(self._told) >= ERRORS:
            self._told.clear()
        self._told[code, address] = now + ERROR_S
        self._allowed -= 1
        return True


@dataclass(slots=True)
class Listening:
    """What a listener is still to be sent."""

    prefix: str  # of the ids that it wants
    rev_at: float  # s, when the next `/sda/rev` is due
    rows_due: bool = False  # the table of controls changed
    values_due: bool = False  # all of them
    _waiting: dict[str, None] = field(default_factory=dict)
    _free_at: dict[str, float] = field(default_factory=dict)  # when a control may be pushed again

    def note(self, change: Change, source: str) -> None:
        """Take a change; `source` is the listener's own name."""
        if not change.id.startswith(self.prefix):
            return
        if change.source == source and not change.adjusted:
            self._waiting.pop(change.id, None)  # it knows better than what was waiting
        else:
            self._waiting[change.id] = None

    def due(self, now: float) -> list[str]:
        """The ids whose values go out now."""
        ids = [id for id in self._waiting if now >= self._free_at.get(id, now)]
        for id in ids:
            del self._waiting[id]
            self._free_at[id] = now + PUSH_S
        return ids

    def next(self) -> float:
        """When something is due next, s."""
        return min([self.rev_at, *(self._free_at.get(id, 0.0) for id in self._waiting)])


def source_of(address: Address) -> str:
    """The name of a client as a source of changes."""
    return f"osc:{address[0]}:{address[1]}"


class Clients:
    """All senders that are remembered."""

    def __init__(self) -> None:
        self._clients: OrderedDict[Address, Client] = OrderedDict()
        self.listeners: tuple[Client, ...] = ()
        self._tuned: dict[str, tuple[Client, ...]] = dict.fromkeys(TOPICS, ())

    def at(self, address: Address, now: float) -> Client:
        """The client that a packet came from."""
        client = self._clients.get(address)
        if client is None:
            client = Client(address, address, source_of(address), now)
            self._clients[address] = client
            if len(self._clients) > CLIENTS:
                del self._clients[next(a for a, c in self._clients.items() if c.listening is None and not c.topics)]
        else:
            client.heard = now
            self._clients.move_to_end(address)
        return client

    def add(self, address: Address, now: float) -> None:
        """Make a listener of an address from which nothing came, for as long as we live."""
        client = self.at(address, now)
        client.listening, client.lasting = Listening("", now + REV_S), True
        self._gather()

    def listen(self, client: Client, port: int | None, prefix: str, now: float) -> bool:
        """Make a client a listener at a port (None: where it heard before); False where there are too many.

        Another client that listens there is dropped: it is the same program, started again.
        """
        reply_to = client.reply_to if port is None else (client.address[0], port)
        others = [c for c in self.listeners if c is not client]
        for other in others:
            if other.reply_to == reply_to:
                client.lasting = client.lasting or other.lasting
                self.unlisten(other)
        if len(self.listeners) - (client in self.listeners) >= LISTENERS:
            return False
        client.reply_to = reply_to
        client.listening = Listening(prefix, now + REV_S)
        self._gather()
        return True

    def unlisten(self, client: Client) -> None:
        client.listening, client.topics = None, frozenset()
        self._gather()

    def tune(self, client: Client, topic: str, on: bool) -> bool:
        """Have a client listen to a topic, or no more; False where there are too many."""
        if on and client not in self._tuned[topic] and len(self._tuned[topic]) >= LISTENERS:
            return False
        client.topics = client.topics | {topic} if on else client.topics - {topic}
        self._gather()
        return True

    def tuned(self, topic: str) -> tuple[Client, ...]:
        """Who listens to a topic."""
        return self._tuned[topic]

    def drop_silent(self, client: Client, now: float) -> bool:
        """Whether a listener was silent for too long, and is none any more."""
        if client.lasting or now - client.heard <= SILENT_S:
            return False
        self.unlisten(client)
        return True

    def forget(self, address: Address) -> None:
        """A client that will not come back."""
        if self._clients.pop(address, None) is not None:
            self._gather()

    def named(self, source: str) -> tuple[Client, ...]:
        """The client whose name as a source of changes is this one; none where it was forgotten."""
        return tuple(c for c in self._clients.values() if c.source == source)

    def hearing(self, source: str) -> tuple[Client, ...]:
        """The listeners, and the client of a name where it is none of them."""
        return *self.listeners, *(c for c in self.named(source) if c.listening is None)

    def note(self, changes: Iterable[Change]) -> None:
        """Take changes for every listener."""
        for change in changes:
            for client in self.listeners:
                if client.listening is not None:
                    client.listening.note(change, client.source)

    def awake(self, now: float) -> Iterator[tuple[Client, Listening]]:
        """The listeners, without those silent for too long, which are dropped."""
        for client in self.listeners:
            if not self.drop_silent(client, now) and client.listening is not None:
                yield client, client.listening

    def _gather(self) -> None:
        clients = tuple(self._clients.values())
        self.listeners = tuple(c for c in clients if c.listening is not None)
        self._tuned = {topic: tuple(c for c in clients if topic in c.topics) for topic in TOPICS}
