"""What is known of the MIDI ports of this machine, for those who hold no port themselves."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Found:
    """What a look at the ports came to."""

    system: str = ""  # "ALSA", "JACK", ...
    inputs: tuple[str, ...] = ()  # that are open
    outputs: tuple[str, ...] = ()
    held: tuple[str, ...] = ()  # ports that could not be opened, each with the reason
    others_in: tuple[str, ...] = ()  # all inputs of others that there are
    others_out: tuple[str, ...] = ()
    trouble: str = ""  # why there is no MIDI at all
