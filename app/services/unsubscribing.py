"""Unsubscribing by a link in a mail, without signing in (RFC 8058).

The link says which account and which event, and is signed: it needs no row, and works for as long as the
portal knows the key.
"""

import base64
import binascii
import hmac
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from pydantic import SecretStr
from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.dialects.postgresql import insert

from app.domain.errors import NotFoundError
from app.domain.events import MANDATORY, Event, choices_of
from app.domain.subscriptions import Follow, Way, default_way
from app.models import Account, CaseFollow, Delivery, EventRecord, Notice, Subscription
from app.queries import subscriptions
from app.services import audit
from app.settings import Settings
from app.uow import UnitOfWork

_MAC = 16  # bytes
_ID = 16  # bytes of an account's id
_MAILED = (Way.NOW, Way.DIGEST)


def address(settings: Settings, account_id: UUID, event: Event) -> str | None:
    """Return where a mail program may POST to; None for what nobody can do without."""
    if event in MANDATORY:
        return None
    return f"{settings.base_url}/unsubscribe/{_token(settings.secret_key, account_id, event)}"


def read(settings: Settings, token: str) -> tuple[UUID, Event]:
    """Return whom and what a link is about.

    Raises:
        NotFoundError: it is none of ours, or was signed with a key that is forgotten.
    """
    try:
        body = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))[_MAC:]
        account_id, event = UUID(bytes=body[:_ID]), Event(body[_ID:].decode())
    except (binascii.Error, ValueError):
        raise NotFoundError from None
    ours = [
        _token(key, account_id, event).encode() for key in (settings.secret_key, *settings.old_secret_keys)
    ]
    if event in MANDATORY or not any(hmac.compare_digest(each, token.encode()) for each in ours):
        raise NotFoundError
    return account_id, event


def _token(key: SecretStr, account_id: UUID, event: Event) -> str:
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"diagport unsubscribe")
    body = account_id.bytes + event.encode()
    mac = hmac.digest(derived.derive(key.get_secret_value().encode()), body, "sha256")[:_MAC]
    return base64.urlsafe_b64encode(mac + body).rstrip(b"=").decode()


def stop(uow: UnitOfWork, account_id: UUID, event: Event) -> None:
    """Mail nothing of ``event`` to somebody any more, wherever they had asked for it; the portal shows it.

    With `Event.DIGEST`, what they chose to read once a day is shown in the portal only. What waits to be
    mailed is not.

    Raises:
        NotFoundError: there is no such account.
    """
    # The account before its notices, as the daily mail has them; so no row that names it has to wait.
    person = uow.session.get(Account, account_id, with_for_update={"key_share": True, "of": Account})
    if person is None:
        raise NotFoundError
    digest = event is Event.DIGEST
    ended = (Way.DIGEST,) if digest else _MAILED
    events = choices_of(person.role, manager=person.manager) if digest else [event]
    general = subscriptions.general(uow.session, person.id)
    quiet = [each for each in events if general.get(each, default_way(person.role, each)) in ended]
    for each in quiet:
        _put(uow, person.id, each, case_id=None)
    narrower = _change(
        uow,
        Subscription,
        {"way": Way.PORTAL},
        Subscription.account_id == person.id,
        Subscription.event.in_(Event if digest else [event]),
        Subscription.way.in_(ended),
    )
    watched = [] if digest else _watched(uow, person.id, event)
    for case_id in watched:
        _put(uow, person.id, event, case_id=case_id)
    dropped = _drop(uow, person.id, event)
    if quiet or narrower or watched or dropped:
        audit.record(uow, "account.unsubscribed", person=person, event=event)


def _watched(uow: UnitOfWork, account_id: UUID, event: Event) -> list[UUID]:
    """Return the cases of which they would still be mailed it, because they watch them."""
    wish = select(Subscription.id).where(
        Subscription.account_id == account_id,
        Subscription.event == event,
        Subscription.case_id == CaseFollow.case_id,
    )
    query = select(CaseFollow.case_id).where(
        CaseFollow.account_id == account_id, CaseFollow.follow == Follow.WATCH, ~wish.exists()
    )
    return list(uow.session.scalars(query))


def _put(uow: UnitOfWork, account_id: UUID, event: Event, *, case_id: UUID | None) -> None:
    uow.session.execute(
        insert(Subscription)
        .values(account_id=account_id, event=event, case_id=case_id, way=Way.PORTAL)
        .on_conflict_do_update(
            index_elements=["account_id", "event", "organisation_id", "case_id"],
            set_={"way": Way.PORTAL},
        )
    )


def _drop(uow: UnitOfWork, account_id: UUID, event: Event) -> int:
    """Drop what waits to be mailed; return how much."""
    waiting = [Notice.account_id == account_id, Notice.digest_at.is_not(None)]
    if event is not Event.DIGEST:
        waiting.append(Notice.record.has(EventRecord.event == event))
    mails = (
        Delivery.account_id == account_id,
        Delivery.event == event,
        Delivery.sent_at.is_(None),
        Delivery.dead_at.is_(None),
    )
    dead = {
        "dead_at": func.now(),
        "overtaken": True,
        "last_error": "They unsubscribed before the mail went.",
    }
    return _change(uow, Notice, {"digest_at": None}, *waiting) + _change(uow, Delivery, dead, *mails)


def _change(
    uow: UnitOfWork,
    table: type[Subscription | Notice | Delivery],
    values: dict[str, Any],
    *which: ColumnElement[bool],
) -> int:
    """Change the rows, if there are any; return how many."""
    rows = select(table.id).where(*which).order_by(table.id)  # as all who lock several
    ids = uow.session.scalars(rows.with_for_update(of=table)).all()
    if ids:
        uow.session.execute(update(table).where(table.id.in_(ids)).values(values))
    return len(ids)
