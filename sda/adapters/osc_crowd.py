"""Numbers that came by a packet behind which another one waits: what the same hand overrules at once is passed over."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import isfinite

from sda.adapters.osc_clients import Client
from sda.control import Setting

Use = Callable[[Sequence[Setting], Client], None]
"""Settings that are to be heard now, and whose they are."""


class Crowd:
    """Settings of one client that wait for its next packet."""

    def __init__(self, use: Use) -> None:
        self._use = use
        self._held: dict[str, Setting] = {}  # by id, in the order of their last word
        self._hand: Client | None = None  # whose they are

    def takes(self, settings: Sequence[Setting], client: Client) -> bool:
        """Keep them until `release`; False, and nothing is kept, where one is no number: a switch has no way between.

        A hand that went away and came back has moved its control, also where it comes back to what it asked for before.
        """
        for wish in settings:
            if type(wish.value) is not float or not isfinite(wish.value):
                return False
        if client is not self._hand:
            self.release()
            self._hand = client
        held = self._held
        for wish in settings:
            before = held.pop(wish.id, wish)
            held[wish.id] = Setting(wish.id, wish.value, True) if before.anew or before.value != wish.value else wish
        return True

    def release(self) -> None:
        """Hand over what is kept."""
        if self._held and self._hand is not None:
            settings, self._held = [*self._held.values()], {}
            self._use(settings, self._hand)
