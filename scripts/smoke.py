"""Ask a portal that has just been deployed whether it does what it is for.

Usage: smoke.py https://upload.example.com [--must-send]

Looks at health, sign-in page, headers and closed doors. With a customer's token in SMOKE_TOKEN (scopes
uploads:write, uploads:read, uploads:download) it also sends a clean bundle and one with the EICAR test
file, waits for both verdicts, fetches the one, is refused the other, and takes that back. With --must-send it
fails where there is no token.
Exit status: 0 when all of it held, 1 otherwise.
Standard library only: pipelines run this before anything is installed.
"""

import argparse
import gzip
import hashlib
import http.client
import io
import json
import os
import sys
import tarfile
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from dataclasses import dataclass
from email.message import Message

SECONDS = 30  # for one answer


class SmokeError(Exception):
    """Something does not hold; the message says what."""


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Message
    body: bytes


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_arguments: object) -> None:
        """Follow nothing: where an answer leads is part of what is looked at."""


class Portal:
    def __init__(self, url: str, token: str | None) -> None:
        if not url.startswith(("https://", "http://")):
            raise SmokeError(f"{url} is no address of a portal")
        self.url = url.rstrip("/")
        self.token = token
        self._opener = urllib.request.build_opener(_Stay)

    def ask(self, method: str, path: str, body: bytes | None = None, *, signed: bool = False) -> Answer:
        """Return the answer, whatever its status; raises SmokeError when there is none."""
        headers = {
            "Accept": "text/html" if path == "/sign-in" else "application/json",
            "User-Agent": "diagport-smoke",
        }
        if signed:
            headers["Authorization"] = f"Bearer {self.token}"
        url = path if "://" in path else self.url + path
        request = urllib.request.Request(url, data=body, headers=headers, method=method)  # noqa: S310
        try:
            with self._opener.open(request, timeout=SECONDS) as response:
                return Answer(response.status, response.headers, response.read())
        except urllib.error.HTTPError as error:
            return Answer(error.code, error.headers, error.read())
        except (OSError, http.client.HTTPException) as error:
            raise SmokeError(f"{method} {path}: no answer ({error})") from error

    def expect(
        self, status: int, method: str, path: str, body: bytes | None = None, *, signed: bool = False
    ) -> Answer:
        answer = self.ask(method, path, body, signed=signed)
        if answer.status != status:
            said = answer.body[:300].decode(errors="replace")
            raise SmokeError(f"{method} {path} answers {answer.status} instead of {status}: {said}")
        return answer


def healthy(portal: Portal, patience: float) -> None:
    """Wait until every dependency is there; ``patience`` in seconds."""
    deadline = time.monotonic() + patience
    while True:
        try:
            portal.expect(200, "GET", "/healthz")
            status = json.loads(portal.expect(200, "GET", "/readyz").body).get("status")
            if status == "ready":
                return
            trouble = f"/readyz says {status}"
        except (SmokeError, ValueError) as error:
            trouble = str(error)
        if time.monotonic() >= deadline:
            raise SmokeError(f"not ready in {patience:.0f} s: {trouble}")
        time.sleep(min(2.0, patience / 10))


def sign_in_page(portal: Portal) -> None:
    answer = portal.expect(200, "GET", "/sign-in")
    if b"<form" not in answer.body or b"csrf" not in answer.body:
        raise SmokeError("/sign-in shows no form")
    wanted = {
        "Content-Security-Policy": "default-src 'none'",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
        "Cross-Origin-Opener-Policy": "same-origin",
    }
    if portal.url.startswith("https://"):
        wanted["Strict-Transport-Security"] = "max-age="
    for name, part in wanted.items():
        if part not in answer.headers.get(name, ""):
            raise SmokeError(f"/sign-in comes with {name}: {answer.headers.get(name)!r}, without {part!r}")
    for cookie in answer.headers.get_all("Set-Cookie", []):
        flags = {"httponly", "secure"} if portal.url.startswith("https://") else {"httponly"}
        if missing := flags - {part.strip().lower() for part in cookie.split(";")}:
            raise SmokeError(f"/sign-in sets {cookie.split('=')[0]} without {', '.join(sorted(missing))}")


