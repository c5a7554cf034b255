"""The outbox: what happened, and what must be told to whom."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String, Text, func, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.domain.events import Event
from app.models.account import Account
from app.models.base import Base, WithCreation, WithId, text_enum
from app.models.channel import Channel


class EventRecord(WithId, WithCreation, Base):
    """Something happened. Written with the state change that it tells of; spread to whom it concerns later.

    Deleting a bundle takes its records along, and with them what was told of it.
    """

    __tablename__ = "event_record"
    __table_args__ = (
        Index("ix_event_record_unspread", "created_at", postgresql_where=text("spread_at IS NULL")),
        Index(None, "created_at"),  # for what is forgotten
    )

    event: Mapped[Event] = mapped_column(text_enum(Event))
    version: Mapped[int] = mapped_column(server_default="1", default=1)  # of the payload's shape
    payload: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))  # of `domain.payloads`
    told: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"), default=dict)  # for the words
    upload_id: Mapped[UUID | None] = mapped_column(ForeignKey("upload.id", ondelete="CASCADE"), index=True)
    case_id: Mapped[UUID | None] = mapped_column(  # one that goes away takes nothing along of what is told
        ForeignKey("support_case.id", ondelete="SET NULL"), index=True
    )
    organisation_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("organisation.id", ondelete="CASCADE"), index=True
    )
    account_id: Mapped[UUID | None] = mapped_column(  # whom alone it concerns
        ForeignKey("account.id", ondelete="CASCADE"), index=True
    )
    dedupe_key: Mapped[str] = mapped_column(String(64), unique=True)  # hex
    spread_at: Mapped[datetime | None]  # when it was found out who hears of it
    failures: Mapped[int] = mapped_column(server_default="0", default=0)  # to find that out
    next_at: Mapped[datetime] = mapped_column(server_default=func.now())  # when that is tried


class Delivery(WithId, WithCreation, Base):
    """One event for one recipient. Written with the state change that it tells of, or when that is spread.

    ``attempts`` counts sends that may have reached somebody and is raised before the
    send; ``failures`` counts those that surely did not.
    """

    __tablename__ = "delivery"
    __table_args__ = (
        Index("ix_delivery_due", "next_at", postgresql_where=text("sent_at IS NULL AND dead_at IS NULL")),
        # The delivery log, of all and of one channel; and what needs somebody's attention.
        Index(None, "created_at", "id"),
        Index(None, "channel_id", "created_at", "id", postgresql_where=text("channel_id IS NOT NULL")),
        Index(
            "ix_delivery_dead",
            "dead_at",
            "id",
            postgresql_where=text("dead_at IS NOT NULL AND NOT overtaken"),
        ),
    )

    event: Mapped[Event] = mapped_column(text_enum(Event))
    record_id: Mapped[UUID | None] = mapped_column(  # None: told to one address, and nobody else hears of it
        ForeignKey("event_record.id", ondelete="CASCADE"), index=True
    )
    channel_id: Mapped[UUID | None] = mapped_column(  # None: a mail to a person
        ForeignKey("channel.id", ondelete="CASCADE")
    )
    account_id: Mapped[UUID | None] = mapped_column(  # None: a channel, or an address without an account
        ForeignKey("account.id", ondelete="CASCADE"), index=True
    )
    upload_id: Mapped[UUID | None] = mapped_column(  # None: the event is about no upload
        ForeignKey("upload.id", ondelete="CASCADE"), index=True
    )
    recipient: Mapped[str] = mapped_column(String(254))  # a mail address, or the channel's name
    dedupe_key: Mapped[str] = mapped_column(String(64), unique=True)  # hex; also names the Message-ID
    told: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"), default=dict)  # for its words
    attempts: Mapped[int] = mapped_column(server_default="0", default=0)
    failures: Mapped[int] = mapped_column(server_default="0", default=0)
    next_at: Mapped[datetime] = mapped_column(server_default=func.now())
    sent_at: Mapped[datetime | None]
    dead_at: Mapped[datetime | None]
    overtaken: Mapped[bool] = mapped_column(server_default="false", default=False)  # dead, for no fault
    last_error: Mapped[str | None] = mapped_column(Text)

    record: Mapped[EventRecord | None] = relationship(lazy="joined")
    account: Mapped[Account | None] = relationship(lazy="joined")
    channel: Mapped[Channel | None] = relationship(lazy="joined")
