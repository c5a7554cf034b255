"""One upload as the contract's JSON."""

from datetime import datetime

from app.domain.lifecycle import UploadState
from app.domain.policy import SYSTEM
from app.models import Account, Case, Scan, Upload
from app.queries.audit_names import PORTAL, SUPPORT
from app.services import expiry
from app.web.context import actor, system
from app.web.wording import reader


def upload_json(upload: Upload, case: Case | None = None) -> dict[str, object]:
    """Return the document that every door and the API answer with.

    ``case`` is the upload's, which may be on hold with all that is in it.
    """
    return {
        "id": str(upload.id),
        "filename": None if upload.state is UploadState.DELETED else upload.filename,
        "size": upload.size if upload.size is not None else upload.declared_bytes,
        "received": upload.received_bytes,
        "sha256": upload.sha256,
        "state": upload.state.value,
        "reason": upload.reason,
        "reason_code": upload.obstacle.value if upload.obstacle else None,
        "case": upload.case_of_sender if actor().ticket_id else upload.case_reference,
        "note": upload.note,
        "organisation": upload.organisation.slug,
        "uploaded_by": upload.sender,
        "created_at": rfc3339(upload.created_at),
        "kept_until": rfc3339(expiry.ends_at(upload, system().settings)),  # while it is not finished
        "sealed_at": rfc3339(upload.sealed_at),
        "scanned_at": rfc3339(upload.scanned_at),
        "rescan_asked_at": rfc3339(upload.rescan_asked_at),
        "expires_at": rfc3339(upload.expires_at),  # deleted then by itself; null: not, as things are
        "held": _hold(upload, case) if actor().sees_all else None,
        "deleted": {"at": rfc3339(upload.deleted_at), "by": who_deleted(upload), "reason": upload.reason}
        if upload.state is UploadState.DELETED
        else None,
        "released": _release(upload) if upload.released_at else None,
        "scan": _scan(upload.scan) if upload.scan else None,
        **({"assignee": _person(upload.assignee)} if actor().sees_all else {}),
    }


def _person(account: Account | None) -> dict[str, object] | None:
    return {"id": str(account.id), "email": account.email, "name": account.name} if account else None


def _hold(upload: Upload, case: Case | None) -> dict[str, object] | None:
    """Return the hold on the bundle, or else that on its case."""
    of: Upload | Case | None = upload if upload.held_at else case
    if of is None or of.held_at is None or upload.state is UploadState.DELETED:
        return None
    hold: dict[str, object] = {"at": rfc3339(of.held_at), "by": of.held_by, "reason": of.hold_reason}
    return hold if of is upload else hold | {"case": True}


def who_deleted(upload: Upload) -> str:
    """Return who deleted an upload, as whoever asks may know them: of the staff customers learn no name."""
    by = upload.deleted_by
    if by == SYSTEM.label:
        return PORTAL
    who = reader()
    known = by == upload.sender or (who is not None and who.sees_all)
    return by if by and known else SUPPORT


def _release(upload: Upload) -> dict[str, object]:
    """Return when the bundle was released; by whom and why is between staff."""
    staff = actor().sees_all
    return {
        "at": rfc3339(upload.released_at),
        "by": upload.released_by if staff else None,
        "reason": upload.release_reason if staff else None,
    }


def _scan(scan: Scan) -> dict[str, object]:
    return {
        "verdict": scan.verdict.value,
        "findings": scan.findings,
        "members": {"total": scan.members_total, "scanned": scan.members_scanned},
        "bytes": {"expanded": scan.bytes_expanded, "scanned": scan.bytes_scanned},
        "windowed": scan.windowed,
        "complete": scan.complete,
        "engine": scan.engine,
        "signatures": scan.signatures,
        "signatures_at": rfc3339(scan.signatures_at),
        "seconds": round(scan.seconds, 3),
    }


def rfc3339(moment: datetime | None) -> str | None:
    """Return a moment as documents have it."""
    return moment.isoformat() if moment else None
