"""Dead letters and replays: again, under the same number."""

import pytest
from sqlalchemy import func

from app.domain.errors import NotFoundError, StateConflictError
from app.domain.events import Event
from app.jobs.deliver import deliver
from app.models import Channel, Delivery, Upload
from app.services import channels, pausing, redelivery
from app.system import System
from tests.adapters.hook_sink import HookSink, hang_up
from tests.factories.told import make_channel
from tests.integration.channels.world import SECRET, fresh, only, spread_again, try_all


@pytest.mark.usefixtures("upload")
def test_a_dead_letter_gets_a_fresh_set_under_the_same_number(
    ready: System, channel: Channel, sink: HookSink
) -> None:
    sink.answer = hang_up
    try_all(ready, channel, 4)
    row = only(ready, channel)
    with ready.work() as uow:
        redelivery.retry(uow, row.id)
    sink.answer = 200
    deliver(ready, str(row.id))
    after = only(ready, channel)
    assert after.sent_at is not None
    assert (after.attempts, after.dedupe_key) == (1, row.dedupe_key)
    assert len({got.headers["webhook-id"] for got in sink.got}) == 1
    with ready.work() as uow, pytest.raises(StateConflictError):
        redelivery.retry(uow, row.id)


def test_all_of_a_channel_at_once_and_no_other(
    ready: System, channel: Channel, upload: Upload, sink: HookSink
) -> None:
    other = make_channel(ready, address=sink.url, secret=SECRET)
    spread_again(ready, upload, other)
    sink.answer = 400
    for each in (channel, other):
        try_all(ready, each)
    with ready.work() as uow:
        assert redelivery.retry_all(uow, channel.id) == 1
        assert redelivery.retry_all(uow, channel.id) == 0
    assert only(ready, channel).dead_at is None
    assert only(ready, other).dead_at is not None


@pytest.mark.usefixtures("upload")
def test_what_was_sent_can_be_replayed_under_the_same_number(
    ready: System, channel: Channel, sink: HookSink
) -> None:
    try_all(ready, channel)
    row = only(ready, channel)
    with ready.work() as uow:
        redelivery.replay(uow, row.id, channel.id)
    deliver(ready, str(row.id))
    first, second = sink.got
    assert first.body == second.body
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    with ready.work() as uow, pytest.raises(NotFoundError):
        redelivery.replay(uow, row.id, make_channel(ready).id)


def test_what_brought_a_secret_is_not_tried_again(ready: System) -> None:
    with ready.work() as uow:
        row = Delivery(
            event=Event.TICKET_ISSUED, recipient="a@b.example", dedupe_key="f" * 64, dead_at=func.now()
        )
        uow.session.add(row)
    with ready.work() as uow, pytest.raises(StateConflictError, match="forgotten"):
        redelivery.retry(uow, row.id)


@pytest.mark.usefixtures("upload")
def test_of_a_channel_that_was_removed_nothing_goes(ready: System, channel: Channel, sink: HookSink) -> None:
    with ready.work() as uow:
        pausing.stop(uow, channel.id)
        channels.remove(uow, channel.id)
    try_all(ready, channel)
    row = only(ready, channel)
    assert (row.overtaken, row.sent_at) == (True, None)
    assert sink.got == []
    assert channels.unseal(ready.settings, fresh(ready, channel)).address == ""
