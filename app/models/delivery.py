"""The outbox: what must be told to whom."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String, Text, func, text
from sqlalchemy.orm import Mapped, mapped_column

from app.domain.events import Event
from app.models.base import Base, WithCreation, WithId, text_enum


class Delivery(WithId, WithCreation, Base):
    """One event for one recipient. Written with the state change that it tells of.

    ``attempts`` counts sends that may have reached somebody and is raised before the
    send; ``failures`` counts those that surely did not.
    """

    __tablename__ = "delivery"
    __table_args__ = (
        Index("ix_delivery_due", "next_at", postgresql_where=text("sent_at IS NULL AND dead_at IS NULL")),
    )

    event: Mapped[Event] = mapped_column(text_enum(Event))
    upload_id: Mapped[UUID | None] = mapped_column(  # None: the event is about no upload
        ForeignKey("upload.id", ondelete="CASCADE"), index=True
    )
    recipient: Mapped[str] = mapped_column(String(254))
    dedupe_key: Mapped[str] = mapped_column(String(64), unique=True)  # hex; also names the Message-ID
    told: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"), default=dict)  # for its words
    attempts: Mapped[int] = mapped_column(server_default="0", default=0)
    failures: Mapped[int] = mapped_column(server_default="0", default=0)
    next_at: Mapped[datetime] = mapped_column(server_default=func.now())
    sent_at: Mapped[datetime | None]
    dead_at: Mapped[datetime | None]
    last_error: Mapped[str | None] = mapped_column(Text)
