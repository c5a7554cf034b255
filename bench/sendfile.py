"""The limit of sending: one thread, os.sendfile of one file's range, and nothing else."""

import os
import re
import socket
import sys
from pathlib import Path

STEP = 2**30  # bytes asked of the kernel at once


def serve(connection: socket.socket, fd: int, size: int) -> None:
    """Answer GETs of one connection until it is closed."""
    while head := connection.recv(65536):
        asked = re.search(rb"(?i)\r\nrange: bytes=(\d+)-", head)
        start = int(asked[1]) if asked else 0
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (size - start))
        while start < size:
            start += os.sendfile(connection.fileno(), fd, start, min(STEP, size - start))


def main() -> None:
    """Print the port, then serve the file that is named."""
    path = Path(sys.argv[1])
    fd = os.open(path, os.O_RDONLY)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        print(listener.getsockname()[1], flush=True)
        while True:
            connection, _ = listener.accept()
            with connection:
                serve(connection, fd, path.stat().st_size)


if __name__ == "__main__":
    main()
