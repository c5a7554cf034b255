"""The states in the words that people read, and as choices for a filter."""

from typing import Final

from app.domain.lifecycle import UploadState

LABELS: Final[dict[UploadState, str]] = {
    UploadState.RECEIVING: "Uploading",
    UploadState.SEALED: "Checking",
    UploadState.SCANNING: "Checking",
    UploadState.CLEAN: "Ready",
    UploadState.INFECTED: "Virus found",
    UploadState.UNSCANNABLE: "Needs review",
    UploadState.INTEGRITY_FAILED: "Bytes changed",
    UploadState.REJECTED: "Rejected",
    UploadState.ABANDONED: "Abandoned",
    UploadState.DELETED: "Deleted",
}


def choices() -> list[tuple[str, str]]:
    """Return (value, label) for a filter: states that people tell apart, not more."""
    by_label: dict[str, list[str]] = {}
    for state, label in LABELS.items():
        by_label.setdefault(label, []).append(state.value)
    return [(",".join(values), label) for label, values in by_label.items()]
