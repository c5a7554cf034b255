"""Who has no room is told so before the body, by the real server and to the real curl. T8."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live import Live
from tests.web.test_network import put_head, talk

SIZE = 50 * 1024**2


@pytest.fixture
def full(live: Live) -> Iterator[Live]:
    """Give a portal on which acme may store 1 MB, and everybody may send so much."""
    live.sql("UPDATE organisation SET quota_bytes = used_bytes + 1000000 WHERE slug = 'acme'")
    yield live
    live.sql("UPDATE organisation SET quota_bytes = NULL, quota_uploads = NULL")


@pytest.mark.parametrize("limit", ["bytes", "count"])
def test_a_sender_that_waits_sends_nothing(full: Live, limit: str) -> None:
    if limit == "count":
        full.sql("UPDATE organisation SET quota_bytes = NULL, quota_uploads = used_uploads")
    answer = talk(full, put_head(full, f"Content-Length: {SIZE}", "Expect: 100-continue"))
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"100 Continue" not in answer
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["code"] == "quota_exceeded"


def test_a_sender_that_waits_and_has_room_is_asked_to_go_on(full: Live) -> None:
    head = put_head(full, "Content-Length: 1000", "Expect: 100-continue")
    answer = talk(full, head, b"PK\3\4" + bytes(996))
    assert answer.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 415 ")


@pytest.mark.parametrize("way", ["-T", "-F"])
def test_curl_sends_nothing_and_shows_the_sentence(full: Live, tmp_path: Path, way: str) -> None:
    bundle = tmp_path / "big.tgz"
    with bundle.open("wb") as file:
        file.truncate(SIZE)
    what = [way, str(bundle)] if way == "-T" else [way, f"diag=@{bundle}"]
    address = f"{full.url}/upload/big.tgz" if way == "-T" else f"{full.url}/upload"
    token = full.token("acme")["Authorization"]
    done = subprocess.run(
        ["curl", "-sS", "-H", f"Authorization: {token}", "-H", "Expect: 100-continue",
         "-w", "\n%{http_code} %{size_upload}", *what, address],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    said, _, counts = done.stdout.rpartition("\n")
    assert counts == "413 0", done.stderr
    assert "Ask support to delete old bundles, or for more room." in json.loads(said)["detail"]
    assert full.sql("SELECT count(*) FROM upload WHERE filename = 'big.tgz'") == [(0,)]
