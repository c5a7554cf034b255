"""Machines of organisations: by tokens of their own issuer, or by tokens of ours."""

import re
import secrets
from collections.abc import Collection
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError

from app.domain import naming
from app.domain.access_token import ALGORITHMS
from app.domain.errors import InvalidInputError, StateConflictError
from app.domain.policy import Role, Scope, scopes_for
from app.models import Account, AccountKind, Organisation, TokenIssuer
from app.queries import issuers as issuers_query
from app.queries.accounts import USE_GRAIN
from app.services import audit, tokens
from app.uow import UnitOfWork

SCOPES: Final = scopes_for(Role.CUSTOMER)
MAX_NAME, MAX_TEXT, MAX_CLIENT = 100, 500, 200
_WORD = re.compile(r"[^\s\x00-\x1f\x7f-\x9f\ud800-\udfff]+")


@dataclass(frozen=True, slots=True)
class Terms:
    """What an admin says of an issuer."""

    name: str
    issuer: str
    audience: str
    client_id: str
    jwks_url: str
    algorithms: list[str]
    scopes: list[str]


def create(uow: UnitOfWork, organisation_id: UUID, terms: Terms) -> TokenIssuer:
    """Believe an issuer, and make the machine that its tokens act as.

    Raises:
        InvalidInputError: a field, or there is no such organisation.
        StateConflictError: another has the same issuer, audience and client.
    """
    clean = _clean(uow, terms)
    account = create_machine(uow, organisation_id, clean.name)
    row = TokenIssuer(account_id=account.id, **asdict(clean))
    _write(uow, row)
    audit.record(uow, "issuer.created", person=account, issuer_id=str(row.id), after=asdict(clean))
    uow.session.refresh(row)
    return row


def change(uow: UnitOfWork, issuer_id: UUID, terms: Terms) -> TokenIssuer:
    """Change what is said of an issuer; it holds from the next request on.

    Raises:
        NotFoundError: there is none.
        InvalidInputError, StateConflictError: as above.
    """
    row = issuers_query.get(uow.session, issuer_id)
    clean = asdict(_clean(uow, terms))
    before = {name: getattr(row, name) for name in clean}
    for name, value in clean.items():
        setattr(row, name, value)
    row.account.name = row.name
    _write(uow, row)
    changed = [name for name in clean if before[name] != clean[name]]
    if changed:
        audit.record(
            uow,
            "issuer.changed",
            person=row.account,
            issuer_id=str(row.id),
            before={name: before[name] for name in changed},
            after={name: clean[name] for name in changed},
        )
    return row


def disable(uow: UnitOfWork, issuer_id: UUID) -> TokenIssuer:
    """Believe it no more, from the next request on. Raises NotFoundError."""
    return _switch(uow, issuer_id, on=False)


def enable(uow: UnitOfWork, issuer_id: UUID) -> TokenIssuer:
    """Believe it again. Raises NotFoundError."""
    return _switch(uow, issuer_id, on=True)


def touch(uow: UnitOfWork, issuer_id: UUID) -> None:
    """Note that a token of the issuer was used just now, once a minute at most."""
    due = (
        select(TokenIssuer.id)
        .where(
            TokenIssuer.id == issuer_id,
            TokenIssuer.last_used_at.is_(None) | (TokenIssuer.last_used_at < func.now() - USE_GRAIN),
        )
        # Of a crowd that comes at once one writes, and the others need not wait for it.
        .with_for_update(skip_locked=True)
    )
    uow.session.execute(
        update(TokenIssuer).where(TokenIssuer.id.in_(due.scalar_subquery())).values(last_used_at=func.now())
    )


def create_machine(uow: UnitOfWork, organisation_id: UUID, name: str) -> Account:
    """Make a service account: it never signs in and gets no mail.

    Raises:
        InvalidInputError: the name, or there is no such organisation.
    """
    organisation = uow.session.get(Organisation, organisation_id)
    if organisation is None:
        raise InvalidInputError("Choose the organisation.")
    account = Account(
        email=f"{organisation.slug}-{secrets.token_hex(4)}@machines.invalid",  # RFC 2606: nobody's
        name=_name(name),
        role=Role.CUSTOMER,
        kind=AccountKind.MACHINE,
        organisation_id=organisation.id,
    )
    uow.session.add(account)
    uow.session.flush()
    audit.record(uow, "machine.created", person=account, account=account.email, name=account.name)
    return account


def issue_token(
    uow: UnitOfWork, account: Account, scopes: Collection[Scope], lasts: timedelta | None, token_id: UUID
) -> str:
    """Make a token for a machine and return it; it cannot be read again.

    Raises:
        InvalidInputError: no scope, or one that no machine has.
        StateConflictError: a token with this id was made already.
    """
    if not scopes or not set(scopes) <= set(SCOPES):
        raise InvalidInputError("Choose what the token may do.")
    return tokens.issue(uow, account, account.name, scopes=scopes, lasts=lasts, token_id=token_id)


def revoke_token(uow: UnitOfWork, account_id: UUID, token_id: UUID) -> None:
    """End a machine's token at once. Raises NotFoundError."""
    tokens.revoke_of(uow, issuers_query.machine(uow.session, account_id), token_id)


def _switch(uow: UnitOfWork, issuer_id: UUID, *, on: bool) -> TokenIssuer:
    row = issuers_query.get(uow.session, issuer_id)
    if (row.disabled_at is None) != on:
        row.disabled_at = None if on else uow.session.scalar(select(func.now()))
        action = "issuer.enabled" if on else "issuer.disabled"
        audit.record(uow, action, person=row.account, issuer_id=str(row.id), name=row.name)
    return row


def _write(uow: UnitOfWork, row: TokenIssuer) -> None:
    """Raises StateConflictError."""
    try:
        uow.session.add(row)
        uow.session.flush()
    except IntegrityError as error:
        raise StateConflictError(
            "Another integration has this issuer, audience and client already. A token must name one alone."
        ) from error


def _clean(uow: UnitOfWork, terms: Terms) -> Terms:
    plain = uow.settings.environment == "development"  # there the issuer may be this machine
    if not terms.jwks_url.startswith(("https://", "http://") if plain else "https://"):
        raise InvalidInputError("The address of the keys must begin with https://.")
    if not terms.algorithms or not set(terms.algorithms) <= set(ALGORITHMS):
        raise InvalidInputError("Choose how its tokens are signed.")
    if not terms.scopes or not set(terms.scopes) <= set(SCOPES):
        raise InvalidInputError("Choose what its tokens may do.")
    return Terms(
        name=_name(terms.name),
        issuer=_word(terms.issuer, "issuer", MAX_TEXT),
        audience=_word(terms.audience, "audience", MAX_TEXT),
        client_id=_word(terms.client_id, "client", MAX_CLIENT),
        jwks_url=_word(terms.jwks_url, "address of the keys", MAX_TEXT),
        algorithms=sorted(terms.algorithms),
        scopes=sorted(terms.scopes),
    )


def _name(typed: str) -> str:
    clean = " ".join(naming.plain_text(typed).split())
    if not 1 <= len(clean) <= MAX_NAME:
        raise InvalidInputError(f"Give it a name of 1 to {MAX_NAME} characters.")
    return clean


def _word(typed: str, what: str, longest: int) -> str:
    clean = typed.strip()
    if len(clean) > longest or not _WORD.fullmatch(clean):
        raise InvalidInputError(f"The {what} is 1 to {longest} characters without blanks.")
    return clean
