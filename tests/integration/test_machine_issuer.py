"""A real identity provider's tokens at the running portal: oidc-provider from npm, and curl."""

import base64
import http.client
import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from sqlalchemy import select

from app.cli.dev import ROOT
from app.cli.dev.ports import free_port, listens
from app.cli.dev.postgres import portal_url
from app.cli.dev.process import Group, Process
from app.db import Database
from app.models import Organisation, TokenIssuer
from app.services import issuers
from app.system import System
from tests.factories.bundles import make_tgz
from tests.factories.issuers import make_terms
from tests.live import Live, eventually

CLIENT, SECRET, AUDIENCE = "build-server", "planted-client-secret", "https://diagport.example"
SCOPES = ["uploads:write", "uploads:read"]


@contextmanager
def provider(directory: Path, algorithm: str) -> Iterator[str]:
    """Run an identity provider; give its address."""
    port = free_port()
    arguments = [str(port), AUDIENCE, algorithm, " ".join(SCOPES), CLIENT, SECRET]
    process = Process(
        f"issuer-{algorithm}",
        ["node", ROOT / "tests" / "oidc" / "machine.mjs", *arguments],
        directory / "issuer.log",
        ready=lambda: listens(port),
        directory=ROOT,
    )
    with Group([process]):
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
def portal(system: System, live: Live) -> Iterator[System]:
    """Give the running portal's database, as its own processes see it."""
    database = Database.connect(portal_url(live.database_url))
    yield replace(system, database=database)
    database.engine.dispose()


def believe(portal: System, issuer: str, algorithm: str) -> TokenIssuer:
    """Do as an admin's form does, by the provider's own account of itself."""
    known = requests.get(f"{issuer}/.well-known/openid-configuration", timeout=10).json()
    terms = make_terms(
        name=f"Build server {algorithm}",
        issuer=known["issuer"],
        audience=AUDIENCE,
        client_id=CLIENT,
        jwks_url=known["jwks_uri"],
        algorithms=[algorithm],
        scopes=SCOPES,
    )
    with portal.work() as uow:
        acme = uow.session.scalars(select(Organisation).where(Organisation.slug == "acme")).one()
        return issuers.create(uow, acme.id, terms)


def token_from(issuer: str, *scopes: str) -> str:
    """Ask for a token as a machine does (RFC 6749 section 4.4, RFC 8707)."""
    form = {"grant_type": "client_credentials", "resource": AUDIENCE, "scope": " ".join(scopes)}
    answer = requests.post(f"{issuer}/token", data=form, auth=(CLIENT, SECRET), timeout=10)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["access_token"])


def header_of(token: str) -> dict[str, Any]:
    part = token.split(".")[0]
    header: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return header


def curl(live: Live, bundle: Path, token: str) -> tuple[int, dict[str, Any]]:
    """Send a bundle by the line that the admin's page shows."""
    header = 'echo "Authorization: Bearer $TOKEN"'
    line = header + ' | curl -sS -H @- -w "\\n%{http_code}" -T "$0" "$1/upload/bundle.tgz"'
    done = subprocess.run(
        ["sh", "-c", line, bundle, live.url],
        env={"TOKEN": token, "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    body, _, status = done.stdout.rpartition("\n")
    return int(status), json.loads(body)


@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
def test_a_machine_sends_with_a_token_of_its_own_provider(
    live: Live, portal: System, tmp_path: Path, algorithm: str
) -> None:
    """RFC 9068 as a real provider speaks it; T11: disabled, it is dead; T39: no log has seen the token."""
    bundle = tmp_path / "bundle.tgz"
    bundle.write_bytes(make_tgz({"etc/hostname": b"ci-01\n"}))
    with provider(tmp_path, algorithm) as issuer:
        row = believe(portal, issuer, algorithm)
        token = token_from(issuer, *SCOPES)
        assert header_of(token).items() >= {"alg": algorithm, "typ": "at+jwt"}.items()
        status, sent = curl(live, bundle, token)
        assert status == 201, sent

        asks = {"Authorization": f"Bearer {token}"}
        address = f"/api/v1/uploads/{sent['id']}"
        eventually(
            lambda: live.get(address, headers=asks).status_code == 200, "its verdict, seen by the machine"
        )
        assert live.get(address, "acme").status_code == 200
        assert live.get(address, "globex").status_code == 404
        assert live.get(f"{address}/content", headers=asks).status_code == 403  # no scope for that
        assert live.get("/quarantine", headers=asks).status_code == 403

        writes_only = {"Authorization": f"Bearer {token_from(issuer, 'uploads:write')}"}
        assert live.get(address, headers=writes_only).status_code == 403

        trail = live.sql("SELECT means, on_behalf_of FROM audit_event WHERE upload_id = %s", sent["id"])
        assert (f"issuer Build server {algorithm}", "Acme") in trail
        recipients = "SELECT recipient FROM delivery WHERE upload_id = %s"
        told = eventually(lambda: live.sql(recipients, sent["id"]), "engineers hear of it")
        assert not [to for (to,) in told if "machines.invalid" in to]

        with portal.work() as uow:
            issuers.disable(uow, row.id)
        status, refused = curl(live, bundle, token)
        assert (status, refused["code"]) == (401, "not_signed_in")
    for log in live.application._logs.glob("*.log"):
        written = log.read_text()
        assert token not in written, log
        assert token.split(".")[2] not in written, log
        assert SECRET not in written, log


def test_a_connection_is_nobodys_again_after_whatever_was_sent_on_it(live: Live) -> None:
    """C3: one connection, kept alive."""
    known = live.accounts["acme"]["token"]
    connection = http.client.HTTPConnection("127.0.0.1", urlsplit(live.url).port, timeout=30)

    def ask(header: str | None) -> int:
        headers = {"Accept": "application/json"} | ({"Authorization": header} if header is not None else {})
        connection.request("GET", "/api/v1/uploads", headers=headers)
        answer = connection.getresponse()
        answer.read()
        return answer.status

    sent = (
        f"Bearer {known}", f"Basic {base64.b64encode(b'x:' + known.encode()).decode()}", "Bearer a.b.c",
        "Basic \x80", "Basic !!!", "AWS4-HMAC-SHA256 Credential=admin/", "Bearer", "", "\xff" * 4000,
    )  # fmt: skip
    assert ask(None) == 401
    sock = connection.sock
    for number, header in enumerate(sent):
        assert ask(header) == (200 if number < 2 else 401), header
        assert ask(None) == 401, header
    assert connection.sock is sock
    connection.close()
