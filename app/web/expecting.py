"""`Expect: 100-continue`, answered when the body is wanted."""

import socket
from contextlib import suppress
from typing import Any


class HeldInput:
    """A ``wsgi.input`` that tells its sender `100 Continue` only when it is first read from.

    So a refusal costs nobody the body (RFC 9110 section 10.1.1).
    """

    def __init__(self, stream: Any, connection: socket.socket) -> None:
        self._stream = stream
        self._connection: socket.socket | None = connection

    @property
    def held(self) -> bool:
        """Whether the sender may still be waiting."""
        return self._connection is not None

    @property
    def inner(self) -> Any:
        """The stream itself, not to be read from before `release`."""
        return self._stream

    def release(self) -> Any:
        """Let the sender go on; return the stream itself."""
        if self._connection is not None:
            with suppress(OSError):  # gone already: reading will tell
                self._connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
            self._connection = None
        return self._stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self.release(), name)

    def __iter__(self) -> Any:
        return iter(self.release())
