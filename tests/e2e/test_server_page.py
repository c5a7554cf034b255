"""Every line of "Send from a server", pasted into a shell on a machine that trusts the portal."""

import html
import json
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
import yaml  # type: ignore[import-untyped]

from tests.e2e.console import make_ticket, paste
from tests.e2e.servers import Tls
from tests.e2e.sources import Parcel, noisy_tgz, pack
from tests.live import Live

TRIED = {
    "netrc-token", "netrc-ticket", "diagport-get", "diagport-send", "curl-put", "curl-form", "curl-ticket",
    "wget-put", "sos-report", "support-bundle", "tuspy",
}  # fmt: skip


@pytest.fixture(scope="module")
def lines(live: Live) -> dict[str, str]:
    """Return the lines by their ids, as a browser without JavaScript shows them."""
    page = requests.get(f"{live.url}/send-from-a-server", timeout=10)
    assert page.status_code == 200
    found = re.findall(r'<code class="paste__text" id="([^"]+)">(.*?)</code>', page.text, re.DOTALL)
    return {name: html.unescape(text) for name, text in found}


@pytest.fixture
def server(tmp_path: Path) -> Path:
    """Give the home of somebody on a server, with a bundle in it."""
    home = tmp_path / "home"
    home.mkdir()
    return home


@pytest.fixture
def parcel(server: Path, request: pytest.FixtureRequest) -> Parcel:
    return pack(server, noisy_tgz(50_000, seed=len(request.node.name)), "bundle.tgz")


@pytest.fixture
def let_in(live: Live, lines: dict[str, str], server: Path) -> Path:
    """Let the server in with a token, as the page says."""
    paste(lines["netrc-token"], server, {}, {"Token: ": "dgp_an_old_one"})
    with (server / ".netrc").open("a") as file:
        file.write("machine other.example login somebody password secret\n")
    shown = paste(lines["netrc-token"], server, {}, {"Token: ": live.accounts["acme"]["token"]})
    assert (server / ".netrc").read_text().splitlines() == [
        "machine other.example login somebody password secret",
        f"machine 127.0.0.1 login token password {live.accounts['acme']['token']}",
    ]
    assert (server / ".netrc").stat().st_mode & 0o777 == 0o600, shown
    return server


def last_json(shown: str) -> dict[str, Any]:
    """Return the JSON that a program showed."""
    document: dict[str, Any] = json.loads(shown[shown.index("{") : shown.rindex("}") + 1])
    return document


def test_each_line_is_tried(lines: dict[str, str]) -> None:
    assert set(lines) == TRIED


@pytest.mark.parametrize("name", ["curl-put", "curl-form", "wget-put"])
def test_one_request(live: Live, lines: dict[str, str], let_in: Path, parcel: Parcel, name: str) -> None:
    answer = last_json(paste(lines[name], let_in, {}))

    assert (answer["sha256"], answer["filename"], answer["case"]) == (parcel.sha256, "bundle.tgz", "CS-1234")
    assert answer["note"] == ("Down since 04:12" if name == "curl-form" else None)
    assert live.settled(answer["id"])["state"] == "clean"


def test_diagport(live: Live, lines: dict[str, str], let_in: Path, parcel: Parcel) -> None:
    assert "diagport.py: OK" in paste(lines["diagport-get"], let_in, {})
    shown = paste(lines["diagport-send"], let_in, {})
    assert parcel.sha256 in shown
    upload_id = re.findall(r"/files/([0-9a-f-]{36})/receipt", shown)[0]
    assert live.settled(upload_id)["case"] == "CS-1234"


def test_tuspy(live: Live, lines: dict[str, str], let_in: Path, parcel: Parcel) -> None:
    where_it_is_installed = Path(sys.executable).parent
    paste(lines["tuspy"], let_in, {"PATH": f"{where_it_is_installed}:{os.environ['PATH']}"})
    newest = live.get("/api/v1/uploads?case=CS-1234", "acme").json()["items"][0]
    assert (newest["sha256"], newest["filename"]) == (parcel.sha256, "bundle.tgz")


