"""JACK's transport: whether it rolls. A client of its own inside the player, since PortAudio's knows nothing of it.

It is opened only where `--transport` asks for it, and needs the package JACK-Client (the extra `jack`): most musicians have no
JACK, and those who have it may well want the sound to go on while the transport stands.
"""

from __future__ import annotations

from sda.errors import DeviceError

NAME = "sda-transport"  # of the client, as JACK's tools list it


class Transport:
    """A JACK client that only looks. Never closed: a server that died would not let it go, and the process ends soon."""

    def __init__(self) -> None:
        """Raises `DeviceError` where there is no JACK, or no server of it."""
        try:
            import jack
        except (ImportError, OSError) as error:
            raise DeviceError(
                f"--transport: JACK cannot be reached ({error}); expected JACK and the package JACK-Client"
            ) from error
        try:
            self._client = jack.Client(NAME, no_start_server=True)
        except jack.JackError as error:
            raise DeviceError(f"--transport: no JACK server answers ({error})") from error
        self._resting = jack.STOPPED
        self._rolling = self._rolls()

    def moved(self) -> bool | None:
        """Whether it rolls, where that changed since the last call; else None."""
        before, self._rolling = self._rolling, self._rolls()
        return self._rolling if self._rolling != before else None

    def _rolls(self) -> bool:
        return bool(self._client.transport_state != self._resting)
