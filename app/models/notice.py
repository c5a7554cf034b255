"""What people hear of in the portal, and how they want to hear of it elsewhere."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.domain.events import Event
from app.domain.subscriptions import Follow, Way
from app.models.base import Base, WithCreation, WithId, text_enum
from app.models.delivery import EventRecord


class Notice(WithId, WithCreation, Base):
    """One event in one person's list of notices."""

    __tablename__ = "notice"
    __table_args__ = (
        UniqueConstraint("account_id", "record_id"),
        Index(None, "account_id", "created_at", "id"),
        Index("ix_notice_unread", "account_id", postgresql_where=text("read_at IS NULL")),
        Index(None, "created_at"),  # for what is forgotten, as the next
        Index("ix_notice_read", "read_at", postgresql_where=text("read_at IS NOT NULL")),
        Index("ix_notice_digest", "digest_at", postgresql_where=text("digest_at IS NOT NULL")),
    )

    account_id: Mapped[UUID] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"))
    record_id: Mapped[UUID] = mapped_column(ForeignKey("event_record.id", ondelete="CASCADE"), index=True)
    read_at: Mapped[datetime | None]
    digest_at: Mapped[datetime | None]  # it is to be in the digest of then; None: in none, or it has gone

    record: Mapped[EventRecord] = relationship(lazy="joined", innerjoin=True)


class Subscription(WithId, WithCreation, Base):
    """How one person wants to hear of one event: in general, or of one organisation's, or of one case's."""

    __tablename__ = "subscription"
    __table_args__ = (
        UniqueConstraint(
            "account_id", "event", "organisation_id", "case_id", postgresql_nulls_not_distinct=True
        ),
    )

    account_id: Mapped[UUID] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"))
    event: Mapped[Event] = mapped_column(text_enum(Event))
    organisation_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("organisation.id", ondelete="CASCADE"), index=True
    )
    case_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("support_case.id", ondelete="CASCADE"), index=True
    )
    way: Mapped[Way] = mapped_column(text_enum(Way))


class CaseFollow(WithCreation, Base):
    """One person watches a case, or has muted it."""

    __tablename__ = "case_follow"

    account_id: Mapped[UUID] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"), primary_key=True)
    case_id: Mapped[UUID] = mapped_column(
        ForeignKey("support_case.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    follow: Mapped[Follow] = mapped_column(text_enum(Follow))


class UploadSight(Base):
    """When one person last had an upload before them."""

    __tablename__ = "upload_sight"

    account_id: Mapped[UUID] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"), primary_key=True)
    upload_id: Mapped[UUID] = mapped_column(
        ForeignKey("upload.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    seen_at: Mapped[datetime] = mapped_column(server_default=func.now())


class KnownDevice(WithId, WithCreation, Base):
    """A browser from which somebody has signed in: it carries a cookie of which the SHA-256 is kept."""

    __tablename__ = "known_device"
    __table_args__ = (UniqueConstraint("account_id", "token_hash"),)

    account_id: Mapped[UUID] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"))
    token_hash: Mapped[str] = mapped_column(String(64))
    last_seen_at: Mapped[datetime] = mapped_column(server_default=func.now())
