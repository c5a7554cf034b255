"""diagport.py as the portal serves it, where bundles are kept in S3: its parts go there by themselves."""

import ast
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

from app.cli.dev.services import Services
from tests.e2e.console import make_ticket
from tests.e2e.diagport import SOURCE, Client, Outcome, stored_tgz
from tests.e2e.line import Relay
from tests.e2e.servers import Proxy
from tests.e2e.sources import Parcel, noisy_tgz, pack
from tests.live import Live, clone_database, eventually
from tests.s3servers import S3Server

SENT, _USAGE, REFUSED, _NETWORK, DIGEST, _UNCLEAN = range(6)
PART = 16 * 2**20
LATE, BUSY = "HTTP/1.1 403 Forbidden", "HTTP/1.1 503 Slow Down\r\nRetry-After: 2"


@pytest.fixture(scope="module")
def portal(
    services: Services, template: str, swift: S3Server, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Live]:
    """Give the whole product on a bucket. Nobody kills this one."""
    settings = swift.settings(swift.bucket(versioned=True))
    database = clone_database(services, template, "client_direct")
    with Live(services, database, tmp_path_factory.mktemp("direct"), settings, redis_db=10) as running:
        yield running


def served(portal: Live, home: Path) -> Client:
    """Give the client as people fetch it."""
    client = Client(portal, home)
    client.program.write_bytes(requests.get(f"{portal.url}/diagport.py", timeout=10).content)
    return client


@pytest.fixture
def client(portal: Live, tmp_path: Path) -> Client:
    return served(portal, tmp_path / "home")


