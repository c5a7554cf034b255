"""The receipt as a document, for machines."""

from app.domain.lifecycle import JUDGED, UploadState
from app.domain.receipt import checksum_line
from app.models import Upload
from app.web.context import actor
from app.web.upload_json import rfc3339, who_deleted


def receipt_json(upload: Upload) -> dict[str, object]:
    """Return what arrived, and the verdict once there is one.

    What is not known yet is null: the SHA-256 of what came past the portal, until it was scanned.
    """
    judged, gone = upload.state in JUDGED, upload.state is UploadState.DELETED
    return {
        "id": str(upload.id),
        "filename": None if gone else upload.filename,
        "size": upload.size,
        "sha256": upload.sha256,
        "case": upload.case_of_sender if actor().ticket_id else upload.case_reference,
        "organisation": upload.organisation.slug,
        "sent_by": upload.sender,
        "received_at": rfc3339(upload.sealed_at),
        "state": upload.state.value,
        "verdict": upload.state.value if judged else None,
        # A scanner that never answered has left no scan, only a verdict.
        "verdict_at": rfc3339(upload.scanned_at or upload.active_at) if judged else None,
        "checksum_line": checksum_line(upload.sha256, upload.filename)
        if upload.sha256 and not gone
        else None,
        "expires_at": rfc3339(upload.expires_at),
        **(_deletion(upload) if gone else {}),
    }


def _deletion(upload: Upload) -> dict[str, object]:
    return {
        "deleted_at": rfc3339(upload.deleted_at),
        "deleted_by": who_deleted(upload),
        "reason": upload.reason,
    }
