"""Somewhere that nobody should come to."""

import socket


class Sink:
    """Listens on every address of this machine, and knows who came."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True)
        self._listener.setblocking(False)
        self.port: int = self._listener.getsockname()[1]

    def visits(self) -> int:
        """Return how many have connected since it was last asked."""
        count = 0
        while True:
            try:
                self._listener.accept()[0].close()
            except BlockingIOError:
                return count
            count += 1

    def close(self) -> None:
        self._listener.close()
