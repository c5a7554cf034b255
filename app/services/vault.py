"""Secrets that must be read again, encrypted at rest: one-time-code seeds, client secrets.

Fernet (AES-128-CBC with HMAC-SHA256) under a key derived from DIAGPORT_SECRET_KEY (HKDF, RFC 5869)
for each purpose, so that what was encrypted for one cannot be passed off as another.
"""

import base64

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from pydantic import SecretStr

from app.domain.errors import DependencyError
from app.settings import Settings


def seal(settings: Settings, purpose: str, secret: str) -> str:
    """Return ``secret`` encrypted, as ASCII."""
    return _box(settings, purpose).encrypt(secret.encode()).decode()


def unseal(settings: Settings, purpose: str, sealed: str) -> str:
    """Return what was sealed for ``purpose``.

    Raises:
        DependencyError: it was sealed under a key that is neither the secret key nor an old one.
    """
    try:
        return _box(settings, purpose).decrypt(sealed.encode()).decode()
    except InvalidToken as error:
        raise DependencyError(
            "A stored secret cannot be read: the portal's key was changed.", purpose=purpose
        ) from error


def _box(settings: Settings, purpose: str) -> MultiFernet:
    keys = (settings.secret_key, *settings.old_secret_keys)
    return MultiFernet([Fernet(_key(key, purpose)) for key in keys])


def _key(key: SecretStr, purpose: str) -> bytes:
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=f"diagport vault {purpose}".encode())
    return base64.urlsafe_b64encode(derived.derive(key.get_secret_value().encode()))
