"""A channel that fails again and again is paused, says so, and goes on when it is resumed (F24)."""

import json
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from app.domain.channels import FAILING_FOR, MAX_IN_A_ROW, ChannelKind
from app.domain.errors import (
    DeliveryRefusedError,
    DeliveryUncertainError,
    DependencyError,
    PortalError,
)
from app.domain.events import Event
from app.domain.lifecycle import UploadState
from app.domain.policy import Actor, Role
from app.jobs import periodic
from app.models import AuditEvent, Channel, Delivery, EventRecord
from app.services import channels, pausing
from app.system import System
from tests.adapters.hook_sink import HookSink
from tests.factories.mailbox import spread_all
from tests.factories.people import make_account
from tests.factories.told import make_channel
from tests.factories.uploads import make_upload
from tests.fakes import FakeMailer, FakeQueue
from tests.integration.channels.world import (
    fresh,
    only,
    paused_events,
    rows,
    try_all,
)


def fail(ready: System, channel: Channel, times: int, sink: HookSink) -> None:
    """Fail so often, the first time a quarter of an hour before the others."""
    sink.answer = 500
    try_all(ready, channel)
    with ready.work() as uow:
        uow.session.execute(update(Channel).values(failing_since=Channel.failing_since - FAILING_FOR))
    try_all(ready, channel, times - 1)


@pytest.mark.usefixtures("upload")
def test_after_so_many_in_a_row_it_is_paused_and_admins_hear_once(
    ready: System, channel: Channel, sink: HookSink, queue: FakeQueue
) -> None:
    admin = make_account(ready, Role.ADMIN)
    fail(ready, channel, MAX_IN_A_ROW - 1, sink)
    assert fresh(ready, channel).paused_at is None
    fail(ready, channel, 3, sink)
    after = fresh(ready, channel)
    assert after.paused_at is not None
    assert "20 times in a row" in str(after.paused_why)
    assert len(sink.got) == MAX_IN_A_ROW  # and no more
    (event,) = paused_events(ready)
    assert event.payload["name"] == channel.name
    spread_all(ready)
    with ready.work() as uow:
        told = select(Delivery.recipient).where(Delivery.event == Event.CHANNEL_PAUSED)
        assert list(uow.session.scalars(told)) == [admin.email]
        actions = uow.session.scalars(select(AuditEvent.action)).all()
    assert "channel.paused" in actions
    queue.rung.clear()
    with ready.work() as uow:  # long due
        ago = func.now() - timedelta(hours=1)
        uow.session.execute(update(Delivery).where(Delivery.channel_id == channel.id).values(next_at=ago))
    periodic.ring_deliveries(ready)
    assert str(only(ready, channel).id) not in [argument for _, argument in queue.rung]


@pytest.mark.usefixtures("upload")
def test_many_failures_of_one_short_outage_pause_nothing(
    ready: System, channel: Channel, sink: HookSink
) -> None:
    """Though it has long had nothing to say: what counts is since when it fails."""
    sink.answer = 200
    try_all(ready, channel)
    with ready.work() as uow:
        uow.session.execute(update(Delivery).values(sent_at=None))
        uow.session.execute(update(Channel).values(last_sent_at=func.now() - timedelta(days=2)))
    sink.answer = 500
    try_all(ready, channel, MAX_IN_A_ROW + 5)
    after = fresh(ready, channel)
    assert (after.failures, after.paused_at) == (MAX_IN_A_ROW + 5, None)
    sink.answer = 200
    try_all(ready, channel)
    with ready.work() as uow:  # of long ago
        uow.session.execute(update(Channel).values(failing_since=func.now() - timedelta(days=2)))
        uow.session.execute(update(Delivery).values(sent_at=None))
    sink.answer = 500
    try_all(ready, channel, MAX_IN_A_ROW + 5)
    assert fresh(ready, channel).paused_at is None


@pytest.mark.parametrize(
    ("error", "failures"),
    [
        (DependencyError("The mail server is away."), 0),
        (DeliveryUncertainError("The mail server went away."), 0),
        (DeliveryRefusedError("No such mailbox."), 1),
    ],
)
def test_no_mailbox_is_to_blame_for_the_mail_server(
    ready: System, sender: Actor, mailer: FakeMailer, error: PortalError, failures: int
) -> None:
    shared = make_channel(ready, ChannelKind.EMAIL, "shared@example.com", secret=None)
    make_upload(ready, sender, UploadState.CLEAN)
    spread_all(ready)
    mailer.error = error
    try_all(ready, shared)
    assert fresh(ready, shared).failures == failures


@pytest.mark.usefixtures("upload")
def test_what_waited_goes_when_it_is_resumed(
    ready: System, channel: Channel, sink: HookSink, sender: Actor
) -> None:
    fail(ready, channel, MAX_IN_A_ROW, sink)
    sink.answer = 200
    sink.got.clear()
    make_upload(ready, sender, UploadState.CLEAN)
    spread_all(ready)
    try_all(ready, channel)
    assert sink.got == []
    with ready.work() as uow:
        pausing.resume(uow, channel.id)
    try_all(ready, channel)
    assert len(sink.got) == 2
    assert [row.sent_at is not None for row in rows(ready, channel)] == [True, True]


def test_a_test_goes_while_it_is_paused(ready: System, channel: Channel, sink: HookSink) -> None:
    with ready.work() as uow:
        pausing.stop(uow, channel.id)
        channels.test(uow, channel.id)
    try_all(ready, channel)
    (got,) = sink.got
    event = json.loads(got.body)
    assert event["type"] == "diagport.channel.test"
    assert event["data"]["name"] == channel.name
    assert fresh(ready, channel).paused_at is not None


@pytest.mark.usefixtures("upload")
def test_gone_pauses_at_once(ready: System, channel: Channel, sink: HookSink) -> None:
    sink.answer = 410
    try_all(ready, channel, 2)
    assert len(sink.got) == 1
    assert "410" in str(fresh(ready, channel).paused_why)
    assert len(paused_events(ready)) == 1


@pytest.mark.usefixtures("upload")
def test_paused_again_it_is_told_again(ready: System, channel: Channel, sink: HookSink) -> None:
    fail(ready, channel, MAX_IN_A_ROW, sink)
    with ready.work() as uow:
        pausing.resume(uow, channel.id)
        uow.session.execute(
            update(EventRecord).values(dedupe_key=EventRecord.id.cast(EventRecord.dedupe_key.type))
        )
        assert pausing.pause(uow, channel.id, "again")
        assert not pausing.pause(uow, channel.id, "and again")
    assert len(paused_events(ready)) == 2
