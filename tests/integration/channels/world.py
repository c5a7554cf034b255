"""Looking at channels, and letting time pass for what they are to be told."""

from dataclasses import replace

from sqlalchemy import func, select, update

from app import bootstrap
from app.domain.events import Event
from app.jobs.deliver import deliver
from app.models import Channel, Delivery, EventRecord, Upload
from app.settings import Settings
from app.system import System
from tests.factories.mailbox import spread_all

SECRET = "whsec_" + "c2VjcmV0IGZvciB0ZXN0cyBvbmx5ISE="


def wired(system: System, settings: Settings) -> System:
    """Return the product with the channels that `bootstrap` gives it."""
    theirs = bootstrap.adapters(settings).channels
    return replace(system, adapters=replace(system.adapters, channels=theirs))


def fresh(system: System, channel: Channel) -> Channel:
    with system.work() as uow:
        return uow.session.get_one(Channel, channel.id, populate_existing=True)


def rows(system: System, channel: Channel) -> list[Delivery]:
    with system.work() as uow:
        query = select(Delivery).where(Delivery.channel_id == channel.id).order_by(Delivery.created_at)
        return list(uow.session.scalars(query.execution_options(populate_existing=True)))


def only(system: System, channel: Channel) -> Delivery:
    (row,) = rows(system, channel)
    return row


def try_all(system: System, channel: Channel, times: int = 1) -> None:
    """Let the back-off of a channel's messages pass, and deliver them, so many times."""
    for _ in range(times):
        with system.work() as uow:
            of_it = Delivery.channel_id == channel.id
            uow.session.execute(update(Delivery).where(of_it).values(next_at=func.now()))
        for row in rows(system, channel):
            deliver(system, str(row.id))


def paused_events(system: System) -> list[EventRecord]:
    with system.work() as uow:
        query = select(EventRecord).where(EventRecord.event == Event.CHANNEL_PAUSED)
        return list(uow.session.scalars(query))


def spread_again(system: System, upload: Upload, channel: Channel) -> None:
    """Let a channel that was made later hear of an upload, too."""
    with system.work() as uow:
        record = uow.session.scalars(
            select(EventRecord).where(
                EventRecord.upload_id == upload.id, EventRecord.event == Event.UPLOAD_CLEAN
            )
        ).one()
        record.spread_at = None
    spread_all(system)
