"""Where to go after signing in: never outside."""

from urllib.parse import urlsplit

from flask import url_for


def inside(target: str | None) -> str:
    """Return ``target`` if it is a path of this portal, and the home page otherwise."""
    try:
        parts = urlsplit(target or "")
    except ValueError:  # what looks like a host, and is none: "//["
        return url_for("portal.home")
    path = not parts.scheme and not parts.netloc and parts.path.startswith("/")
    # Browsers take a backslash for a slash: "/\evil.example" would leave.
    if path and target and not target.startswith("//") and "\\" not in target and target.isprintable():
        return target
    return url_for("portal.home")
