"""Files replaced in one step: a kill at any instant leaves the old file or the new one.

The new content goes to a temporary file in the same folder, is flushed to the disk, and takes the name by one rename.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sda.errors import SdaError


@contextmanager
def replacing(path: Path, *, lasting: bool = True) -> Iterator[Path]:
    """A temporary path beside `path` to write to; on leaving without an error it becomes `path`.

    lasting: whether it must outlive a power cut; what can be made anew need not wait for the disk.
    Raises `SdaError` where the folder is missing or may not be written, the disk is full, or `path` is a folder.
    """
    if path.is_dir():
        raise SdaError(f"{path}: found a folder where a file was to be written")
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:40]}.", suffix=path.suffix)
    except OSError as error:
        raise SdaError(f"{path}: cannot write there ({_reason(error)})") from error
    temporary = Path(name)
    try:
        os.close(handle)
        yield temporary
        if lasting:
            with temporary.open("rb+") as file:
                os.fsync(file.fileno())
        temporary.chmod(0o666 & ~_umask())
        os.replace(temporary, path)
    except OSError as error:
        raise SdaError(f"{path}: could not be written ({_reason(error)}); what was there before is untouched") from error
    finally:
        temporary.unlink(missing_ok=True)


def write(path: Path, content: bytes, *, lasting: bool = True) -> None:
    """Replace a file's content in one step; `lasting` and errors as for `replacing`."""
    with replacing(path, lasting=lasting) as temporary:
        temporary.write_bytes(content)


def _reason(error: OSError) -> str:
    return error.strerror or str(error)


def _umask() -> int:
    """The process' file mode mask, which can only be read by setting it."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
