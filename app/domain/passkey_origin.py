"""Where passkeys are good: the origin that signs with them, and the name that they belong to (WebAuthn)."""

from contextlib import suppress
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

WHY_NOT: Final = "Passkeys need a portal with a name: this one's address is a number."
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


def relying_party(base_url: str) -> str | None:
    """Return the domain that passkeys belong to, None if the address has none: numbers will not do."""
    host = _host(base_url)
    with suppress(ValueError):
        ip_address(host)
        return None
    return host


def origin(base_url: str) -> str:
    """Return the origin as browsers write it (RFC 6454 section 6.2): ``https://upload.example.com``."""
    parts = urlsplit(base_url)
    host = f"[{_host(base_url)}]" if ":" in _host(base_url) else _host(base_url)
    if parts.port in {None, _DEFAULT_PORTS.get(parts.scheme)}:
        return f"{parts.scheme}://{host}"
    return f"{parts.scheme}://{host}:{parts.port}"


def _host(base_url: str) -> str:
    host = urlsplit(base_url).hostname or ""
    return host if ":" in host else host.encode("idna").decode()
