"""The domains of mail addresses."""

import re

import idna

_DOMAIN = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}")
_MAX = 253


def domain_of(email: str) -> str:
    """Return the domain of a mail address; empty if it has none."""
    return clean_domain(email.rpartition("@")[2]) or ""


def clean_domain(raw: str) -> str | None:
    """Return a domain in lower case and its ASCII form (RFC 5891); None if it is none.

    With the mapping of UTS 46 but for its transitional part, which the older IDNA of Python's own
    library has: what two domains are to the DNS must be two here.
    """
    try:
        domain = idna.encode(raw.strip().removesuffix("."), uts46=True).decode().lower()
    except idna.IDNAError:  # a part is empty or too long, or has letters that no name has
        return None
    return domain if len(domain) <= _MAX and _DOMAIN.fullmatch(domain) else None
