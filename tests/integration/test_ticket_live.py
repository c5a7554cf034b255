"""A ticket on the whole product: the real curl, real mail, and where its code is not (T12, T39)."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import redis

from tests.factories.bundles import make_tgz
from tests.live import Live, eventually

TO = "live-guest@elsewhere.example"


def make_ticket(live: Live, **terms: Any) -> dict[str, Any]:
    asked = {"organisation": "acme", "reference": "LIVE-TICKET-1"}
    case = live.request("POST", "/api/v1/cases", "engineer", json=asked)
    assert case.status_code == 201, case.text
    path = f"/api/v1/cases/{case.json()['id']}/tickets"
    made = live.request("POST", path, "engineer", json=terms)
    assert made.status_code == 201, made.text
    document: dict[str, Any] = made.json()
    return document


def curl(line: str, directory: Path) -> tuple[int, dict[str, Any]]:
    """Run the line as it was pasted; return status and document."""
    run = subprocess.run(
        ["sh", "-c", f"{line} -s -w '\\n%{{http_code}}'"],
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    body, status = run.stdout.rsplit("\n", 1)
    return int(status), json.loads(body)


def has_code(place: str, code: str) -> bool:
    return code.replace("-", "")[4:] in re.sub(r"[^0-9A-Z]", "", place.upper())


def redis_text(live: Live) -> str:
    """Return everything that Redis holds, as text."""
    client = redis.Redis.from_url(live.services.redis_url, decode_responses=False)
    return " ".join(repr(client.dump(key)) + repr(key) for key in client.scan_iter())


def test_the_line_of_the_mail_sends_and_the_code_is_nowhere(live: Live, tmp_path: Path) -> None:
    made = make_ticket(live, uploads=1, recipient=TO)
    code = made["code"]
    mail = eventually(lambda: live.mails(code), "the mail that brings the ticket")[0]
    assert mail["to"] == TO
    line = next(line for line in mail["text"].splitlines() if line.startswith("curl "))
    assert line == made["curl"]
    assert made["url"] in mail["text"]

    (tmp_path / "bundle.tgz").write_bytes(make_tgz({"etc/hostname": b"web-01\n"}))
    status, upload = curl(line, tmp_path)
    assert (status, upload["case"], upload["filename"]) == (201, "LIVE-TICKET-1", "bundle.tgz")
    status, refused = curl(line, tmp_path)
    assert (status, refused["code"]) == (410, "gone")
    path, auth = f"/api/v1/uploads/{upload['id']}", (made["case"], code)
    eventually(lambda: live.get(path, auth=auth).status_code == 200, "the verdict, as the ticket sees it")
    assert live.get(f"{path}/content", auth=auth).status_code == 403
    assert live.get(f"/t/{code}").status_code == 410
    assert live.request("POST", f"/t/{code.lower()}", data=b"x").status_code == 400

    tables = [name for (name,) in live.sql("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
    assert "ticket" in tables
    eventually(
        lambda: live.sql("SELECT 1 FROM delivery WHERE event = 'ticket.issued' AND sent_at IS NOT NULL"),
        "the mail noted as sent",
    )
    for table in tables:
        rows = str(live.sql(f'SELECT t::text FROM "{table}" t'))  # noqa: S608
        assert not has_code(rows, code), table
    assert not has_code(redis_text(live), code)
    for log in live.application._logs.glob("*.log"):
        assert not has_code(log.read_text(), code), log
