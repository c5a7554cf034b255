"""Channels that are told nothing for a while: because they fail, or because an admin says so."""

from uuid import UUID

from sqlalchemy import func, update

from app.domain.events import Event
from app.domain.payloads import ServiceFacts
from app.log import get_logger
from app.models import Channel
from app.services import audit, notices
from app.uow import UnitOfWork

log = get_logger(__name__)


def pause(uow: UnitOfWork, channel_id: UUID, why: str) -> bool:
    """Let what is for a channel wait, and tell admins; False if it waits, or the channel is gone, already."""
    channel = _switch(uow, channel_id, why)
    if channel is None:
        return False
    log.warning("channel_paused", channel_id=channel_id)
    notices.announce(
        uow,
        Event.CHANNEL_PAUSED,
        payload=ServiceFacts(name=channel.name, reason=why),
        occasion=f"{channel.id} {channel.paused_at}",
        told={"channel": str(channel.id), "name": channel.name, "reason": why},
    )
    audit.record(uow, "channel.paused", channel_id=str(channel.id), name=channel.name, reason=why)
    return True


def stop(uow: UnitOfWork, channel_id: UUID) -> None:
    """The same by an admin's hand, who need not be told."""
    if channel := _switch(uow, channel_id, "An admin paused it."):
        audit.record(uow, "channel.paused", channel_id=str(channel.id), name=channel.name)


def resume(uow: UnitOfWork, channel_id: UUID) -> None:
    """Let what waits for a channel go, and count anew. Nothing happens unless it is paused."""
    channel = uow.session.scalars(
        update(Channel)
        .where(Channel.id == channel_id, Channel.paused_at.is_not(None), Channel.removed_at.is_(None))
        .values(paused_at=None, paused_why=None, failures=0)
        .returning(Channel)
        .execution_options(populate_existing=True)
    ).one_or_none()
    if channel:
        audit.record(uow, "channel.resumed", channel_id=str(channel.id), name=channel.name)


def _switch(uow: UnitOfWork, channel_id: UUID, why: str) -> Channel | None:
    return uow.session.scalars(
        update(Channel)
        .where(Channel.id == channel_id, Channel.paused_at.is_(None), Channel.removed_at.is_(None))
        .values(paused_at=func.now(), paused_why=why)
        .returning(Channel)
        .execution_options(populate_existing=True)
    ).one_or_none()
