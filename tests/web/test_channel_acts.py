"""The admin's page of a channel: tried, paused, resumed, removed, and the log of what it was told."""

import re
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import func, select

from app.domain.events import Event
from app.domain.jobs import JobName
from app.domain.lifecycle import UploadState
from app.models import Channel, Delivery
from app.services import channels, pausing
from app.system import System
from tests.factories.mailbox import spread_all
from tests.factories.told import make_channel
from tests.factories.uploads import make_upload
from tests.fakes import FakeQueue
from tests.web.callers import Browser, Caller
from tests.web.looks import deeds
from tests.web.test_admin_channels import URL, only, page_of, typed


def told(system: System, channel: Channel, **more: object) -> Delivery:
    """Put a message for a channel into the outbox."""
    with system.work() as uow:
        row = Delivery(
            event=Event.GATE_OPENED, channel_id=channel.id, recipient=channel.name, dedupe_key=uuid4().hex
        )
        for name, value in more.items():
            setattr(row, name, value)
        uow.session.add(row)
    return row


def test_a_test_goes_into_the_outbox(admin_browser: Browser, system: System, queue: FakeQueue) -> None:
    channel = make_channel(system)
    answer = admin_browser.post(page_of(channel), {"act": "test"}, follow_redirects=True)
    assert "The test is on its way" in answer.text
    with system.work() as uow:
        row = uow.session.scalars(select(Delivery).where(Delivery.channel_id == channel.id)).one()
    assert row.event is Event.CHANNEL_TEST
    assert (JobName.DELIVER, str(row.id)) in queue.rung
    assert len(deeds(system, "channel.tested")) == 1


def test_paused_it_says_why_and_can_be_resumed(admin_browser: Browser, system: System) -> None:
    channel = make_channel(system)
    told(system, channel)
    with system.work() as uow:
        pausing.pause(uow, channel.id, "It failed 20 times in a row, last: <b>no</b>")
    page = admin_browser.get(page_of(channel)).text
    assert "last: &lt;b&gt;no&lt;/b&gt;" in page
    assert "One message waits" in page
    assert "Paused" in admin_browser.get("/admin/channels").text
    admin_browser.post(page_of(channel), {"act": "resume"})
    assert only(system).paused_at is None
    admin_browser.post(page_of(channel), {"act": "pause"})
    assert only(system).paused_at is not None
    assert [len(deeds(system, f"channel.{what}")) for what in ("paused", "resumed")] == [2, 1]


def test_the_log_says_what_became_of_each_and_offers_the_right_thing(
    admin_browser: Browser, system: System
) -> None:
    channel = make_channel(system)
    sent = told(system, channel, sent_at=func.now(), attempts=1)
    dead = told(system, channel, dead_at=func.now(), failures=3, last_error="It answered 404 (Not Found).")
    told(system, channel, dead_at=func.now(), overtaken=True)
    page = admin_browser.get(page_of(channel)).text
    for words in ("Sent", "Given up", "Not needed any more", "It answered 404 (Not Found).", "tried 3 times"):
        assert words in page
    assert page.count('value="replay"') == page.count('value="retry"') == 1
    assert "One message was given up." in page
    for act, row in (("replay", sent), ("retry", dead)):
        answer = admin_browser.post(page_of(channel), {"act": act, "delivery": str(row.id)})
        assert answer.status_code == 303
        assert admin_browser.post(page_of(channel), {"act": act, "delivery": str(row.id)}).status_code == 409
    with system.work() as uow:
        uow.session.expire_all()
        again = [uow.session.get_one(Delivery, row.id) for row in (sent, dead)]
    assert [(row.sent_at, row.dead_at, row.attempts, row.failures) for row in again] == [
        (None, None, 0, 0)
    ] * 2
    assert [row.dedupe_key for row in again] == [sent.dedupe_key, dead.dedupe_key]
    assert len(deeds(system, "delivery.replayed")) == len(deeds(system, "delivery.retried")) == 1


def test_the_log_says_what_it_was_told_of_a_bundle(
    admin_browser: Browser, system: System, customer: Caller
) -> None:
    channel = make_channel(system)
    upload = make_upload(system, customer.actor, UploadState.CLEAN)
    spread_all(system)
    page = admin_browser.get(page_of(channel)).text
    assert f"{upload.filename} is ready" in page
    assert f'href="/files/{upload.id}"' in page
    assert "On its way" in page


def test_the_log_is_read_page_by_page(admin_browser: Browser, system: System) -> None:
    channel = make_channel(system)
    for number in range(21):
        told(system, channel, last_error=f"number {number:02}", created_at=func.now() - timedelta(number))
    first = admin_browser.get(page_of(channel)).text
    assert "number 19" in first
    assert "number 20" not in first
    (older,) = re.findall(r'href="([^"]+cursor=[^"]+)"', first)
    second = admin_browser.get(older.replace("&amp;", "&")).text
    assert "number 20" in second
    assert "number 19" not in second
    assert admin_browser.get(f"{page_of(channel)}?cursor=damaged").status_code == 400


def test_removed_it_is_gone_and_its_address_forgotten(admin_browser: Browser, system: System) -> None:
    channel = make_channel(system, address=URL)
    assert admin_browser.post(page_of(channel), {"act": "remove"}).status_code == 303
    assert admin_browser.get(page_of(channel)).status_code == 404
    for act in ("save", "test", "resume", "secret", "remove", "retry-all"):
        assert admin_browser.post(page_of(channel), typed() | {"act": act}).status_code == 404
    assert channels.unseal(system.settings, only(system)).address == ""
    assert "of a test" not in admin_browser.get("/admin/channels").text


@pytest.mark.parametrize("act", ["explode", "retry", "replay"])
def test_a_button_that_is_none_is_refused(admin_browser: Browser, system: System, act: str) -> None:
    assert admin_browser.post(page_of(make_channel(system)), {"act": act}).status_code == 400


def test_another_channels_messages_are_not_its_own(admin_browser: Browser, system: System) -> None:
    one, other = make_channel(system), make_channel(system)
    row = told(system, other, dead_at=func.now())
    for act in ("retry", "replay"):
        answer = admin_browser.post(page_of(one), {"act": act, "delivery": str(row.id)})
        assert answer.status_code == 404