def test_with_a_ticket(live: Live, lines: dict[str, str], server: Path, parcel: Parcel) -> None:
    _, code = make_ticket(live, "CS-4810")
    paste(lines["netrc-ticket"], server, {}, {"Case: ": "CS-4810", "Ticket: ": code})
    answer = last_json(paste(lines["curl-put"].replace("CS-1234", "CS-4810"), server, {}))
    assert (answer["sha256"], answer["case"]) == (parcel.sha256, "CS-4810")


def test_curl_asks_for_the_ticket(live: Live, lines: dict[str, str], server: Path, parcel: Parcel) -> None:
    _, code = make_ticket(live, "CS-4811")
    line = lines["curl-ticket"].replace("CS-1234", "CS-4811")
    answer = last_json(paste(line, server, {}, {"password": code}))
    assert (answer["sha256"], answer["case"]) == (parcel.sha256, "CS-4811")


def test_support_bundle(live: Live, lines: dict[str, str], parcel: Parcel) -> None:
    """As troubleshoot.sh sends it: PUT to exactly this address, its user info as basic authentication."""
    [after] = yaml.safe_load(lines["support-bundle"])["spec"]["afterCollection"]
    target = urlsplit(after["uploadResultsTo"]["uri"].replace("TOKEN", live.accounts["acme"]["token"]))
    answer = requests.request(
        after["uploadResultsTo"]["method"],
        f"{target.scheme}://{target.hostname}:{target.port}{target.path}?{target.query}",
        auth=(target.username or "", target.password or ""),
        headers={"Content-Type": "application/tar+gzip", "User-Agent": "Go-http-client/1.1"},
        data=parcel.path.read_bytes(),
        timeout=30,
    )
    assert answer.status_code < 300
    assert answer.json()["filename"] == "support-bundle.tar.gz"
    assert (answer.json()["sha256"], answer.json()["case"]) == (parcel.sha256, "CS-1234")


@pytest.fixture
def tls(live: Live, tmp_path: Path) -> Iterator[Tls]:
    with Tls(tmp_path) as tls:
        tls.target = live.application.port
        yield tls


def quick(line: str, directory: Path) -> str:
    """Return the line for sos with one plugin only, so that it takes seconds."""
    as_root = line.removeprefix("sudo ") if os.geteuid() == 0 else line
    return f"{as_root} -o host --tmp-dir {directory}"


def test_sos_report(live: Live, lines: dict[str, str], tls: Tls, server: Path) -> None:
    """The real one, of Debian: it posts a form to exactly this address."""
    line = quick(lines["sos-report"].replace(live.url, tls.url), server)
    answers = {"ENTER to continue": "", "case id": "", "password": live.accounts["acme"]["token"]}
    shown = paste(line, server, {"REQUESTS_CA_BUNDLE": str(tls.ca)}, answers)

    assert "Uploaded archive successfully" in shown
    [archive] = server.glob("sosreport-*.tar.gz")
    found = live.get(f"/api/v1/uploads?q={archive.name}", "acme").json()["items"]
    assert [(each["filename"], each["case"]) for each in found] == [(archive.name, "CS-1234")]
    assert live.settled(found[0]["id"])["state"] == "clean"


_WITH_PUT = """
import sys
from sos import SoS
from sos.policies import LinuxPolicy

LinuxPolicy._use_https_streaming = True
SoS(sys.argv[1:]).execute()
"""


def test_sos_with_put(live: Live, lines: dict[str, str], tls: Tls, server: Path) -> None:
    """As Ubuntu's does, and newer ones with --upload-method put: no file name comes along."""
    (server / "sos-put").write_text(_WITH_PUT)
    line = quick(lines["sos-report"].replace(live.url, tls.url), server)
    line = line.replace("sos report", "/usr/bin/python3 sos-put report", 1).replace("CS-1234", "CS-4812")
    given = f"{line} --batch --upload-pass {live.accounts['acme']['token']}"

    assert "Uploaded archive successfully" in paste(given, server, {"REQUESTS_CA_BUNDLE": str(tls.ca)})

    [upload] = live.get("/api/v1/uploads?case=CS-4812", "acme").json()["items"]
    assert re.fullmatch(r"bundle-[0-9a-f]{8}\.tgz", upload["filename"])
    [archive] = server.glob("sosreport-*.tar.gz")
    assert upload["size"] == archive.stat().st_size
