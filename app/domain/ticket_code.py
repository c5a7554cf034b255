"""Ticket codes: 130 random bits that a person can read out and type.

Crockford's Base32 (no I, L, O, U), in groups of four. The last two characters are a checksum: read
as a number in base 32, a code leaves 1 when divided by 1021, as an IBAN does by 97 (ISO 7064). 1021
being prime, one wrong character or two that changed places are always noticed, without asking
anybody whether there is such a ticket.
"""

import hashlib
import secrets
from typing import Final

_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_RANDOM, _CHECK, _GROUP = 26, 2, 4  # characters
_PRIME: Final = 1021  # the largest below 32 * 32, so that two characters can say any remainder
_READ_AS: Final = str.maketrans({"I": "1", "L": "1", "O": "0"})


def generate() -> str:
    """Return a new code, written in groups."""
    body = "".join(secrets.choice(_ALPHABET) for _ in range(_RANDOM))
    return _grouped(body + _check(body))


def parse(typed: str | None) -> str | None:
    """Return the code that somebody typed, as `generate` writes it; None if it cannot be one.

    Case, blanks, hyphens and the letters that look like digits do not matter.
    """
    text = "".join(filter(str.isalnum, (typed or "")[:200])).upper().translate(_READ_AS)
    if len(text) != _RANDOM + _CHECK or not set(text) <= set(_ALPHABET):
        return None
    return _grouped(text) if _number(text) % _PRIME == 1 else None


def digest(code: str) -> str:
    """Return what is kept of a code as `generate` writes it, hex SHA-256: it is too long to be guessed."""
    return hashlib.sha256(code.encode()).hexdigest()


def _check(body: str) -> str:
    high, low = divmod((1 - _number(body) * 32**_CHECK) % _PRIME, 32)
    return _ALPHABET[high] + _ALPHABET[low]


def _number(text: str) -> int:
    number = 0
    for character in text:
        number = number * 32 + _ALPHABET.index(character)
    return number


def _grouped(text: str) -> str:
    return "-".join(text[at : at + _GROUP] for at in range(0, len(text), _GROUP))
