"""Identity providers, as admins set them up."""

import re
from dataclasses import asdict, dataclass, field
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.exc import IntegrityError

from app.domain import naming
from app.domain.errors import InvalidInputError, StateConflictError
from app.domain.mail_domain import clean_domain
from app.models import IdentityProvider, Organisation, SignInSession
from app.queries import providers
from app.services import audit, claims, vault
from app.uow import UnitOfWork

#: What the vault seals a client secret for.
SECRET = "oidc client secret"  # noqa: S105  # its name

_SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_TEXT = re.compile(r"[\x21-\x7e]+")
_MAX_NAME, _MAX_ISSUER, _MAX_CLIENT, _MAX_SECRET, _MAX_CLAIM = 100, 500, 200, 500, 100
_MAX_MEANINGS, _MAX_VALUE = 100, 200


@dataclass(frozen=True, slots=True)
class Terms:
    """What an admin says of a provider. ``client_secret`` None: as it was, or none."""

    name: str
    issuer: str
    client_id: str
    client_secret: str | None = None
    for_staff: bool = False
    organisation_id: UUID | None = None
    domains: list[str] = field(default_factory=list)
    create_accounts: bool = False
    listed: bool = True
    mapping: dict[str, Any] = field(default_factory=dict)  # see `models.identity`


def create(uow: UnitOfWork, slug: str, terms: Terms) -> IdentityProvider:
    """Add a provider; people can sign in by it at once.

    Raises:
        InvalidInputError: a field.
        StateConflictError: another has the slug.
    """
    if not _SLUG.fullmatch(slug):
        raise InvalidInputError(
            "The short name has lower-case letters, digits and hyphens, 63 characters at most."
        )
    row = IdentityProvider(slug=slug)
    clean = _clean(uow, row, terms)
    _set(uow, row, clean, terms.client_secret)
    try:
        with uow.session.begin_nested():
            uow.session.add(row)
    except IntegrityError as error:
        raise StateConflictError(f"There is already a provider with the short name {slug}.") from error
    uow.session.refresh(row)
    audit.record(uow, "provider.created", organisation_id=row.organisation_id, slug=slug, after=_plain(clean))
    return row


def change(uow: UnitOfWork, provider_id: UUID, terms: Terms) -> IdentityProvider:
    """Change what is said of a provider; it holds for whoever signs in from now on.

    Raises:
        NotFoundError: there is none.
        InvalidInputError: a field.
        StateConflictError: people are known by it, so it cannot become another provider.
    """
    row = providers.get(uow.session, provider_id)
    clean = _clean(uow, row, terms)
    if clean["issuer"] != row.issuer and providers.people(uow.session, row.id):
        # Its subjects would be taken for those of the other one.
        raise StateConflictError("People sign in by this provider. For another issuer, add another provider.")
    before = {name: getattr(row, name) for name in clean}
    _set(uow, row, clean, terms.client_secret)
    uow.session.flush()
    uow.session.refresh(row)
    changed = [name for name in clean if before[name] != clean[name]]
    if changed or terms.client_secret:
        audit.record(
            uow,
            "provider.changed",
            organisation_id=row.organisation_id,
            slug=row.slug,
            before=_plain({name: before[name] for name in changed}),
            after=_plain({name: clean[name] for name in changed}),
            secret_replaced=bool(terms.client_secret) or None,
        )
    return row


def disable(uow: UnitOfWork, provider_id: UUID) -> IdentityProvider:
    """Let nobody in by it any more, and end the sessions of who came so. Raises NotFoundError."""
    row = providers.get(uow.session, provider_id)
    if row.disabled_at is None:
        row.disabled_at = func.now()
        ended = uow.session.scalars(
            delete(SignInSession).where(SignInSession.provider_id == row.id).returning(SignInSession.id)
        ).all()
        audit.record(
            uow, "provider.disabled", organisation_id=row.organisation_id, slug=row.slug, sessions=len(ended)
        )
    return row


def enable(uow: UnitOfWork, provider_id: UUID) -> IdentityProvider:
    """Let people in by it again. Raises NotFoundError."""
    row = providers.get(uow.session, provider_id)
    if row.disabled_at is not None:
        row.disabled_at = None
        audit.record(uow, "provider.enabled", organisation_id=row.organisation_id, slug=row.slug)
    return row


