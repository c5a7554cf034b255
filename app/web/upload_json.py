"""One upload as the contract's JSON."""

from datetime import datetime

from app.models import Scan, Upload


def upload_json(upload: Upload) -> dict[str, object]:
    """Return the document that every door and the API answer with."""
    return {
        "id": str(upload.id),
        "filename": upload.filename,
        "size": upload.size if upload.size is not None else upload.declared_bytes,
        "received": upload.received_bytes,
        "sha256": upload.sha256,
        "state": upload.state.value,
        "reason": upload.reason,
        "case": upload.case_reference,
        "note": upload.note,
        "organisation": upload.organisation.slug,
        "uploaded_by": upload.uploader.email,
        "created_at": _time(upload.created_at),
        "sealed_at": _time(upload.sealed_at),
        "scanned_at": _time(upload.scanned_at),
        "scan": _scan(upload.scan) if upload.scan else None,
    }


def _scan(scan: Scan) -> dict[str, object]:
    return {
        "verdict": scan.verdict.value,
        "findings": scan.findings,
        "members": {"total": scan.members_total, "scanned": scan.members_scanned},
        "bytes": {"expanded": scan.bytes_expanded, "scanned": scan.bytes_scanned},
        "engine": scan.engine,
        "signatures": scan.signatures,
        "signatures_at": _time(scan.signatures_at),
        "seconds": round(scan.seconds, 3),
    }


def _time(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
