"""What OSC messages do: control values set and asked, health, listeners. Packets in, packets out; no socket, no thread.

Rules: a packet is first read whole and turned into settings and calls; where it is broken or larger than we take, nothing
of it happens. Then all settings that stand next to each other are applied together, and calls come in their place among
them. Time tags: past and immediate mean now; one in the future is, as yet, applied now as well, with one warning to its
sender (scheduling belongs to the stream's clock). A pattern stands for controls, never for acts.

Answers are single messages, one a datagram: every client takes those, not every client takes bundles.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

from sda.acts import ACTS, Act, check_arguments, is_release
from sda.adapters.osc_acts import Acts
from sda.adapters.osc_answers import NO_MODEL, REPLIES, Answers, Outgoing
from sda.adapters.osc_audience import Audience
from sda.adapters.osc_clients import TOPICS, Address, Client, Clients
from sda.adapters.osc_news import News
from sda.adapters.osc_packet import BUNDLE_SIGN, Arg, Message, OscError, decode, encode, ntp
from sda.adapters.osc_pattern import Budget
from sda.adapters.osc_table import SLIDER, SLIDERS, Table, setting
from sda.control import Change, Changes, Controls, Setting
from sda.errors import SdaError
from sda.mapping import Alias

WRITES = 1000  # settings that one packet may come to
ANSWERS = 1000  # messages that one packet may be answered with
_ACTS = {act.address: act for act in ACTS}


class _Fault(NamedTuple):
    """A message that asks for nothing we can do."""

    address: str
    code: str
    text: str


class _Call(NamedTuple):
    """A message that asks for something other than a control's new value."""

    address: str
    run: Callable[[], None]
    answers: int = 1
    writes: int = 0


_Step = Setting | _Fault | _Call


