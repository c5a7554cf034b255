"""How slow a sender may be, because it holds a thread for as long as its body lasts."""

import socket
from http import HTTPStatus
from time import monotonic
from typing import Any

from app.domain.errors import TruncatedBodyError


class SlowBodyError(TruncatedBodyError):
    """The sender is slower than the portal waits for, or has fallen silent. What came before counts."""

    status, code = HTTPStatus.REQUEST_TIMEOUT, "too_slow"


class Pace:
    """How slow a sender may be: ``rate`` bytes per second, averaged over ``window`` seconds of waiting.

    Only the time counts that a thread waits for the sender: a disk that stalls is not the sender's fault.
    """

    def __init__(self, *, rate: int, window: float) -> None:
        self.rate = rate
        self.window = window
        self._came = 0
        self._waited = 0.0

    def note(self, size: int, seconds: float) -> None:
        """``size`` bytes came after so many seconds of waiting."""
        self._came += size
        self._waited += seconds

    def check(self) -> None:
        """Look at each full window. Raises SlowBodyError."""
        if self._waited < self.window:
            return
        if self._came < self.rate * self._waited:
            raise SlowBodyError(
                f"Fewer than {self.rate:,} bytes came per second for {self._waited:.0f} seconds, "
                "which is too slow. Try again over a better connection."
            )
        self._came, self._waited = 0, 0.0


class PacedSocket:
    """What gunicorn's own readers receive from instead of the connection."""

    def __init__(self, connection: socket.socket, pace: Pace, *, silence: float | None = None) -> None:
        """Watch a connection; ``silence`` is the longest to wait for a byte, if not its own time-out."""
        self.connection = connection
        self._pace = pace
        self._silence = silence

    def recv(self, size: int) -> bytes:
        """Receive up to ``size`` bytes. Raises OSError, SlowBodyError."""
        self._pace.check()
        began, timeout = monotonic(), self.connection.gettimeout()
        if self._silence is not None:
            self.connection.settimeout(self._silence)
        try:
            data = self.connection.recv(size)
        finally:
            self.connection.settimeout(timeout)
        self._pace.note(len(data), monotonic() - began)
        return data


def unreader_of(reader: object) -> Any:
    """Return what a reader of gunicorn receives through: that of chunks leaves it to the request."""
    return getattr(reader, "unreader", None) or getattr(getattr(reader, "req", None), "unreader", None)
