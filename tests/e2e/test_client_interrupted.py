"""diagport.py when the line breaks, the portal restarts, the file changes, or somebody kills it."""

import subprocess
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from tests.e2e.diagport import Client, Outcome
from tests.e2e.line import Relay
from tests.e2e.sources import Parcel, noisy_tgz, pack
from tests.live import Live, eventually

SENT, _USAGE, REFUSED, NETWORK, DIGEST, _UNCLEAN = range(6)
SIZE = 8 * 2**20
PART = 600 * 2**10  # bytes of each connection that get through
SEVERAL = {"LARGE": "1 << 20"}  # so that a file need not be large to go in parts


@pytest.fixture
def relay(live: Live) -> Iterator[Relay]:
    with Relay(live.url) as relay:
        yield relay


def stuck(client: Client, relay: Relay, parcel: Parcel, *arguments: str) -> "subprocess.Popen[str]":
    """Start to send; come back when the line is stuck."""
    relay.get_stuck_after(PART)
    process = client.start(*arguments, parcel.path, DIAGPORT_URL=relay.url)
    eventually(lambda: relay.stuck, "something on its way")
    return process


def begun(live: Live, since: str) -> list[tuple[str, int]]:
    """Return (id, bytes that are here) of everything begun after the upload ``since``, in order."""
    return live.sql(
        "SELECT id::text, received_bytes FROM upload WHERE created_at >"
        " (SELECT created_at FROM upload WHERE id = %s) AND door = 'tus' ORDER BY created_at, id",
        since,
    )


def mark(live: Live, name: str) -> str:
    """Send something, so that what comes after it can be told from what was before."""
    return str(live.put(noisy_tgz(5_000), name, "globex")["id"])


@pytest.mark.parametrize("constants", [{}, SEVERAL], ids=["one connection", "several"])
def test_killed_it_goes_on(live: Live, relay: Relay, tmp_path: Path, constants: dict[str, str]) -> None:
    """kill -9: the next run goes on with the same upload, or the same parts, at what has arrived."""
    client = Client(live, tmp_path / "home", **constants)
    parcel = pack(tmp_path, noisy_tgz(SIZE, seed=len(constants)), f"client-killed-{len(constants)}.tgz")
    before = mark(live, "client-mark.tgz")
    parts = 4 if constants else 1
    process = stuck(client, relay, parcel)
    eventually(lambda: sum(size > 0 for _, size in begun(live, before)) == parts, "bytes of each")
    process.kill()
    process.communicate()
    had = begun(live, before)
    assert len(had) == parts

    relay.mend()
    done = client.run(parcel.path, DIAGPORT_URL=relay.url)

    assert (done.code, done.told.get("sha256")) == (SENT, parcel.sha256), done.errors
    assert live.settled(done.told["id"])["sha256"] == parcel.sha256
    ended = [upload_id for upload_id, _ in begun(live, before)]
    assert ended[:parts] == [upload_id for upload_id, _ in had], "the same ones"
    assert ended[parts:] == ([done.told["id"]] if constants else []), "and nothing else but the whole"


@pytest.mark.long
def test_the_portal_restarts(make_live: Callable[..., Live], tmp_path: Path) -> None:
    """T5: the client waits, and goes on by itself."""
    live = make_live()
    client = Client(live, tmp_path / "home", **SEVERAL)
    parcel = pack(tmp_path, noisy_tgz(SIZE, seed=3), "client-restart.tgz")
    with Relay(live.url) as relay:
        process = stuck(client, relay, parcel)
        web = live.application["web"]
        web.kill()
        relay.mend()
        assert process.stderr
        assert "Trying again" in process.stderr.readline()
        web.start()
        web.wait_ready()
        done = Outcome(process)

    assert (done.code, done.told.get("sha256")) == (SENT, parcel.sha256), done.errors
    assert live.settled(done.told["id"])["state"] == "clean"


def test_given_up_it_can_go_on(live: Live, relay: Relay, tmp_path: Path) -> None:
    client = Client(live, tmp_path / "home")
    parcel = pack(tmp_path, noisy_tgz(SIZE, seed=4), "client-gives-up.tgz")
    process = stuck(client, relay, parcel, "--retry-for", "1")
    relay.cut()
    done = Outcome(process)
    assert done.code == NETWORK, done.errors
    assert list(client.notes.iterdir())

    relay.mend()
    again = client.run(parcel.path, DIAGPORT_URL=relay.url)
    assert (again.code, again.told.get("sha256")) == (SENT, parcel.sha256), again.errors


