"""An infected bundle: named, stopped, told of, and not one byte of it to be had by anybody."""

import gzip
import io
import re
import secrets
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import pytest
import requests
from flask import Flask
from playwright.sync_api import expect
from werkzeug.routing import Rule

from tests.e2e.browser import People
from tests.e2e.sources import Parcel, pack, real_bundle
from tests.e2e.walk import id_of, send
from tests.factories.bundles import repack
from tests.factories.eicar import eicar
from tests.live import Live, eventually

SIGNATURE = "Eicar-Test-Signature"
WINDOW = 24  # bytes of the stored file that may not appear anywhere
AS_BROWSER = ("GET", {"Accept": "text/html"})
WAYS: list[tuple[str, dict[str, str]]] = [
    ("GET", {}),
    ("GET", {"Range": "bytes=0-"}),
    ("GET", {"Range": "bytes=100-4000"}),
    AS_BROWSER,
    ("GET", {"Accept": "text/html", "HX-Request": "true"}),
    ("GET", {"Accept": "application/json"}),
    ("HEAD", {}),
    ("HEAD", {"Tus-Resumable": "1.0.0", "Range": "bytes=0-"}),
    ("OPTIONS", {}),
]


@dataclass(frozen=True)
class Trap:
    """A real bundle with EICAR in one member and 32 random letters at the front of every other.

    It is stored by gzip without compression, so that the letters can be found in its bytes, too.
    """

    parcel: Parcel
    member: str
    canaries: tuple[bytes, ...]

    def look_into(self, content: bytes, where: str) -> None:
        """Fail if ``content`` has anything of the bundle in it."""
        stored = self.parcel.path.read_bytes()
        for canary in self.canaries:
            assert canary not in content, f"{where} has what is in the bundle"
        assert stored[:WINDOW] not in content, f"{where} has the bundle's first bytes"
        assert stored[-WINDOW:] not in content, f"{where} has the bundle's last bytes"


@pytest.fixture
def trap(tmp_path: Path) -> Trap:
    bundle = real_bundle(largest=200_000)
    with tarfile.open(fileobj=io.BytesIO(bundle)) as tar:
        contents = {info.name: tar.extractfile(info).read() for info in tar if info.isreg()}  # type: ignore[union-attr]
    canaries = {name: secrets.token_hex(16).encode() for name in contents}
    member = sorted(contents)[len(contents) // 2]
    changed = {name: canaries[name] + content for name, content in contents.items()}
    changed[member] = eicar() + canaries[member]
    content = gzip.compress(gzip.decompress(repack(bundle, changed)), compresslevel=0)
    found = sum(canary in content for canary in canaries.values())
    assert found > 0.9 * len(canaries), "few lie across two of gzip's blocks"
    return Trap(pack(tmp_path, content, "infected.tgz"), member, (eicar(), *canaries.values()))


def addresses(rules: Iterator[Rule], upload_id: str) -> Iterator[str]:
    """Build the address of every view that can be read, about this upload where it is about one."""
    for rule in rules:
        readable = (rule.methods or set()) & {"GET", "HEAD", "OPTIONS"}
        # What gives out all but the infected members on purpose has tests of its own.
        if not readable or rule.endpoint in {"static", "portal.clean_members"}:
            continue
        values = dict.fromkeys(rule.arguments, upload_id) | {"filename": "infected.tgz"}
        built = rule.build({name: values[name] for name in rule.arguments})
        assert built, rule
        yield built[1]


@pytest.mark.timeout(240)
def test_nobody_gets_a_byte(people: People, live: Live, app: Flask, trap: Trap) -> None:
    page = people.sign_in("acme")
    row = send(page, trap.parcel)
    expect(row).to_contain_text("Virus found")
    expect(row).to_contain_text(f"{trap.member}: {SIGNATURE}")
    upload_id = id_of(row)
    [finding] = live.settled(upload_id)["scan"]["findings"]
    assert finding["member"] == trap.member
    assert finding["signature"].startswith(SIGNATURE)

    refused = {"acme": 409, "engineer": 409, "admin": 409, "globex": 404, None: 401}
    paths = sorted(set(addresses(app.url_map.iter_rules(), upload_id)))
    assert f"/download/{upload_id}" in paths
    assert f"/api/v1/uploads/{upload_id}/content" in paths
    about = [path for path in paths if upload_id in path]
    others = [path for path in paths if upload_id not in path]  # lists, forms: asked for once by each
    tries = [*product(refused.items(), about, WAYS), *product(refused.items(), others, [AS_BROWSER])]
    with requests.Session() as session:
        for (who, status), path, (method, way) in tries:
            headers = {"Accept": "*/*", **(live.token(who) if who else {}), **way}
            answer = session.request(method, live.url + path, headers=headers, allow_redirects=False)
            where = f"{method} {path} {way} for {who}: {answer.status_code}"
            trap.look_into(answer.content, where)
            trap.look_into(repr(answer.headers).encode(), where)
            if method != "OPTIONS" and path.startswith("/download") and "Accept" not in way:
                assert answer.status_code == status, where


def test_pages_and_mails_name_it(people: People, live: Live, trap: Trap) -> None:
    sent = live.put(trap.parcel.path.read_bytes(), trap.parcel.name)
    upload_id = sent["id"]
    assert live.settled(upload_id)["state"] == "infected"

    def verdicts() -> list[dict[str, str]]:
        found = [mail for mail in live.mails(upload_id) if "Received" not in mail["subject"]]
        return found if len(found) > 1 else []

    mails = eventually(verdicts, "two mails")
    assert {mail["to"] for mail in mails} == {live.accounts[who]["email"] for who in ("acme", "engineer")}
    for mail in mails:
        assert re.search(rf"{SIGNATURE}\S* in {re.escape(trap.member)}", mail["text"])
        assert "Virus found" in mail["subject"]
        trap.look_into(repr(mail).encode(), "a mail")

    for who in ("acme", "engineer", "admin"):
        page = people.sign_in(who)
        for address in (f"/files/{upload_id}", f"/files/{upload_id}/receipt"):
            page.goto(address)
            expect(page.get_by_role("heading", name="Virus found")).to_be_visible()
            expect(page.get_by_role("main")).to_contain_text(trap.member)
            expect(page.get_by_role("main")).to_contain_text(SIGNATURE)
            expect(page.locator("a[download]")).to_have_count(0)
        people.tolerate(page, "409")
        refusal = page.goto(f"/download/{upload_id}")
        assert refusal
        assert refusal.status == 409
        trap.look_into(refusal.body(), f"the page for {who}")


def test_another_organisation_sees_nothing(people: People, live: Live, trap: Trap) -> None:
    upload_id = live.put(trap.parcel.path.read_bytes(), trap.parcel.name)["id"]
    live.settled(upload_id)
    page = people.sign_in("globex")
    people.tolerate(page, "404")

    for address in (f"/files/{upload_id}", f"/files/{upload_id}/receipt", f"/download/{upload_id}"):
        answer = page.goto(address)
        assert answer
        assert answer.status == 404
        expect(page.get_by_role("main")).not_to_contain_text(trap.parcel.name)
