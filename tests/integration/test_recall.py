"""Who hears that a verdict has changed, and who has the bundle already: I6."""

from app.domain.events import Event
from app.domain.lifecycle import UploadState
from app.domain.policy import Actor, Role
from app.domain.verdict import Verdict
from app.jobs.deliver import deliver
from app.queries.accounts import actor_of
from app.services import audit, letters, quarantine
from app.system import System
from tests.factories.people import make_account, make_actor
from tests.factories.uploads import make_upload
from tests.fakes import FakeMailer
from tests.integration.looking import fresh, outbox
from tests.integration.rescanning import ask, claim, held, record, report_on

S, V, E = UploadState, Verdict, Event


def test_a_flip_names_to_staff_who_has_it_already(system: System, sender: Actor) -> None:
    staff = [make_account(system, role) for role in (Role.ENGINEER, Role.ENGINEER, Role.ADMIN)]
    upload = make_upload(system, sender, S.CLEAN)
    for account, action in ((staff[0], "upload.downloaded"),) * 3 + ((staff[1], "upload.salvaged"),):
        with system.work(actor_of(account, "127.0.0.1")) as uow:
            audit.record(uow, action, upload=upload)
    ask(system, upload)
    taken = claim(system, upload)
    assert taken
    assert record(system, taken, report_on(taken, V.INFECTED))
    now = fresh(system, upload.id)
    told = {row.recipient: row for row in outbox(system, upload.id) if row.event is E.UPLOAD_RECALLED}
    assert set(told) == {sender.label, *(account.email for account in staff)}
    for recipient, row in told.items():
        text = letters.compose(row, now, "http://localhost").text
        assert "Win.Trojan in a/b" in text
        if recipient == sender.label:
            assert not any(account.email in text for account in staff)
        else:
            assert f"Downloaded by: {staff[0].email}, 3 times from " in text
            assert f"Downloaded by: {staff[1].email}, on " in text
            assert f"Downloaded by: {staff[2].email}" not in text


def test_each_flip_is_told(system: System, sender: Actor) -> None:
    make_account(system, Role.ENGINEER)
    upload = make_upload(system, sender, S.CLEAN)
    for verdict in (V.INFECTED, V.CLEAN, V.INFECTED):
        ask(system, upload)
        taken = claim(system, upload)
        assert taken
        assert record(system, taken, report_on(taken, verdict))
    events = [row.event for row in outbox(system, upload.id) if row.recipient != sender.label]
    assert sorted(events) == [E.UPLOAD_CLEAN] * 2 + [E.UPLOAD_RECALLED] * 2


def test_nobody_is_told_that_it_is_ready_when_it_no_longer_is(
    system: System, sender: Actor, mailer: FakeMailer
) -> None:
    """The mail server was away meanwhile."""
    make_account(system, Role.ENGINEER)
    taken = held(system, sender, S.CLEAN)
    assert record(system, taken, report_on(taken, V.INFECTED))
    for delivery in outbox(system, taken.upload_id):
        deliver(system, str(delivery.id))
    assert {message.subject.split(": ")[0] for message in mailer.sent} == {
        "[no case] Received",
        "[no case] Virus found later",
    }


def test_who_fetched_what_was_released_is_named_too(system: System, sender: Actor) -> None:
    engineer = make_actor(system, Role.ENGINEER)
    upload = make_upload(system, sender, S.UNSCANNABLE)
    with system.work(engineer) as uow:
        quarantine.release(uow, upload.id, "The customer and I have looked at it together.")
        audit.record(uow, "upload.downloaded", upload=upload, released=True)
    ask(system, upload)
    taken = claim(system, upload)
    assert taken
    assert record(system, taken, report_on(taken, V.INFECTED))
    now = fresh(system, upload.id)
    rows = [row for row in outbox(system, upload.id) if row.event is E.UPLOAD_INFECTED]
    texts = {row.recipient: letters.compose(row, now, "http://localhost").text for row in rows}
    assert f"Downloaded by: {engineer.label}, on " in texts[engineer.label]
    assert engineer.label not in texts[sender.label]
