"""Which model sounds, which one loads, and which the library holds. The engine's main thread calls it, and no other."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from pathlib import Path

from sda.control import MODEL_SOURCE, Controls
from sda.errors import SdaError
from sda.library import Library
from sda.live import shown_map
from sda.live.facts import Facts, Model
from sda.live.wire import Message, Send

LIBRARY_S = 2.0  # s between looks at the library's folder
WISH, RELOAD = "/sda/model", "/sda/reload"  # addresses that have a model loaded
HOPELESS = 2  # crashes in a row after which a renderer starts without a model


class Repertoire:
    """Loads models into the renderer and keeps the controls in step with the one that sounds."""

    def __init__(
        self,
        controls: Controls,
        facts: Facts,
        send: Send,
        say: Callable[[str], None],
        refuse: Callable[[str, str, str], None],
    ) -> None:
        """`send` reaches the renderer; `say` tells the musician a line; `refuse` tells a source of changes, of an
        address, why not.
        """
        self.names: Sequence[str] = ()  # of the library's models
        self.leaving: Callable[[Model], None] = lambda model: None  # told of a model that another one takes over from
        self.token = 0  # of the model whose sliders the controls are
        self._controls, self._facts, self._send, self._say, self._refuse = controls, facts, send, say, refuse
        self._library, self._stamp = Library(), 0
        self._looked = float("-inf")  # when the library was looked at, s
        self._asked = 0  # loads so far
        self._shown = 0  # times that the control was set from here
        self._loading: Path | None = None
        self._again = ""  # the source that asked for the model's file while that was loading
        self._wisher, self._asks = "", WISH  # the source that asked for what loads, and at which address
        self._then: Callable[[str], None] | None = None  # told what became of what loads

    def look(self, now: float) -> None:
        """Read the names again if the library's folder changed; now: s of the monotonic clock."""
        if now - self._looked < LIBRARY_S:
            return
        self._looked = now
        try:
            stamp = (self._library.home / "models").stat().st_mtime_ns
        except OSError:
            stamp = -1
        if stamp != self._stamp:
            self._stamp = stamp
            with contextlib.suppress(SdaError):
                self.names = tuple(entry.name for entry in self._library.entries() if entry.document is not None)

    def wish(self, text: str, source: str) -> None:
        """Load the model that a source of changes named; never a path."""
        self._wisher, self._asks = source, WISH
        try:
            path = self.find(text)
        except SdaError as error:
            self._stay(str(error))
        else:
            self.load(path)

    def reload(self, source: str) -> None:
        """Load the file of the model that sounds again, or of the one that loads, once that is done."""
        if self._loading is not None:  # a controller may send it with every frame: one more load is enough
            self._again = source
            return
        path = self._facts.model.path if self._facts.model is not None else None
        if path is None:
            self._refuse(source, RELOAD, "no model is loaded that could be read again")
            return
        self._wisher, self._asks = source, RELOAD
        self.load(path)

    def find(self, text: str) -> Path:
        """The file of the library's model of a name or id. Raises `ModelError`."""
        return self._library.resolve(text, paths=False)

    def bring(self, path: Path, then: Callable[[str], None]) -> None:
        """Load a file for an act that goes on after it: `then` is told what was wrong, or "" once the sliders are there."""
        self._wisher = ""
        self.load(path)
        self._then = then

    def load(self, path: Path) -> None:
        """Have the renderer load a file."""
        self._tell_on("another model was asked for meanwhile")
        self._asked += 1
        self._loading, self._facts.loading = path, True
        values = self._controls.values()
        sliders = {row.name: values.pop(row.id) for row in self._controls.sliders}
        values.pop("model")
        place = str(path.absolute())
        self._send({"kind": "load", "token": self._asked, "path": place, "values": values, "sliders": sliders})

    def loaded(self, message: Message) -> None:
        """The renderer changed to a model: the sliders are its own from here on."""
        if message["token"] != self._asked or self._loading is None:
            return
        before, vocoder = self._facts.model, message["vocoder"]
        safe = tuple((float(low), float(high)) for low, high in message["safe"])
        known = shown_map.read(message["map"])
        model = Model(self._loading, message["name"], vocoder, message["why"], vocoder, message["id"], known, safe)
        if before is not None and before.id != model.id and self._then is None:
            self.leaving(before)
        self._facts.model = model
        self._facts.trouble, self._facts.loading, self._loading = "", False, None
        self._facts.ahead = None
        self._facts.delay = message["delay"]
        if self.token:
            self._say(f"{message['name']} sounds; its sliders: {', '.join(message['sliders']) or 'none'}")
        self.token = self._asked
        self._controls.install_sliders(message["sliders"], message["explains"])
        self._name(message["name"])
        self._tell_on("")
        self._reload_once_more()

    def refused(self, message: Message) -> None:
        """The renderer could not load what was asked for; what sounded goes on."""
        if message["token"] == self._asked:
            self._facts.loading, self._loading = False, None
            self._stay(message["text"])
            self._tell_on(message["text"])
            self._reload_once_more()

    def _reload_once_more(self) -> None:
        """What was asked for while a file was read: it may have been read too early."""
        source, self._again = self._again, ""
        if source and self._facts.model is not None:
            self.reload(source)

    def broke(self, text: str) -> None:
        """The model stopped sounding."""
        self._facts.model, self._facts.trouble = None, text
        self._say(text)

    def restore(self, crashes: int) -> None:
        """Tell a new renderer what the old one knew; after two crashes in a row without the model that may be to blame."""
        if self._loading is not None:
            text = f"{self._loading}: the renderer died loading it"
            self._loading, self._facts.loading = None, False
            self._stay(text)
            self._tell_on(text)
        model = self._facts.model
        if model is not None and crashes >= HOPELESS:
            self.broke(f"the renderer died {crashes} times in a row with {model.name}; it goes on without a model")
        elif model is not None:
            self.load(model.path)

    def _stay(self, text: str) -> None:
        """Say why a load came to nothing, and set the control back to the model that sounds."""
        self._say(text)
        if self._wisher:
            self._refuse(self._wisher, self._asks, text)
        if self._facts.model is None:
            self._facts.trouble = text
        if not self.token:
            self._controls.install_sliders(())  # those that were announced of it
        self._name(self._facts.model.name if self._facts.model else "")

    def _tell_on(self, text: str) -> None:
        then, self._then = self._then, None
        if then is not None:
            then(text)

    def _name(self, name: str) -> None:
        """Show what sounds. The source is new each time: one that repeats itself is not heard by `Controls`."""
        self._shown += 1
        self._controls.set("model", name, f"{MODEL_SOURCE} {self._shown}")
