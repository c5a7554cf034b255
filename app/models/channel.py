"""Where the portal tells of things besides to people: topics, webhooks, chats, shared mailboxes."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.domain.channels import ChannelKind
from app.models.account import Organisation
from app.models.base import Base, WithCreation, WithId, text_enum


class Channel(WithId, WithCreation, Base):
    """One address of one kind. What it takes to write to it is kept sealed (`services.vault`).

    ``failures`` counts those in a row, of which the first was at ``failing_since``; a channel that is
    paused is told nothing, and what would have been waits.
    """

    __tablename__ = "channel"

    kind: Mapped[ChannelKind] = mapped_column(text_enum(ChannelKind))
    name: Mapped[str] = mapped_column(String(100))
    organisation_id: Mapped[UUID | None] = mapped_column(  # it hears of this one's only; None: of all
        ForeignKey("organisation.id", ondelete="CASCADE"), index=True
    )
    events: Mapped[list[str]] = mapped_column(server_default=text("'[]'"))  # of `domain.events`
    sealed: Mapped[str] = mapped_column(Text)  # JSON: {"address": ..., "secret": ... or null}
    shown: Mapped[str] = mapped_column(String(200))  # the address, as much of it as may be shown
    failures: Mapped[int] = mapped_column(server_default="0", default=0)
    failing_since: Mapped[datetime | None]  # means nothing while ``failures`` is 0
    last_sent_at: Mapped[datetime | None]
    last_error: Mapped[str | None] = mapped_column(Text)
    paused_at: Mapped[datetime | None]
    paused_why: Mapped[str | None] = mapped_column(Text)
    removed_at: Mapped[datetime | None]  # the log of what it was told stays

    organisation: Mapped[Organisation | None] = relationship(lazy="joined")
