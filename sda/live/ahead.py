"""Which vocoder sounds, and the loops that BigVGAN renders ahead. The engine's main thread calls it, and no other.

The model's fast voice, its own vocoder or the draft, plays until the first loop is there, and after BigVGAN is left. A
spectral control that moves has a new loop rendered once the one under way is done.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from sda import universal
from sda.choice import Choice, choose
from sda.control import MODEL_SOURCE, Controls
from sda.errors import SdaError
from sda.formats import model_file
from sda.live.facts import Ahead, Facts, Model
from sda.live.repertoire import Repertoire
from sda.live.supervisor import Events, Role
from sda.live.wire import Message, Send
from sda.params import Value

HOPELESS = 2  # deaths in a row after which BigVGAN is left alone
CLOSING = 2.0  # s for its process to end


class RenderAhead:
    """Keeps the `vocoder` control, the process of the slow vocoder and what the renderer plays in step."""

    def __init__(
        self,
        controls: Controls,
        facts: Facts,
        repertoire: Repertoire,
        events: Events,
        send: Send,
        say: Callable[[str], None],
        refuse: Callable[[str, str, str], None],
        device: str,
    ) -> None:
        """`send` reaches the renderer; `say` tells the musician a line; `refuse` tells a source, of an address, why not;
        `device` is BigVGAN's.
        """
        self.role = Role("bigvgan", lambda: {"rate": facts.rate, "device": device}, events)
        self._controls, self._facts, self._repertoire, self._send, self._say = controls, facts, repertoire, send, say
        self._refuse = refuse
        self._met: Value = "auto"  # the last wish that could be met
        self._chosen: tuple[int, str] = (0, "")  # the model's token, and what was chosen for it
        self._shown = 0  # times that the control was set from here
        self._asked, self._asked_for, self._asked_at = 0, 0, 0.0  # loops so far; the last one's token and time in s
        self._busy = self._moved = False

    def moved(self) -> None:
        """A control changed that is rendered into the loop. May be called from any thread."""
        self._moved = True

    def look(self, source: str = "") -> None:
        """A model was loaded, or a vocoder wished for: choose anew. One that cannot be had leaves all as it was.

        source: of the change that wished.
        """
        model, wish = self._facts.model, self._controls.get("vocoder")
        if model is None:
            return
        try:
            choice = choose(model_file.read_header(model.path), str(wish))
            if choice.name == "bigvgan":
                universal.store().usable()
        except SdaError as error:
            self._back(str(error), source)
            return
        self._met = wish
        if self._chosen == (self._repertoire.token, choice.name):
            return
        self._chosen = (self._repertoire.token, choice.name)
        if choice.name == "bigvgan":
            self._begin(model, choice)
        else:
            self._leave(choice)

    def step(self, now: float) -> None:
        """What is due: a process where one died, the next loop where something moved."""
        if self.role.revive(now):
            self._busy, self._moved = False, True
        model = self._facts.model
        if self.role.child is None or self._busy or not self._moved or model is None:
            return
        self._asked, self._asked_for, self._asked_at = self._asked + 1, self._repertoire.token, now
        self._busy, self._moved = True, False
        values = {**self._controls.values(), "play": True, "gain": 0.0}
        self.role.send({"kind": "render", "n": self._asked, "path": str(model.path.absolute()), "values": values})

    def handle(self, message: Message) -> None:
        """What the process sends."""
        if message["kind"] == "loop":
            self._came(message)
        elif message["kind"] == "failed" and message["n"] == self._asked:
            self._give_up(message["text"])

    def died(self, now: float) -> None:
        """Its process ended; after two deaths in a row the fast voice goes on without it."""
        how = self.role.bury(now)
        self._say(f"the process of BigVGAN ended ({how})")
        if self.role.crashes >= HOPELESS:
            self._give_up(f"its process died {self.role.crashes} times in a row")

    def stop(self) -> None:
        """End the process."""
        self.role.stop(CLOSING)

    def _came(self, message: Message) -> None:
        """A loop is there: the renderer takes it, unless another model sounds by now."""
        model = self._facts.model
        if message["n"] != self._asked or not self._busy or model is None:
            return
        self._busy = False
        if self._asked_for != self._repertoire.token:
            self._moved = True
            return
        self._send({"kind": "loop", "audio": message["audio"], "token": self._asked_for})
        seconds, first = message["seconds"], self._facts.ahead is None
        self._facts.ahead = ahead = Ahead(seconds, message["spent"] / seconds, time.monotonic() - self._asked_at)
        self._facts.model = replace(model, vocoder="bigvgan", why=f"the universal vocoder, {ahead.words}")
        if first:
            self._say(f"BigVGAN sounds: {ahead.words}")

    def _begin(self, model: Model, choice: Choice) -> None:
        why = f"{choice.why}, renders its first loop; until it is there, {model.fast} plays"
        self._facts.model, self._facts.ahead = replace(model, vocoder=model.fast, why=why), None
        self._moved = True
        if self.role.child is None:
            self._busy = False
            self.role.crashes = 0
            self.role.start()
        self.step(time.monotonic())

    def _leave(self, choice: Choice) -> None:
        self.role.stop(CLOSING)
        self._busy = False
        self._send({"kind": "leave"})
        self._facts.ahead = None
        if self._facts.model is not None:
            self._facts.model = replace(self._facts.model, vocoder=choice.name, why=choice.why)

    def _give_up(self, text: str) -> None:
        model = self._facts.model
        self._say(f"BigVGAN cannot play: {text}")
        self._chosen = (self._repertoire.token, "")  # whoever wishes for it again has it tried again
        self._leave(Choice(model.fast if model else "", f"BigVGAN cannot play: {text}"))

    def _back(self, text: str, source: str) -> None:
        """Set the control back from a wish that came to nothing, and say why. A source that is new each time is heard."""
        wish = self._met if self._met != self._controls.get("vocoder") else "auto"
        self._shown += 1
        self._controls.set("vocoder", wish, f"{MODEL_SOURCE} vocoder {self._shown}")
        self._say(text)
        if source:
            self._refuse(source, "/sda/vocoder", text)
