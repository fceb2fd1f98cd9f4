"""Work that the window must not wait for: done in a thread, its result taken up in a later frame. No toolkit."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from sda.errors import SdaError

Result = TypeVar("Result")


class Later(Generic[Result]):
    """One piece of work at a time, and the last result."""

    def __init__(self) -> None:
        self.value: Result | None = None  # of the last that was done
        self.error = ""  # in words, where it was not to be done
        self.count = 0  # pieces done so far
        self._thread: threading.Thread | None = None

    @property
    def busy(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def ask(self, work: Callable[[], Result]) -> bool:
        """Begin, unless the last is not done yet; whether it was begun."""
        if self.busy:
            return False
        self._thread = threading.Thread(target=self._do, args=(work,), name="later", daemon=True)
        self._thread.start()
        return True

    def _do(self, work: Callable[[], Result]) -> None:
        try:
            self.value, self.error = work(), ""
        except (SdaError, OSError) as error:
            self.error = str(error)
        self.count += 1
