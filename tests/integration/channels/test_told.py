"""Channels through the outbox, to a real webhook: who hears what, how often, and what faults do (F24)."""

import json

import pytest

from app.domain.channels import ChannelKind
from app.domain.events import Event
from app.domain.lifecycle import UploadState
from app.domain.policy import Actor
from app.jobs.deliver import deliver
from app.models import Channel, Ticket, Upload
from app.services import channels, facts, notices, outcomes
from app.settings import Settings
from app.system import System
from tests.adapters.hook_sink import HookSink, hang_up
from tests.adapters.test_webhook import verifies
from tests.factories.mailbox import spread_all
from tests.factories.people import make_actor
from tests.factories.tickets import issue_ticket
from tests.factories.told import make_channel
from tests.factories.uploads import make_upload
from tests.fakes import FakeMailer
from tests.integration.channels.world import (
    SECRET,
    fresh,
    only,
    rows,
    try_all,
    wired,
)
from tests.integration.looking import race


def test_a_webhook_hears_of_a_bundle_once_and_can_verify_it(
    ready: System, channel: Channel, upload: Upload, sink: HookSink
) -> None:
    try_all(ready, channel, 3)
    (got,) = sink.got
    row = only(ready, channel)
    assert verifies(SECRET, got.headers, got.body)
    event = json.loads(got.body)
    assert event["id"] == got.headers["webhook-id"] == row.dedupe_key
    assert event["type"] == "diagport.upload.clean"
    assert event["source"] == ready.settings.base_url
    assert event["data"]["sha256"] == upload.sha256
    assert event["data"]["url"] == f"http://localhost/files/{upload.id}"
    assert (row.attempts, row.failures, row.last_error) == (1, 0, None)
    assert row.sent_at is not None
    assert fresh(ready, channel).last_sent_at is not None


def test_a_shared_mailbox_hears_too(ready: System, sender: Actor, mailer: FakeMailer) -> None:
    channel = make_channel(ready, ChannelKind.EMAIL, "shared@example.com", secret=None)
    make_upload(ready, sender, UploadState.CLEAN)
    spread_all(ready)
    try_all(ready, channel)
    assert [mail.to for mail in mailer.sent] == ["shared@example.com"]
    assert mailer.sent[0].unsubscribe is None


def test_only_its_own_organisations_bundles(ready: System, channel: Channel, sender: Actor) -> None:
    with ready.work() as uow:
        uow.session.get_one(Channel, channel.id).organisation_id = sender.organisation_id
    for actor in (make_actor(ready), sender):
        make_upload(ready, actor, UploadState.CLEAN)
    spread_all(ready)
    assert len(rows(ready, channel)) == 1


"""F24."""


@pytest.mark.usefixtures("upload")
def test_who_fails_for_now_is_tried_and_no_attempt_is_used(
    ready: System, channel: Channel, sink: HookSink
) -> None:
    sink.answer = 503
    try_all(ready, channel, 5)
    row = only(ready, channel)
    assert (row.attempts, row.failures, row.dead_at) == (0, 5, None)
    assert row.last_error == "It answered 503 (Service Unavailable)."
    assert fresh(ready, channel).failures == 5
    sink.answer = 200
    try_all(ready, channel)
    assert only(ready, channel).sent_at is not None
    after = fresh(ready, channel)
    assert (after.failures, after.last_error) == (0, None)
    assert {got.headers["webhook-id"] for got in sink.got} == {row.dedupe_key}


@pytest.mark.usefixtures("upload")
def test_what_may_have_arrived_is_sent_three_times_at_most(
    ready: System, channel: Channel, sink: HookSink
) -> None:
    sink.answer = hang_up
    try_all(ready, channel, 6)
    row = only(ready, channel)
    assert len(sink.got) == row.attempts == outcomes.MAX_ATTEMPTS
    assert row.dead_at is not None
    assert len({got.headers["webhook-id"] for got in sink.got}) == 1
    assert fresh(ready, channel).failures == outcomes.MAX_ATTEMPTS


@pytest.mark.usefixtures("upload")
def test_a_refusal_is_final_for_the_message_and_not_for_the_channel(
    ready: System, channel: Channel, sink: HookSink
) -> None:
    sink.answer = 404
    try_all(ready, channel, 3)
    assert len(sink.got) == 1
    assert only(ready, channel).dead_at is not None
    assert fresh(ready, channel).paused_at is None


@pytest.mark.usefixtures("upload")
def test_nobody_there_keeps_it_and_harms_no_upload(ready: System, channel: Channel, sender: Actor) -> None:
    with ready.work() as uow:
        row = uow.session.get_one(Channel, channel.id)
        row.sealed = channels.seal(ready.settings, channels.Address("http://127.0.0.1:1/", SECRET))
    try_all(ready, channel, 2)
    row_of = only(ready, channel)
    assert (row_of.attempts, row_of.failures, row_of.dead_at) == (0, 2, None)
    assert make_upload(ready, sender, UploadState.CLEAN).state is UploadState.CLEAN


@pytest.mark.usefixtures("upload")
def test_a_secret_that_cannot_be_read_is_a_failure_like_another(
    ready: System, channel: Channel, sink: HookSink
) -> None:
    with ready.work() as uow:
        uow.session.get_one(Channel, channel.id).sealed = "damaged"
    try_all(ready, channel)
    row = only(ready, channel)
    assert (row.attempts, row.failures) == (0, 1)
    assert "cannot be read" in str(row.last_error)
    assert sink.got == []


def test_of_two_senders_at_once_one_sends(committed: System, settings: Settings, sink: HookSink) -> None:
    system = wired(committed, settings)
    channel = make_channel(system, address=sink.url, secret=SECRET)
    make_upload(system, make_actor(system), UploadState.CLEAN)
    spread_all(system)
    row_id = only(system, channel).id
    assert race(2, lambda: deliver(system, str(row_id))) == [None, None]
    assert len(sink.got) == 1


def test_of_a_ticket_it_is_led_to_the_case(ready: System, sink: HookSink) -> None:
    channel = make_channel(ready, address=sink.url, secret=SECRET, events=(Event.TICKET_EXPIRING,))
    ticket = issue_ticket(ready).seen.ticket
    with ready.work() as uow:
        notices.announce(
            uow,
            Event.TICKET_EXPIRING,
            payload=facts.of_ticket(uow.session.get_one(Ticket, ticket.id)),
            case_id=ticket.case_id,
            account_id=ticket.made_by_id,
        )
    spread_all(ready)
    try_all(ready, channel)
    (got,) = sink.got
    assert json.loads(got.body)["data"]["url"] == f"http://localhost/cases/{ticket.case_id}"
