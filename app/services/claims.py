"""What a provider says about a person, in the portal's words."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from app.domain import naming
from app.domain.errors import InvalidInputError
from app.domain.mail_domain import domain_of
from app.domain.policy import STAFF, Role
from app.models import IdentityProvider

_BY_POWER = (Role.ADMIN, Role.ENGINEER, Role.CUSTOMER)
_YES = (True, "true", "1")  # some providers write it as text; 1 equals True


@dataclass(frozen=True, slots=True)
class Said:
    """``email`` None: none that the provider vouches for. ``organisations``: slugs, by the mapping."""

    subject: str
    email: str | None
    named_email: str | None  # vouched for or not, for people to read
    name: str
    role: Role | None  # the mightiest that the mapping gives; None: none
    organisations: Collection[str]

    @property
    def domain(self) -> str:
        return domain_of(self.email or "")


def wanted(provider: IdentityProvider) -> frozenset[str]:
    """Name the claims that `read` looks at."""
    mapping = provider.mapping
    named = {mapping[name] for name in ("role", "organisation") if name in mapping}
    return frozenset({"email", flag(provider), *named})


def flag(provider: IdentityProvider) -> str:
    """Name the claim that says that the mail address is verified."""
    return provider.mapping.get("verified") or "email_verified"


def read(provider: IdentityProvider, claims: Mapping[str, Any]) -> Said:
    """Read verified ``claims`` by the provider's mapping."""
    mapping = provider.mapping
    email = _email(claims.get("email"))
    return Said(
        subject=claims["sub"],
        email=email if claims.get(flag(provider)) in _YES else None,
        named_email=email,
        name=_name(claims),
        role=_role(provider, _mapped(claims, mapping.get("role"), mapping.get("roles"))),
        organisations=_mapped(claims, mapping.get("organisation"), mapping.get("organisations")),
    )


def roles_for(*, for_staff: bool) -> Collection[Role]:
    """Return the roles that people may have who sign in by a provider for staff, or by another."""
    return STAFF if for_staff else {Role.CUSTOMER}


def _mapped(claims: Mapping[str, Any], claim: str | None, meanings: Mapping[str, str] | None) -> list[str]:
    """Return what the values of a claim, one or a list, mean."""
    value = claims.get(claim) if claim else None
    values = value if isinstance(value, list) else [value]
    return [meanings[each] for each in values if isinstance(each, str) and meanings and each in meanings]


def _role(provider: IdentityProvider, given: Collection[str]) -> Role | None:
    allowed = roles_for(for_staff=provider.for_staff)
    return next((role for role in _BY_POWER if role in given and role in allowed), None)


def _email(raw: object) -> str | None:
    try:
        return naming.clean_email(raw) if isinstance(raw, str) else None
    except InvalidInputError:
        return None


def _name(claims: Mapping[str, Any]) -> str:
    raw = claims.get("name")
    return naming.clean_name(raw[: naming.MAX_NAME]) if isinstance(raw, str) else ""
