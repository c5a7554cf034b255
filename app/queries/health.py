"""What the database knows of the portal's own health. Nothing here may take long, or break the page."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, func, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from app.models import Channel, Delivery, StepRun

_PATIENCE = text("SELECT set_config('statement_timeout', '2000', true)")  # milliseconds

#: A scheduler that says nothing for so long does not run: on each node it writes every minute.
SILENT = timedelta(minutes=3)

_MAIL = Delivery.channel_id.is_(None)
_OPEN = and_(Delivery.sent_at.is_(None), Delivery.dead_at.is_(None))
# Others were overtaken by events. Said as the index of dead letters says it.
_GIVEN_UP = and_(Delivery.dead_at > func.now() - timedelta(days=1), ~Delivery.overtaken)
_LATELY = timedelta(days=31)  # further back nobody looks for a mail, among a million messages to channels
_OFTEN = 3  # failures of one mail that say that it is more than bad luck


@dataclass(frozen=True, slots=True)
class DatabaseFacts:
    """``size`` bytes; None: this login may not know. ``revision`` is the migrations' head, as applied."""

    version: str
    size: int | None
    connections: int | None
    most_connections: int
    revision: str | None


@dataclass(frozen=True, slots=True)
class MailFacts:
    """``waiting`` mails, ``failing`` of them tried more than once in vain; ``given_up`` in the last day.

    ``last_sent`` is None if none was within a month.
    """

    last_sent: datetime | None
    waiting: int
    failing: int
    given_up: int
    last_error: str | None


@dataclass(frozen=True, slots=True)
class ArchiverFacts:
    """When the server last archived a segment of its log, and last failed to; None: never."""

    archived_at: datetime | None
    failed_at: datetime | None


def hurry(session: Session) -> None:
    """Let no further statement of this transaction take longer than two seconds."""
    session.execute(_PATIENCE)


def database(session: Session) -> DatabaseFacts:
    """Return what answers, and how large it is."""
    settings = session.execute(
        text("SELECT current_setting('server_version'), current_setting('max_connections')::int")
    ).one()
    count = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
    return DatabaseFacts(
        version=str(settings[0]).partition(" ")[0],
        size=_if_allowed(session, "SELECT pg_database_size(current_database())"),
        connections=_if_allowed(session, count),
        most_connections=settings[1],
        revision=_if_allowed(session, "SELECT version_num FROM alembic_version"),
    )


def archiver(session: Session) -> ArchiverFacts | None:
    """Return how archiving goes; None where the server archives nothing, or does not say."""
    if _if_allowed(session, "SELECT current_setting('archive_mode')") in {None, "off"}:
        return None
    return ArchiverFacts(
        _if_allowed(session, "SELECT last_archived_time FROM pg_stat_archiver"),
        _if_allowed(session, "SELECT last_failed_time FROM pg_stat_archiver"),
    )


def mail(session: Session) -> MailFacts:
    """Return how mail goes, besides what goes to channels."""
    newest = Delivery.created_at.desc()
    lately = Delivery.created_at > func.now() - _LATELY
    sent = select(Delivery.sent_at).where(_MAIL, lately, Delivery.sent_at.is_not(None))
    error = select(Delivery.last_error).where(_MAIL, _OPEN, Delivery.last_error.is_not(None))
    counts = session.execute(
        select(func.count(), func.count().filter(Delivery.failures >= _OFTEN)).where(_MAIL, _OPEN)
    ).one()
    given_up = session.scalar(select(func.count()).select_from(Delivery).where(_MAIL, _GIVEN_UP))
    return MailFacts(
        session.scalar(sent.order_by(newest).limit(1)),
        counts[0],
        counts[1],
        given_up or 0,
        # What failed last is to be tried again last. Along the index of what waits, not of all that was.
        session.scalar(error.order_by(Delivery.next_at.desc()).limit(1)),
    )


def paused_channels(session: Session) -> Sequence[Channel]:
    """Return the channels that failed so often that nothing is sent to them any more."""
    paused = select(Channel).where(Channel.paused_at.is_not(None), Channel.removed_at.is_(None))
    return session.scalars(paused.order_by(Channel.name)).all()


def steps(session: Session) -> Sequence[StepRun]:
    """Return what the scheduler's steps came to, by name."""
    return session.scalars(select(StepRun).order_by(StepRun.name)).all()


def scheduler_seen(session: Session) -> tuple[datetime | None, bool]:
    """Return when any scheduler last said something (None: never), and whether that is lately.

    Of testing the scanner others may say something too: `python worker.py gate`.
    """
    last = func.max(func.greatest(StepRun.started_at, StepRun.finished_at))
    by_schedulers = select(last, last > func.now() - SILENT).where(StepRun.name != "tend_gate")
    seen, lately = session.execute(by_schedulers).one()
    return seen, bool(lately)


def _if_allowed(session: Session, statement: str) -> Any:
    """Return one value; None where the login may not ask for it, or it takes too long."""
    try:
        with session.begin_nested():
            return session.scalar(text(statement))
    except DBAPIError:
        return None
