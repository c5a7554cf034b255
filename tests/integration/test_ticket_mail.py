"""The mail that brings a ticket, and where its code must never be found."""

import re
from dataclasses import replace

import pytest
from flask import Flask
from pydantic import SecretStr
from sqlalchemy import select, text

from app import log as logs
from app.domain.errors import DeliveryRefusedError, DeliveryUncertainError, DependencyError, PortalError
from app.domain.events import Event
from app.domain.lifecycle import UploadState
from app.domain.policy import Role
from app.jobs.deliver import deliver
from app.models import Base, Delivery
from app.services import outcomes, sealed_codes
from app.services.tickets import Issued
from app.system import System
from tests.factories.people import bearer, make_account, make_organisation
from tests.factories.requests import TGZ
from tests.factories.tickets import basic, close_case, holder, issue_ticket
from tests.factories.uploads import make_upload
from tests.fakes import FakeMailer
from tests.integration.looking import outbox

TO = "guest@elsewhere.example"


@pytest.fixture
def issued(system: System) -> Issued:
    home = make_organisation(system, "initrode")
    return issue_ticket(system, "CS-7", home.id, uploads=3, size=5_000_000, recipient=TO)


def rows_of_tickets(system: System) -> list[Delivery]:
    with system.work() as uow:
        uow.session.expire_all()
        return list(uow.session.scalars(select(Delivery).where(Delivery.event == Event.TICKET_ISSUED)))


def try_once(system: System) -> Delivery:
    """Let the back-off pass, deliver, and look."""
    (row,) = rows_of_tickets(system)
    with system.work() as uow:
        uow.session.execute(text("UPDATE delivery SET next_at = now()"))
    deliver(system, str(row.id))
    (row,) = rows_of_tickets(system)
    return row


def whole_database(system: System) -> str:
    """Return every row of every table as text."""
    with system.work() as uow:
        return "\n".join(
            str(row)
            for table in Base.metadata.sorted_tables
            for (row,) in uow.session.execute(text(f"SELECT t::text FROM {table.name} t"))  # noqa: S608
        )


def has_code(place: str, issued: Issued) -> bool:
    """Whether more of the code is there than how it begins, in any spelling."""
    bare = re.sub(r"[^0-9A-Z]", "", place.upper())
    return issued.code.replace("-", "")[4:] in bare


def test_it_brings_the_page_the_line_to_paste_and_the_terms(
    system: System, issued: Issued, mailer: FakeMailer
) -> None:
    assert try_once(system).sent_at is not None
    (mail,) = mailer.sent
    assert (mail.to, mail.subject) == (TO, "[CS-7] Send us a diagnostics bundle")
    for words in (
        f"\nhttp://localhost/t/{issued.code}\n",
        f"\ncurl -u CS-7:{issued.code} -T bundle.tgz http://localhost/upload/\n",
        "3 uploads, 5,000,000 bytes in all",
        "Initrode",
        f"{issued.seen.ticket.expires_at:%H:%M} UTC",
    ):
        assert words in mail.text


def test_without_a_recipient_nobody_is_told(system: System) -> None:
    issue_ticket(system)
    assert rows_of_tickets(system) == []


def test_the_code_is_kept_until_the_mail_has_gone_and_no_longer(
    system: System, issued: Issued, mailer: FakeMailer
) -> None:
    assert not has_code(whole_database(system), issued), "it is sealed"
    mailer.error = DependencyError("Away.", cause="a test")
    row = try_once(system)
    assert sealed_codes.unseal(system.settings, row.told) == issued.code, "it is tried again"
    mailer.error = None
    row = try_once(system)
    assert row.sent_at is not None
    assert has_code(mailer.sent[-1].text, issued)
    assert row.told["case"] == "CS-7"
    assert not row.told.keys() & set(sealed_codes.NAMES)
    assert not has_code(whole_database(system), issued)


def test_what_the_release_before_put_there_is_mailed_too(
    system: System, issued: Issued, mailer: FakeMailer
) -> None:
    """As it was, and forgotten as well."""
    with system.work() as uow:
        (row,) = uow.session.scalars(select(Delivery).where(Delivery.event == Event.TICKET_ISSUED))
        row.told = sealed_codes.without(row.told) | {"code": issued.code}
    try_once(system)
    assert has_code(mailer.sent[-1].text, issued)
    assert not has_code(whole_database(system), issued)


@pytest.mark.parametrize("kept", [True, False], ids=["old key kept", "old key gone"])
def test_under_a_new_key_it_goes_on_with_the_old_one_and_not_without(
    system: System, issued: Issued, mailer: FakeMailer, kept: bool
) -> None:
    """Nothing is mailed that cannot be read, and nothing waits for ever."""
    old = (system.settings.secret_key,) if kept else ()
    changed = {"secret_key": SecretStr("n" * 64), "old_secret_keys": old}
    row = try_once(replace(system, settings=system.settings.model_copy(update=changed)))
    assert (row.dead_at is None) is kept
    assert [has_code(mail.text, issued) for mail in mailer.sent] == [True] * kept


