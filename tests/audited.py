"""I9: whatever a request changes, it says so in the trail, in the same transaction.

Every unit of work of every request of every test that runs the product in its own process is looked
at; what may go unsaid stands in `QUIET`.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from flask import has_request_context, request
from sqlalchemy import event
from sqlalchemy.orm import Session

_WRITE = re.compile(
    r"\s*(INSERT INTO|UPDATE|DELETE FROM) (\w+)(?: SET (.*?)(?: FROM | WHERE |$))?", re.DOTALL
)
_COLUMN = re.compile(r"(?:^|, )(\w+)=")

#: What no row tells of, by table, and by column where it is not the whole table; and why.
QUIET: Final[dict[str, frozenset[str] | None]] = {
    # Counted before anybody is known; what came of the try is told.
    "try_count": None,
    # Half of a sign-in: the whole one, and the refused one, are told.
    "pending_sign_in": None,
    "provider_sign_in": None,
    "passkey_challenge": None,
    # Outbox: a consequence of something that is told.
    "delivery": None,
    # What somebody has looked at, which nobody would read row by row.
    "upload_sight": None,
    "notice": frozenset({"read_at"}),
    # How far an upload has come, and what its sender adds on the way. Its beginning and its end are told.
    "upload": frozenset(
        {
            "active_at",
            "declared_bytes",
            "declared_sha256",
            "held_bytes",
            "joining",
            "multipart_id",
            "received_bytes",
            "writer_epoch",
        }
    ),
    # Counters over uploads.
    "organisation": frozenset({"used_bytes", "used_uploads"}),
    # That somebody is still there, and what they had typed when they were asked who they are.
    "sign_in_session": frozenset({"last_seen_at", "address", "kept"}),
    "api_token": frozenset({"last_used_at"}),
    "token_issuer": frozenset({"last_used_at"}),
    "identity": frozenset({"last_used_at", "email"}),
    # That they proved who somebody is: the session that this opened or renewed is told.
    "totp": frozenset({"last_counter"}),
    "passkey": frozenset({"sign_count", "backed_up", "last_used_at"}),
}


class Watch:
    """Looks at units of work. ``untold`` says what changed without a row in the trail."""

    def __init__(self) -> None:
        self.untold: list[str] = []

    @contextmanager
    def over(self, session: Session) -> Iterator[None]:
        if not has_request_context():
            yield
            return
        written: list[tuple[str, str, list[str]]] = []
        told = False

        def look(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
            nonlocal told
            if match := _WRITE.match(statement):
                deed, table, columns = match.groups()
                told = told or table == "audit_event"
                names = sorted(_COLUMN.findall(columns or ""))
                if not _quiet(table, set(names) if deed == "UPDATE" else None):
                    written.append((deed, table, names))

        connection = session.connection()
        event.listen(connection, "before_cursor_execute", look)
        try:
            yield
            session.flush()
        finally:
            event.remove(connection, "before_cursor_execute", look)
        if written and not told:
            self.untold.append(f"{request.method} {request.url_rule}: {written}")


def _quiet(table: str, columns: set[str] | None) -> bool:
    """Whether it may go unsaid. ``columns`` that an UPDATE sets; None for rows that come or go."""
    if table == "audit_event" or table not in QUIET:
        return table == "audit_event"
    allowed = QUIET[table]
    return allowed is None or (columns is not None and columns <= allowed)
