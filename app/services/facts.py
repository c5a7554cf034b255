"""What programs are told of things: `domain.payloads` made from rows."""

from datetime import datetime

from app.domain.payloads import UploadFacts
from app.models import Upload


def of_upload(upload: Upload) -> UploadFacts:
    """Return an upload's facts as they are now."""
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
        assignee=upload.assignee.email if upload.assignee else None,
    )


def moment(at: datetime | None) -> str | None:
    """Return a moment as in RFC 3339."""
    return at.isoformat() if at else None
