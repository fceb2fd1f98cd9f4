"""What OSC messages do: control values set and asked, health, listeners. Packets in, packets out; no socket, no thread.

Rules: a packet is first read whole and turned into settings and calls; where it is broken or larger than we take, nothing
of it happens. Then all settings that stand next to each other are applied together, and calls come in their place among
them. Where packets come so fast that one waits behind the other, a number that a later one of the same client overrules is
passed over. Time tags: past and immediate mean now. What is up to 2 s ahead waits, and is handed over with its position in the
stream shortly before; a later one is applied now, with one warning to its sender. A pattern stands for controls, never for
acts.

Answers are single messages, one a datagram: every client takes those, not every client takes bundles.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import groupby
from operator import attrgetter

from sda.acts import ACTS, Act, check_arguments, is_release
from sda.adapters.osc_acts import Acts
from sda.adapters.osc_answers import NAMES, NO_MODEL, PLACES, REPLIES, Answers, Outgoing
from sda.adapters.osc_audience import Audience
from sda.adapters.osc_clients import TOPICS, Address, Client, Clients
from sda.adapters.osc_crowd import Crowd
from sda.adapters.osc_news import News
from sda.adapters.osc_packet import Arg, Message, OscError, decode, encode, moment_of
from sda.adapters.osc_pattern import Budget
from sda.adapters.osc_steps import AHEAD, Call, Fault, Step, Timetable, check_size
from sda.adapters.osc_table import SLIDER, SLIDERS, Table, setting
from sda.control import Change, Changes, Controls, Setting
from sda.errors import SdaError
from sda.mapping import Alias

WATCH_S = 0.02  # least time between two packets that are shown to those who watch what comes in
WATCHED = 4  # messages of a packet that are shown
QUESTIONS = ("/sda/q/", "/sda/status", "/sda/ping", "/sda/listen", "/sda/midi/map", "/sda/scope/", "/sda/log/", "/sda/monitor/")
STATUS = 10  # answers that a status counts for, by what it costs
_ACTS = {act.address: act for act in ACTS}


class Surface:
    """The OSC side of the controls and the engine. One thread calls `receive` and `due`; changes come from any."""

    def __init__(
        self,
        controls: Controls,
        acts: Acts,
        *,
        wake: Callable[[], None] = lambda: None,
        wall_clock: Callable[[], float] = time.time,
        timetags: bool = True,
    ) -> None:
        """`wake` is called, from any thread, when `due` has something new to say; `wall_clock` gives s since 1970;
        `timetags`: whether they are heeded.
        """
        self.refused = 0  # packets of which nothing happened
        self.aliases: Sequence[Alias] = ()  # foreign addresses; may be set from any thread
        self._controls = controls
        self._acts = acts
        self._wake = wake
        self._wall_clock, self._heed = wall_clock, timetags
        self._times = Timetable()
        self._place: int | None = None  # in the stream, of the steps that are carried out
        self._crowd = Crowd(self._set)
        self._clients = Clients()
        self._changes = Changes()
        self._table = Table(controls.rows)
        self._answers = Answers(controls, self._table)
        self.news = News(self._clients, self._answers, wake)
        self.audience = Audience(controls, self._clients, self._answers, self.news)
        self._now = self._watch_again = 0.0
        controls.subscribe(self._take)

    def receive(self, data: bytes, source: Address, now: float, *, more: bool = False) -> list[Outgoing]:
        """Do what a packet asks and return the answers. `now` is any clock's time that only grows, s.

        more: whether another packet is at hand; numbers that it may overrule wait for it, or for `due`.
        """
        client = self._clients.at(source, now)
        self._now = now
        if self._table.rows is not self._controls.rows or self._table.aliases is not self.aliases:
            self._renew_table()
        try:
            messages, budget = decode(data), Budget()
            parts = groupby(messages, attrgetter("time")) if len(messages) > 1 else [(m.time, (m,)) for m in messages]
            runs = [(tag, self._plan(run, client, budget)) for tag, run in parts]
            if len(messages) > 1:
                check_size(step for _, steps in runs for step in steps)
        except OscError as error:
            self.refused += 1
            self._fault(client, "", "packet", str(error))
        else:
            self._watch(messages, source)
            for tag, steps in runs:
                self._at_its_time(tag, steps, client)
        if not more:
            self._crowd.release()
        return self._answers.take()

    def due(self, now: float) -> tuple[list[Outgoing], float]:
        """What goes to the listeners now, and the seconds until it is worth asking again."""
        self._now = now
        self._crowd.release()
        if self._table.rows is not self._controls.rows or self._table.aliases is not self.aliases:
            self._renew_table()
        self._clients.note(self._changes.take())
        self.news.deliver(now)
        for waiting in self._times.due(now):
            self._carry_out(waiting.steps, waiting.client, self._acts.place(waiting.moment))
        wait = min(self.audience.answer(now), self._times.next - now)
        return self._answers.take(), wait

    def dismiss(self, source: Address) -> None:
        """Forget a client that is gone."""
        self._clients.forget(source)

    def _watch(self, messages: Sequence[Message], source: Address) -> None:
        """Show those who watch what comes in; of a flood only some."""
        if self._now < self._watch_again or not self.news.wanted("monitor"):
            return
        for message in messages[:WATCHED]:
            if not message.address.startswith(QUESTIONS):
                self._watch_again = self._now + WATCH_S
                said = " ".join(str(arg)[:40] for arg in message.args[:8])
                self.news.push("/sda/monitor", f"{source[0]}:{source[1]}", f"{message.address[:100]} {said}", topic="monitor")

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

    def _plan(self, messages: Iterable[Message], client: Client, budget: Budget) -> list[Step]:
        targets = self._table.targets
        steps: list[Step] = []
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
                steps.append(Fault(message.address, "value", str(error)))
        return steps

    def _steps_of(self, message: Message, client: Client, budget: Budget) -> list[Step]:
        """The steps of a message that is not simply to a control."""
        address = message.address
        if address.startswith("/sda/q/"):
            return [self._ask(message, client, budget)]
        if address in REPLIES:
            return []
        if not self._table.sliders and address.startswith((SLIDER, SLIDERS)):
            return [Fault(address, NO_MODEL, "no model with sliders is loaded")]
        if address == SLIDERS:
            return list(self._table.sliders_of(message))
        call = self._call(message, client)
        if call is not None:
            return [call]
        found = self._table.find(address, budget)
        return [setting(t, message) for t in found.values()] or [_unknown(message)]

    def _call(self, message: Message, client: Client) -> Call | None:
        address, args, rows = message.address, message.args, len(self._table.rows)
        match address:
            case "/sda/ping":
                return Call(address, lambda: self._answers.send(client, "/sda/pong", *args))
            case "/sda/sync":
                packet = encode("/sda/synced", *args[:1])
                return Call(address, lambda: self._acts.settle(partial(self.news.answer_late, client, packet)))
            case "/sda/status":
                return Call(address, lambda: self._answers.status(client, self._acts.status()), answers=STATUS)
            case "/sda/midi/map":
                bindings = self._acts.bindings()
                return Call(address, lambda: self._answers.bindings(client, bindings), answers=len(bindings) + 1)
            case "/sda/listen":
                return Call(address, lambda: self.audience.listen(client, args, self._now), answers=rows + 1)
            case "/sda/unlisten":
                return Call(address, lambda: self._clients.unlisten(client))
        for topic in TOPICS:
            if address in (f"/sda/{topic}/listen", f"/sda/{topic}/unlisten"):
                return Call(address, partial(self.audience.tune, client, topic, address.endswith("/listen"), args))
        act = _ACTS.get(address)
        return None if act is None else self._deed(act, args, client)

    def _deed(self, act: Act, args: tuple[Arg, ...], client: Client) -> Call:
        """Raises `ControlError` for arguments that the act does not take."""
        if is_release(act, args):
            return Call(act.address, lambda: None, answers=0)
        checked = check_arguments(act, args)

        def run() -> None:
            self._acts.perform(act.id, checked, client.source, place=self._place)
            if act.long:
                self._answers.send(client, "/sda/accepted", act.address)

        return Call(act.address, run, writes=len(self._table.rows) if act.writes else 0)

    def _ask(self, message: Message, client: Client, budget: Budget) -> Step:
        address, rows = message.address, len(self._table.rows)
        path = address.removeprefix("/sda/q")
        match path:
            case "/all":
                return Call(address, lambda: self._answers.all(client), answers=rows + 1)
            case "/params":
                return Call(address, lambda: self._answers.params(client), answers=rows + 1)
            case "/models":
                names = self._acts.models()
                return Call(address, lambda: self._answers.models(client, names), answers=len(names) + 1)
            case "/presets":
                presets = self._acts.presets()
                return Call(address, lambda: self._answers.presets(client, presets), answers=len(presets) + 1)
            case "/map":
                known = self._acts.map()
                shade = known.shade(message.args[0] if message.args else 1)
                parts = len(known.x) // PLACES + len(known.recordings) // NAMES + 3
                return Call(address, lambda: self._answers.map(client, known, shade), answers=parts)
            case "/oscquery":
                return Call(address, lambda: self._answers.send(client, "/sda/oscquery", self._acts.query_port))
            case "/files":
                return Call(address, lambda: self._answers.send(client, "/sda/files", *self._acts.files()))
            case "/safe":
                ranges = self._acts.safe()
                return Call(address, lambda: self._answers.safe(client, ranges))
            case "/sliders":
                return Call(address, lambda: self._answers.sliders(client))
        found = self._table.find("/sda" + path, budget)
        if not found and path.startswith("/slider/") and not self._table.sliders:
            return Fault(address, NO_MODEL, "no model with sliders is loaded")
        if not found:
            return _unknown(message)
        return Call(address, lambda: self._answers.values(client, found), answers=len(found))

    def _at_its_time(self, tag: int, steps: Sequence[Step], client: Client) -> None:
        """Carry steps out now, or keep them until shortly before the moment of their time tag."""
        moment = moment_of(tag) if self._heed else None
        ahead = 0.0 if moment is None else moment - self._wall_clock()
        if moment is None or ahead <= 0:
            self._carry_out(steps, client)
        elif steps and (ahead > AHEAD or not self._times.keep(self._now + ahead - self._acts.lead, moment, steps, client)):
            if not client.warned:
                client.warned = True
                self._fault(client, _address(steps[0]), "time-tag", f"a time tag {ahead:.3f} s ahead was applied at once")
            self._carry_out(steps, client)

    def _carry_out(self, steps: Sequence[Step], client: Client, place: int | None = None) -> None:
        """place: position in the stream where it is to be heard; None: now."""
        self._place = place
        settings: list[Setting] = []
        for step in steps:
            if isinstance(step, Setting):
                settings.append(step)
                continue
            if isinstance(step, Fault):
                self._fault(client, *step)
                continue
            self._apply(settings, client)
            settings = []
            try:
                step.run()
            except SdaError as error:
                self._fault(client, step.address, "refused", str(error))
        if place is not None or not self._crowd.takes(settings, client):
            self._apply(settings, client)

    def _apply(self, settings: Sequence[Setting], client: Client) -> None:
        """What came before comes first."""
        self._crowd.release()
        self._set(settings, client, self._place)

    def _set(self, settings: Sequence[Setting], client: Client, place: int | None = None) -> None:
        if not settings:
            return
        for id, text in self._controls.set_many(settings, client.source, place=place).refusals:
            self._fault(client, "/sda/" + id.replace(".", "/"), "value", text)

    def _fault(self, client: Client, address: str, code: str, text: str) -> None:
        self._answers.complain(client, address, code, text, self._now)


def _address(step: Step) -> str:
    return "/sda/" + step.id.replace(".", "/") if isinstance(step, Setting) else step.address


def _unknown(message: Message) -> Fault:
    return Fault(message.address, "unknown", "no such address; /sda/q/params lists the controls")
