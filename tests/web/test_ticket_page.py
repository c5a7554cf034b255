"""`/t/<ticket>`: the page of people without an account, and the small one where they type it."""

import re
from io import BytesIO

import pytest
from flask import Flask

from app.domain import ticket_code
from app.domain.lifecycle import UploadState
from app.services.tickets import Issued
from app.system import System
from tests.factories.bundles import make_tgz
from tests.factories.forms import encode_form
from tests.factories.requests import TGZ
from tests.factories.tickets import close_case, holder, issue_ticket, let_expire
from tests.factories.uploads import make_upload
from tests.web.callers import Browser, Caller
from tests.web.looks import document, only_upload, uploads
from tests.web.tus import Tus


@pytest.fixture
def issued(system: System, customer: Caller) -> Issued:
    return issue_ticket(system, "CS-1", customer.actor.organisation_id, uploads=2, size=5_000_000)


@pytest.fixture
def place(issued: Issued) -> str:
    return f"/t/{issued.code}"


def send(browser: Browser, place: str, content: bytes = TGZ) -> str:
    """Send the plain form as a browser does that was told to hide where it comes from."""
    body, content_type = encode_form(("note", None, b""), ("diag", "web-01.tgz", content))
    hidden = {"Origin": "null", "Sec-Fetch-Site": "same-origin"}
    answer = browser.ask("POST", place, headers=hidden, data=body, content_type=content_type)
    assert answer.status_code == 303, answer.text
    return answer.location


def test_it_says_whose_case_and_what_is_left_and_nothing_else(
    browser: Browser, issued: Issued, place: str, customer: Caller, system: System
) -> None:
    make_upload(system, customer.actor, filename="secret-name.tgz", case="CS-1")
    answer = browser.get(place)
    assert answer.status_code == 200
    for fact in (
        "CS-1",
        issued.seen.ticket.case.organisation.name,
        "2 more uploads of 5.0 MB in all",
        "until",
    ):
        assert fact in answer.text
    assert f"curl -u CS-1:{issued.code} -T bundle.tgz http://localhost/upload/" in answer.text.replace(
        "&#39;", "'"
    )
    maker = issued.seen.ticket.made_by
    assert maker
    for unseen in ("secret-name.tgz", "Files", customer.account.email, maker.email, "Your account"):
        assert unseen not in answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize("spell", [str.lower, lambda code: code.replace("-", ""), lambda code: f" {code} "])
def test_any_spelling_leads_there(browser: Browser, issued: Issued, spell: object) -> None:
    assert browser.get("/t/" + spell(issued.code)).status_code == 200  # type: ignore[operator]


def test_without_a_script_the_form_leads_to_a_receipt(browser: Browser, place: str, system: System) -> None:
    receipt = send(browser, place)
    upload = only_upload(system)
    assert receipt == f"{place}/files/{upload.id}"
    page = browser.get(receipt)
    for fact in ("web-01.tgz", str(upload.sha256), "CS-1", str(upload.id), "Checking", "sha256sum -c"):
        assert fact in page.text
    assert page.headers["Referrer-Policy"] == "no-referrer"
    listed = browser.get(place).text
    assert f'href="{receipt}"' in listed
    assert "1 more upload of" in listed


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null", "Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"}, 303),
        ({"Origin": "null"}, 303),
        ({}, 303),
    ],
    ids=str,
)
def test_no_other_site_sends_with_it(
    browser: Browser, place: str, system: System, headers: dict[str, str], status: int
) -> None:
    """T31: what hides its origin is let in only where no other site could know the address."""
    form = {"diag": (BytesIO(TGZ), "web-01.tgz")}
    assert browser.ask("POST", place, headers=headers, data=form).status_code == status
    assert len(uploads(system)) == (status == 303)


def test_what_will_not_do_is_said_with_a_way_back(browser: Browser, place: str) -> None:
    form = {"diag": (BytesIO(b"PK\x03\x04" + bytes(3000)), "web-01.zip")}
    answer = browser.ask("POST", place, data=form)
    assert answer.status_code == 415
    assert f'href="{place}"' in answer.text
    assert 'href="/files"' not in answer.text


def test_receipts_of_others_are_absent(
    browser: Browser, place: str, customer: Caller, system: System
) -> None:
    """T12, C11: of the same case, of a sibling ticket."""
    sibling = issue_ticket(system, "CS-1", customer.actor.organisation_id)
    others = [
        make_upload(system, customer.actor, case="CS-1"),
        make_upload(system, holder(sibling)),
    ]
    for other in others:
        assert browser.get(f"{place}/files/{other.id}").status_code == 404
    page = browser.get(place).text
    assert [other for other in others if str(other.id) in page] == []


