"""What an organisation is known by, and what it may do, as somebody types it."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from app.domain import naming
from app.domain.errors import InvalidInputError
from app.domain.mail_domain import clean_domain
from app.domain.retention import RetentionSince
from app.domain.sizes import parse_size

MAX_DOMAINS: Final = 50
MAX_CONTACTS: Final = 20
MAX_UPLOADS: Final = 10**9
MAX_RETENTION: Final = 36_500  # days

_SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class Details:
    """What can be changed of an organisation, checked. None is no limit."""

    name: str
    domains: tuple[str, ...] = ()  # of mail, ASCII, lower case
    quota_bytes: int | None = None
    quota_uploads: int | None = None
    retention_days: int | None = None
    retention_since: RetentionSince = RetentionSince.RECEIVED
    contacts: tuple[str, ...] = ()  # mail addresses


def clean_slug(raw: str | None) -> str:
    """Return a short name. Raises InvalidInputError."""
    slug = (raw or "").strip()
    if not _SLUG.fullmatch(slug):
        raise InvalidInputError(
            "A short name has lower-case letters, digits and hyphens, 63 at most: acme-labs."
        )
    return slug


def clean_domains(lines: Iterable[str]) -> tuple[str, ...]:
    """Return mail domains, each once. Raises InvalidInputError."""
    domains = tuple(dict.fromkeys(_domain(line.strip()) for line in lines if line.strip()))
    if len(domains) > MAX_DOMAINS:
        raise InvalidInputError(f"An organisation has {MAX_DOMAINS} mail domains at most.")
    return domains


def clean_contacts(lines: Iterable[str]) -> tuple[str, ...]:
    """Return mail addresses, each once. Raises InvalidInputError."""
    contacts = tuple(dict.fromkeys(naming.clean_email(line) for line in lines if line.strip()))
    if len(contacts) > MAX_CONTACTS:
        raise InvalidInputError(f"An organisation has {MAX_CONTACTS} contacts at most.")
    return contacts


def clean_quota_bytes(raw: str | None) -> int | None:
    """Return a number of bytes; None for nothing typed. Raises InvalidInputError."""
    return parse_size(raw) if raw and raw.strip() else None


def clean_quota_uploads(raw: str | None) -> int | None:
    """Return a number of bundles; None for nothing typed. Raises InvalidInputError."""
    return _number(raw, 0, MAX_UPLOADS, "How many bundles? Type a whole number, or nothing for no limit.")


def clean_retention(raw: str | None, nothing: str = "to keep all") -> int | None:
    """Return a number of days; None for nothing typed, which is ``nothing``. Raises InvalidInputError."""
    return _number(
        raw, 1, MAX_RETENTION, f"Type how many days, 1 to {MAX_RETENTION:,}, or nothing {nothing}."
    )


def _domain(typed: str) -> str:
    domain = clean_domain(typed.removeprefix("@"))
    if domain is None:
        raise InvalidInputError(f"{typed} is not a mail domain. Write it like acme.example.")
    return domain


def _number(raw: str | None, least: int, most: int, sentence: str) -> int | None:
    text = (raw or "").strip().replace(",", "")
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 12 and least <= int(text) <= most):
        raise InvalidInputError(sentence)
    return int(text)
