"""curl and wget as they come: what is refused is refused before the body, and in words."""

import json
import subprocess
from pathlib import Path

from tests.e2e.console import make_ticket
from tests.e2e.sources import noisy_tgz, pack, real_bundle
from tests.live import Live

CURL = ("curl", "-sS", "--fail-with-body")


def run(*command: str | Path) -> tuple[int, str]:
    """Run a program; return its exit code and what it printed."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stdout


def test_curl_is_refused_before_the_body(live: Live, tmp_path: Path) -> None:
    """T4: curl asks with Expect: 100-continue; not one byte of 3 MB goes over the line."""
    parcel = pack(tmp_path, noisy_tgz(3 * 2**20), "curl-expects.tgz")
    form: list[str | Path] = ["-sS", "-w", "\n%{size_upload} %{http_code}", "-T", parcel.path]

    code, told = run("curl", *form, "-u", "x:dgp_nobody", f"{live.url}/upload/")

    document, _, figures = told.rpartition("\n")
    assert (code, figures) == (0, "0 401")
    assert "not known" in json.loads(document)["detail"]


def test_curl_cannot_go_on_and_is_told_so(live: Live, tmp_path: Path) -> None:
    """A tail must never be taken for the whole."""
    parcel = pack(tmp_path, noisy_tgz(3 * 2**20), "curl-goes-on.tgz")
    token = f"Authorization: Bearer {live.accounts['acme']['token']}"

    code, told = run(
        "curl",
        "-sS",
        "--fail-with-body",
        "-C",
        "1000000",
        "-T",
        parcel.path,
        "-H",
        token,
        f"{live.url}/upload/",
    )

    assert code == 22
    answer = json.loads(told)
    assert answer["status"] == 400
    assert "diagport.py" in answer["detail"]
    assert live.get(f"/api/v1/uploads?q={parcel.name}", "acme").json()["items"] == []


def test_curl_with_a_ticket(live: Live, tmp_path: Path) -> None:
    """T12: one upload, then 410."""
    parcel = pack(tmp_path, real_bundle(10**7), "curl-ticket.tgz")
    ticket_id, code = make_ticket(live, "CS-4820")
    live.sql("UPDATE ticket SET max_uploads = 1 WHERE id = %s", ticket_id)
    send: list[str | Path] = [
        "curl",
        "-sS",
        "--fail-with-body",
        "-u",
        f"CS-4820:{code}",
        "-T",
        parcel.path,
        f"{live.url}/upload/",
    ]

    first, told = run(*send)
    second, problem = run(*send)

    assert first == 0
    assert (json.loads(told)["sha256"], json.loads(told)["case"]) == (parcel.sha256, "CS-4820")
    assert second == 22
    assert json.loads(problem)["status"] == 410


def test_wget_shows_why(live: Live, tmp_path: Path) -> None:
    parcel = pack(tmp_path, b"PK\x03\x04" + bytes(50_000), "wget-wrong.zip")
    token = f"--header=Authorization: Bearer {live.accounts['acme']['token']}"
    send: list[str | Path] = [
        "wget",
        "-qO-",
        "--content-on-error",
        "--method=PUT",
        f"--body-file={parcel.path}",
        token,
    ]

    code, told = run(*send, f"{live.url}/upload/wget-wrong.zip")

    assert code == 8, "the server issued an error"
    assert json.loads(told)["status"] == 415
    assert "tar czf" in json.loads(told)["detail"]