def test_a_slip_of_the_finger_is_told_from_no_ticket(browser: Browser, issued: Issued) -> None:
    last = issued.code[-1]
    slip = browser.get(f"/t/{issued.code[:-1]}{'2' if last != '2' else '3'}")
    assert slip.status_code == 404
    assert "typing mistakes" in slip.text
    unknown = browser.get(f"/t/{ticket_code.generate()}")
    assert unknown.status_code == 404
    assert "There is no such ticket" in unknown.text
    for answer in (slip, unknown):
        assert 'href="/t"' in answer.text
        assert answer.headers["Referrer-Policy"] == "no-referrer"


@pytest.mark.parametrize("end", ["expired", "used up"])
def test_ended_softly_it_still_shows_what_it_brought(
    browser: Browser, issued: Issued, place: str, system: System, end: str
) -> None:
    receipt = send(browser, place)
    if end == "expired":
        let_expire(system, issued)
    else:
        send(browser, place, make_tgz({"b": b"another"}))
    answer = browser.get(place)
    assert answer.status_code == 410
    assert f"This ticket {'has expired' if end == 'expired' else 'is used up'}" in answer.text
    assert f'href="{receipt}"' in answer.text
    assert "send-form" not in answer.text
    for fetched in ({"HX-Request": "true"}, {"Sec-Fetch-Mode": "cors"}):  # scripts show no part of an error
        assert browser.client.get(place, headers=fetched).status_code == 200
    assert browser.get(receipt).status_code == 200


@pytest.mark.parametrize("end", ["closed", "revoked", "expired long ago"])
def test_ended_for_good_it_shows_nothing(
    browser: Browser, issued: Issued, place: str, engineer: Caller, system: System, end: str
) -> None:
    receipt = send(browser, place)
    if end == "closed":
        close_case(system, issued)
    elif end == "revoked":
        document(engineer.ask("DELETE", f"/api/v1/tickets/{issued.seen.ticket.id}"), 200)
    else:
        let_expire(system, issued, system.settings.resumable_for + 1)
    for path in (place, receipt):
        answer = browser.get(path)
        assert answer.status_code == 410
        assert "web-01.tgz" not in answer.text
        assert "Ask support" in answer.text


def test_what_was_begun_with_the_last_use_can_be_gone_on_with(
    app: Flask, browser: Browser, system: System
) -> None:
    issued = issue_ticket(system)
    guest = Caller(app, system)
    authorization = re.search(r'data-authorization="([^"]+)"', browser.get(f"/t/{issued.code}").text)
    assert authorization
    guest.headers = {"Authorization": authorization[1]}  # as the page's script sends it
    begun = Tus(guest).create()
    begun.patch(0, 20)
    page = browser.get(f"/t/{issued.code}")
    assert page.status_code == 200
    assert f'data-unfinished="{begun.place.rsplit("/", 1)[1]}"' in page.text
    assert "can still be finished" in page.text
    assert begun.patch(20).status_code == 200
    assert browser.get(f"/t/{issued.code}").status_code == 410


def test_an_engineer_is_a_guest_there_and_an_engineer_elsewhere(
    app: Flask, engineer: Caller, customer: Caller, place: str, system: System
) -> None:
    other = make_upload(system, customer.actor, UploadState.CLEAN, case="CS-1")
    browser = Browser(app)
    browser.sign_in(engineer.account.email)
    page = browser.get(place).text
    assert engineer.account.email not in page
    assert "Quarantine" not in page
    assert browser.get(f"{place}/files/{other.id}").status_code == 404
    send(browser, place)
    sent = next(row for row in uploads(system) if row.id != other.id)
    assert sent.uploader_id is None
    assert sent.sender.startswith("ticket ")
    assert "Quarantine" in browser.get(f"/files/{other.id}").text
    assert browser.signed_in()


class TestTyping:
    def test_case_and_code_lead_to_the_page(self, browser: Browser, issued: Issued, place: str) -> None:
        assert browser.get("/t").status_code == 200
        token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', browser.get("/t").text)
        assert token
        typed = {"csrf_token": token[1], "case": "cs-1", "code": issued.code.lower().replace("-", " ")}
        answer = browser.ask("POST", "/t", data=typed)
        assert (answer.status_code, answer.location) == (303, place)

    @pytest.mark.parametrize(
        ("case", "spoil", "status", "words"),
        [
            ("CS-1", lambda code: code[:-1], 422, "typing mistakes"),
            ("CS-1", lambda code: code[:0], 422, "typing mistakes"),
            ("CS-2", lambda code: code, 404, "no such ticket"),
            ("", lambda code: code, 404, "no such ticket"),
        ],
    )
    def test_what_does_not_fit_is_kept_to_be_corrected(
        self, browser: Browser, issued: Issued, case: str, spoil: object, status: int, words: str
    ) -> None:
        code = spoil(issued.code)  # type: ignore[operator]
        answer = browser.post("/t", {"case": case, "code": code})
        assert answer.status_code == status
        assert words in answer.text
        assert f'value="{code}"' in answer.text