@pytest.mark.parametrize("constants", [{}, SEVERAL], ids=["one connection", "several"])
def test_the_file_changes_meanwhile(
    live: Live, relay: Relay, tmp_path: Path, constants: dict[str, str]
) -> None:
    """T4: what arrived is not what was hashed, so nothing is acknowledged."""
    client = Client(live, tmp_path / "home", **constants)
    content = noisy_tgz(SIZE, seed=5)
    parcel = pack(tmp_path, content, f"client-changes-{len(constants)}.tgz")
    before = mark(live, "client-mark.tgz")
    process = stuck(client, relay, parcel)
    with parcel.path.open("r+b") as file:
        file.seek(SIZE // 4 - 2000)
        file.write(bytes(1000))
        file.seek(SIZE - 2000)
        file.write(bytes(1000))
    relay.mend()

    done = Outcome(process)

    assert done.code == DIGEST, done.errors
    ids = [upload_id for upload_id, _ in begun(live, before)]
    states = live.sql("SELECT DISTINCT state FROM upload WHERE id::text = ANY(%s)", ids)
    assert {state for (state,) in states} <= {"rejected", "deleted"}


def test_the_file_gets_shorter(live: Live, relay: Relay, tmp_path: Path) -> None:
    client = Client(live, tmp_path / "home")
    parcel = pack(tmp_path, noisy_tgz(SIZE, seed=8), "client-shorter.tgz")
    process = stuck(client, relay, parcel)
    with parcel.path.open("r+b") as file:
        file.truncate(2 * PART)
    relay.mend()

    done = Outcome(process)

    assert done.code == DIGEST, done.errors
    assert "shorter" in done.errors


def test_the_file_is_taken_away(live: Live, relay: Relay, tmp_path: Path) -> None:
    """What cannot be read ends every connection, and is no wrong usage."""
    client = Client(live, tmp_path / "home", **SEVERAL)
    parcel = pack(tmp_path, noisy_tgz(SIZE, seed=9), "client-taken-away.tgz")
    process = stuck(client, relay, parcel)
    parcel.path.unlink()
    relay.mend()

    done = Outcome(process)

    assert done.code == DIGEST, done.errors
    assert "cannot be read any more" in done.errors


def test_what_the_portal_gave_up_is_sent_anew(live: Live, relay: Relay, tmp_path: Path) -> None:
    client = Client(live, tmp_path / "home")
    parcel = pack(tmp_path, noisy_tgz(SIZE, seed=6), "client-anew.tgz")
    before = mark(live, "client-mark.tgz")
    process = stuck(client, relay, parcel)
    process.kill()
    process.communicate()
    relay.mend()
    [(upload_id, _)] = begun(live, before)
    headers = {"Tus-Resumable": "1.0.0"}
    assert live.request("DELETE", f"/tus/{upload_id}", "acme", headers=headers).status_code == 204

    done = client.run(parcel.path, DIAGPORT_URL=relay.url)

    assert (done.code, done.told.get("sha256")) == (SENT, parcel.sha256), done.errors
    assert done.told["id"] != upload_id


class Busy(BaseHTTPRequestHandler):
    """A portal that asks for patience; ``patience`` seconds of it."""

    patience = "2"
    asked: list[float]

    def do_OPTIONS(self) -> None:  # http.server's name
        self.send_response(503)
        self.send_header("Retry-After", self.patience)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.mark.parametrize(("patience", "said"), [("1", "Trying again in 1 s"), ("40", "answers 503")])
def test_retry_after_is_kept(live: Live, tmp_path: Path, patience: str, said: str) -> None:
    """Whoever has less patience than is asked for is told so at once."""
    client = Client(live, tmp_path / "home")
    parcel = pack(tmp_path, noisy_tgz(5_000), "client-busy.tgz")
    handler = type("Handler", (Busy,), {"patience": patience})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}"
        done = client.run("--retry-for", "2", parcel.path, DIAGPORT_URL=url)
        server.shutdown()
    assert done.code == NETWORK
    assert said in done.errors
    assert ("Trying again" in done.errors) == (patience == "1")
