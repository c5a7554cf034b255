"""The audit trail, and the chain that proves it whole."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, LargeBinary, String, func, text
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base


class AuditEvent(Base):
    """Who did what to what. Written in the transaction of the deed, never changed.

    The portal's database roles may add rows and read them, nothing else.
    """

    __tablename__ = "audit_event"
    __table_args__ = (
        Index(None, "upload_id", "id"),
        Index(None, "organisation_id", "id"),
        Index(None, "actor_id", "id"),
        Index(None, "account_id", "id"),
        Index(None, "action", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(server_default=func.now())
    action: Mapped[str] = mapped_column(String(64))
    actor_id: Mapped[UUID | None]  # no foreign key: the row outlives the account
    actor_label: Mapped[str] = mapped_column(String(254))
    actor_role: Mapped[str | None] = mapped_column(String(32))  # as what; None: the portal itself
    on_behalf_of: Mapped[str | None] = mapped_column(
        String(254)
    )  # who gave the actor leave: a ticket's issuer
    means: Mapped[str | None] = mapped_column(String(100))  # session, token dgp_ab12, ticket K7, command line
    address: Mapped[str | None] = mapped_column(String(45))
    request_id: Mapped[str | None] = mapped_column(String(64))
    organisation_id: Mapped[UUID | None]
    upload_id: Mapped[UUID | None]
    account_id: Mapped[UUID | None]  # of whom it was done to
    detail: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))


class AuditChain(Base):
    """The chain over the trail: each hash covers its row and the hash before it.

    A trigger writes it just before the commit of whoever added the row (migration 0009), in the
    order of commits: positions have no gaps.
    """

    __tablename__ = "audit_chain"

    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)  # from 1
    event_id: Mapped[int] = mapped_column(ForeignKey("audit_event.id"), unique=True)
    hash: Mapped[bytes] = mapped_column(LargeBinary)  # SHA-256
