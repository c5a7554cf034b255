"""Uploads and what the scanner said of them."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    Computed,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    String,
    Text,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.domain.lifecycle import SETTLED, UploadState
from app.domain.verdict import Obstacle, Verdict
from app.models.account import Account, Organisation
from app.models.base import Base, WithCreation, WithId, text_enum
from app.models.case import Ticket

_SEARCH = "lower(filename || ' ' || coalesce(case_reference, '') || ' ' || coalesce(note, ''))"

#: What is gone, and is no tombstone yet: an earlier release, which knows none, ended it.
STILL_NAMED: Final = (
    "deleted_at IS NULL AND (state = 'deleted' OR partial AND state IN ('rejected', 'abandoned'))"
)

#: What may be given out by its tag, and has none that is known to be right.
UNTAGGED: Final = (
    "tagged IS NULL AND storage_name = 's3'"
    " AND state IN ('clean', 'infected', 'unscannable', 'integrity_failed')"
)


class Upload(WithId, WithCreation, Base):
    """The row is the source of truth; the stored object is found through ``storage_*``."""

    __tablename__ = "upload"
    __table_args__ = (
        CheckConstraint("received_bytes >= 0", name="received_not_negative"),
        CheckConstraint("received_bytes <= declared_bytes", name="received_in_range"),
        CheckConstraint(
            "state NOT IN ('sealed', 'scanning', 'clean', 'infected', 'unscannable')"
            " OR (size IS NOT NULL AND storage_version IS NOT NULL"
            # What came past the portal is hashed as a whole by the scan that judges it.
            " AND (sha256 IS NOT NULL OR door = 'direct'))",
            name="sealed_is_whole",
        ),
        CheckConstraint("num_nonnulls(uploader_id, ticket_id) = 1", name="one_sender"),
        CheckConstraint("num_nulls(held_at, held_by, hold_reason) IN (0, 3)", name="hold_is_whole"),
        CheckConstraint("state <> 'deleted' OR held_at IS NULL", name="held_is_not_deleted"),
        ForeignKeyConstraint(
            ["organisation_id", "case_reference"],
            ["support_case.organisation_id", "support_case.reference"],
            name="fk_upload_case",
            onupdate="CASCADE",
        ),
        # /files, newest first: everything, one organisation, one state, both, one case, some text.
        Index(None, "created_at", "id"),
        Index(None, "organisation_id", "created_at", "id"),
        Index(None, "organisation_id", "state", "created_at", "id"),
        Index(None, "state", "created_at", "id"),
        Index(None, "case_reference", "created_at", "id"),
        Index(
            "ix_upload_search", "search", postgresql_using="gin", postgresql_ops={"search": "gin_trgm_ops"}
        ),
        # The sweeper: the few that still have a way to go.
        Index(
            "ix_upload_unsettled",
            "state",
            "active_at",
            postgresql_where=text("state IN ('receiving', 'sealed', 'scanning')"),
        ),
        # The scheduler: the few that are to be scanned again.
        Index("ix_upload_rescan", "rescan_asked_at", postgresql_where=text("rescan_asked_at IS NOT NULL")),
        # The same: those that newer signatures have not seen, the newest first.
        Index("ix_upload_outdated", "scanned_for", "created_at", postgresql_where=text("state = 'clean'")),
        # The inbox: what is somebody's, and what is nobody's.
        Index(
            "ix_upload_assignee",
            "assignee_id",
            "created_at",
            "id",
            postgresql_where=text("assignee_id IS NOT NULL"),
        ),
        Index("ix_upload_assigned", "created_at", "id", postgresql_where=text("assignee_id IS NOT NULL")),
        Index(
            "ix_upload_unassigned",
            "created_at",
            "id",
            postgresql_where=text("assignee_id IS NULL AND state IN ('clean', 'unscannable')"),
        ),
        # The scheduler: whose tag in the store is not written yet (`services.tagging`).
        Index("ix_upload_untagged", "untagged_at", "id", postgresql_where=text(UNTAGGED)),
        # The scheduler: what is to be deleted next.
        Index(
            "ix_upload_expires_at",
            "expires_at",
            "id",
            postgresql_where=text("expires_at IS NOT NULL AND held_at IS NULL"),
        ),
        # The same: what is not stored any more.
        Index("ix_upload_deleted_at", "deleted_at", postgresql_where=text("deleted_at IS NOT NULL")),
        # The same: what an earlier release has deleted, or given up, with its names.
        Index("ix_upload_named", "id", postgresql_where=text(STILL_NAMED)),
        # The send page: what this person left unfinished, and sent last.
        Index(None, "uploader_id", "created_at"),
        Index(None, "ticket_id", "created_at"),
        Index(None, "joined_into", postgresql_where=text("joined_into IS NOT NULL")),
        Index(
            "uq_upload_idempotency",
            "uploader_id",
            "idempotency_key",
            unique=True,
            postgresql_where=text("idempotency_key IS NOT NULL"),
        ),
        Index(
            "uq_upload_ticket_idempotency",
            "ticket_id",
            "idempotency_key",
            unique=True,
            postgresql_where=text("idempotency_key IS NOT NULL"),
        ),
    )

    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisation.id"))
    uploader_id: Mapped[UUID | None] = mapped_column(ForeignKey("account.id"))
    ticket_id: Mapped[UUID | None] = mapped_column(ForeignKey("ticket.id"))  # sent without an account
    door: Mapped[str] = mapped_column(String(8))  # form, tus, put or direct
    idempotency_key: Mapped[str | None] = mapped_column(String(255))

    filename: Mapped[str] = mapped_column(String(255))  # as typed by the sender, display only
    case_reference: Mapped[str | None] = mapped_column(String(64))
    note: Mapped[str | None] = mapped_column(Text)
    search: Mapped[str] = mapped_column(Text, Computed(_SEARCH, persisted=True), deferred=True)

    declared_bytes: Mapped[int | None]  # None: the sender did not say
    declared_sha256: Mapped[str | None] = mapped_column(String(64))  # hex, compared when sealing
    received_bytes: Mapped[int] = mapped_column(server_default="0", default=0)  # durable
    held_bytes: Mapped[int | None]  # of the organisation's quota; None: it counts no more
    writer_epoch: Mapped[int] = mapped_column(
        server_default="0", default=0
    )  # fence: only the newest writer may move the offset
    size: Mapped[int | None]  # bytes, set on sealing
    sha256: Mapped[str | None] = mapped_column(String(64))  # hex, set on sealing

    # A part of one that is sent in parallel (tus concatenation). Nobody but its sender ever sees it.
    partial: Mapped[bool] = mapped_column(server_default="false", default=False)
    joined_into: Mapped[UUID | None] = mapped_column(ForeignKey("upload.id", ondelete="CASCADE"))
    part_number: Mapped[int | None]  # from 1, in the order in which they were joined
    echoed: Mapped[dict[str, Any] | None]  # header fields that HEAD repeats as they were sent (tus)

    state: Mapped[UploadState] = mapped_column(text_enum(UploadState), default=UploadState.RECEIVING)
    reason: Mapped[str | None] = mapped_column(Text)  # a sentence for people
    obstacle: Mapped[Obstacle | None] = mapped_column(text_enum(Obstacle))  # the same for programs
    active_at: Mapped[datetime] = mapped_column(server_default=func.now())  # bytes came, or state changed
    sealed_at: Mapped[datetime | None]
    first_downloaded_at: Mapped[datetime | None]  # from then on its sender cannot withdraw it

    storage_name: Mapped[str] = mapped_column(String(32))
    storage_key: Mapped[str] = mapped_column(String(255), unique=True)
    storage_version: Mapped[str | None] = mapped_column(String(128))  # of the sealed object
    tagged: Mapped[str | None] = mapped_column(String(16))  # as the store has it; None: that is not known
    untagged_at: Mapped[datetime | None]  # by a trigger, when ``tagged`` became None; None: long ago
    multipart_id: Mapped[str | None] = mapped_column(Text)  # S3's name for an unfinished direct upload
    joining: Mapped[dict[str, Any] | None]  # what must become of its parts (`services.intake.direct`)

    lease_until: Mapped[datetime | None]  # a scan is under way until then
    epoch: Mapped[int] = mapped_column(
        server_default="0", default=0
    )  # fence: only the newest claim may write
    attempts: Mapped[int] = mapped_column(server_default="0", default=0)  # scans begun since the last verdict

    # The state stays what it is while a bundle with a verdict is scanned again.
    rescan_asked_at: Mapped[datetime | None]
    scanned_for: Mapped[str] = mapped_column(
        String(64), server_default="", default=""
    )  # signatures of the last try, successful or not; empty: of a time when that was not noted

    released_at: Mapped[datetime | None]  # unscannable, and given out nevertheless
    released_by: Mapped[str | None] = mapped_column(String(254))
    release_reason: Mapped[str | None] = mapped_column(Text)

    assignee_id: Mapped[UUID | None] = mapped_column(ForeignKey("account.id"))  # of the staff: works on it

    last_downloaded_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]  # deleted from then on, unless held; None: kept
    kept_until: Mapped[datetime | None]  # at least; somebody asked for it
    held_at: Mapped[datetime | None]  # legal hold: not deleted, whatever else says so
    held_by: Mapped[str | None] = mapped_column(String(254))
    hold_reason: Mapped[str | None] = mapped_column(Text)
    deleted_at: Mapped[datetime | None]
    deleted_by: Mapped[str | None] = mapped_column(String(254))  # ``reason`` says why

    trace: Mapped[str | None] = mapped_column(String(55))  # W3C traceparent of the request that sealed it

    organisation: Mapped[Organisation] = relationship(lazy="joined", innerjoin=True)
    uploader: Mapped[Account | None] = relationship(lazy="joined", foreign_keys=[uploader_id])
    assignee: Mapped[Account | None] = relationship(lazy="joined", foreign_keys=[assignee_id])
    ticket: Mapped[Ticket | None] = relationship(lazy="joined")
    scan: Mapped["Scan | None"] = relationship(lazy="joined")

    @property
    def settled(self) -> bool:
        return self.state in SETTLED

    @property
    def sender(self) -> str:
        """Who sent it, for people: a mail address, or a ticket."""
        return self.uploader.email if self.uploader else self.ticket.label if self.ticket else "nobody"

    @property
    def case_of_sender(self) -> str | None:
        """The case as its sender knows it: with a ticket the ticket's, wherever it was put since."""
        return self.ticket.case.reference if self.ticket else self.case_reference

    @property
    def sender_name(self) -> str:
        return (self.uploader.name if self.uploader else "") or self.sender

    @property
    def scanned_at(self) -> datetime | None:
        return self.scan.scanned_at if self.scan else None


class Scan(Base):
    """The verdict in force and what it rests on."""

    __tablename__ = "scan"

    upload_id: Mapped[UUID] = mapped_column(ForeignKey("upload.id", ondelete="CASCADE"), primary_key=True)
    verdict: Mapped[Verdict] = mapped_column(text_enum(Verdict))
    storage_version: Mapped[str] = mapped_column(String(128))  # the object that was read
    findings: Mapped[list[dict[str, Any]]]  # [{"member": ..., "signature": ..., "entry": number or None}]
    members_total: Mapped[int]
    members_scanned: Mapped[int]
    bytes_expanded: Mapped[int]
    bytes_scanned: Mapped[int]
    windowed: Mapped[int] = mapped_column(server_default="0", default=0)  # members, scanned in windows
    complete: Mapped[bool] = mapped_column(server_default="false", default=False)
    engine: Mapped[str] = mapped_column(String(100))
    signatures: Mapped[str | None] = mapped_column(String(32))
    signatures_at: Mapped[datetime | None]
    seconds: Mapped[float]
    scanned_at: Mapped[datetime] = mapped_column(server_default=func.now())