def _set(uow: UnitOfWork, row: IdentityProvider, clean: dict[str, Any], secret: str | None) -> None:
    for name, value in clean.items():
        setattr(row, name, value)
    if secret:
        if len(secret) > _MAX_SECRET or not secret.isprintable():
            raise InvalidInputError("The client secret is too long, or has characters that no secret has.")
        row.client_secret = vault.seal(uow.settings, SECRET, secret)


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    return {name: str(value) if isinstance(value, UUID) else value for name, value in values.items()}


def _clean(uow: UnitOfWork, row: IdentityProvider, terms: Terms) -> dict[str, Any]:
    """Return the columns of ``terms`` except the secret. Raises InvalidInputError."""
    name = naming.clean_name(terms.name)
    if not 1 <= len(name) <= _MAX_NAME:
        raise InvalidInputError(f"Give the provider a name of 1 to {_MAX_NAME} characters.")
    client_id = terms.client_id.strip()
    if not _TEXT.fullmatch(client_id) or len(client_id) > _MAX_CLIENT:
        raise InvalidInputError("Type the client ID that the provider gave the portal.")
    if terms.organisation_id is not None:
        if terms.for_staff:
            raise InvalidInputError("A provider is for staff, or for an organisation.")
        if uow.session.get(Organisation, terms.organisation_id) is None:
            raise InvalidInputError("Choose the organisation.")
    clean = asdict(terms) | {
        "name": name,
        "issuer": _issuer(terms.issuer),
        "client_id": client_id,
        "domains": _domains(uow, row, terms.domains),
        "mapping": _mapping(uow, terms),
    }
    del clean["client_secret"]
    return clean


def _issuer(raw: str) -> str:
    issuer = raw.strip()
    try:
        parts = urlsplit(issuer)
    except ValueError:
        parts = urlsplit("")
    if (
        parts.scheme not in {"https", "http"}
        or not parts.hostname
        or parts.query
        or parts.fragment
        or len(issuer) > _MAX_ISSUER
        or not _TEXT.fullmatch(issuer)
    ):
        raise InvalidInputError(
            "The issuer is an address such as https://id.example.com, exactly as published."
        )
    return issuer


def _domains(uow: UnitOfWork, row: IdentityProvider, raw: list[str]) -> list[str]:
    domains = sorted({clean_domain(each) or "" for each in raw if each.strip()})
    if "" in domains:
        raise InvalidInputError("Write each mail domain on a line of its own, for example example.com.")
    for domain in domains:
        other = uow.session.scalar(
            select(IdentityProvider.name).where(
                IdentityProvider.domains.contains([domain]), IdentityProvider.id != row.id
            )
        )
        if other:
            raise InvalidInputError(f"{domain} leads to {other} already.")
    return domains


def _mapping(uow: UnitOfWork, terms: Terms) -> dict[str, Any]:
    """Leave out of the mapping what says nothing, and check the rest."""
    mapping = {name: value for name, value in terms.mapping.items() if value}
    for one, many, what in (("role", "roles", "role"), ("organisation", "organisations", "organisation")):
        if (one in mapping) != (many in mapping):
            raise InvalidInputError(f"For the {what}, name the claim and say what its values mean.")
    for name in ("role", "organisation", "verified"):
        if len(mapping.get(name, "")) > _MAX_CLAIM:
            raise InvalidInputError(f"The name of a claim has at most {_MAX_CLAIM} characters.")
    for name in ("roles", "organisations"):
        meanings = mapping.get(name, {})
        if len(meanings) > _MAX_MEANINGS or any(len(value) > _MAX_VALUE for value in meanings):
            raise InvalidInputError(
                f"At most {_MAX_MEANINGS} values of {_MAX_VALUE} characters have a meaning."
            )
    roles = {str(role) for role in claims.roles_for(for_staff=terms.for_staff)}
    if not set(mapping.get("roles", {}).values()) <= roles:
        raise InvalidInputError(f"By this provider people can become: {', '.join(sorted(roles))}.")
    slugs = set(mapping.get("organisations", {}).values())
    if slugs and (terms.for_staff or terms.organisation_id):
        raise InvalidInputError("Only a provider for several organisations says which one somebody is of.")
    known = set(uow.session.scalars(select(Organisation.slug).where(Organisation.slug.in_(slugs))))
    if unknown := slugs - known:
        raise InvalidInputError(f"There is no organisation {min(unknown)}.")
    return mapping
