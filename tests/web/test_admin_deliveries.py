"""The dead letters of everything: found, narrowed, tried again."""

from uuid import uuid4

import pytest
from sqlalchemy import func

from app.domain.events import Event
from app.domain.jobs import JobName
from app.models import Channel, Delivery
from app.system import System
from app.web.admin.channel_terms import WORDS
from tests.factories.told import make_channel
from tests.fakes import FakeQueue
from tests.web.callers import Browser
from tests.web.looks import deeds

PAGE = "/admin/deliveries"


def dead(
    system: System,
    recipient: str,
    event: Event = Event.GATE_OPENED,
    channel: Channel | None = None,
    *,
    overtaken: bool = False,
) -> Delivery:
    with system.work() as uow:
        row = Delivery(
            event=event,
            recipient=recipient,
            channel_id=channel.id if channel else None,
            dedupe_key=uuid4().hex,
            dead_at=func.now(),
            failures=30,
            overtaken=overtaken,
            last_error="The mail server is away.",
        )
        uow.session.add(row)
    return row


def test_none_is_good_news(admin_browser: Browser) -> None:
    assert "There are none" in admin_browser.get(PAGE).text


def test_every_event_has_words() -> None:
    assert set(WORDS) == set(Event)


def test_they_are_listed_and_narrowed(admin_browser: Browser, system: System) -> None:
    channel = make_channel(system)
    dead(system, "one@example.com")
    dead(system, "two_x@example.com", Event.DIGEST)
    dead(system, channel.name, Event.UPLOAD_CLEAN, channel)
    dead(system, "nobody@example.com", overtaken=True)
    everything = admin_browser.get(PAGE).text
    assert everything.count('name="delivery"') == 3
    assert "nobody@example.com" not in everything
    assert f'href="/admin/channels/{channel.id}"' in everything
    for query, found in (
        ("to=people", {"one@", "two_x@"}),
        ("to=channels", {channel.name}),
        ("event=digest", {"two_x@"}),
        ("recipient=TWO_", {"two_x@"}),
        ("recipient=t%25", set()),
    ):
        page = admin_browser.get(f"{PAGE}?{query}").text
        assert {each for each in ("one@", "two_x@", channel.name) if each in page} == found, query


@pytest.mark.parametrize("query", ["to=pigeons", "event=nothing", "cursor=x"])
def test_what_cannot_be_asked_is_said(admin_browser: Browser, query: str) -> None:
    assert admin_browser.get(f"{PAGE}?{query}").status_code == 400


def test_one_is_tried_again(admin_browser: Browser, system: System, queue: FakeQueue) -> None:
    row = dead(system, "one@example.com")
    answer = admin_browser.post(PAGE, {"delivery": str(row.id)}, follow_redirects=True)
    assert "It is tried again." in answer.text
    assert (JobName.DELIVER, str(row.id)) in queue.rung
    (deed,) = deeds(system, "delivery.retried")
    assert deed.detail["recipient"] == "one@example.com"
    assert admin_browser.post(PAGE, {"delivery": str(row.id)}).status_code == 409
    assert admin_browser.post(PAGE, {"delivery": str(uuid4())}).status_code == 404
    assert admin_browser.post(PAGE, {"delivery": "seven"}).status_code == 400


def test_what_brought_a_secret_is_sent_anew_elsewhere(admin_browser: Browser, system: System) -> None:
    row = dead(system, "one@example.com", Event.ACCOUNT_INVITED)
    assert "Send a new one" in admin_browser.get(PAGE).text
    assert admin_browser.post(PAGE, {"delivery": str(row.id)}).status_code == 409
