"""T7, C6, C7, C8: hostile names are words for people, and never name a file of ours."""

import base64
import re
from pathlib import Path

import pytest

from app.domain.lifecycle import UploadState
from app.settings import Settings
from app.system import System
from tests.factories.requests import TGZ
from tests.factories.uploads import make_upload
from tests.web.callers import Browser, Caller
from tests.web.looks import document, only_upload, problem, stored, uploads

KEPT = {
    "../../etc/passwd": "passwd",
    "..\\..\\boot.ini": "boot.ini",
    "/etc/cron.d/x": "x",
    "C:\\fakepath\\web-01.tgz": "web-01.tgz",
    "a\x00b.tgz": "ab.tgz",
    "gpj.\u202eexe.tgz": "gpj.exe.tgz",
    "a\u2066b\u2069.tgz": "ab.tgz",
    "a\r\nSet-Cookie: x=1.tgz": "aSet-Cookie: x=1.tgz",
    "\x1b[31mred\x1b[0m.tgz": "[31mred[0m.tgz",
    "  spaced .tgz  ": "spaced .tgz",
    "e\u0301.tgz": "\u00e9.tgz",
    "\u65e5\u672c\u8a9e.tgz": "\u65e5\u672c\u8a9e.tgz",
    "<script>alert(1)<script>.tgz": "<script>alert(1)<script>.tgz",
    "{{7*7}}${7*7}<%=7*7%>.tgz": "{{7*7}}${7*7}<%=7*7%>.tgz",
    "'; DROP TABLE upload; --.tgz": "'; DROP TABLE upload; --.tgz",
    "a\"b'c`d$(id)&e|f.tgz": "a\"b'c`d$(id)&e|f.tgz",
    "-rf.tgz": "-rf.tgz",
    "CON.tgz": "CON.tgz",
    ".htaccess": ".htaccess",
    "x" * 255: "x" * 255,
}
REFUSED = ["", "/", "..", ".", "a/", "\x00", "\u202e", "\r\n", "x" * 256, "x" * 300 + ".tgz"]
KEY = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def by_tus(caller: Caller, name: str) -> int:
    metadata = "filename " + base64.b64encode(name.encode()).decode()
    headers = {"Tus-Resumable": "1.0.0", "Upload-Length": "9", "Upload-Metadata": metadata}
    return caller.ask("POST", "/tus", headers=headers).status_code


def by_form(caller: Caller, name: str) -> int:
    """Send it as the form's file name, escaped as browsers do (WHATWG HTML, multipart/form-data)."""
    escaped = name.replace("\r", "%0D").replace("\n", "%0A")
    return caller.send_form(("diag", escaped, TGZ)).status_code


def assert_named_by_us(system: System, root: Path) -> None:
    (upload,) = uploads(system)
    assert upload.storage_key == f"{upload.organisation_id}/{upload.id}"
    assert stored(system) <= {upload.storage_key}
    names = {part for path in root.rglob("*") for part in path.relative_to(root).parts}
    assert all(KEY.fullmatch(name) for name in names - {"incoming", "sealed"})


@pytest.mark.parametrize("name", KEPT)
def test_a_name_in_the_metadata_is_cleaned_and_kept_for_people_only(
    customer: Caller, system: System, settings: Settings, name: str
) -> None:
    assert by_tus(customer, name) == 201
    assert only_upload(system).filename == KEPT[name]
    assert_named_by_us(system, settings.storage_root)


@pytest.mark.parametrize("name", [name for name in KEPT if not set(name) & set("/\n")])
def test_a_name_in_the_address_is_cleaned_and_kept_for_people_only(
    customer: Caller, system: System, settings: Settings, name: str
) -> None:
    assert document(customer.put(TGZ, name))["filename"] == KEPT[name]
    assert_named_by_us(system, settings.storage_root)


@pytest.mark.parametrize("name", [name for name in KEPT if not set(name) & set('\x00\x1b"\r\n\\')])
def test_a_name_in_a_form_is_cleaned_and_kept_for_people_only(
    customer: Caller, system: System, settings: Settings, name: str
) -> None:
    assert by_form(customer, name) == 201
    assert only_upload(system).filename == KEPT[name]
    assert_named_by_us(system, settings.storage_root)


@pytest.mark.parametrize(
    "name", ["a\x00b.tgz", "a\x1bb.tgz", 'a"b.tgz', "a\r\nb.tgz", "a\\b.tgz", "a%00b.tgz"]
)
def test_an_odd_name_in_a_form_never_breaks_anything(customer: Caller, system: System, name: str) -> None:
    """C8: refused or cleaned."""
    assert by_form(customer, name) in {201, 400, 422}
    assert not any(set(upload.filename) & set("\x00\x1b\r\n") for upload in uploads(system))


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_name_is_refused(customer: Caller, system: System, name: str) -> None:
    assert by_tus(customer, name) == 422
    assert uploads(system) == []


def test_what_is_no_name_is_refused_in_an_address(customer: Caller, system: System) -> None:
    problem(customer.ask("PUT", "/upload/%00", data=TGZ), 422, "invalid_input")
    problem(customer.ask("PUT", f"/upload/{'x' * 256}", data=TGZ), 422, "invalid_input")
    problem(customer.ask("PUT", "/upload/a%0Ab.tgz", data=TGZ), 404, "not_found")
    assert uploads(system) == []


@pytest.mark.parametrize("name", KEPT)
def test_every_page_and_header_shows_the_name_as_text(
    browser: Browser, engineer: Caller, customer: Caller, system: System, name: str
) -> None:
    """The browser fixture parses the page strictly; `49` would be a template that ran (C6)."""
    upload = make_upload(system, customer.actor, UploadState.CLEAN, filename=name)
    browser.sign_in(engineer.account.email)
    for path in ("/files", f"/files/{upload.id}", f"/files/{upload.id}/receipt"):
        page = browser.get(path)
        assert page.status_code == 200
        assert "<script>alert" not in page.text
        assert "{{49}}" not in page.text.replace("{{7*7}}", "")
    disposition = engineer.get(f"/download/{upload.id}").headers["Content-Disposition"]
    assert disposition.startswith("attachment; filename=")
    assert disposition.isascii()
    assert not set(disposition) & set("\r\n\x00/\\")


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("cs-1234", "CS-1234"),
        ("  a   b ", "A B"),
        ("INC/2024:7#9+x.y_z", "INC/2024:7#9+X.Y_Z"),
        ("", None),
        (" ", None),
    ],
)
def test_a_case_is_kept_as_people_write_it(customer: Caller, typed: str, kept: str | None) -> None:
    assert (
        document(customer.send_form(("case", None, typed.encode()), ("diag", "a.tgz", TGZ)))["case"] == kept
    )


@pytest.mark.parametrize("typed", ["-1", "<b>", "a\x00b", "a'b", "\u202eabc", "\u0661", "x" * 65])
def test_a_case_that_is_none_is_refused(customer: Caller, typed: str) -> None:
    answer = customer.send_form(("case", None, typed.encode()), ("diag", "a.tgz", TGZ))
    problem(answer, 422, "invalid_input")


def test_a_note_keeps_its_lines_and_loses_what_nobody_sees(customer: Caller) -> None:
    note = "one\r\ntwo\tthree\x00\x1b\u202e four "
    body = document(customer.send_form(("note", None, note.encode()), ("diag", "a.tgz", TGZ)))
    assert body["note"] == "one\ntwo\tthree four"
