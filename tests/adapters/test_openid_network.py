"""T38, T40: a provider that is huge, slow, elsewhere, or leads elsewhere. Over real sockets."""

import json
import select
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from app.adapters.guarded_http import GuardedHttp
from app.adapters.jwks import CachedKeys
from app.adapters.openid.providers import OpenIdProviders
from app.domain.errors import FetchError
from app.ports.openid import Client, Return

Answer = Callable[[BaseHTTPRequestHandler], None]


class Server:
    """Answers as told, by path; knows who asked for what."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {}
        self.asked: list[str] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                server.asked.append(self.path)
                try:
                    server.answers[self.path](self)
                except OSError:
                    self.close_connection = True  # they had enough

            do_POST = do_GET  # noqa: N815  # the library's name

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    server.answers[DISCOVERY] = says(metadata(server.url))
    yield server
    server.close()


@pytest.fixture
def other() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


@pytest.fixture
def providers() -> OpenIdProviders:
    fetcher = GuardedHttp(loopback=True, timeout=0.5)
    return OpenIdProviders(fetcher, CachedKeys(fetcher), loopback=True)


DISCOVERY = "/.well-known/openid-configuration"


def metadata(url: str) -> dict[str, str]:
    return {
        "issuer": url,
        "authorization_endpoint": f"{url}/authorize",
        "token_endpoint": f"{url}/token",
        "jwks_uri": f"{url}/jwks",
    }


def says(document: object) -> Answer:
    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.end_headers()
        request.wfile.write(json.dumps(document).encode())

    return answer


def leads_to(url: str, status: int) -> Answer:
    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        request.send_header("Location", url)
        request.end_headers()

    return answer


def huge(request: BaseHTTPRequestHandler) -> None:
    request.send_response(200)
    request.end_headers()
    for _ in range(64):
        request.wfile.write(b" " * 2**20)


def dripping(request: BaseHTTPRequestHandler) -> None:
    """Send headers without end, each soon enough for whoever only waits for the next."""
    request.wfile.write(b"HTTP/1.1 200 OK\r\n")
    end = time.monotonic() + 10
    while time.monotonic() < end:
        request.wfile.write(b"X-More: y\r\n")
        request.wfile.flush()
        if select.select([request.connection], [], [], 0.05)[0]:
            return  # they had enough, and hung up


def client(issuer: str) -> Client:
    return Client(issuer, "diagport", "secret", "https://portal.example/callback")


def arrive(providers: OpenIdProviders, issuer: str) -> object:
    return providers.arrive(client(issuer), Return("code", None, "nonce", "v" * 43, time.time()))


@pytest.mark.parametrize(("answer", "words"), [(huge, "more than 256 KiB"), (dripping, "within 0.5 seconds")])
@pytest.mark.parametrize("path", [DISCOVERY, "/token"])
def test_huge_and_slow_answers(
    server: Server, providers: OpenIdProviders, path: str, answer: Answer, words: str
) -> None:
    server.answers[path] = answer
    began = time.monotonic()
    with pytest.raises(FetchError, match=words):
        arrive(providers, server.url)
    assert time.monotonic() - began < 5
    assert server.asked[-1] == path


def test_many_at_once_wait_no_longer(server: Server, providers: OpenIdProviders) -> None:
    """A provider that drips holds each of our threads for no more than the time that it has."""
    server.answers[DISCOVERY] = dripping
    problems: list[float] = []

    def go() -> None:
        began = time.monotonic()
        with pytest.raises(FetchError):
            providers.depart(client(server.url), again=False)
        problems.append(time.monotonic() - began)

    threads = [threading.Thread(target=go) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(problems) == 8
    assert max(problems) < 5


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("path", [DISCOVERY, "/token"])
def test_nobody_is_led_elsewhere(
    server: Server, other: Server, providers: OpenIdProviders, path: str, status: int
) -> None:
    """The code and the secret go to the token endpoint, and nowhere else."""
    server.answers[path] = leads_to(f"{other.url}/token", status)
    with pytest.raises(FetchError):
        arrive(providers, server.url)
    assert other.asked == []


@pytest.mark.parametrize("host", ["10.0.0.1", "169.254.169.254", "[fd00::1]", "[::ffff:127.0.0.1]", "127.1"])
def test_private_networks_are_not_visited(host: str) -> None:
    fetcher = GuardedHttp()
    providers = OpenIdProviders(fetcher, CachedKeys(fetcher))
    with pytest.raises(FetchError, match="private network"):
        providers.depart(client(f"https://{host}"), again=False)
    assert providers.look(f"https://{host}")[0].endswith("which the portal does not visit.")


def test_endpoints_without_tls_are_only_for_this_machine(server: Server) -> None:
    fetcher = GuardedHttp(loopback=True)
    strict = OpenIdProviders(fetcher, CachedKeys(fetcher))
    with pytest.raises(FetchError, match="does not begin with https"):
        strict.depart(client(server.url), again=False)
