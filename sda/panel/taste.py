"""What a user likes of the panel's look, kept in the library's folder: palette, scale, size of the font."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from sda.errors import SdaError
from sda.formats import whole
from sda.library import home

FILE = "panel.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Taste:
    """0 and "" leave a thing to the panel."""

    palette: str = ""
    scale: float = 0.0  # pixels in a point
    font_points: int = 0

    @classmethod
    def read(cls) -> Taste:
        """As it was kept; as the panel likes it where nothing was, or what was is not ours."""
        try:
            found = json.loads(path().read_bytes())
        except (OSError, ValueError):
            return cls()
        if not isinstance(found, dict):
            return cls()
        known = {f.name: found[f.name] for f in fields(cls) if type(found.get(f.name)) is type(f.default)}
        return cls(**known)

    def write(self) -> None:
        """Keep it. A folder that may not be written is no reason to fail."""
        with suppress(OSError, SdaError):
            path().parent.mkdir(parents=True, exist_ok=True)
            whole.write(path(), json.dumps(asdict(self)).encode(), lasting=False)


def path() -> Path:
    """The file."""
    return home() / FILE
