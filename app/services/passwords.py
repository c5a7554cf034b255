"""Local passwords: argon2id with the library's current parameters (RFC 9106, low memory)."""

from functools import cache
from threading import BoundedSemaphore

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

MIN_LENGTH = 12
MAX_LENGTH = 256  # argon2 takes any length; a request should not


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
    return _hasher().hash(password)


def verify(password: str, password_hash: str | None) -> bool:
    """Whether the password fits. Without a hash it takes just as long, and says no."""
    try:
        with _slots():
            _hasher().verify(password_hash or _hash_of_nobody(), password)
    except (VerificationError, InvalidHashError):
        return False
    return password_hash is not None
