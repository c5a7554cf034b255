"""Connections that are closed, and stay for a moment so that their senders read the answer.

A refused sender goes on sending, and may be slow. Were it waited for in one of the server's
threads, refusing many would cost what taking them does; so one thread waits for all of them.
"""

import os
import select
import socket
import ssl
import threading
from contextlib import suppress
from time import monotonic

SILENCE = 2.0  # seconds without a byte after which the sender is given up
SECONDS = 10.0  # in all; 125 MB at 100 Mbit/s
MOST = 2000  # at a time; who comes beyond that is cut off, and may not see the answer

_TICK = 0.25  # seconds between two looks at the clock
_SCRATCH_BYTES = 1024**2
_DISCARD = getattr(socket, "MSG_TRUNC", 0)  # Linux throws away what came without copying it (tcp(7))


class Lingerer:
    """Sees connections off: throws away what comes until the peer closes, or has had its time.

    The thread lives as long as there is something to do, so none is inherited through fork.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[int, _Departing] = {}
        self._poll = select.poll()
        self._busy = False
        self._scratch = bytearray(_SCRATCH_BYTES)

    def take(self, connection: socket.socket) -> None:
        """Say on ``connection`` that nothing more comes, and see it off.

        Its descriptor means another, dead socket afterwards: whoever closes that waits for nobody.
        """
        if isinstance(connection, ssl.SSLSocket):
            return  # cannot be had twice
        with suppress(OSError):  # gone already
            departing = _Departing(connection.dup())
            with self._lock:
                with socket.socket(connection.family) as dead:
                    os.dup2(dead.fileno(), connection.fileno(), inheritable=False)
                if len(self._waiting) >= MOST:
                    departing.connection.close()
                    return
                departing.connection.setblocking(False)
                self._waiting[departing.connection.fileno()] = departing
                self._poll.register(departing.connection, select.POLLIN)
                if not self._busy:
                    self._busy = True
                    threading.Thread(target=self._see_off, name="lingering", daemon=True).start()
                departing.connection.shutdown(socket.SHUT_WR)

    def _see_off(self) -> None:
        while True:
            ready = self._poll.poll(_TICK * 1000)
            with self._lock:
                now = monotonic()
                for descriptor, _ in ready:
                    if not self._waiting[descriptor].discard(self._scratch, now):
                        self._drop(descriptor)
                for descriptor in [fd for fd, one in self._waiting.items() if one.overdue(now)]:
                    self._drop(descriptor)
                if not self._waiting:
                    self._busy = False
                    return

    def _drop(self, descriptor: int) -> None:
        self._poll.unregister(descriptor)
        self._waiting.pop(descriptor).connection.close()


class _Departing:
    """One connection on its way out."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self._last = self._began = monotonic()

    def discard(self, scratch: bytearray, now: float) -> bool:
        """Throw away what has come; say whether more may come."""
        try:
            size = self.connection.recv_into(scratch, 0, _DISCARD)
        except BlockingIOError:
            return True
        except OSError:
            return False
        self._last = now
        return size > 0

    def overdue(self, now: float) -> bool:
        return now - self._last > SILENCE or now - self._began > SECONDS
