"""A raw-socket sender for the benchmarks: as fast as the kernel takes it, one buffer, no library.

python -m bench.client http://127.0.0.1:8000/upload/x.tgz 1073741824 --door put --token dgp_...
"""

import argparse
import base64
import hashlib
import json
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal
from urllib.parse import SplitResult, urlsplit

from bench.payload import PIECE, beginning

CHUNK = memoryview(PIECE)
BOUNDARY = b"----diagport-bench-7d0f1c3a"
TUS_PATCH_BYTES = 64 * 1024**2

Door = Literal["put", "multipart", "tus"]


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server said to the last request, and how long everything took."""

    status: int
    headers: dict[str, str]  # names in lower case
    body: bytes
    seconds: float


class Connection:
    """One keep-alive HTTP/1.1 connection over a plain socket."""

    def __init__(self, url: SplitResult, credentials: dict[str, str]) -> None:
        self._host = url.netloc
        self._credentials = credentials
        self._socket = socket.create_connection((url.hostname, url.port or 80))
        self._file = self._socket.makefile("rb")

    def __enter__(self) -> "Connection":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self._socket.close()

    def request(
        self,
        method: str,
        path: str,
        headers: dict[str, str],
        first: bytes = b"",
        size: int = 0,
        last: bytes = b"",
        at: int = 0,
    ) -> tuple[int, dict[str, str], bytes]:
        """Send ``first``, ``size`` bytes of content from byte ``at`` on, and ``last``; return the answer.

        Raises:
            OSError: the server closed the connection before everything was sent.
        """
        fields = self._credentials | headers
        if method != "GET":
            fields["Content-Length"] = str(len(first) + size + len(last))
        lines = [
            f"{method} {path} HTTP/1.1",
            f"Host: {self._host}",
            *(f"{k}: {v}" for k, v in fields.items()),
        ]
        self._socket.sendall("\r\n".join([*lines, "", ""]).encode("latin-1") + first)
        for piece in _content(size, at):
            self._socket.sendall(piece)
        if last:
            self._socket.sendall(last)
        return self._answer()

    def _answer(self) -> tuple[int, dict[str, str], bytes]:
        status = int(self._file.readline().split()[1])
        headers = {}
        while line := self._file.readline().strip():
            name, _, value = line.decode("latin-1").partition(":")
            headers[name.lower()] = value.strip()
        if headers.get("transfer-encoding") == "chunked":
            return status, headers, b"".join(iter(self._chunk, b""))
        return status, headers, self._file.read(int(headers.get("content-length", 0)))

    def _chunk(self) -> bytes:
        """Read one chunk of an answer; the last is empty."""
        data = self._file.read(int(self._file.readline(), 16))
        self._file.readline()
        return data


def _content(size: int, at: int = 0) -> Iterator[memoryview]:
    """Yield ``size`` bytes of the endless content, which repeats itself, from byte ``at`` on."""
    at %= len(CHUNK)
    while size:
        piece = CHUNK[at : at + size]
        yield piece
        size, at = size - len(piece), 0


def send(url: str, size: int, door: Door, credentials: dict[str, str]) -> Answer:
    """Send a .tgz of ``size`` bytes through one door.

    Args:
        url: of the request; for tus, of the collection.
        size: bytes of the file.
        door: how.
        credentials: header fields, for example Authorization.
    """
    first = beginning(size)
    parts = urlsplit(url)
    rest = size - len(first)
    start = time.perf_counter()
    with Connection(parts, credentials) as connection:
        if door == "put":
            status, headers, body = connection.request("PUT", parts.path, {}, first, rest)
        elif door == "multipart":
            head = (
                b'--%b\r\nContent-Disposition: form-data; name="diag"; filename="bench.tgz"\r\n'
                b"Content-Type: application/gzip\r\n\r\n" % BOUNDARY
            )
            form = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY.decode()}"}
            tail = b"\r\n--%b--\r\n" % BOUNDARY
            status, headers, body = connection.request("POST", parts.path, form, head + first, rest, tail)
        else:
            status, headers, body = _tus(connection, parts.path, size, first)
    return Answer(status, headers, body, time.perf_counter() - start)


def _tus(connection: Connection, path: str, size: int, first: bytes) -> tuple[int, dict[str, str], bytes]:
    """Create the upload and send it in patches (tus 1.0.0)."""
    version = {"Tus-Resumable": "1.0.0"}
    name = base64.b64encode(b"bench.tgz").decode()
    create = {"Upload-Length": str(size), "Upload-Metadata": f"filename {name}"}
    answer = connection.request("POST", path, version | create)
    offset, ahead = 0, len(first)
    while answer[0] in {201, 204} and offset < size:
        location = urlsplit(answer[1].get("location", path)).path
        path = location
        patch = {"Content-Type": "application/offset+octet-stream", "Upload-Offset": str(offset)}
        length = min(TUS_PATCH_BYTES, size - offset)
        at = max(offset - ahead, 0)
        answer = connection.request("PATCH", path, version | patch, first, length - len(first), at=at)
        offset, first = offset + length, b""
    return answer


def digest(size: int) -> str:
    """Return the SHA-256 of what `send` sends, hex."""
    first = beginning(size)
    hasher = hashlib.sha256(first)
    for piece in _content(size - len(first)):
        hasher.update(piece)
    return hasher.hexdigest()


def main() -> None:
    """Send one file; print status, seconds and the upload's id as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("size", type=int, help="bytes")
    parser.add_argument("--door", choices=("put", "multipart", "tus"), default="put")
    parser.add_argument("--token")
    parser.add_argument("--digest", action="store_true", help="also print the SHA-256 of the file")
    options = parser.parse_args()
    credentials = {"Authorization": f"Bearer {options.token}"} if options.token else {}
    answer = send(options.url, options.size, options.door, credentials)
    document = json.loads(answer.body) if answer.body.startswith(b"{") else {}
    said = {"status": answer.status, "seconds": answer.seconds, "id": document.get("id")}
    print(json.dumps(said | ({"sha256": digest(options.size)} if options.digest else {})))


if __name__ == "__main__":
    main()
