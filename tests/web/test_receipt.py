"""Receipts: the page, the document, and the line that compares them with one's own copy."""

import html
import json
import re
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st
from sqlalchemy import update

from app.domain import naming
from app.domain.errors import InvalidInputError
from app.domain.lifecycle import JUDGED, UploadState
from app.domain.receipt import checksum_line
from app.models import Upload
from app.system import System
from tests.factories.bundles import make_tgz
from tests.factories.uploads import make_upload
from tests.web.callers import Browser, Caller
from tests.web.looks import only_upload, problem

CONTENT = make_tgz({"etc/hostname": b"web-01\n"})
WAYS = pytest.mark.parametrize("address", ["/files/{}/receipt", "/api/v1/uploads/{}/receipt"])
JSON = {"Accept": "application/json"}
_LINE = re.compile(r'id="checksum-line">([^<]*)<')


def check(line: str, name: str, directory: Path, shell: str = "sh") -> str:
    """Run a receipt's line where the file lies; return what it says."""
    (directory / name).write_bytes(CONTENT)
    ran = subprocess.run([shell, "-c", line], cwd=directory, capture_output=True, text=True, check=False)
    (directory / name).unlink()
    return ran.stdout + ran.stderr


@WAYS
@pytest.mark.parametrize("state", [UploadState.SEALED, *sorted(JUDGED), UploadState.DELETED])
def test_the_document(address: str, customer: Caller, system: System, state: UploadState) -> None:
    upload = make_upload(system, customer.actor, state, filename="a b.tgz", case="cs-1")
    got = customer.get(address.format(upload.id), headers=JSON)
    assert got.status_code == 200
    assert upload.sealed_at
    judged = state in JUDGED
    gone = state is UploadState.DELETED
    deletion = {
        "deleted_at": upload.deleted_at.isoformat() if upload.deleted_at else None,
        "deleted_by": customer.account.email,
        "reason": "Deleted.",
    }
    assert got.get_json() == {
        "id": str(upload.id),
        "filename": None if gone else "a b.tgz",
        "size": upload.size,
        "sha256": upload.sha256,
        "case": "CS-1",
        "organisation": upload.organisation.slug,
        "sent_by": customer.account.email,
        "received_at": upload.sealed_at.isoformat(),
        "state": state.value,
        "verdict": state.value if judged else None,
        "verdict_at": upload.scanned_at.isoformat() if judged and upload.scanned_at else None,
        "checksum_line": None if gone else f"echo '{upload.sha256}  a b.tgz' | sha256sum -c",
        "expires_at": None,
        **(deletion if gone else {}),
    }


@WAYS
def test_before_the_scan_of_a_direct_upload_the_digest_is_null(
    address: str, browser: Browser, customer: Caller, system: System
) -> None:
    upload = make_upload(system, customer.actor)
    with system.work() as uow:
        uow.session.execute(update(Upload).values(sha256=None, door="direct"))
    document = customer.get(address.format(upload.id), headers=JSON).get_json()
    assert (document["sha256"], document["checksum_line"]) == (None, None)
    assert document["received_at"]
    browser.sign_in(customer.account.email)
    for path in (f"/files/{upload.id}/receipt", f"/files/{upload.id}"):
        page = browser.get(path).text
        assert "Is being computed" in page
        assert "sha256sum" not in page


@WAYS
def test_a_receipt_is_for_those_who_may_see_the_upload(
    address: str, customer: Caller, stranger: Caller, engineer: Caller, system: System
) -> None:
    upload = make_upload(system, customer.actor)
    problem(stranger.get(address.format(upload.id), headers=JSON), 404, "not_found")
    assert engineer.get(address.format(upload.id), headers=JSON).status_code == 200


NAMES = (
    "plain.tgz",
    "with two  spaces .tgz",
    "it's.tgz",
    'the "old" one.tgz',
    "$HOME `id` $(id) !x ~.tgz",
    "-rf.tgz",
    "-",
    "*.tgz",
    "#;&|<>.tgz",
    "Ärger ☂ 三.tgz",
    "%s %n.tgz",
    "\\back\\slash.tgz",
    "new\nline\r.tgz",
    "../../etc/passwd",
)


@pytest.mark.parametrize("sent", NAMES)
def test_the_line_on_the_page_works_as_it_stands(
    browser: Browser, customer: Caller, system: System, tmp_path: Path, sent: str
) -> None:
    """Whatever the file was called. Of a name with a path, its last part is kept and compared."""
    upload = make_upload(system, customer.actor, content=CONTENT, filename=sent)
    browser.sign_in(customer.account.email)
    page = browser.get(f"/files/{upload.id}/receipt")
    found = _LINE.search(page.text)
    assert found
    line = html.unescape(found[1])
    assert line == customer.get(f"/files/{upload.id}/receipt", headers=JSON).get_json()["checksum_line"]
    for shell in ("sh", "bash"):
        assert check(line, upload.filename, tmp_path, shell).endswith(": OK\n")
    other = line.replace(str(upload.sha256), "0" * 64)
    assert "FAILED" in check(other, upload.filename, tmp_path)


@hypothesis(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sent=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60))
@example(sent="'\"\\")
@example(sent="\u2028\u0085.tgz")
def test_no_name_breaks_the_line(tmp_path: Path, sent: str) -> None:
    try:
        name = naming.clean_filename(sent)
    except InvalidInputError:
        return
    digest = "0" * 64
    ran = subprocess.run(
        ["sh", "-c", checksum_line(digest, name).replace("sha256sum -c", "cat")],
        cwd=tmp_path,
        capture_output=True,
        check=True,
    )
    assert ran.stdout.decode() == f"{digest}  {'./-' if name == '-' else name}\n"


def test_a_copy_button_stands_beside_what_is_copied(
    browser: Browser, customer: Caller, system: System
) -> None:
    """And needs no script in the page."""
    upload = make_upload(system, customer.actor, UploadState.CLEAN)
    browser.sign_in(customer.account.email)
    page = browser.get(f"/files/{upload.id}/receipt").text
    for target in ("sha256", "checksum-line"):
        assert f'data-copy="{target}"' in page
    assert not re.search(r"<script(?![^>]* src=)| on\w+=", page)


def test_the_verdict_is_added(browser: Browser, customer: Caller, system: System) -> None:
    upload = make_upload(system, customer.actor, UploadState.CLEAN)
    browser.sign_in(customer.account.email)
    page = browser.get(f"/files/{upload.id}/receipt").text
    assert "No virus was found." in page
    assert "<dt>Checked</dt>" in page
    assert json.loads(customer.get(f"/files/{upload.id}/receipt", headers=JSON).text)["verdict"] == "clean"
    assert only_upload(system).state is UploadState.CLEAN