ENDS: dict[str, PortalError] = {
    "refused": DeliveryRefusedError("Refused.", cause="550 no such user"),
    "uncertain": DeliveryUncertainError("The mail server went away.", cause="after DATA"),
    "away": DependencyError("The mail server is away.", cause="a test"),
}


@pytest.mark.parametrize("error", ENDS.values(), ids=ENDS)
def test_what_never_goes_is_forgotten_too(
    system: System, issued: Issued, mailer: FakeMailer, error: PortalError
) -> None:
    mailer.error = error
    for _ in range(outcomes.MAX_FAILURES + 1):
        row = try_once(system)
        if row.dead_at:
            break
    assert row.dead_at is not None
    assert not has_code(whole_database(system), issued)


@pytest.mark.parametrize("kind", [DeliveryRefusedError, DeliveryUncertainError, DependencyError])
def test_what_a_mail_server_quotes_is_not_kept(
    system: System, issued: Issued, mailer: FakeMailer, kind: type[PortalError]
) -> None:
    mailer.error = kind("No.", cause=f"554 blocked: http://localhost/T/{issued.code.lower()} in body")
    row = try_once(system)
    assert "554 blocked" in str(row.last_error)
    assert not has_code(str(row.last_error), issued)


@pytest.mark.parametrize("end", ["revoked", "closed"])
def test_a_ticket_that_ended_before_is_not_mailed(
    app: Flask, system: System, issued: Issued, mailer: FakeMailer, end: str
) -> None:
    if end == "closed":
        close_case(system, issued)
    else:
        headers = bearer(system, make_account(system, Role.ENGINEER))
        app.test_client().delete(f"/api/v1/tickets/{issued.seen.ticket.id}", headers=headers)
    assert try_once(system).dead_at is not None
    assert mailer.sent == []
    assert not has_code(whole_database(system), issued)


def test_its_recipient_hears_what_became_of_the_bundle_and_no_more(
    system: System, issued: Issued, mailer: FakeMailer
) -> None:
    """Never who downloaded it, nor an address that opens nothing without an account."""
    engineer = make_account(system, Role.ENGINEER)
    upload = make_upload(system, holder(issued), UploadState.INFECTED)
    for delivery in outbox(system, upload.id):
        deliver(system, str(delivery.id))
    mine = [mail for mail in mailer.sent if mail.to == TO and str(upload.id) in mail.text]
    assert {mail.subject.split(":")[0] for mail in mine} >= {"[CS-7] Received", "[CS-7] Virus found"}
    for mail in mine:
        assert f"/files/{upload.id}" not in mail.text
        assert engineer.email not in mail.text
        assert "Downloaded by" not in mail.text
    assert any(mail.to == engineer.email for mail in mailer.sent)


@pytest.mark.usefixtures("restored")
def test_no_log_audit_row_or_error_has_the_code(
    app: Flask, system: System, mailer: FakeMailer, capsys: pytest.CaptureFixture[str]
) -> None:
    """T39: planted, used well and badly, and looked for everywhere."""
    logs.configure("DEBUG")
    issued = issue_ticket(system, "CS-7", recipient=TO)
    client, code = app.test_client(), issued.code
    mailer.error = DependencyError("Away.", cause=f"450 try later {code}")
    try_once(system)
    mailer.error = None
    try_once(system)
    answers = [
        client.get(f"/t/{code}"),
        client.get("/", environ_overrides={"PATH_INFO": f"//t/{code.lower()}"}),
        client.get(f"/T/{code}"),
        client.get(f"/t/{code}/nowhere"),
        client.get(f"/t/{code}/files/00000000-0000-0000-0000-000000000000"),
        client.post(f"/t/{code}", headers={"Origin": "https://evil.example"}),
        client.post(f"/t/{code}", data=b"x"),
        client.put(f"/t/{code}"),
        client.put("/upload/a.tgz?case=%00", data=b"PK\x03\x04" + bytes(100), headers=basic(issued)),
        client.put("/upload/a.tgz", data=TGZ, headers=basic(issued)),
        client.put("/upload/a.tgz", data=TGZ, headers=basic(issued)),
        client.get("/files", headers=basic(issued)),
    ]
    assert [answer.status_code for answer in answers][-3:] == [201, 410, 403]
    for answer in answers[2:]:
        if answer.mimetype == "application/problem+json":
            assert not has_code(answer.text, issued)
    assert not has_code(whole_database(system), issued)
    written = capsys.readouterr().out
    assert '"path": "/t/-"' in written
    assert not has_code(written, issued)
