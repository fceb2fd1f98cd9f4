"""The hub's own client, as far as it is used: addresses, headers, session, metadata and errors are huggingface_hub's.

The loop over the body is ours. `hf_hub_download` deletes what came as soon as it stops, so nothing could be resumed after a
Ctrl-C; `http_get` below it hands over 10 MiB at a time, which a cut loses and a slow link shows no progress for.
Its other transport, Xet, is off: it resumes and fails by other rules, and what is tested is what should be used.
"""

from __future__ import annotations

import io
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sda
from sda.errors import WeightsError

if TYPE_CHECKING:
    from huggingface_hub import HfFileMetadata

    from sda._vendor.bigvgan import Pin

QUIET = {"HF_HUB_DISABLE_XET": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1", "HF_HUB_VERBOSITY": "error"}
BUSY = (408, 425, 429, 500, 502, 503, 504)  # answers that may be better the next time


class Broken(Exception):
    """A transfer that may succeed when it is tried again."""


class Stale(Exception):
    """What came before cannot be continued."""


@contextmanager
def _quiet() -> Iterator[None]:
    """The client's switches, which it reads once, at its import; the environment is then as it was."""
    before = {name: os.environ.get(name) for name in QUIET}
    os.environ.update(QUIET)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def load_client() -> None:
    """Import the client: a third of a second, so only where it is wanted."""
    with _quiet():
        from huggingface_hub import constants, get_hf_file_metadata, get_session  # noqa: F401  # each a module of its own


def endpoint() -> str:
    """The hub's address: HF_ENDPOINT, or the public one."""
    from huggingface_hub import constants

    return (os.environ.get("HF_ENDPOINT") or constants.ENDPOINT).rstrip("/")


def cached(pin: Pin, name: str) -> Path | None:
    """A file of the pinned revision in the hub's own cache, left there by another program and not to be trusted."""
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(pin.repo_id, name, revision=pin.revision)
    return Path(found) if isinstance(found, str) else None


def url(pin: Pin, name: str) -> str:
    from huggingface_hub import hf_hub_url

    return hf_hub_url(pin.repo_id, name, revision=pin.revision, endpoint=endpoint())


def headers() -> dict[str, str]:
    """Who asks, and the token if there is one, which a private mirror may want."""
    from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]  # public, but not marked so

    found: dict[str, str] = build_hf_headers(library_name="sda-engine", library_version=sda.__version__)
    return found | {"Accept-Encoding": "identity"}  # bytes counted are bytes of the file


def metadata(pin: Pin, name: str, seconds: float) -> HfFileMetadata:
    """What the hub says of a file, within so many seconds in all: its name may not resolve, its packets may vanish.

    Raises `Broken`, or `WeightsError` for an answer that will stay.
    """
    from huggingface_hub import get_hf_file_metadata

    def ask() -> HfFileMetadata:
        try:
            return get_hf_file_metadata(url(pin, name), timeout=seconds, headers=headers(), endpoint=endpoint())
        except Exception as error:
            raise sorted_out(error, url(pin, name)) from error

    call = Call(ask)
    call.start()
    call.join(seconds)
    if call.is_alive():
        raise Broken(f"no answer within {seconds:g} s")
    if call.error is not None:
        raise call.error
    found: HfFileMetadata = call.result
    return found


class Call(threading.Thread):
    """A function run in a thread that nobody has to wait for."""

    def __init__(self, function: Callable[[], Any]) -> None:
        super().__init__(daemon=True)
        self._function = function
        self.result: Any = None
        self.error: BaseException | None = None

    def run(self) -> None:
        try:
            self.result = self._function()
        except BaseException as error:
            self.error = error


class Sink(io.FileIO):
    """The file that a transfer writes to. Any thread may close it, and nothing is written afterwards."""

    def __init__(self, path: Path, limit: int) -> None:
        """Open `path` to go on behind what it holds. Raises `WeightsError` where the disk refuses."""
        self._limit, self._guard, self._path = limit, threading.Lock(), path
        try:
            super().__init__(path, "ab")
        except OSError as error:
            raise WeightsError(f"{path}: cannot be written ({error.strerror})") from error
        self.done = self.tell()  # bytes

    def add(self, chunk: bytes) -> None:
        """Append all of a chunk. Raises `WeightsError` where the disk is full, or more comes than there should be."""
        with self._guard:
            if self.done + len(chunk) > self._limit:
                raise WeightsError(f"{self._path.stem}: found more than the expected {self._limit} bytes; it is refused")
            try:
                while chunk:
                    chunk = chunk[(written := self.write(chunk)) :]
                    self.done += written
            except OSError as error:
                kept = f"{self.done / 1e6:.1f} of {self._limit / 1e6:.1f} MB are kept"
                raise WeightsError(
                    f"{self._path}: cannot be written ({error.strerror}); {kept}, and the same command goes on there"
                ) from error

    def stop(self) -> None:
        """Close the file, whoever may be writing; a closed file refuses what comes later."""
        with self._guard:
            self.close()


def fetch_rest(pin: Pin, name: str, sink: Sink, seconds: float) -> None:
    """Add to the sink what it lacks of a file; `seconds` without a byte break the connection.

    Raises `Broken` where another try may go on, `Stale` where it must begin anew, else `WeightsError`.
    """
    from huggingface_hub import get_session, hf_raise_for_status

    begun = sink.done
    asked = headers() | ({"Range": f"bytes={begun}-"} if begun else {})
    try:
        with get_session().stream("GET", url(pin, name), headers=asked, timeout=seconds, follow_redirects=True) as response:
            if begun and response.status_code == 416:
                raise Stale
            hf_raise_for_status(response)
            if begun and _start(response.headers, response.status_code) != begun:
                raise Stale
            for chunk in response.iter_bytes():
                sink.add(chunk)
    except (Broken, Stale, WeightsError):
        raise
    except Exception as error:
        raise sorted_out(error, url(pin, name)) from error


def _start(answered: Any, status: int) -> int | None:
    """Where in the file a body begins. No If-Range is sent: the revision is pinned, and the hash of the whole decides."""
    if status != 206:
        return 0
    first = str(answered.get("Content-Range", "")).removeprefix("bytes ").split("-")[0]
    return int(first) if first.isdigit() else None


def sorted_out(error: Exception, where: str) -> Exception:
    """`Broken` for what may pass, `WeightsError` for an answer that will stay."""
    from huggingface_hub.errors import HfHubHTTPError

    if isinstance(error, HfHubHTTPError):
        status = error.response.status_code
        said = f"{status} {error.response.reason_phrase}".strip()
        if status in BUSY:
            return Broken(f"the answer {said}")
        token = "; a token was sent: is it out of date?" if status == 401 and "authorization" in headers() else ""
        return WeightsError(f"{where}: found the answer {said}, expected the file{token}")
    if type(error).__name__ == "TooManyRedirects":  # by name: which HTTP library the client uses is its own affair
        return WeightsError(f"{where}: found redirects without end, expected the file")
    return Broken(_words(error))


def _words(error: Exception) -> str:
    """What a network library says, in one line, with the proxy that may be to blame."""
    import urllib.parse
    import urllib.request

    text = (str(error).strip().splitlines() or [""])[0] or type(error).__name__
    host = urllib.parse.urlsplit(endpoint())
    proxy = urllib.request.getproxies().get(host.scheme)
    if proxy and not urllib.request.proxy_bypass(host.hostname or ""):
        shown = urllib.parse.urlsplit(proxy)
        text += f", through the proxy {shown.hostname}:{shown.port}"
    return text
