"""Who may do what: permissions, the roles that hold them, and the actor who asks."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from uuid import UUID


class Role(StrEnum):
    CUSTOMER = "customer"
    ENGINEER = "engineer"
    ADMIN = "admin"


class Permission(StrEnum):
    UPLOAD_CREATE = "upload_create"
    UPLOAD_READ = "upload_read"
    UPLOAD_DOWNLOAD = "upload_download"
    UPLOAD_DELETE = "upload_delete"
    QUARANTINE_REVIEW = (
        "quarantine_review"  # see what is held, scan it again, delete it, take what is clean of it
    )
    QUARANTINE_RELEASE = "quarantine_release"
    SESSION_CONFIRM = "session_confirm"
    SESSION_END = "session_end"


_P = Permission

_EVERYBODY: Final = frozenset({_P.UPLOAD_READ, _P.UPLOAD_DOWNLOAD, _P.SESSION_CONFIRM, _P.SESSION_END})
_STAFF: Final = _EVERYBODY | {_P.QUARANTINE_REVIEW, _P.QUARANTINE_RELEASE}

PERMISSIONS: Final[dict[Role, frozenset[Permission]]] = {
    Role.CUSTOMER: _EVERYBODY | {_P.UPLOAD_CREATE},
    Role.ENGINEER: _STAFF,
    Role.ADMIN: _STAFF | {_P.UPLOAD_DELETE},
}

#: Roles that belong to no organisation and see every one.
STAFF: Final = frozenset({Role.ENGINEER, Role.ADMIN})


@dataclass(frozen=True, slots=True)
class Actor:
    """Whoever acts: an account, or the system itself (``role`` None, sees everything)."""

    id: UUID | None
    label: str  # for the audit: a mail address, or "system"
    role: Role | None
    name: str = ""
    organisation_id: UUID | None = None
    organisation_name: str | None = None
    address: str | None = None  # network address the request came from

    @property
    def email(self) -> str:
        return self.label

    @property
    def sees_all(self) -> bool:
        return self.role is None or self.role in STAFF

    def may(self, permission: Permission) -> bool:
        return self.role is None or permission in PERMISSIONS[self.role]


SYSTEM: Final = Actor(id=None, label="system", role=None)
