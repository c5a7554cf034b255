"""Ticket codes: 130 random bits that a person can read out and type.

Crockford's Base32 (no I, L, O, U), in groups of four. The last two characters are a checksum, so
that a slip of the finger is told from a wrong ticket without asking anybody.
"""

import hashlib
import secrets
from typing import Final

_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_RANDOM, _CHECK, _GROUP = 26, 2, 4  # characters
_READ_AS: Final = str.maketrans({"I": "1", "L": "1", "O": "0", "-": None, " ": None})


def generate() -> str:
    """Return a new code, written in groups."""
    body = "".join(secrets.choice(_ALPHABET) for _ in range(_RANDOM))
    return _grouped(body + _check(body))


def parse(typed: str | None) -> str | None:
    """Return the code that somebody typed, as `generate` writes it; None if it cannot be one.

    Case, blanks, hyphens and the letters that look like digits do not matter.
    """
    text = (typed or "")[:200].upper().translate(_READ_AS)
    if len(text) != _RANDOM + _CHECK or not set(text) <= set(_ALPHABET):
        return None
    body, check = text[:_RANDOM], text[_RANDOM:]
    return _grouped(text) if check == _check(body) else None


def digest(code: str) -> str:
    """Return what is kept of a code as `generate` writes it, hex SHA-256: it is too long to be guessed."""
    return hashlib.sha256(code.encode()).hexdigest()


def _check(body: str) -> str:
    first, second = hashlib.sha256(body.encode()).digest()[:2]
    return _ALPHABET[first % 32] + _ALPHABET[second % 32]


def _grouped(text: str) -> str:
    return "-".join(text[at : at + _GROUP] for at in range(0, len(text), _GROUP))
