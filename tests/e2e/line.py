"""The network between a browser and the portal: stuck, cut, and whole again.

Chromium's own switches will not do: going offline lets requests that are under way finish, and
closing a throttled page lets all that it held back go. So the browser talks to a relay, which
holds bytes back, or drops its connections and takes no new ones.
"""

import socket
import threading
from contextlib import suppress
from typing import Self
from urllib.parse import urlsplit

from playwright.sync_api import Page

PIECE = 64 * 1024


class Relay:
    """Hands bytes on between who connects to ``url`` and the server at ``target``."""

    def __init__(self, target: str) -> None:
        self._target = ("127.0.0.1", urlsplit(target).port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._open: set[socket.socket] = set()
        self._changed = threading.Condition()
        self._whole = True
        self._limit: int | None = None
        self.stuck = False

    def __enter__(self) -> Self:
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.cut()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def get_stuck_after(self, size: int) -> None:
        """From now on let ``size`` bytes of each connection reach the server, and hold back the rest."""
        with self._changed:
            self._limit = size

    def cut(self, page: Page | None = None) -> None:
        """Drop every connection, and each new one; tell the page, as its system would."""
        if page:
            page.context.set_offline(True)
        with self._changed:
            self._whole = False
            for end in self._open:
                _drop(end)
            self._changed.notify_all()

    def mend(self, page: Page | None = None) -> None:
        """Hold nothing back any more. What was held back before is lost."""
        self.cut()
        with self._changed:
            self._whole, self._limit, self.stuck = True, None, False
        if page:
            page.context.set_offline(False)

    def _serve(self) -> None:
        with suppress(OSError):  # closed: that is the end
            while True:
                near, _ = self._listener.accept()
                with self._changed:
                    if not self._whole:
                        near.close()
                        continue
                    far = socket.create_connection(self._target)
                    self._open |= {near, far}
                pair = _Pair(near, far)
                for source, sink in ((near, far), (far, near)):
                    threading.Thread(target=self._hand_on, args=(pair, source, sink), daemon=True).start()

    def _hand_on(self, pair: "_Pair", source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            passed = 0
            while data := source.recv(PIECE):
                passed += len(data)
                if source is pair.near:
                    self._hold_back(passed)
                sink.sendall(data)
        _drop(source)
        _drop(sink)
        if pair.left.wait() == 0:  # the last one tidies up
            with self._changed:
                self._open -= {pair.near, pair.far}
            pair.near.close()
            pair.far.close()

    def _hold_back(self, passed: int) -> None:
        with self._changed:
            while self._whole and self._limit is not None and passed > self._limit:
                self.stuck = True
                self._changed.wait()


class _Pair:
    """The two ends of one connection, and the two threads that serve them."""

    def __init__(self, near: socket.socket, far: socket.socket) -> None:
        self.near, self.far = near, far
        self.left = threading.Barrier(2)


def _drop(end: socket.socket) -> None:
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