class Way(Proxy):
    """A proxy between the client and everything else, which answers some of the PUTs itself.

    ``heads`` lists what came before the first empty line of each request; ``answers`` are given to the
    PUTs after the first one.
    """

    def __init__(self, *answers: str) -> None:
        super().__init__("someone", "secret")
        self.heads: list[str] = []
        self.answers = list(answers)

    def _serve_one(self, near: socket.socket) -> None:
        head = near.recv(65536, socket.MSG_PEEK).decode("latin-1").partition("\r\n\r\n")[0]
        puts = self.puts()
        self.heads.append(head)
        if not (puts and self.answers and head.startswith("PUT ")):
            super()._serve_one(near)
            return
        answer = self.answers.pop(0)
        left = int(_fields(head)["content-length"]) + len(head) + 4
        while left and (data := near.recv(min(left, 65536))):
            left -= len(data)
        near.sendall(f"{answer}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())

    def puts(self) -> list[str]:
        return [head for head in self.heads if head.startswith("PUT ")]


def _fields(head: str) -> dict[str, str]:
    lines = [line.split(": ", 1) for line in head.split("\r\n")[1:]]
    return {name.lower(): value for name, value in lines}


def expect_sent(portal: Live, done: Outcome, parcel: Parcel, door: str = "direct") -> None:
    """It was acknowledged, came this way, and had been announced where nobody hashes it on its way."""
    assert (done.code, done.told.get("sha256")) == (SENT, parcel.sha256), done.errors
    row = portal.sql("SELECT door, size, declared_sha256 FROM upload WHERE id = %s", done.told["id"])
    assert row == [(door, parcel.size, parcel.sha256 if door == "direct" else None)]


def expect_arrived(portal: Live, done: Outcome, parcel: Parcel) -> None:
    """And the scan has read the same bytes."""
    expect_sent(portal, done, parcel)
    upload = portal.settled(done.told["id"])
    assert (upload["sha256"], upload["state"]) == (parcel.sha256, "clean")


def parts(directory: Path, name: str, count: int, seed: int) -> Parcel:
    """Write a bundle that goes in so many parts."""
    path = stored_tgz(directory / name, count * PART - PART // 2, seed)
    return pack(directory, path.read_bytes(), name)


def test_a_small_bundle(client: Client, portal: Live, tmp_path: Path) -> None:
    parcel = pack(tmp_path, noisy_tgz(300_000), "direct-ß 1.tgz")

    done = client.run("--case", "cs-4811", "--note", "Down since\n04:12", "--wait", parcel.path)

    assert done.told.get("state") == "clean", done.errors
    expect_arrived(portal, done, parcel)
    upload = portal.get(f"/api/v1/uploads/{done.told['id']}", "acme").json()
    assert done.told["receipt"] == f"{portal.url}/files/{upload['id']}/receipt"
    assert (upload["filename"], upload["case"]) == (parcel.name, "CS-4811")
    assert upload["note"] == "Down since\n04:12"
    assert not list(client.notes.iterdir()), "nothing is left to go on with"


def test_with_a_ticket(client: Client, portal: Live, tmp_path: Path) -> None:
    _, code = make_ticket(portal, "CS-4812")
    parcel = pack(tmp_path, noisy_tgz(20_000), "direct-ticket.tgz")
    done = client.run("--ticket", f"CS-4812:{code}", "--wait", parcel.path, DIAGPORT_TOKEN="")
    expect_arrived(portal, done, parcel)


@pytest.mark.long
def test_a_large_one_through_a_proxy(client: Client, portal: Live, swift: S3Server, tmp_path: Path) -> None:
    """100 MB. S3 gets none of our credentials; what it does not take is signed again, and sent again."""
    parcel = parts(tmp_path, "direct-large.tgz", 7, seed=2)
    with Way(LATE, BUSY) as way:
        done = client.run(parcel.path, http_proxy=way.url)

    expect_arrived(portal, done, parcel)
    assert "S3 answers 403. Trying again in 1 s." in done.errors
    assert "S3 answers 503. Trying again in 2 s." in done.errors
    puts = way.puts()
    assert len(puts) == 7 + 2
    assert all(head.startswith(f"PUT {swift.url}/") for head in puts)
    assert not any({"authorization", "tus-resumable"} & _fields(head).keys() for head in puts)
    others = [head for head in way.heads if head not in puts]
    assert all("authorization" in _fields(head) for head in others)
    assert {urlsplit(head.split(" ")[1]).netloc for head in others} == {urlsplit(portal.url).netloc}
    assert sum("/parts " in head for head in others) == len(puts), "an address of its own for each try"
    assert not any("/tus" in head for head in others)


def test_killed_it_goes_on(client: Client, portal: Live, tmp_path: Path) -> None:
    """kill -9: the next run sends only what is missing, of the same upload. Swift tells no checksums."""
    parcel = parts(tmp_path, "direct-killed.tgz", 5, seed=3)
    with Way() as way, Relay(way.url) as relay:
        through = way.url.replace(str(way.port), str(urlsplit(relay.url).port))
        process = client.start("--connections", "2", parcel.path, http_proxy=through)
        eventually(lambda: len(way.puts()) > 2, "the first parts")
        relay.get_stuck_after(2**20)
        eventually(lambda: relay.stuck, "something on its way")
        process.kill()
        process.communicate()
    [(upload_id,)] = portal.sql("SELECT id::text FROM upload WHERE filename = %s", parcel.name)
    there = portal.get(f"/api/v1/direct/{upload_id}", "acme").json()["arrived"]
    assert 0 < len(there) < 5

    with Way() as way:
        done = client.run(parcel.path, http_proxy=way.url)

    assert done.told.get("id") == upload_id, done.errors
    expect_arrived(portal, done, parcel)
    # A part that arrived when nobody was left to note it goes again: two lines, so two at most.
    assert 5 - len(there) <= len(way.puts()) <= 5 - len(there) + 2
    assert len(way.puts()) < 5


def test_what_the_portal_gave_up_is_sent_anew(client: Client, portal: Live, tmp_path: Path) -> None:
    parcel = parts(tmp_path, "direct-anew.tgz", 2, seed=4)
    with Way(*[BUSY] * 9) as way:
        given_up = client.run("--retry-for", "1", parcel.path, http_proxy=way.url)
    assert "S3 answers 503." in given_up.errors
    [(upload_id,)] = portal.sql("SELECT id::text FROM upload WHERE filename = %s", parcel.name)
    assert portal.request("DELETE", f"/api/v1/direct/{upload_id}", "acme").status_code == 204

    done = client.run(parcel.path)

    assert done.told.get("id") not in {None, upload_id}, done.errors
    expect_sent(portal, done, parcel)


@pytest.mark.parametrize(("hidden", "ends"), [(False, "abandoned"), (True, "unscannable")])
def test_the_file_changes_meanwhile(
    client: Client, portal: Live, tmp_path: Path, hidden: bool, ends: str
) -> None:
    """T4: it is not completed; where its times hide the change, the scan finds other bytes than announced."""
    parcel = parts(tmp_path, f"direct-changes-{ends}.tgz", 2, seed=5)
    with Way(BUSY) as way:
        process = client.start("--wait", parcel.path, http_proxy=way.url)
        assert process.stderr
        assert "Trying again in 2 s." in process.stderr.readline()
        times = parcel.path.stat()
        with parcel.path.open("r+b") as file:
            file.seek(PART + 100_000)  # in the part that goes again
            file.write(bytes(1000))
        if hidden:
            os.utime(parcel.path, ns=(times.st_atime_ns, times.st_mtime_ns))
        done = Outcome(process)

    assert done.code == DIGEST, done.errors
    assert portal.sql("SELECT state FROM upload WHERE filename = %s", parcel.name) == [(ends,)]


def test_a_refusal(client: Client, portal: Live, tmp_path: Path) -> None:
    wrong = pack(tmp_path, b"PK\x03\x04" + bytes(300_000), "direct-wrong.tgz")
    done = client.run(wrong.path)
    assert (done.code, "tar czf" in done.errors) == (REFUSED, True), done.errors


def test_where_s3_is_out_of_reach_it_takes_tus(
    portal: Live, swift: S3Server, client: Client, tmp_path: Path
) -> None:
    """A firewall, for example, that lets nobody but the portal through."""
    parcel = pack(tmp_path, noisy_tgz(300_000, seed=6), "direct-firewall.tgz")
    source = client.program.read_text()
    lost = 'signed["url"].replace("' + swift.url + '", "http://127.0.0.1:9")'
    assert source.count('self.ask("PUT", signed["url"]') == 1
    client.program.write_text(source.replace('self.ask("PUT", signed["url"]', f'self.ask("PUT", {lost}'))

    done = client.run(parcel.path)

    assert "through the portal instead" in done.errors
    expect_sent(portal, done, parcel, door="tus")
    given_up = "SELECT door FROM upload WHERE filename = %s AND state = 'abandoned'"
    assert portal.sql(given_up, parcel.name) == [("direct",)]


def test_where_it_is_not_offered_it_takes_tus(live: Live, tmp_path: Path) -> None:
    """And diagport.py by itself, without the part that is served with it, knows tus alone."""
    parcel = pack(tmp_path, noisy_tgz(300_000, seed=7), "direct-not-offered.tgz")
    expect_sent(live, served(live, tmp_path / "home").run(parcel.path), parcel, door="tus")


def test_by_itself_it_takes_tus(portal: Live, tmp_path: Path) -> None:
    parcel = pack(tmp_path, noisy_tgz(300_000, seed=8), "direct-alone.tgz")
    expect_sent(portal, Client(portal, tmp_path / "home").run(parcel.path), parcel, door="tus")


def test_one_file_of_both(client: Client) -> None:
    both = ast.parse(client.program.read_text(), feature_version=(3, 8))
    names = {node.name for node in both.body if isinstance(node, ast.ClassDef | ast.FunctionDef)}
    for part in (SOURCE, SOURCE.with_name("direct.py")):
        alone = ast.parse(part.read_text(), feature_version=(3, 8))
        assert {node.name for node in alone.body if isinstance(node, ast.ClassDef | ast.FunctionDef)} <= names
    modules = {node.module for node in ast.walk(both) if isinstance(node, ast.ImportFrom)}
    assert "diagport" not in modules, "it needs no file beside it"
    assert isinstance(both.body[-1], ast.If), "what runs comes last"
