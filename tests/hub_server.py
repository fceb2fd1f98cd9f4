"""A model hub on this machine, for the real client: its two routes, and whatever can go wrong on them.

`/REPO/resolve/REVISION/FILE` answers for small files with their bytes, for large ones with a redirect that carries size and
hash; `/cdn/FILE`, by another host name, has the bytes and knows ranges. A plan of faults, one a request, spoils either.
"""

from __future__ import annotations

import hashlib
import json
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

REPO, REVISION = "maker/vocoder", "0123456789abcdef0123456789abcdef01234567"


@dataclass
class Fault:
    """What one request suffers; the defaults are none."""

    status: int = 0  # answered instead
    cut: int = -1  # bytes of this answer's body after which the connection is reset
    stall: float = 0.0  # seconds of silence, at the cut if there is one, else before the answer
    rate: float = 0.0  # bytes/s
    short: int = 0  # bytes left out at the end, with a length that says so
    no_ranges: bool = False  # a server that sends the whole file whatever is asked


@dataclass
class Hub:
    """The served files, what will go wrong, and what was asked."""

    files: dict[str, bytes]
    linked: set[str]  # names of those that are redirected
    heads: list[Fault] = field(default_factory=list)
    bodies: list[Fault] = field(default_factory=list)  # of the linked files
    hops: int = 1  # redirects before the bytes
    said: dict[str, bytes] = field(default_factory=dict)  # content that the hash and size on the redirect are of
    asked: list[tuple[str, str, str]] = field(default_factory=list)  # method, path, Range
    url: str = ""

    def ranges(self) -> list[str]:
        """The Range of every request for a linked file's bytes, in order."""
        return [wanted for method, path, wanted in self.asked if method == "GET" and path.startswith("/cdn/")]


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    hub: Hub

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        self.hub.asked.append((self.command, self.path, self.headers.get("Range", "")))
        kind, _, rest = self.path.lstrip("/").partition("/")
        if kind == "cdn":
            self._bytes(rest)
            return
        name = self.path.removeprefix(f"/{REPO}/resolve/{REVISION}/")
        fault = self.hub.heads.pop(0) if self.hub.heads and self.command == "HEAD" else Fault()
        time.sleep(fault.stall)
        if fault.status or name not in self.hub.files:
            self._refuse(fault.status or 404)
        elif name in self.hub.linked:
            self._redirect(name)
        else:
            self._whole(self.hub.files[name], hashlib.sha1(self.hub.files[name]).hexdigest())

    def _refuse(self, status: int) -> None:
        self.send_response(status)
        if status == 404:
            self.send_header("X-Error-Code", "EntryNotFound")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _redirect(self, name: str) -> None:
        content = self.hub.said.get(name, self.hub.files[name])
        port = self.server.server_address[1]
        self.send_response(302)
        self.send_header("Location", f"http://localhost:{port}/cdn/{self.hub.hops}/{name}")
        self.send_header("X-Repo-Commit", REVISION)
        self.send_header("X-Linked-Size", str(len(content)))
        self.send_header("X-Linked-Etag", f'"{hashlib.sha256(content).hexdigest()}"')
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _whole(self, content: bytes, etag: str) -> None:
        self.send_response(200)
        self.send_header("X-Repo-Commit", REVISION)
        self.send_header("ETag", f'"{etag}"')
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content)

    def _bytes(self, rest: str) -> None:
        hops, _, name = rest.partition("/")
        if int(hops) > 1:
            self.send_response(307)
            self.send_header("Location", f"/cdn/{int(hops) - 1}/{name}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        fault = self.hub.bodies.pop(0) if self.hub.bodies else Fault()
        if fault.cut < 0:
            time.sleep(fault.stall)
        if fault.status:
            self._refuse(fault.status)
            return
        content, wanted = self.hub.files[name], self.headers.get("Range", "")
        first = int(wanted.removeprefix("bytes=").split("-")[0]) if wanted and not fault.no_ranges else 0
        if first >= len(content):
            self._refuse(416)
            return
        body = content[first : len(content) - fault.short]
        self.send_response(206 if first else 200)
        if first:
            self.send_header("Content-Range", f"bytes {first}-{len(content) - 1}/{len(content)}")
        self.send_header("ETag", '"of the cdn"')
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self._send(body, fault)

    def _send(self, body: bytes, fault: Fault) -> None:
        body, ends = (body[: fault.cut], True) if fault.cut >= 0 else (body, False)
        step = max(1, int(fault.rate / 20)) if fault.rate else len(body) or 1
        for start in range(0, len(body), step):
            self.wfile.write(body[start : start + step])
            self.wfile.flush()
            if fault.rate:
                time.sleep(step / fault.rate)
        if ends:
            time.sleep(max(fault.stall, 0.05))  # lets what was sent arrive before the reset
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close_connection = True
            self.connection.close()


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is what is tested."""


@contextmanager
def serving(hub: Hub) -> Iterator[Hub]:
    """Serve a hub at `hub.url` from a thread of this process."""
    server = Server(("127.0.0.1", 0), type("OneHub", (Handler,), {"hub": hub}))
    hub.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.02), daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def published_config() -> bytes:
    """What the hub has beside the weights, as far as it matters, and entries that do not."""
    return json.dumps(
        {
            "resblock": "1", "num_gpus": 0, "batch_size": 4, "learning_rate": 0.0001, "seed": 1234,
            "upsample_rates": [8, 4, 2, 2, 2, 2], "upsample_kernel_sizes": [16, 8, 4, 4, 4, 4],
            "upsample_initial_channel": 1536, "resblock_kernel_sizes": [3, 7, 11],
            "resblock_dilation_sizes": [[1, 3, 5], [1, 3, 5], [1, 3, 5]],
            "use_tanh_at_final": False, "use_bias_at_final": False, "activation": "snakebeta", "snake_logscale": True,
            "segment_size": 65536, "num_mels": 128, "num_freq": 2049, "n_fft": 2048, "hop_size": 512, "win_size": 2048,
            "sampling_rate": 44100, "fmin": 0, "fmax": None, "normalize_volume": True,
        }
    ).encode()  # fmt: skip
