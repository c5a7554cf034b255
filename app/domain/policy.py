"""Who may do what: permissions, the roles that hold them, and the actor who asks."""

from dataclasses import dataclass
from datetime import datetime
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
    UPLOAD_FOLLOW = "upload_follow"  # see what became of one whose number one has
    UPLOAD_DOWNLOAD = "upload_download"
    UPLOAD_DELETE = "upload_delete"
    UPLOAD_WITHDRAW = "upload_withdraw"  # take back what one sent oneself, until somebody fetched it
    UPLOAD_ATTACH = "upload_attach"  # put it into a case, or into another
    CASE_READ = "case_read"
    CASE_MANAGE = "case_manage"
    TICKET_MANAGE = "ticket_manage"
    TOKEN_MANAGE = "token_manage"  # one's own  # noqa: S105  # no password
    QUARANTINE_REVIEW = (
        "quarantine_review"  # see what is held, scan it again, delete it, take what is clean of it
    )
    QUARANTINE_RELEASE = "quarantine_release"
    SESSION_CONFIRM = "session_confirm"
    SESSION_END = "session_end"
    ACCOUNT_OWN = "account_own"  # one's own: how to sign in, where signed in, language, notices
    COLLEAGUE_MANAGE = "colleague_manage"  # people of one's own organisation
    TRAIL_READ_OWN = "trail_read_own"  # who fetched what of one's own organisation
    PERSON_MANAGE = "person_manage"
    ORGANISATION_MANAGE = "organisation_manage"
    INTEGRATION_MANAGE = "integration_manage"  # identity providers, token issuers
    AUDIT_READ = "audit_read"
    ACTIVITY_READ = "activity_read"  # who fetched an upload, who looked into it: from its page
    INBOX_READ = "inbox_read"  # what support has to do
    UPLOAD_ASSIGN = "upload_assign"  # say whose work it is
    UPLOAD_KEEP = "upload_keep"  # longer than was agreed
    UPLOAD_HOLD = "upload_hold"  # legal hold: nobody deletes it
    CASE_FOLLOW = "case_follow"  # watch it, or mute it, for oneself
    HEALTH_READ = "health_read"


_P = Permission

_EVERYBODY: Final = frozenset(
    {
        _P.UPLOAD_READ,
        _P.UPLOAD_FOLLOW,
        _P.UPLOAD_DOWNLOAD,
        _P.UPLOAD_ATTACH,
        _P.CASE_READ,
        _P.TOKEN_MANAGE,
        _P.SESSION_CONFIRM,
        _P.SESSION_END,
        _P.ACCOUNT_OWN,
        _P.CASE_FOLLOW,
    }
)
_STAFF: Final = _EVERYBODY | {
    _P.QUARANTINE_REVIEW,
    _P.QUARANTINE_RELEASE,
    _P.CASE_MANAGE,
    _P.TICKET_MANAGE,
    _P.ACTIVITY_READ,
    _P.INBOX_READ,
    _P.UPLOAD_ASSIGN,
    _P.UPLOAD_KEEP,
    _P.UPLOAD_DELETE,
}

PERMISSIONS: Final[dict[Role, frozenset[Permission]]] = {
    Role.CUSTOMER: _EVERYBODY | {_P.UPLOAD_CREATE, _P.UPLOAD_WITHDRAW},
    Role.ENGINEER: _STAFF,
    Role.ADMIN: _STAFF
    | {
        _P.UPLOAD_HOLD,
        _P.HEALTH_READ,
        _P.PERSON_MANAGE,
        _P.ORGANISATION_MANAGE,
        _P.INTEGRATION_MANAGE,
        _P.AUDIT_READ,
    },
}

#: What a customer may do besides, whom their organisation lets manage its people.
MANAGER_PERMISSIONS: Final = frozenset({_P.COLLEAGUE_MANAGE, _P.TRAIL_READ_OWN})

