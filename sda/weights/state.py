"""What is there of the weights, and what is known about it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

Status = Literal["absent", "partly", "present"]
Verdict = Literal["verified", "unverified", "unchecked", "wrong", ""]


@dataclass(frozen=True, slots=True)
class FileState:
    """One file. `verified`: the pinned content; `unverified`: other content that the user took; `unchecked`: to be hashed
    before use; `wrong`: a size that cannot be right."""

    name: str
    path: Path
    status: Status
    verdict: Verdict
    size: int  # bytes there, whole or in part
    expected: int | None  # bytes, where they are pinned
    sha256: str = ""  # of the content, where it was computed

    def to_json(self) -> dict[str, Any]:
        expected = {"expected_bytes": self.expected, "sha256": self.sha256 or None}
        return {"name": self.name, "status": self.status, "verdict": self.verdict or None, "bytes": self.size, **expected}


@dataclass(frozen=True, slots=True)
class State:
    """All of it. Present means that the generator is whole; the configuration adds nothing to pinned weights."""

    place: Path
    generator: FileState
    config: FileState
    fast_copy: bool  # whether the next load is a fast one

    @property
    def status(self) -> Status:
        if self.generator.status == "present":
            return "present"
        return "absent" if self.generator.status == self.config.status == "absent" else "partly"

    @property
    def verdict(self) -> Verdict:
        return self.generator.verdict

    @property
    def usable(self) -> bool:
        """Whether the weights can be loaded without being hashed first."""
        return self.verdict in ("verified", "unverified")

    @property
    def size(self) -> int:
        """Bytes of the two files."""
        return self.generator.size + self.config.size

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        facts = {"status": self.status, "verdict": self.verdict or None, "usable": self.usable, "bytes": self.size}
        files = [self.generator.to_json(), self.config.to_json()]
        return {**facts, "place": str(self.place), "fast_copy": self.fast_copy, "files": files}
