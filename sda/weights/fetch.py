"""The download: one generator of reports that ends when the weights are there and were found right.

What comes is appended to a part file that outlives cuts, Ctrl-C and the process; its name changes after its hash was found
right. One process at a time does it (a held lock), the others wait and find the files.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Generator, Iterator
from pathlib import Path

import filelock

from sda.errors import WeightsError
from sda.weights import hub
from sda.weights.bring import SPARE_BYTES, keep_config, take_cached
from sda.weights.config import MAX_BYTES, check_config
from sda.weights.meter import Meter, Progress
from sda.weights.patience import Patience, offline_by
from sda.weights.store import CONFIG, PART, Store, hashing

TICK_S = 0.1  # between two reports
PAUSE_LIMIT_S = 8.0
SHA256_LENGTH = 64


def download(store: Store, *, offline: bool = False, patience: Patience | None = None) -> Generator[Progress, None, None]:
    """Fetch the two files at the pinned revision unless the weights are there, and check them.

    May be left at any report, by closing the generator or by an error in it: what came is kept for the next call.
    Raises `WeightsError` without a network within `patience.connect_s`, with what to do instead.
    """
    meter = Meter(store.pin.file, store.pin.size)
    lock = store.lock()
    while not _taken(lock):
        yield meter.report("wait", _come(store), "another process is fetching it")
    try:
        if _there(store):
            return
        yield meter.report("connect", _come(store))
        hub.load_client()
        if _cached(store):
            yield meter.report("copy", store.pin.size, "found in the hub's cache")
            return
        if offline or offline_by():
            raise WeightsError(
                f"offline ({'--offline' if offline else offline_by()}), and BigVGAN is not here; {store.by_hand()}"
            )
        yield from _fetch(store, meter, patience or Patience.of_environment())
    finally:
        lock.release()


def _taken(lock: filelock.BaseFileLock) -> bool:
    try:
        lock.acquire(timeout=TICK_S, poll_interval=TICK_S / 2)
    except filelock.Timeout:
        return False
    except OSError as error:
        raise WeightsError(f"{lock.lock_file}: cannot write there ({error.strerror})") from error
    return True


def _there(store: Store) -> bool:
    """Whether usable weights are there; wrong ones are put aside."""
    if not store.generator.is_file():
        return False
    with contextlib.suppress(WeightsError):
        store.usable()
    return store.state().usable


def _come(store: Store) -> int:
    return store.state().generator.size


def _cached(store: Store) -> bool:
    """Whether another program had the weights in the hub's cache, and they are kept here now."""
    source = hub.cached(store.pin, store.pin.file)
    return source is not None and take_cached(store, source)


def _fetch(store: Store, meter: Meter, patience: Patience) -> Iterator[Progress]:
    yield from _greet(store, meter, patience)
    store.check_space(store.pin.size - store.part_size() + SPARE_BYTES)
    if not store.config.is_file():
        yield from _fetch_config(store, meter, patience)
    yield from _fetch_part(store, store.part, meter, patience)
    yield from _accept(store, meter)


def _greet(store: Store, meter: Meter, patience: Patience) -> Iterator[Progress]:
    """Ask what the hub has, and refuse at once what cannot turn out right."""
    for tried in range(patience.tries):
        try:
            found = hub.metadata(store.pin, store.pin.file, patience.connect_s)
            break
        except hub.Broken as error:
            busy = "the answer" in str(error)
            if not busy or tried + 1 == patience.tries:
                raise WeightsError(f"{hub.endpoint()} cannot be reached ({error}); {store.by_hand()}") from error
            yield from _pause(meter, store, tried, patience, str(error))
        except WeightsError as error:  # of the hub, or of a gate on the way to it
            raise WeightsError(f"{error}; {store.by_hand()}") from error
    where = hub.url(store.pin, store.pin.file)
    if found.size not in (None, store.pin.size):
        raise WeightsError(f"{where}: found {found.size} bytes, expected {store.pin.size}; nothing was fetched")
    if found.etag and len(found.etag) == SHA256_LENGTH and found.etag != store.pin.sha256:
        raise WeightsError(f"{where}: found sha256 {found.etag}, expected {store.pin.sha256}; nothing was fetched")


def _fetch_config(store: Store, meter: Meter, patience: Patience) -> Iterator[Progress]:
    part = store.folder / (CONFIG + PART)
    part.unlink(missing_ok=True)
    try:
        for report in _fetch_part(store, part, Meter(CONFIG, MAX_BYTES), patience):
            yield meter.report("retry" if report.note else "connect", _come(store), report.note)
        content = part.read_bytes()
        check_config(content, hub.url(store.pin, CONFIG))
        keep_config(store, content)
    finally:
        part.unlink(missing_ok=True)


def _fetch_part(store: Store, part: Path, meter: Meter, patience: Patience) -> Iterator[Progress]:
    """Append to a part until the hub has no more. Tries that bring a byte are free."""
    name, tried, before = part.name.removesuffix(PART), 0, -1
    while True:
        try:
            yield from _attempt(store, part, meter, patience)
            return
        except hub.Stale:
            part.unlink()
            meter = Meter(meter.file, meter.total)
            continue
        except hub.Broken as error:
            come = part.stat().st_size if part.exists() else 0
            tried, before = (0 if come > before >= 0 else tried + 1), come
            if tried >= patience.tries:
                kept = f"{come / 1e6:.1f} of {meter.total / 1e6:.1f} MB are kept, and the same command goes on there"
                raise WeightsError(f"{name}: the transfer broke off ({error}); {kept}") from error
            yield from _pause(meter, store, tried, patience, str(error))


def _attempt(store: Store, part: Path, meter: Meter, patience: Patience) -> Iterator[Progress]:
    """One connection, in a thread of its own, so that reports go on while nothing comes."""
    pinned, name = part == store.part, part.name.removesuffix(PART)
    if pinned and store.part_size() >= store.pin.size:
        return
    sink = hub.Sink(part, meter.total)
    call = hub.Call(lambda: hub.fetch_rest(store.pin, name, sink, patience.read_s))
    try:
        call.start()
        while call.is_alive():
            call.join(TICK_S)
            yield meter.report("download", sink.done)
    finally:
        sink.stop()
    if call.error is not None:
        raise call.error
    if pinned and sink.done < store.pin.size:
        raise hub.Broken("it ended early")


def _accept(store: Store, meter: Meter) -> Iterator[Progress]:
    """Hash the whole part, and give it its name if it is what is pinned; else it is deleted."""
    steps, last = hashing(store.part), time.monotonic()
    try:
        while True:
            done = next(steps)
            if time.monotonic() - last >= TICK_S:
                last = time.monotonic()
                yield meter.report("verify", done)
    except StopIteration as end:
        found = str(end.value)
    if found != store.pin.sha256:
        store.part.unlink()
        raise WeightsError(
            f"{store.mismatch(found, store.pin.size)}; it was deleted and is not used; the same command tries anew"
        )
    store.accept(store.part, store.pin.file, found, True)
    yield meter.report("verify", store.pin.size)


def _pause(meter: Meter, store: Store, tried: int, patience: Patience, why: str) -> Iterator[Progress]:
    """Wait before the next try, longer each time."""
    until = time.monotonic() + min(patience.pause_s * 2 ** max(0, tried - 1), PAUSE_LIMIT_S)
    while (left := until - time.monotonic()) > 0:
        yield meter.report("retry", _come(store), why)
        time.sleep(min(TICK_S, left))