#: What somebody with a ticket may do; `queries.uploads.visible_to` narrows it to what the ticket brought.
TICKET_PERMISSIONS: Final = frozenset({_P.UPLOAD_CREATE, _P.UPLOAD_FOLLOW})


class Scope(StrEnum):
    """What a token covers of what its account may do."""

    WRITE = "uploads:write"
    READ = "uploads:read"
    DOWNLOAD = "uploads:download"
    ADMIN = "admin"  # all that no other scope covers, and a token may do


_SCOPE: Final[dict[Permission, Scope]] = {
    _P.UPLOAD_CREATE: Scope.WRITE,
    _P.UPLOAD_WITHDRAW: Scope.WRITE,
    _P.UPLOAD_ATTACH: Scope.WRITE,
    _P.UPLOAD_READ: Scope.READ,
    _P.UPLOAD_FOLLOW: Scope.READ,
    _P.CASE_READ: Scope.READ,
    _P.UPLOAD_DOWNLOAD: Scope.DOWNLOAD,
}


#: What only a person at a browser does, whatever a token covers.
_PERSONAL: Final = frozenset(
    {_P.TOKEN_MANAGE, _P.SESSION_CONFIRM, _P.SESSION_END, _P.ACCOUNT_OWN, _P.CASE_FOLLOW}
)


def scope_of(permission: Permission) -> Scope | None:
    """Return the scope that a token needs for it; None where no token will do."""
    return None if permission in _PERSONAL else _SCOPE.get(permission, Scope.ADMIN)


def scopes_for(role: Role) -> tuple[Scope, ...]:
    """Return the scopes that give a token of somebody in ``role`` anything to do."""
    given = {scope_of(permission) for permission in PERMISSIONS[role]}
    return tuple(scope for scope in Scope if scope in given)


#: Roles that belong to no organisation and see every one.
STAFF: Final = frozenset({Role.ENGINEER, Role.ADMIN})


@dataclass(frozen=True, slots=True)
class Pass:
    """What an account was let in with, to look at again while a transfer lasts (`queries.standing`)."""

    session_begun: datetime | None = None  # when: the session's id changes while it lasts
    token_id: UUID | None = None
    issuer_id: UUID | None = None  # of the JWT that was sent


@dataclass(frozen=True, slots=True)
class Actor:
    """Whoever acts: an account, a ticket, or the system itself (``role`` None, sees everything).

    A ticket acts as a customer of its case's organisation, who sees and may do far less.
    """

    id: UUID | None
    label: str  # for the audit: a mail address, or "system"
    role: Role | None
    name: str = ""
    organisation_id: UUID | None = None
    organisation_name: str | None = None
    address: str | None = None  # network address the request came from
    scopes: frozenset[Scope] | None = None  # of the token that was sent; None: not by token
    ticket_id: UUID | None = None
    case: str | None = None  # reference of the ticket's case
    manager: bool = False  # of the people of their organisation
    came_by: Pass = Pass()
    means: str | None = None  # for the audit: "session", "token dgp_ab12", "ticket K7", "command line"
    on_behalf_of: str | None = None  # for the audit: who gave a ticket, whose machine it is
    locale: str = "en-GB"  # BCP 47
    time_zone: str = "UTC"  # of the tz database

    @property
    def email(self) -> str:
        return self.label

    @property
    def sees_all(self) -> bool:
        return self.role is None or self.role in STAFF

    def may(self, permission: Permission) -> bool:
        """Whether role, ticket and token allow it."""
        return self.holds(permission) and self.covers(permission)

    def holds(self, permission: Permission) -> bool:
        """Whether role and ticket allow it, whatever the token covers."""
        if self.role is None:
            return True
        if self.ticket_id:
            return permission in TICKET_PERMISSIONS
        return permission in PERMISSIONS[self.role] or (self.manager and permission in MANAGER_PERMISSIONS)

    def covers(self, permission: Permission) -> bool:
        """Whether the token, if one was sent, has the scope for it."""
        return self.scopes is None or scope_of(permission) in self.scopes


SYSTEM: Final = Actor(id=None, label="system", role=None, means="system")