class Surface:
    """The OSC side of the controls and the engine. One thread calls `receive` and `due`; changes come from any."""

    def __init__(
        self,
        controls: Controls,
        acts: Acts,
        *,
        wake: Callable[[], None] = lambda: None,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        """`wake` is called, from any thread, when `due` has something new to say; `wall_clock` gives s since 1970."""
        self.refused = 0  # packets of which nothing happened
        self.aliases: Sequence[Alias] = ()  # foreign addresses; may be set from any thread
        self._controls = controls
        self._acts = acts
        self._wake = wake
        self._wall_clock = wall_clock
        self._clients = Clients()
        self._changes = Changes()
        self._table = Table(controls.rows)
        self._answers = Answers(controls, self._table)
        self.news = News(self._clients, self._answers, wake)
        self.audience = Audience(controls, self._clients, self._answers, self.news)
        self._now = 0.0
        controls.subscribe(self._take)

    def receive(self, data: bytes, source: Address, now: float) -> list[Outgoing]:
        """Do what a packet asks and return the answers. `now` is any clock's time that only grows, s."""
        client = self._clients.at(source, now)
        self._now = now
        if self._table.rows is not self._controls.rows or self._table.aliases is not self.aliases:
            self._renew_table()
        try:
            messages = decode(data)
            steps = self._plan(messages, client)
        except OscError as error:
            self.refused += 1
            self._fault(client, "", "packet", str(error))
        else:
            if data[0] == BUNDLE_SIGN and not client.warned:
                self._warn_of_time(client, messages)
            self._carry_out(steps, client)
        return self._answers.take()

    def due(self, now: float) -> tuple[list[Outgoing], float]:
        """What goes to the listeners now, and the seconds until it is worth asking again."""
        self._now = now
        if self._table.rows is not self._controls.rows or self._table.aliases is not self.aliases:
            self._renew_table()
        self._clients.note(self._changes.take())
        self.news.deliver(now)
        wait = self.audience.answer(now)
        return self._answers.take(), wait

    def dismiss(self, source: Address) -> None:
        """Forget a client that is gone."""
        self._clients.forget(source)

    def _take(self, changes: tuple[Change, ...]) -> None:
        if self._clients.listeners:
            self._changes.put(changes)
            self._wake()

    def _renew_table(self) -> None:
        others = self._table.rows is not self._controls.rows
        self._table = self._answers.table = Table(self._controls.rows, self.aliases)
        if others:
            self.audience.renew()

    # A packet's messages become steps, then the steps are carried out.

    def _plan(self, messages: list[Message], client: Client) -> list[_Step]:
        """Raises `OscError` where the packet comes to more than we take."""
        targets, budget = self._table.targets, Budget()
        steps: list[_Step] = []
        for message in messages:
            try:
                target = targets.get(message.address)
                if target is not None:
                    steps.append(setting(target, message))
                else:
                    steps += self._steps_of(message, client, budget)
            except OscError:
                raise
            except SdaError as error:
                steps.append(_Fault(message.address, "value", str(error)))
        if len(steps) > 1:
            _check_size(steps)
        return steps

    def _steps_of(self, message: Message, client: Client, budget: Budget) -> list[_Step]:
        """The steps of a message that is not simply to a control."""
        address = message.address
        if address.startswith("/sda/q/"):
            return [self._ask(message, client, budget)]
        if address in REPLIES:
            return []
        if not self._table.sliders and address.startswith((SLIDER, SLIDERS)):
            return [_Fault(address, NO_MODEL, "no model with sliders is loaded")]
        if address == SLIDERS:
            return list(self._table.sliders_of(message))
        call = self._call(message, client)
        if call is not None:
            return [call]
        found = self._table.find(address, budget)
        return [setting(t, message) for t in found.values()] or [_unknown(message)]

    def _call(self, message: Message, client: Client) -> _Call | None:
        address, args, rows = message.address, message.args, len(self._table.rows)
        match address:
            case "/sda/ping":
                return _Call(address, lambda: self._answers.send(client, "/sda/pong", *args))
            case "/sda/sync":
                packet = encode("/sda/synced", *args[:1])
                return _Call(address, lambda: self._acts.settle(partial(self.news.answer_late, client, packet)))
            case "/sda/status":
                return _Call(address, lambda: self._answers.status(client, self._acts.status()))
            case "/sda/midi/map":
                bindings = self._acts.bindings()
                return _Call(address, lambda: self._answers.bindings(client, bindings), answers=len(bindings) + 1)
            case "/sda/listen":
                return _Call(address, lambda: self.audience.listen(client, args, self._now), answers=rows + 1)
            case "/sda/unlisten":
                return _Call(address, lambda: self._clients.unlisten(client))
        for topic in TOPICS:
            if address in (f"/sda/{topic}/listen", f"/sda/{topic}/unlisten"):
                return _Call(address, partial(self.audience.tune, client, topic, address.endswith("/listen"), args))
        act = _ACTS.get(address)
        return None if act is None else self._deed(act, args, client)

    def _deed(self, act: Act, args: tuple[Arg, ...], client: Client) -> _Call:
        """Raises `ControlError` for arguments that the act does not take."""
        if is_release(act, args):
            return _Call(act.address, lambda: None, answers=0)
        checked = check_arguments(act, args)

        def run() -> None:
            self._acts.perform(act.id, checked, client.source)
            if act.long:
                self._answers.send(client, "/sda/accepted", act.address)

        return _Call(act.address, run, writes=len(self._table.rows) if act.writes else 0)

    def _ask(self, message: Message, client: Client, budget: Budget) -> _Step:
        address, rows = message.address, len(self._table.rows)
        path = address.removeprefix("/sda/q")
        match path:
            case "/all":
                return _Call(address, lambda: self._answers.all(client), answers=rows + 1)
            case "/params":
                return _Call(address, lambda: self._answers.params(client), answers=rows + 1)
            case "/models":
                names = self._acts.models()
                return _Call(address, lambda: self._answers.models(client, names), answers=len(names) + 1)
            case "/presets":
                presets = self._acts.presets()
                return _Call(address, lambda: self._answers.presets(client, presets), answers=len(presets) + 1)
            case "/sliders":
                return _Call(address, lambda: self._answers.sliders(client))
        found = self._table.find("/sda" + path, budget)
        if not found and path.startswith("/slider/") and not self._table.sliders:
            return _Fault(address, NO_MODEL, "no model with sliders is loaded")
        if not found:
            return _unknown(message)
        return _Call(address, lambda: self._answers.values(client, found), answers=len(found))

    def _carry_out(self, steps: list[_Step], client: Client) -> None:
        settings: list[Setting] = []
        for step in steps:
            if isinstance(step, Setting):
                settings.append(step)
                continue
            if isinstance(step, _Fault):
                self._fault(client, *step)
                continue
            self._apply(settings, client)
            settings = []
            try:
                step.run()
            except SdaError as error:
                self._fault(client, step.address, "refused", str(error))
        self._apply(settings, client)

    def _apply(self, settings: list[Setting], client: Client) -> None:
        if not settings:
            return
        for id, text in self._controls.set_many(settings, client.source).refusals:
            self._fault(client, "/sda/" + id.replace(".", "/"), "value", text)

    def _warn_of_time(self, client: Client, messages: list[Message]) -> None:
        now = ntp(self._wall_clock())
        ahead = max((m.time - now for m in messages), default=0) / 2**32
        if ahead > 0:
            client.warned = True
            self._fault(client, messages[0].address, "time-tag", f"a time tag {ahead:.3f} s ahead was applied at once")

    def _fault(self, client: Client, address: str, code: str, text: str) -> None:
        self._answers.complain(client, address, code, text, self._now)


def _check_size(steps: list[_Step]) -> None:
    calls = [step for step in steps if isinstance(step, _Call)]
    if sum(isinstance(step, Setting) for step in steps) + sum(call.writes for call in calls) > WRITES:
        raise OscError(f"a packet that comes to more than {WRITES} settings")
    if sum(call.answers for call in calls) > ANSWERS:
        raise OscError(f"a packet that comes to more than {ANSWERS} answers")


def _unknown(message: Message) -> _Fault:
    return _Fault(message.address, "unknown", "no such address; /sda/q/params lists the controls")
