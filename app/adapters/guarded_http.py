"""HTTP to addresses that people typed in: never into a private network (OWASP SSRF; SECURITY.md T40)."""

import http.client
import io
import ipaddress
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import SplitResult

from app.domain.errors import DeliveryUncertainError, FetchError
from app.domain.networks import is_public
from app.domain.web_address import take_apart
from app.ports.fetching import Fetched

TIMEOUT = 5.0  # seconds for everything after the name was resolved
MAX_BYTES = 256 * 1024

Resolve = Callable[[str, int], list[str]]
Got = TypeVar("Got")
Read = Callable[[http.client.HTTPConnection], Got]


def resolve(name: str, port: int) -> list[str]:
    """Return the addresses of a name, as the system finds them. Raises OSError."""
    found = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


@dataclass(frozen=True, slots=True)
class GuardedHttp:
    """Visits what is public, over TLS, at exactly the address that was found to be public.

    A name is resolved once; one bad address among those found spoils all. No redirect is followed, no
    proxy of the environment used, no cookie kept.

    With ``loopback``, for development, this very machine may be visited too, also without TLS.
    """

    loopback: bool = False
    resolve: Resolve = resolve
    timeout: float = TIMEOUT  # seconds
    max_bytes: int = MAX_BYTES
    tls: ssl.SSLContext | None = None  # whom to trust; None: whom the system trusts

    def get(self, url: str, bearer: str | None = None) -> Fetched:
        """Fetch ``url``; see the port."""
        return self._visit(url, None, {"Authorization": f"Bearer {bearer}"} if bearer else {}, self._whole)

    def post(self, url: str, form: str, headers: Mapping[str, str]) -> Fetched:
        """Send ``form``; see the port."""
        form_headers = {"Content-Type": "application/x-www-form-urlencoded", **headers}
        return self._visit(url, form.encode(), form_headers, self._whole)

    def tell(self, url: str, body: bytes, headers: Mapping[str, str]) -> int:
        """Post ``body`` and return the status of the answer, of which nothing else is read.

        Raises:
            FetchError: it may not be visited, or surely did not get all of it. The message says why.
            DeliveryUncertainError: it had all of it, and no answer came.
        """
        return self._visit(url, body, headers, _status)

    def _visit(self, url: str, body: bytes | None, headers: Mapping[str, str], read: Read[Got]) -> Got:
        parts = _split(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        name = parts.hostname or ""
        addresses = self._addresses(name, port, plain=parts.scheme == "http")
        deadline = time.monotonic() + self.timeout
        try:
            with self._connect(addresses, port, deadline) as raw:
                if parts.scheme == "http":
                    return self._ask(_Bounded(raw, deadline), parts, body, headers, read)
                with self._context().wrap_socket(raw, server_hostname=name) as secure:
                    return self._ask(_Bounded(secure, deadline), parts, body, headers, read)
        except ssl.SSLCertVerificationError as error:
            raise FetchError(
                f"The certificate of {name} is not good: {error.verify_message}.", url=url
            ) from error
        except TimeoutError as error:
            raise FetchError(f"{name} did not answer within {self.timeout:g} seconds.", url=url) from error
        except (OSError, ValueError, http.client.HTTPException) as error:  # also of a header that is none
            # Only the system's own words: others quote what was sent, secrets and all, or what came.
            cause = repr(error) if isinstance(error, OSError) else type(error).__name__
            raise FetchError(f"{name} cannot be reached.", url=url, cause=cause) from error

    def _addresses(self, name: str, port: int, *, plain: bool) -> list[str]:
        try:
            found = self.resolve(name, port)
            addresses = [ipaddress.ip_address(each) for each in found]
        except (OSError, ValueError) as error:
            raise FetchError(f"Nobody knows the name {name}.", cause=str(error)) from error
        here = bool(addresses) and self.loopback and all(each.is_loopback for each in addresses)
        if not here and not (addresses and all(map(is_public, addresses))):
            raise FetchError(
                f"{name} lies in a private network, which the portal does not visit.", addresses=found
            )
        if plain and not here:
            raise FetchError("The address must begin with https://.")
        return found

    def _context(self) -> ssl.SSLContext:
        return self.tls or ssl.create_default_context()

    def _connect(self, addresses: list[str], port: int, deadline: float) -> socket.socket:
        """Connect to the first of ``addresses`` that answers. Each gets its share of the time."""
        trouble: OSError = ConnectionRefusedError()
        for number, address in enumerate(addresses):
            share = _left(deadline) / (len(addresses) - number)
            try:
                connection = socket.create_connection((address, port), timeout=share)
            except OSError as error:
                trouble = error
            else:
                connection.settimeout(_left(deadline))
                return connection
        raise trouble

    @staticmethod
    def _ask(
        sock: "_Bounded", parts: SplitResult, body: bytes | None, headers: Mapping[str, str], read: Read[Got]
    ) -> Got:
        name = parts.hostname or ""
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection = http.client.HTTPConnection(name, parts.port or 443)  # it connects to nothing itself
        connection.sock = sock
        common = {
            "Host": parts.netloc,
            "Accept": "application/json",
            "Accept-Encoding": "identity",
            "Connection": "close",
            "User-Agent": "Diagport",
        }
        connection.request("GET" if body is None else "POST", path, body=body, headers={**common, **headers})
        return read(connection)

    def _whole(self, connection: http.client.HTTPConnection) -> Fetched:
        """Read an answer to its end. Raises FetchError: it has none within reach."""
        answer = connection.getresponse()
        content = answer.read(self.max_bytes + 1)
        if len(content) > self.max_bytes:
            raise FetchError(f"{connection.host} sent more than {self.max_bytes // 1024} KiB.")
        return Fetched(answer.status, content)


def _status(connection: http.client.HTTPConnection) -> int:
    """Read the status of an answer, and leave the rest: who hangs up loses nothing."""
    try:
        return connection.getresponse().status
    except TimeoutError as error:
        raise DeliveryUncertainError(f"{connection.host} took it, and did not answer in time.") from error
    except (OSError, http.client.HTTPException) as error:
        cause = repr(error) if isinstance(error, OSError) else type(error).__name__
        raise DeliveryUncertainError(
            f"{connection.host} took it, and hung up without an answer.", cause=cause
        ) from error


class _Bounded:
    """A socket for `http.client` that is done by the deadline, however slowly bytes drip."""

    def __init__(self, sock: socket.socket, deadline: float) -> None:
        self._sock, self._deadline = sock, deadline

    def sendall(self, data: bytes) -> None:
        self._sock.settimeout(_left(self._deadline))
        self._sock.sendall(data)

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_Reader(self._sock, self._deadline))

    def close(self) -> None:
        """Whoever opened the socket closes it."""


class _Reader(io.RawIOBase):
    def __init__(self, sock: socket.socket, deadline: float) -> None:
        self._sock, self._deadline = sock, deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._sock.settimeout(_left(self._deadline))
        return self._sock.recv_into(buffer)


def _left(deadline: float) -> float:
    """Return the seconds to a deadline. Raises TimeoutError: there are none."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _split(url: str) -> SplitResult:
    """Take an address apart. Raises FetchError for what could be read in two ways."""
    try:
        return take_apart(url)
    except ValueError as error:
        raise FetchError(str(error)) from error
