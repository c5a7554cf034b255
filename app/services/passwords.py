"""Local passwords: argon2id with the library's current parameters (RFC 9106, low memory).

Which are taken follows NIST SP 800-63B and ASVS 6.2: length, and not what everybody tries first; no rules
of composition. What everybody tries is what zxcvbn knows: lists of passwords that were breached, of names
and words, and the patterns that people make of them.
"""

from collections.abc import Iterable
from functools import cache
from threading import BoundedSemaphore
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from app.domain.errors import InvalidInputError

MIN_LENGTH = 12
MAX_LENGTH = 256  # argon2 takes any length; a request should not

_ENOUGH = 10**8  # guesses: zxcvbn's "safely unguessable", far more than the portal lets anybody make
_LOOKED_AT = 32  # characters that zxcvbn looks at: of some texts twice as many take it seconds

_ADVICE = "Take a longer one: for example, four words that have nothing to do with each other."
_ABOUT_YOU = f"This can be guessed from your name, your mail address or your organisation. {_ADVICE}"
_COMMON = f"This is among the passwords that attackers try first, or much like one of them. {_ADVICE}"
_PATTERN = f"This repeats itself, or follows the alphabet or the keyboard. {_ADVICE}"
_SIMPLE = f"This can be guessed. {_ADVICE}"


@cache
def _hasher() -> PasswordHasher:
    return PasswordHasher()


@cache
def _hash_of_nobody() -> str:
    return _hasher().hash("nobody has this password")


@cache
def _slots() -> BoundedSemaphore:
    # Each verification takes 64 MiB: anonymous requests must not be able to take all memory.
    return BoundedSemaphore(4)


def hash_password(password: str) -> str:
    """Return the PHC string of ``password``."""
    with _slots():
        return _hasher().hash(password)


def verify(password: str, password_hash: str | None) -> bool:
    """Whether the password fits. Without a hash it takes just as long, and says no."""
    of_nobody = _hash_of_nobody()  # made by whoever comes first, present or absent
    try:
        with _slots():
            _hasher().verify(password_hash or of_nobody, password)
    except (VerificationError, InvalidHashError):
        return False
    return password_hash is not None


def check(password: str, about: Iterable[str] = ()) -> None:
    """Refuse a password that is too easy to guess.

    ``about`` is what others know of whoever chooses it: names, the mail address.

    Raises:
        InvalidInputError: too short, too long, or easy to guess; the sentence says why.
    """
    if not MIN_LENGTH <= len(password) <= MAX_LENGTH:
        raise InvalidInputError(f"A password has {MIN_LENGTH} to {MAX_LENGTH} characters.")
    with _slots():
        guesses, matches = _guess(password[:_LOOKED_AT], about)
    if guesses >= _ENOUGH:
        return
    lists = {match.get("dictionary_name") for match in matches}
    patterns = {match["pattern"] for match in matches}
    if "user_inputs" in lists:
        raise InvalidInputError(_ABOUT_YOU)
    if "passwords" in lists:
        raise InvalidInputError(_COMMON)
    raise InvalidInputError(_PATTERN if patterns & {"repeat", "sequence", "spatial"} else _SIMPLE)


def _guess(password: str, about: Iterable[str]) -> tuple[float, list[dict[str, Any]]]:
    """Return how many guesses it takes who knows the lists, and what they recognise in it."""
    # Here, because the lists cost every process 15 MB.
    from zxcvbn import matching, scoring  # type: ignore[import-untyped]

    # Not by zxcvbn's own front door: that writes what is about one person into a table of all threads.
    known = matching.RANKED_DICTIONARIES | {"user_inputs": matching.build_ranked_dict(_words(about))}
    result = scoring.most_guessable_match_sequence(password, matching.omnimatch(password, known))
    return result["guesses"], result["sequence"]


def _words(about: Iterable[str]) -> list[str]:
    """Return what is known of somebody, whole and in its parts, in lower case."""
    whole = ["diagport", *(text.lower() for text in about)]
    parts = [part for text in whole for part in text.replace("@", " ").replace(".", " ").split()]
    joined = ["".join(text.split()) for text in whole]
    return list(dict.fromkeys(word for word in (*whole, *joined, *parts) if len(word) > 2))
