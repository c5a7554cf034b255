"""The limit of receiving: one thread, recv 1 MiB, SHA-256, write, and nothing else."""

import hashlib
import json
import os
import resource
import socket
import sys
import time
from pathlib import Path

BUFFER_BYTES = 1024**2


def serve(listener: socket.socket, path: Path, *, every: int) -> dict[str, float]:
    """Receive one PUT into ``path``, answer 200, remove the file.

    Args:
        listener: a listening socket.
        path: of a new file.
        every: fdatasync after so many bytes and before the answer; 0: never.

    Returns:
        ``bytes`` received and ``cpu`` seconds.
    """
    connection, _ = listener.accept()
    buffer = memoryview(bytearray(BUFFER_BYTES))
    cpu = time.process_time()
    pending = 0
    with connection, path.open("wb", buffering=0) as file:
        size = connection.recv_into(buffer)
        head, _, body = bytes(buffer[:size]).partition(b"\r\n\r\n")
        length = left = next(
            int(line.split(b":")[1])
            for line in head.split(b"\r\n")
            if line.lower().startswith(b"content-length:")
        )
        digest = hashlib.sha256(body)
        file.write(body)
        left -= len(body)
        while left and (size := connection.recv_into(buffer, min(left, BUFFER_BYTES))):
            digest.update(buffer[:size])
            file.write(buffer[:size])
            left -= size
            pending += size
            if every and pending >= every:
                os.fdatasync(file.fileno())
                pending = 0
        if every:
            os.fdatasync(file.fileno())
        answer = digest.hexdigest().encode()
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(answer), answer))
    cpu = time.process_time() - cpu
    path.unlink()
    return {"bytes": length - left, "cpu": cpu}


def main() -> None:
    """Serve PUTs one after the other; print the port, then one line of JSON for each.

    Arguments: a directory for the file, and after how many bytes it is synced (0: never).
    """
    directory, every = Path(sys.argv[1]), int(sys.argv[2])
    with socket.create_server(("127.0.0.1", 0)) as listener:
        print(listener.getsockname()[1], flush=True)
        while True:
            result = serve(listener, directory / f"limit-{os.getpid()}", every=every)
            result["rss"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
            print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main()
