"""What customers' mails say of how long a bundle is kept, and of what they can do themselves."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from app.domain.events import Event
from app.domain.lifecycle import UploadState
from app.domain.policy import Actor, Role
from app.domain.retention import RetentionSince
from app.domain.verdict import Obstacle
from app.models import Account, Delivery, EventRecord, Upload
from app.services import holding, letters, removal
from app.system import System
from tests.factories.keeping import WHY, admin, case_of, set_case_policy, set_policy
from tests.factories.people import make_account
from tests.factories.uploads import make_upload
from tests.integration.looking import outbox

BASE = "http://localhost"
TOLD = {
    UploadState.CLEAN: Event.UPLOAD_CLEAN,
    UploadState.INFECTED: Event.UPLOAD_INFECTED,
    UploadState.UNSCANNABLE: Event.UPLOAD_UNSCANNABLE,
}


def mails(system: System, upload: Upload) -> dict[tuple[str, Event], str]:
    """Return the texts as they would go now, by recipient and event."""
    rows = outbox(system, upload.id)
    with system.work() as uow:
        now = uow.session.get_one(Upload, upload.id, populate_existing=True)
        return {(row.recipient, row.event): letters.compose(row, now, BASE).text for row in rows}


@pytest.fixture
def engineer(system: System) -> Account:
    return make_account(system, Role.ENGINEER)


@pytest.mark.parametrize("state", list(TOLD))
def test_customers_read_until_when_it_is_kept(
    system: System, sender: Actor, engineer: Account, state: UploadState
) -> None:
    upload = make_upload(system, sender, state, case="cs-12")
    events = (Event.UPLOAD_RECEIVED, TOLD[state])
    for event in events:
        assert "Kept until" not in mails(system, upload)[sender.email, event], "until somebody deletes it"
    set_policy(system, upload.organisation_id, 30)
    ends = upload.sealed_at and upload.sealed_at + timedelta(days=30)
    assert ends
    said = mails(system, upload)
    for event in events:
        assert f"Kept until:    {ends.day} {ends:%b %Y, %H:%M} UTC" in said[sender.email, event]
    assert all("Kept until" not in text for (to, _), text in said.items() if to == engineer.email)
    with system.work() as uow:
        case = case_of(uow, "CS-12").id
    set_case_policy(system, case, 7, RetentionSince.CLOSED)
    for event in events:
        assert "Kept until:    7 days after the case is closed" in mails(system, upload)[sender.email, event]
    with system.work(admin(system)) as uow:
        holding.hold_case(uow, case, WHY)
    for text in (mails(system, upload)[sender.email, event] for event in events):
        assert "Kept until:    further notice" in text
        assert WHY not in text


@pytest.mark.parametrize(
    ("obstacle", "waits"),
    [(Obstacle.DAMAGED, False), (Obstacle.ENCRYPTED, False), (Obstacle.SCANNER_CRASH, True)],
)
def test_nobody_is_told_to_wait_who_is_asked_to_send_it_again(
    system: System, sender: Actor, obstacle: Obstacle, waits: bool
) -> None:
    upload = make_upload(system, sender, UploadState.UNSCANNABLE)
    with system.work() as uow:
        uow.session.get_one(Upload, upload.id).obstacle = obstacle
    text = mails(system, upload)[sender.email, Event.UPLOAD_UNSCANNABLE]
    assert ("There is nothing that you have to do" in text) is waits
    assert ("You can help with what the reason given here asks for" in text) is not waits


def test_a_receipt_of_deletion_says_once_who_it_was(system: System, sender: Actor) -> None:
    upload = make_upload(system, sender, UploadState.CLEAN)
    with system.work(admin(system)) as uow:
        gone = removal.delete(uow, upload.id, removal.by_support(WHY))
        record = uow.session.scalars(select(EventRecord)).one()
        with uow.session.no_autoflush:
            mail = Delivery(event=Event.UPLOAD_DELETED, recipient=sender.email, dedupe_key="a test", told={})
            mail.record, mail.account = record, uow.session.get_one(Account, sender.id)
            text = letters.compose(mail, gone, BASE).text
    assert f"Why:           {WHY}" in text
    assert text.lower().count("support") == 1
