"""Connections that are kept for the next request: many of them (T9), and for longer than a proxy does."""

import http.client
import socket
from collections.abc import Callable

import psutil
import pytest

from app.settings import Settings
from tests.live import Live, eventually

MANY = 400
LOAD_BALANCER = 120  # seconds after which the one in front closes an idle connection (terraform/)


def web_process(live: Live) -> psutil.Process:
    (process,) = psutil.Process(live.application["web"].pid).children()
    return process


def ask(connection: http.client.HTTPConnection) -> None:
    connection.request("GET", "/healthz")
    answer = connection.getresponse()
    assert (answer.status, answer.headers["Connection"]) == (200, "keep-alive")
    answer.read()


def test_an_idle_connection_holds_no_thread_and_little_memory(make_live: Callable[..., Live]) -> None:
    live = make_live(DIAGPORT_WEB_PROCESSES="1")
    web = web_process(live)
    connections = [
        http.client.HTTPConnection("127.0.0.1", live.application.port, timeout=10) for _ in range(MANY)
    ]
    for connection in connections[:20]:  # what everybody shares is there afterwards
        ask(connection)
    memory, threads = web.memory_info().rss, web.num_threads()
    for connection in connections[20:]:
        ask(connection)
    assert web.memory_info().rss - memory < 20_000 * MANY
    assert web.num_threads() - threads < 10
    for connection in connections:  # none was closed meanwhile
        ask(connection)
        connection.close()


def test_whatever_is_in_front_closes_an_idle_connection_first(make_live: Callable[..., Live]) -> None:
    """Else it may send a request on one that was closed a moment ago, and its client sees a 502."""
    assert Settings.model_fields["keepalive"].default > LOAD_BALANCER
    live = make_live(DIAGPORT_WEB_PROCESSES="1", DIAGPORT_KEEPALIVE="1")
    connection = http.client.HTTPConnection("127.0.0.1", live.application.port, timeout=10)
    ask(connection)

    def closed() -> bool:
        try:
            return not connection.sock.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return False

    eventually(closed, "the setting is that of the server", 10)
    connection.close()


@pytest.mark.long
def test_who_connects_and_says_nothing_is_not_kept_as_long(make_live: Callable[..., Live]) -> None:
    """The kernel keeps them for about a quarter of a minute, a thread for 5 seconds, the server for 10."""
    live = make_live(DIAGPORT_WEB_PROCESSES="1")
    with socket.create_connection(("127.0.0.1", live.application.port), timeout=60) as silent:
        assert silent.recv(1) == b""
