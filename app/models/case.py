"""Cases, and the tickets with which people who have no account send for one."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Computed, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.domain.retention import RetentionSince
from app.domain.tickets import TicketState, state_of
from app.models.account import Account, Organisation
from app.models.base import Base, WithCreation, WithId, text_enum

_SEARCH = "lower(reference || ' ' || title)"


class Case(WithId, WithCreation, Base):
    """What uploads are about. It comes to be with the first upload that names it, or by hand."""

    __tablename__ = "support_case"  # "case" is a word of SQL
    __table_args__ = (
        UniqueConstraint("organisation_id", "reference"),
        CheckConstraint("(retention_days IS NULL) = (retention_since IS NULL)", name="retention_is_whole"),
        CheckConstraint("num_nulls(held_at, held_by, hold_reason) IN (0, 3)", name="hold_is_whole"),
        # /cases, newest first: everything, and one organisation's.
        Index(None, "created_at", "id"),
        Index(None, "organisation_id", "created_at", "id"),
        # The scheduler: the few whose bundles' dates are to be written anew.
        Index(
            "ix_support_case_retention_changed",
            "retention_changed_at",
            postgresql_where=text("retention_changed_at IS NOT NULL"),
        ),
        Index(
            "ix_support_case_search",
            "search",
            postgresql_using="gin",
            postgresql_ops={"search": "gin_trgm_ops"},
        ),
    )

    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisation.id"))
    reference: Mapped[str] = mapped_column(String(64))  # upper case (`naming.clean_case`)
    title: Mapped[str] = mapped_column(String(200), server_default="", default="")
    search: Mapped[str] = mapped_column(Text, Computed(_SEARCH, persisted=True), deferred=True)
    closed_at: Mapped[datetime | None]
    retention_days: Mapped[int | None]  # of its bundles; None: as the organisation's
    retention_since: Mapped[RetentionSince | None] = mapped_column(text_enum(RetentionSince))
    retention_changed_at: Mapped[datetime | None]  # its bundles' dates are still to be written anew
    held_at: Mapped[datetime | None]  # legal hold: nothing of it is deleted, whatever else says so
    held_by: Mapped[str | None] = mapped_column(String(254))
    hold_reason: Mapped[str | None] = mapped_column(Text)

    organisation: Mapped[Organisation] = relationship(lazy="joined", innerjoin=True)


class Ticket(WithId, WithCreation, Base):
    """Leave to send for one case, for whoever knows the code. Only the code's SHA-256 is kept."""

    __tablename__ = "ticket"
    __table_args__ = (
        CheckConstraint("used_uploads BETWEEN 0 AND max_uploads", name="uploads_in_range"),
        CheckConstraint("used_bytes >= 0 AND used_bytes <= max_bytes", name="bytes_in_range"),
    )

    case_id: Mapped[UUID] = mapped_column(ForeignKey("support_case.id"), index=True)
    made_by_id: Mapped[UUID] = mapped_column(ForeignKey("account.id"))
    code_hash: Mapped[str] = mapped_column(String(64), unique=True)
    hint: Mapped[str] = mapped_column(String(4))  # the code's first characters, to tell tickets apart
    recipient: Mapped[str | None] = mapped_column(String(254))  # mail address of whom it was sent to
    networks: Mapped[list[str]]  # it is good from these only (CIDR); empty: from everywhere
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
    max_uploads: Mapped[int]
    max_bytes: Mapped[int | None]  # in all; None: no limit of its own
    used_uploads: Mapped[int] = mapped_column(server_default="0", default=0)  # begun, or received
    used_bytes: Mapped[int] = mapped_column(server_default="0", default=0)  # reserved, or received

    case: Mapped[Case] = relationship(lazy="joined", innerjoin=True)
    made_by: Mapped[Account | None] = relationship(
        lazy="joined"
    )  # None to its own holder: staff is not shown

    @property
    def label(self) -> str:
        return f"ticket {self.hint} for {self.case.reference}"

    def state(self, *, expired: bool) -> TicketState:
        """Return what it is good for; ``expired`` is for the database's clock to say."""
        return state_of(
            revoked=self.revoked_at is not None,
            closed=self.case.closed_at is not None,
            suspended=self.case.organisation.suspended_at is not None,
            expired=expired,
            used_up=self.used_uploads >= self.max_uploads or self.used_bytes == self.max_bytes,
        )
