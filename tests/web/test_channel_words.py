"""What the pages say of channels: refused at once, sent before, paused and why."""

import pytest
from sqlalchemy import func

from app.domain.channels import ChannelKind
from app.domain.events import Event
from app.models import Delivery
from app.services import pausing, redelivery
from app.system import System
from tests.factories.mailbox import send_all
from tests.factories.told import make_channel
from tests.fakes import FakeMailer
from tests.web.callers import Browser
from tests.web.looks import deeds
from tests.web.test_admin_channels import only, page_of, typed
from tests.web.test_channel_acts import told

GONE = "It says that it is gone for good (410)."


@pytest.mark.parametrize("kind", [ChannelKind.WEBHOOK, ChannelKind.SLACK, ChannelKind.TEAMS])
def test_a_private_number_is_refused_when_it_is_saved(
    admin_browser: Browser, system: System, kind: ChannelKind
) -> None:
    """T40."""
    answer = admin_browser.post("/admin/channels/new", typed(kind, address="https://10.0.0.1/hook"))
    assert answer.status_code == 422
    assert "The address lies in a private network" in answer.text
    assert deeds(system, "channel.created") == []


def test_two_of_one_name_are_refused(admin_browser: Browser, system: System) -> None:
    assert admin_browser.post("/admin/channels/new", typed()).status_code == 200
    answer = admin_browser.post("/admin/channels/new", typed(name="ticket  SYSTEM"))
    assert answer.status_code == 422
    assert "Another channel has this name." in answer.text
    channel = only(system)
    same = typed(address="")
    assert admin_browser.post(page_of(channel), same | {"act": "save"}).status_code == 303
    admin_browser.post(page_of(channel), {"act": "remove"})
    assert admin_browser.post("/admin/channels/new", typed()).status_code == 200


def test_a_replay_that_fails_leaves_it_sent(admin_browser: Browser, system: System) -> None:
    channel = make_channel(system)
    row = told(system, channel, sent_at=func.now(), attempts=1)
    with system.work() as uow:
        redelivery.replay(uow, row.id, channel.id)
    assert "First sent" in admin_browser.get(page_of(channel)).text
    with system.work() as uow:
        again = uow.session.get_one(Delivery, row.id, populate_existing=True)
        again.dead_at, again.failures, again.last_error = func.now(), 1, "It answered 404 (Not Found)."
    page = admin_browser.get(page_of(channel)).text
    for words in ("Sent</span>", "Sending again failed", "First sent", "It answered 404 (Not Found)."):
        assert words in page
    assert "Given up" not in page
    assert "One message was given up" not in page
    assert "There are none" in admin_browser.get("/admin/deliveries").text
    form = {"act": "replay", "delivery": str(row.id)}
    assert admin_browser.post(page_of(channel), form).status_code == 303


def test_nothing_waits_is_said_so(admin_browser: Browser, system: System) -> None:
    channel = make_channel(system)
    admin_browser.post(page_of(channel), {"act": "pause"})
    page = admin_browser.get(page_of(channel)).text
    assert "Nothing waits. Put right" in page
    assert "0 messages" not in page


def test_who_is_told_that_it_is_paused_reads_the_reason_alone(
    admin_browser: Browser, system: System, mailer: FakeMailer
) -> None:
    channel = make_channel(system)
    with system.work() as uow:
        assert pausing.pause(uow, channel.id, GONE)
    (mail,) = [each for each in send_all(system, mailer) if each.event == Event.CHANNEL_PAUSED]
    assert f"http://localhost{page_of(channel)}" in mail.text
    page = admin_browser.get("/notices").text
    assert f'href="{page_of(channel)}"' in page
    for said in (mail.text, page):
        assert GONE.rstrip(".") in said
        assert "again and again" not in said
        assert "repeated failures" not in said
