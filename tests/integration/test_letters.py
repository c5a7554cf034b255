"""What a mail says, by event and by reader."""

import subprocess
from pathlib import Path

import html5lib
import pytest
from sqlalchemy import select, update

from app.domain import ticket_code
from app.domain.events import Event
from app.domain.lifecycle import UploadState
from app.domain.policy import Actor, Role
from app.domain.receipt import checksum_line
from app.domain.subscriptions import Follow, Way
from app.jobs.deliver import deliver
from app.models import Account, Case, CaseFollow, Delivery, Organisation, Subscription, Ticket, Upload
from app.queries.accounts import actor_with, by_ticket
from app.services import letters, notices, removal
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


def test_the_page_of_a_receipt_says_the_same(system: System, sender: Actor) -> None:
    """What is in the text is in the HTML: facts, the line to paste with all its blanks, and the link."""
    upload = make_upload(system, sender, filename='it\'s "web  01" <b>&amp;.tgz', case="cs-12")
    (row,) = outbox(system, upload.id)
    mail = letters.compose(row, upload, BASE)
    root = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parse(mail.html)
    shown = "".join(root.find("body").itertext())
    assert checksum_line(str(upload.sha256), upload.filename) in shown
    for fact in (str(upload.id), "CS-12", upload.organisation.name, sender.email, upload.filename):
        assert fact in shown
    assert [link.get("href") for link in root.iter("a")] == [
        f"{BASE}/files/{upload.id}",
        f"{BASE}/account#notices",
    ]


def test_mails_of_one_case_are_one_thread(system: System, sender: Actor, engineer: Account) -> None:
    """And without a case those of one bundle."""
    cased = [make_upload(system, sender, UploadState.CLEAN, case="cs-12") for _ in range(2)]
    bare = [make_upload(system, sender, UploadState.CLEAN) for _ in range(2)]
    threads = {
        upload.id: {letters.compose(row, upload, BASE).thread for row in outbox(system, upload.id)}
        for upload in (*cased, *bare)
    }
    assert all(len(each) == 1 for each in threads.values()), "whoever reads it"
    assert threads[cased[0].id] == threads[cased[1].id]
    assert [threads[upload.id] for upload in bare] == [{str(upload.id)} for upload in bare]


def test_a_colleague_who_watches_the_case_learns_no_name_of_staff(
    system: System, sender: Actor, engineer: Account
) -> None:
    upload = make_upload(system, sender, UploadState.CLEAN, case="cs-12")
    with system.work() as uow:
        home = uow.session.get_one(Organisation, upload.organisation_id)
        case_id = uow.session.scalars(select(Case.id)).one()
    colleague = make_account(system, organisation=home)
    with system.work() as uow:
        uow.session.add(CaseFollow(account_id=colleague.id, case_id=case_id, follow=Follow.WATCH))
        uow.session.flush()
        told = {"downloaded_by": [engineer.email]}
        now = uow.session.get_one(Upload, upload.id)
        notices.announce(uow, Event.UPLOAD_RECALLED, now, occasion="a test", told=told)
    read = texts(system, upload, Event.UPLOAD_RECALLED)
    assert {sender.email, engineer.email, colleague.email} <= set(read)
    assert f"Downloaded by: {engineer.email}" in read[engineer.email]
    released = texts(system, upload, Event.UPLOAD_CLEAN)
    assert "because you sent this bundle" in released[sender.email]
    for customer in (sender.email, colleague.email):
        assert engineer.email not in read[customer]
        assert "Look at the machine that it comes from." in read[customer]


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
    """It may be on its way already. What goes is the receipt."""
    upload = make_upload(system, sender, filename="very-private.tgz")
    (row,) = outbox(system, upload.id)
    with system.work() as uow:
        values = {name: getattr(row, name) for name in ("event", "recipient", "dedupe_key")}
        uow.session.add(Subscription(account_id=sender.id, event=Event.UPLOAD_DELETED, way=Way.NOW))
        removal.delete(uow, upload.id, "Kept for 30 days, as agreed.")
        uow.session.add(Delivery(**values, upload_id=upload.id))
        uow.session.flush()
    for each in outbox(system, upload.id):
        deliver(system, str(each.id))
    (receipt,) = mailer.sent
    assert receipt.subject == f"[no case] Deleted: bundle {str(upload.id)[:8]}"
    for fact in (str(upload.id), str(upload.sha256), "Kept for 30 days, as agreed.", "UTC", sender.email):
        assert fact in receipt.text
    assert "very-private" not in receipt.text
    assert {each.event for each in outbox(system, upload.id) if each.dead_at} == {Event.UPLOAD_RECEIVED}
    assert not [record for record in caplog.records if record.levelname == "ERROR"]
    assert fresh(system, upload.id).state is UploadState.DELETED
