"""What programs are told of things: `domain.payloads` made from rows."""

from datetime import datetime

from app.domain.payloads import TicketFacts, TombstoneFacts, UploadFacts
from app.models import Ticket, Upload


def of_upload(upload: Upload, *, staff: bool = False) -> UploadFacts:
    """Return an upload's facts as they are now; whose work it is only for ``staff``."""
    return UploadFacts(
        id=str(upload.id),
        filename=upload.filename,
        size=upload.size,
        sha256=upload.sha256,
        state=upload.state,
        reason=upload.reason,
        case=upload.case_reference,
        organisation=upload.organisation.slug,
        uploaded_by=upload.sender,
        created_at=moment(upload.created_at),
        sealed_at=moment(upload.sealed_at),
        findings=len(upload.scan.findings) if upload.scan else 0,
        expires_at=moment(upload.expires_at),
        assignee=upload.assignee.email if staff and upload.assignee else None,
    )


def of_tombstone(upload: Upload) -> TombstoneFacts:
    """Return the receipt of a deletion. It may leave the house, so it names nobody of the staff."""
    by = {"system": "Diagport", upload.sender: upload.sender}.get(upload.deleted_by or "", "Support")
    return TombstoneFacts(
        id=str(upload.id),
        sha256=upload.sha256,
        organisation=upload.organisation.slug,
        deleted_at=(upload.deleted_at or upload.active_at).isoformat(),
        deleted_by=by,
        reason=upload.reason or "",
    )


def of_ticket(ticket: Ticket, upload: Upload | None = None) -> TicketFacts:
    """Return a ticket's facts as they are now; ``upload`` is what was sent with it just now."""
    return TicketFacts(
        id=str(ticket.id),
        case=ticket.case.reference,
        organisation=ticket.case.organisation.slug,
        hint=ticket.hint,
        expires_at=ticket.expires_at.isoformat(),
        used_uploads=ticket.used_uploads,
        max_uploads=ticket.max_uploads,
        upload=str(upload.id) if upload else None,
    )


def moment(at: datetime | None) -> str | None:
    """Return a moment as in RFC 3339."""
    return at.isoformat() if at else None
