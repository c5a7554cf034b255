"""The network between a browser and the portal: stuck, cut, and whole again.

Chromium's own switches will not do: going offline lets requests that are under way finish, and
closing a throttled page lets all that it held back go. So the browser talks to a relay, which
holds bytes back, changes one, or drops its connections and takes no new ones.
"""

import socket
import struct
import threading
from contextlib import suppress
from typing import Self
from urllib.parse import urlsplit

from playwright.sync_api import Page

PIECE = 64 * 1024
_NO_GOODBYE = struct.pack("ii", 1, 0)  # SO_LINGER: what is closed is reset


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
        self._damage_at: int | None = None
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

    def give_way(self) -> None:
        """Hold back nothing of new connections; those that are stuck stay so, and nobody tells their ends."""
        self._limit = None

    def damage(self, place: int) -> None:
        """Change the byte at ``place`` of the first connection that gets so far towards the server."""
        self._damage_at = place

    def reset(self) -> None:
        """Break every connection with RST instead of FIN; new ones are welcome."""
        with self._changed:
            for end in self._open:
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_GOODBYE)
                with suppress(OSError):
                    end.shutdown(
                        socket.SHUT_RD
                    )  # wakes who reads from it, and says nothing to the other side
            self._changed.notify_all()

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
                    try:
                        far = socket.create_connection(self._target)
                    except ConnectionRefusedError:
                        near.close()
                        continue
                    self._open |= {near, far}
                pair = _Pair(near, far)
                for source, sink in ((near, far), (far, near)):
                    threading.Thread(target=self._hand_on, args=(pair, source, sink), daemon=True).start()

    def _hand_on(self, pair: "_Pair", source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            passed = 0
            while data := source.recv(PIECE):
                if source is pair.near:
                    data = self._damaged(data, passed)
                    self._hold_back(passed + len(data))
                passed += len(data)
                sink.sendall(data)
        for end in (source, sink):
            if end.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, 8) == _NO_GOODBYE:
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RD)
            else:
                _drop(end)
        if pair.left.wait() == 0:  # the last one tidies up
            with self._changed:
                self._open -= {pair.near, pair.far}
            pair.near.close()
            pair.far.close()

    def _damaged(self, data: bytes, before: int) -> bytes:
        with self._changed:
            if self._damage_at is None or before + len(data) <= self._damage_at:
                return data
            place = max(self._damage_at - before, 0)
            self._damage_at = None
        return data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]

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
