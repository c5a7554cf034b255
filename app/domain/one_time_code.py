"""What people type for a second factor: codes of an app, recovery codes."""

import hashlib
import secrets
import unicodedata
from typing import Final

DIGITS: Final = 6  # of a code by time (RFC 6238)
_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's Base32
_LENGTH, _GROUP = 12, 4  # characters; 60 random bits
_READ_AS: Final = str.maketrans({"I": "1", "L": "1", "O": "0"})
_TYPED: Final = 100  # characters that are looked at


def parse_digits(typed: str | None) -> str | None:
    """Return the code by time that somebody typed, in ASCII; None if it cannot be one.

    Blanks, hyphens and the script of the digits do not matter.
    """
    text = _bare(typed)
    if len(text) != DIGITS or not text.isdecimal():
        return None
    return "".join(str(unicodedata.decimal(digit)) for digit in text)


def generate_recovery() -> str:
    """Return a new recovery code, written in groups."""
    return _grouped("".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH)))


def parse_recovery(typed: str | None) -> str | None:
    """Return the recovery code that somebody typed, as `generate_recovery` writes it; None if it is none.

    Case, blanks, hyphens and the letters that look like digits do not matter.
    """
    text = unicodedata.normalize("NFKC", _bare(typed)).upper().translate(_READ_AS)
    if len(text) != _LENGTH or not set(text) <= set(_ALPHABET):
        return None
    return _grouped(text)


def digest(code: str) -> str:
    """Return what is kept of a recovery code as `generate_recovery` writes it, hex SHA-256."""
    return hashlib.sha256(code.encode()).hexdigest()


def _bare(typed: str | None) -> str:
    return "".join(filter(str.isalnum, (typed or "")[:_TYPED]))


def _grouped(text: str) -> str:
    return "-".join(text[at : at + _GROUP] for at in range(0, len(text), _GROUP))
