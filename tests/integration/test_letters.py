"""What a mail says, by event and by reader."""

import subprocess
from pathlib import Path

import pytest
from sqlalchemy import update

from app.domain import ticket_code
from app.domain.events import Event
from app.domain.lifecycle import UploadState
from app.domain.policy import Actor, Role
from app.jobs.deliver import deliver
from app.models import Account, Ticket, Upload
from app.queries.accounts import actor_with, by_ticket
from app.services import letters
from app.system import System
from tests.factories.people import make_account
from tests.factories.tickets import issue_ticket
from tests.factories.uploads import make_upload
from tests.fakes import FakeMailer
from tests.integration.looking import fresh, outbox

BASE = "http://localhost"


def texts(system: System, upload: Upload, event: Event) -> dict[str, str]:
    """Return subject and text of the mails about one event, by recipient."""
    mails = [letters.compose(row, upload, BASE) for row in outbox(system, upload.id) if row.event is event]
    return {mail.to: f"{mail.subject}\n{mail.text}" for mail in mails}


@pytest.fixture
def engineer(system: System) -> Account:
    return make_account(system, Role.ENGINEER)


@pytest.fixture
def guest(system: System) -> Actor:
    """Give whoever acts with a ticket that was sent to guest@example.com."""
    code = issue_ticket(system, "CS-77").code
    with system.work() as uow:
        uow.session.execute(update(Ticket).values(recipient="guest@example.com"))
        uow.session.expire_all()
        found = by_ticket(uow.session, system.settings, ticket_code.digest(code))
        assert found
        return actor_with(found.ticket, "127.0.0.1")


def test_a_receipt_has_every_fact_of_it(system: System, sender: Actor, tmp_path: Path) -> None:
    upload = make_upload(system, sender, filename='it\'s "web 01" $HOME !x.tgz', case="cs-12")
    (text,) = texts(system, upload, Event.UPLOAD_RECEIVED).values()
    sealed = upload.sealed_at
    assert sealed
    for fact in (str(upload.id), upload.filename, f"{upload.size:,} bytes", str(upload.sha256), "CS-12"):
        assert fact in text
    assert f"{sealed.day} {sealed:%b %Y, %H:%M} UTC" in text
    assert f"{BASE}/files/{upload.id}" in text
    (line,) = [line for line in text.splitlines() if line.endswith("| sha256sum -c")]
    with system.adapters.storage.open(upload.storage_key)[0] as file:
        (tmp_path / upload.filename).write_bytes(file.read())
    ran = subprocess.run(["sh", "-c", line], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ran.stdout.endswith(": OK\n"), ran.stderr


def test_what_came_past_the_portal_has_no_digest_before_its_scan(system: System, sender: Actor) -> None:
    upload = make_upload(system, sender)
    upload.sha256 = None
    (text,) = texts(system, upload, Event.UPLOAD_RECEIVED).values()
    assert "SHA-256:       is being computed" in text
    assert "sha256sum" not in text
    assert "None" not in text


@pytest.mark.parametrize("state", [UploadState.CLEAN, UploadState.INFECTED, UploadState.UNSCANNABLE])
def test_senders_and_engineers_read_other_words(
    system: System, sender: Actor, engineer: Account, state: UploadState
) -> None:
    upload = make_upload(system, sender, state)
    told = texts(system, upload, Event(f"upload.{state}"))
    assert set(told) == {sender.email, engineer.email}
    assert "download" not in told[sender.email]
    assert "download" in told[engineer.email]
    assert "our diagnostics bundle" in told[sender.email]
    for text in told.values():
        assert ("Eicar-Test-Signature" in text) is (state is UploadState.INFECTED)
    receipt = texts(system, upload, Event.UPLOAD_RECEIVED)[sender.email]
    assert "Eicar" not in receipt
    assert "Why:" not in receipt, "the receipt tells of the arrival, however late it goes"


def test_who_sends_with_a_ticket_hears_without_a_link(system: System, guest: Actor) -> None:
    """There is no page for them behind it."""
    upload = make_upload(system, guest, UploadState.CLEAN)
    for event in (Event.UPLOAD_RECEIVED, Event.UPLOAD_CLEAN):
        text = texts(system, upload, event)["guest@example.com"]
        assert str(upload.id) in text
        assert "http" not in text
        assert "CS-77" in text
        assert "download" not in text


def test_a_letter_of_what_was_withdrawn_is_not_sent_and_no_alarm(
    system: System, sender: Actor, mailer: FakeMailer, caplog: pytest.LogCaptureFixture
) -> None:
    upload = make_upload(system, sender, UploadState.DELETED)
    deliver(system, str(outbox(system, upload.id)[0].id))
    (row,) = outbox(system, upload.id)
    assert mailer.sent == []
    assert row.dead_at
    assert not [record for record in caplog.records if record.levelname == "ERROR"]
    assert fresh(system, upload.id).state is UploadState.DELETED
