"""What holds for every answer of the portal, whoever asks for what: T17, T33, C13, C21."""

from werkzeug.test import TestResponse

#: Planted in the settings of tests, or shapes of what must stay inside.
SECRETS = (
    b"a key for tests",
    b"postgresql+psycopg",
    b"argon2id$",
    b"Traceback (most",
    b"redis.sock",
    b"psycopg.",
)
_ALWAYS = {
    "X-Content-Type-Options": {"nosniff"},
    "Referrer-Policy": {"same-origin", "no-referrer"},
    "Cross-Origin-Opener-Policy": {"same-origin"},
    "Cross-Origin-Resource-Policy": {"same-origin"},
}
_PAGES = (
    "base-uri 'none'",
    "default-src 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
    "script-src 'self'",
)


def faults_of(answer: TestResponse, *, same_for_all: bool = False, secure: bool = False) -> list[str]:
    """Return what is wrong with an answer, in words; ``same_for_all``: a file that anybody may keep."""
    headers = answer.headers
    found = [
        f"{name}: {headers.get(name)}" for name, good in _ALWAYS.items() if headers.get(name) not in good
    ]
    policy = headers.get("Content-Security-Policy", "")
    parts = policy.split("; ")
    if "unsafe" in policy or "*" in policy or "http:" in policy:
        found.append(f"a policy with holes: {policy}")
    saved = headers.get("Content-Disposition", "").startswith("attachment")
    if answer.mimetype == "application/gzip" and not saved:
        found.append("a bundle in a tab")
    if saved and "sandbox" in parts:
        found += [] if parts == ["sandbox"] else ["a file with a policy of its own"]
    elif answer.mimetype == "application/gzip":
        found.append("a bundle outside of the sandbox")
    elif not set(_PAGES) <= set(parts):
        found.append(f"not the policy of pages: {policy}")
    if "geolocation=()" not in headers.get("Permissions-Policy", ""):
        found.append("no Permissions-Policy")
    if not same_for_all and "no-store" not in headers.get("Cache-Control", ""):
        found.append(f"may be kept: {headers.get('Cache-Control')}")
    if not same_for_all and "Cookie" not in headers.get("Vary", ""):
        found.append(f"a cache may share it: {headers.get('Vary')}")
    if ("Strict-Transport-Security" in headers) is not secure:
        found.append("Strict-Transport-Security is there without TLS, or missing with it")
    found += [f"tells of itself: {name}" for name in ("Server", "X-Powered-By", "Via") if name in headers]
    found += [
        f"sets {cookie}"
        for cookie in headers.getlist("Set-Cookie")
        if not _good_cookie(cookie, secure=secure)
    ]
    found += [f"holds {secret!r}" for secret in SECRETS if secret in answer.data]
    return found


def _good_cookie(cookie: str, *, secure: bool) -> bool:
    """Whether it is the session's or the device's, for this host and for nobody's script (RFC 6265bis)."""
    prefix = "__Host-" if secure else ""
    name, *attributes = cookie.split("; ")
    said = {attribute.partition("=")[0].lower() for attribute in attributes}
    return (
        name.startswith((f"{prefix}diagport=", f"{prefix}diagport-device="))
        and {"HttpOnly", "Path=/", "SameSite=Lax"} <= set(attributes)
        and "domain" not in said
        and ("secure" in said) is secure
    )