def closed_doors(portal: Portal) -> None:
    portal.expect(401, "GET", "/api/v1/uploads")
    if portal.url.startswith("https://"):
        portal.expect(404, "GET", "/metrics")  # scraped from inside alone
        plain = portal.expect(301, "GET", "http://" + portal.url.removeprefix("https://") + "/sign-in")
        if not plain.headers.get("Location", "").startswith("https://"):
            raise SmokeError("plain HTTP is not led to HTTPS")


def clean_upload(portal: Portal, patience: float) -> str:
    """Send it, fetch it, return its id. Retention removes it: what was fetched cannot be taken back."""
    bundle = _bundle(b"nothing is wrong with this\n")
    upload_id = _send(portal, "smoke-clean.tgz", bundle)
    _settle(portal, upload_id, "clean", patience)
    if portal.expect(200, "GET", f"/api/v1/uploads/{upload_id}/content", signed=True).body != bundle:
        raise SmokeError("what is fetched is not what was sent")
    return upload_id


def infected_upload(portal: Portal, patience: float) -> str:
    # Put together here, so that no scanner on the way takes this file for the real thing.
    eicar = b"-".join(
        (rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR", b"STANDARD", b"ANTIVIRUS", b"TEST", b"FILE!$H+H*")
    )
    upload_id = _send(portal, "smoke-eicar.tgz", _bundle(eicar))
    trouble = ""
    try:
        _settle(portal, upload_id, "infected", patience)
        portal.expect(409, "GET", f"/api/v1/uploads/{upload_id}/content", signed=True)
    except SmokeError as error:
        trouble = str(error)
    try:
        portal.expect(204, "DELETE", f"/api/v1/uploads/{upload_id}", signed=True)
    except SmokeError as error:  # neither hides the other
        trouble = "; and then: ".join(filter(None, (trouble, str(error))))
    if trouble:
        raise SmokeError(trouble)
    return upload_id


def _bundle(content: bytes) -> bytes:
    """Return a .tgz with one member, different each time."""
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w") as archive:
        for name, data in {"smoke/content": content, "smoke/run": uuid.uuid4().hex.encode()}.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return gzip.compress(tar.getvalue())


def _send(portal: Portal, name: str, bundle: bytes) -> str:
    answer = portal.expect(201, "PUT", f"/upload/{name}", bundle, signed=True)
    upload = json.loads(answer.body)
    if upload["sha256"] != hashlib.sha256(bundle).hexdigest():
        raise SmokeError(f"{name}: the receipt names another SHA-256 than what was sent")
    return str(upload["id"])


def _settle(portal: Portal, upload_id: str, wanted: str, patience: float) -> None:
    deadline = time.monotonic() + patience
    while True:
        answer = portal.ask("GET", f"/api/v1/uploads/{upload_id}", signed=True)
        state = json.loads(answer.body).get("state") if answer.status in {200, 202} else answer.status
        if state == wanted:
            return
        if answer.status != 202:
            raise SmokeError(f"{upload_id} became {state} instead of {wanted}")
        if time.monotonic() >= deadline:
            raise SmokeError(f"{upload_id} is {state} after {patience:.0f} s instead of {wanted}")
        time.sleep(min(1.0, patience / 10))


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("url")
    parser.add_argument(
        "--patience", type=float, default=300.0, help="seconds to wait for readiness, and a verdict"
    )
    parser.add_argument("--must-send", action="store_true", help="fail where SMOKE_TOKEN is not given")
    given = parser.parse_args(arguments)
    steps = ["healthy", "sign-in page", "closed doors"]
    try:
        portal = Portal(given.url, os.environ.get("SMOKE_TOKEN") or None)
        if given.must_send and not portal.token:
            raise SmokeError("there is no SMOKE_TOKEN, so no bundle could be sent (docs/deploy/pipelines.md)")
        healthy(portal, given.patience)
        sign_in_page(portal)
        closed_doors(portal)
        if portal.token:
            steps.append(f"clean upload {clean_upload(portal, given.patience)}")
            steps.append(f"infected upload {infected_upload(portal, given.patience)}")
    except SmokeError as error:
        print(f"SMOKE: {error}", file=sys.stderr)
        return 1
    left = "" if portal.token else "; no SMOKE_TOKEN, so nothing was sent"
    print(f"{portal.url}: {', '.join(steps)}{left}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
