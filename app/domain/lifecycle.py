"""Life of an upload: which states there are, and which may follow which."""

from enum import StrEnum
from typing import Final


class UploadState(StrEnum):
    RECEIVING = "receiving"
    SEALED = "sealed"
    SCANNING = "scanning"
    CLEAN = "clean"
    INFECTED = "infected"
    UNSCANNABLE = "unscannable"
    INTEGRITY_FAILED = "integrity_failed"
    REJECTED = "rejected"
    ABANDONED = "abandoned"
    DELETED = "deleted"


_S = UploadState

#: state -> the states it may move to. SCANNING -> SEALED is a scan handed back unfinished; a
#: verdict changes into another when the bundle is scanned again. Bytes that are not the ones that
#: were received are INTEGRITY_FAILED, whatever was known of them, until a scan asked for by a person
#: reads the right ones again: after a restore from a backup, say.
TRANSITIONS: Final[dict[UploadState, frozenset[UploadState]]] = {
    _S.RECEIVING: frozenset({_S.SEALED, _S.REJECTED, _S.ABANDONED, _S.DELETED}),
    _S.SEALED: frozenset({_S.SCANNING, _S.INTEGRITY_FAILED, _S.DELETED}),
    _S.SCANNING: frozenset(
        {_S.SEALED, _S.CLEAN, _S.INFECTED, _S.UNSCANNABLE, _S.INTEGRITY_FAILED, _S.DELETED}
    ),
    _S.CLEAN: frozenset({_S.INFECTED, _S.UNSCANNABLE, _S.INTEGRITY_FAILED, _S.DELETED}),
    _S.INFECTED: frozenset({_S.CLEAN, _S.INTEGRITY_FAILED, _S.DELETED}),
    _S.UNSCANNABLE: frozenset({_S.CLEAN, _S.INFECTED, _S.INTEGRITY_FAILED, _S.DELETED}),
    _S.INTEGRITY_FAILED: frozenset({_S.CLEAN, _S.INFECTED, _S.UNSCANNABLE, _S.DELETED}),
    _S.REJECTED: frozenset({_S.DELETED}),
    _S.ABANDONED: frozenset({_S.DELETED}),
    _S.DELETED: frozenset(),
}

#: What comes through these doors can be gone on with; through any other it comes at once or not at all.
RESUMABLE: Final = ("tus", "direct")

#: Nothing more will happen to these by itself.
SETTLED: Final = frozenset(_S) - {_S.RECEIVING, _S.SEALED, _S.SCANNING}

#: The states with a verdict of a scan.
JUDGED: Final = frozenset({_S.CLEAN, _S.INFECTED, _S.UNSCANNABLE})

#: What may be scanned again.
RESCANNABLE: Final = JUDGED | {_S.INTEGRITY_FAILED}

#: Held back from everybody, for somebody to look at.
QUARANTINED: Final = frozenset({_S.INFECTED, _S.UNSCANNABLE, _S.INTEGRITY_FAILED})

#: The states in which there is a sealed object.
STORED: Final = RESCANNABLE | {_S.SEALED, _S.SCANNING}


def sources_of(target: UploadState) -> frozenset[UploadState]:
    """Return the states from which ``target`` may be entered."""
    return frozenset(state for state, targets in TRANSITIONS.items() if target in targets)
