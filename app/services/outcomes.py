"""What came of a send: between one and three per row that may have arrived, then a dead letter.

A channel's are counted: who fails again and again is paused, and what is for them waits.
"""

import re
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Text, case, cast, func, update
from sqlalchemy.dialects.postgresql import ARRAY

from app.domain.channels import FAILING_FOR, MAX_IN_A_ROW, ChannelKind
from app.domain.errors import DependencyError
from app.log import get_logger
from app.models import Channel, Delivery
from app.services import pausing, sealed_codes
from app.uow import UnitOfWork

log = get_logger(__name__)

MAX_ATTEMPTS = 3  # sends that may have reached somebody
MAX_FAILURES = 30  # sends that surely did not; with the back-off, about a day
_FIRST_RETRY, _LONGEST_RETRY = 15, 3600  # seconds

#: What a row tells without the code in it.
_CODELESS: ColumnElement[Any] = Delivery.told.op("-")(cast(list(sealed_codes.NAMES), ARRAY(Text)))


def back_off(failures: int) -> timedelta:
    """Return how long to wait after so many failures."""
    return timedelta(seconds=min(_FIRST_RETRY * 2 ** (failures - 1), _LONGEST_RETRY))


def sent(uow: UnitOfWork, delivery_id: UUID) -> None:
    """Note that whoever brings it further took it."""
    channel_id = uow.session.scalar(
        update(Delivery)
        .where(Delivery.id == delivery_id)
        .values(
            sent_at=func.now(),
            last_error=None,
            told=_CODELESS,
        )
        .returning(Delivery.channel_id)
    )
    if channel_id is not None:
        uow.session.execute(
            update(Channel)
            .where(Channel.id == channel_id)
            .values(failures=0, last_error=None, last_sent_at=func.now())
        )


def failed(uow: UnitOfWork, delivery_id: UUID, why: str, *, for_good: bool, gone: bool = False) -> None:
    """Note that it surely did not go: it may be tried again unless ``for_good``.

    ``gone``: its channel says that nothing ever will.
    """
    # At once, as others may count, too: whoever took so long that the next try has begun is one of two.
    delivery = uow.session.scalars(
        update(Delivery)
        .where(Delivery.id == delivery_id)
        .values(attempts=func.greatest(Delivery.attempts - 1, 0), failures=Delivery.failures + 1)
        .returning(Delivery)
        .execution_options(synchronize_session=False, populate_existing=True)
    ).one_or_none()
    if delivery is None:
        return  # what it was about was deleted meanwhile
    delivery.last_error = _without_code(uow, delivery, why)
    if for_good or delivery.failures >= MAX_FAILURES:
        bury(delivery)
    else:
        delivery.next_at = func.now() + back_off(delivery.failures)
    _blame(uow, delivery, refused=for_good, gone=gone)


def unwritable(uow: UnitOfWork, delivery_id: UUID, why: str) -> None:
    """Note that no message could be made of it: it is put off, and dead in the end.

    The row is not read: it may itself be what is wrong. No channel is to blame.
    """
    is_open = (Delivery.id == delivery_id, Delivery.sent_at.is_(None), Delivery.dead_at.is_(None))
    failures = uow.session.scalar(
        update(Delivery)
        .where(*is_open)
        .values(failures=Delivery.failures + 1, last_error=why)
        .returning(Delivery.failures)
    )
    if failures is None:
        return
    change = {"next_at": func.now() + back_off(failures)}
    if failures >= MAX_FAILURES:
        log.error("dead_letter", delivery_id=delivery_id, why=why)
        change = {"dead_at": func.now(), "told": _CODELESS}
    uow.session.execute(update(Delivery).where(*is_open).values(**change))


def uncertain(uow: UnitOfWork, delivery_id: UUID, why: str) -> None:
    """Note that nobody can say whether it went; the attempt stays counted."""
    delivery = uow.session.get(Delivery, delivery_id)
    if delivery is None:
        return
    delivery.last_error = _without_code(uow, delivery, why)
    _blame(uow, delivery, refused=False, gone=False)


def _blame(uow: UnitOfWork, delivery: Delivery, *, refused: bool, gone: bool) -> None:
    """Count it against the channel, if it is for one; pause that if it has failed too often, for too long.

    A mailbox is only to blame for what was refused: else it is the mail server, which is everybody's.
    """
    channel = delivery.channel
    if channel is None or (channel.kind is ChannelKind.EMAIL and not refused):
        return
    since = case((Channel.failures > 0, func.coalesce(Channel.failing_since, func.now())), else_=func.now())
    failures, for_long = uow.session.execute(
        update(Channel)
        .where(Channel.id == channel.id)
        .values(failures=Channel.failures + 1, failing_since=since, last_error=delivery.last_error)
        .returning(Channel.failures, Channel.failing_since <= func.now() - FAILING_FOR)
    ).one()
    if gone:
        pausing.pause(uow, channel.id, "It says that it is gone for good (410).")
    elif for_long and failures >= MAX_IN_A_ROW:
        why = f"It failed {failures} times in a row, last: {delivery.last_error}"
        pausing.pause(uow, channel.id, why)


def overtake(delivery: Delivery, why: str) -> None:
    """Send it no more: what it would say is not so, or for nobody."""
    _forget_code(delivery)
    delivery.dead_at, delivery.overtaken, delivery.last_error = func.now(), True, why
    log.info("letter_overtaken", delivery_id=delivery.id, delivery_event=delivery.event)


def bury(delivery: Delivery) -> None:
    """Try it no more, until somebody says so."""
    _forget_code(delivery)
    delivery.dead_at = func.now()
    log.error("dead_letter", delivery_id=delivery.id, delivery_event=delivery.event, why=delivery.last_error)


def code_of(uow: UnitOfWork, delivery: Delivery) -> str | None:
    """Return the code that a mail brings; None if there is none, or it cannot be read any more."""
    try:
        return sealed_codes.unseal(uow.settings, delivery.told)
    except DependencyError:
        log.error("letter_unreadable", delivery_id=delivery.id, delivery_event=delivery.event)
        return None


def _without_code(uow: UnitOfWork, delivery: Delivery, why: str) -> str:
    """Return why a mail did not go without the code in it, which a server may quote from the mail."""
    code = code_of(uow, delivery)
    return re.sub(re.escape(code), "(code)", why, flags=re.IGNORECASE) if code else why


def _forget_code(delivery: Delivery) -> None:
    """Keep no code longer than it takes to mail it."""
    delivery.told = sealed_codes.without(delivery.told)
