"""T40: what people typed leads nowhere private, however it is written. Real sockets, a real sink."""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

from app.adapters import guarded_http
from app.adapters.guarded_http import GuardedHttp
from app.domain.errors import FetchError
from app.domain.networks import is_public
from tests.adapters.sink import Sink
from tests.e2e.servers import Tls


@pytest.fixture
def sink() -> Iterator[Sink]:
    sink = Sink()
    yield sink
    sink.close()


@pytest.fixture
def serve() -> Iterator[Callable[..., int]]:
    """Give a way to serve something on 127.0.0.1; returns the port."""
    servers: list[ThreadingHTTPServer] = []

    def serve(answer: Callable[[BaseHTTPRequestHandler], None], address: str = "127.0.0.1") -> int:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self.close_connection = True
                try:
                    answer(self)
                except OSError:
                    self.close_connection = True  # they had enough

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        server = ThreadingHTTPServer((address, 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        return server.server_port

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


def text(content: bytes, status: int = 200, **headers: str) -> Callable[[BaseHTTPRequestHandler], None]:
    def answer(to: BaseHTTPRequestHandler) -> None:
        to.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **headers}.items():
            to.send_header(name, value)
        to.end_headers()
        to.wfile.write(content)

    return answer


#: As the system's own resolver and parser take them.
HERE = (
    "127.0.0.1", "127.1", "2130706433", "0x7f000001", "0x7f.1", "017700000001", "0", "0.0.0.0",  # noqa: S104  # nobody listens
    "127.255.255.254", "localhost", "[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]",
    "[0:0:0:0:0:ffff:127.0.0.1]", "[64:ff9b::127.0.0.1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]",
    "[::127.0.0.1]", "[2001:0:7f00:1::]",
)  # fmt: skip
ELSEWHERE = (
    "169.254.169.254", "[fe80::1]", "[fe80::1%25lo]", "[fd00:ec2::254]", "10.0.0.1", "172.16.0.1",
    "192.168.0.1", "100.64.0.1", "100.127.255.254", "192.0.0.192", "198.18.0.1", "224.0.0.1", "240.0.0.1",
    "255.255.255.255", "[ff02::1]", "[fec0::1]", "[::ffff:169.254.169.254]", "[64:ff9b::a9fe:a9fe]",
    "[64:ff9b:1::a00:1]", "[2001:db8::1]", "2852039166",
)  # fmt: skip


@pytest.mark.parametrize("scheme", ["https", "http"])
@pytest.mark.parametrize("host", [*HERE, *ELSEWHERE])
def test_nothing_private_is_visited(scheme: str, host: str, sink: Sink) -> None:
    with pytest.raises(FetchError):
        GuardedHttp(timeout=1).get(f"{scheme}://{host}:{sink.port}/latest/meta-data")
    assert sink.visits() == 0


def test_the_sink_would_have_noticed(sink: Sink) -> None:
    for host in ("127.0.0.1", "::1", "127.0.0.2"):
        socket.create_connection((host, sink.port), timeout=5).close()
    assert sink.visits() == 3


@pytest.mark.parametrize(
    "found",
    [
        ["127.0.0.1"],
        ["10.1.2.3"],
        ["192.0.2.1", "127.0.0.1"],
        ["1.1.1.1", "127.0.0.1"],  # one good address buys the other nothing
        ["2606:4700::1111", "::1"],
        ["::ffff:10.0.0.1"],
        [],
    ],
)
def test_a_name_that_leads_inside_is_not_followed(found: list[str], sink: Sink) -> None:
    with pytest.raises(FetchError, match="lies in a private network"):
        GuardedHttp(resolve=lambda *_: found).get(f"https://innocent.example:{sink.port}/")
    assert sink.visits() == 0


def test_a_name_is_asked_for_once_and_its_answer_used(sink: Sink, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rebinding: public when it is judged, private when it is visited."""
    answers = iter([["2606:4700::1111", "1.1.1.1"], ["127.0.0.1"], ["127.0.0.1"]])
    dialled: list[str] = []

    def dial(to: tuple[str, int], timeout: float) -> socket.socket:
        dialled.append(to[0])
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "create_connection", dial)
    with pytest.raises(FetchError, match="cannot be reached"):
        GuardedHttp(resolve=lambda *_: next(answers)).get(f"https://rebinds.example:{sink.port}/")
    assert dialled == ["2606:4700::1111", "1.1.1.1"]
    assert next(answers) == ["127.0.0.1"]  # nobody asked again
    assert sink.visits() == 0


def test_a_redirect_is_not_followed(sink: Sink, serve: Callable[..., int]) -> None:
    port = serve(text(b"", 302, Location=f"http://127.0.0.1:{sink.port}/"))
    assert GuardedHttp(loopback=True).get(f"http://localhost:{port}/").status == 302
    assert sink.visits() == 0


def test_no_proxy_of_the_environment_is_used(
    sink: Sink, serve: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTPS_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{sink.port}")
    port = serve(text(b"direct"))
    assert GuardedHttp(loopback=True).get(f"http://127.0.0.1:{port}/").content == b"direct"
    assert sink.visits() == 0


@pytest.mark.parametrize("host", ELSEWHERE)
def test_development_visits_this_machine_and_no_other(host: str) -> None:
    with pytest.raises(FetchError):
        GuardedHttp(loopback=True, timeout=1).get(f"http://{host}/")


def test_over_tls_the_name_counts_and_exactly_that_address_is_dialled(
    tmp_path: Path, serve: Callable[..., int]
) -> None:
    with Tls(tmp_path) as tls:
        seen: list[str] = []

        def answer(to: BaseHTTPRequestHandler) -> None:
            seen.append(to.headers["Host"])
            text(b'{"keys": []}')(to)

        tls.target = serve(answer)
        trusting = ssl.create_default_context(cafile=str(tls.ca))
        visitor = GuardedHttp(loopback=True, resolve=lambda *_: ["127.0.0.1"], tls=trusting)
        assert visitor.get(f"{tls.url}/jwks?a=b").content == b'{"keys": []}'
        assert seen == [f"localhost:{tls.port}"]
        with pytest.raises(FetchError, match=r"certificate of other\.example is not good"):
            visitor.get(f"https://other.example:{tls.port}/")
        with pytest.raises(FetchError, match="certificate of localhost is not good"):
            GuardedHttp(loopback=True).get(tls.url)  # of those whom the system trusts, nobody signed it
        assert len(seen) == 1


def drip(to: BaseHTTPRequestHandler) -> None:
    to.send_response(200)
    to.end_headers()
    while True:
        to.wfile.write(b"x")
        time.sleep(0.02)  # not for the test: this is the server's manner


def endless(to: BaseHTTPRequestHandler) -> None:
    to.send_response(200)
    to.end_headers()
    while True:
        to.wfile.write(b"x" * 65536)


@pytest.mark.parametrize(
    ("manner", "why"), [(drip, "did not answer within 0.5"), (endless, "more than 256 KiB")]
)
def test_time_and_size_are_bounded(
    manner: Callable[[BaseHTTPRequestHandler], None], why: str, serve: Callable[..., int]
) -> None:
    port, began = serve(manner), time.monotonic()
    with pytest.raises(FetchError, match=why):
        GuardedHttp(loopback=True, timeout=0.5).get(f"http://127.0.0.1:{port}/")
    assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    "url",
    [
        "", "jwks", "ftp://1.1.1.1/", "file:///etc/passwd", "gopher://1.1.1.1/", "https://", "https:///jwks",
        "https://user:pw@id.example/", "https://id.example/#x", "https://id.example:99999/", "https://a b/",
        "https://id.example\r\nHost: x/", "https://id.example\\@127.0.0.1/", "https://ï.example/",
        "https://[::1/", "https://" + "a" * 2000 + ".example/", "https://a..b/", "http://1.1.1.1/",
    ],
)  # fmt: skip
def test_what_is_no_plain_address_is_refused_before_anything_is_done(url: str) -> None:
    def resolve(name: str, _port: int) -> list[str]:
        return ["1.1.1.1"] if name == "1.1.1.1" else guarded_http.resolve(name, 1)

    with pytest.raises(FetchError):
        GuardedHttp(resolve=resolve, timeout=0.2).get(url)


def test_what_public_addresses_are() -> None:
    for good in ("1.1.1.1", "2606:4700:4700::1111", "::ffff:1.1.1.1", "64:ff9b::1.1.1.1"):
        assert is_public(ip_address(good)), good


def test_a_header_that_is_none_is_an_error_that_does_not_quote_it(serve: Callable[..., int]) -> None:
    port = serve(text(b""))
    for bearer in ("planted\r\nX: y", "planted\u2026"):
        with pytest.raises(FetchError) as caught:
            GuardedHttp(loopback=True).get(f"http://127.0.0.1:{port}/", bearer)
        assert "planted" not in f"{caught.value.message} {caught.value.context}"
