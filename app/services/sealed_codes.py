"""Codes and links that wait in the outbox for their mail: sealed there, and forgotten once it has gone."""

from collections.abc import Mapping
from typing import Any, Final

from app.services import vault
from app.settings import Settings

_PURPOSE: Final = "letter"
_SEALED: Final = "sealed"
_PLAIN: Final = "code"  # of tickets that the release before put there

NAMES: Final = (_SEALED, _PLAIN)


def seal(settings: Settings, code: str) -> dict[str, str]:
    """Return what an outbox row is to keep of ``code``."""
    return {_SEALED: vault.seal(settings, _PURPOSE, code)}


def unseal(settings: Settings, told: Mapping[str, Any]) -> str | None:
    """Return the code that an outbox row keeps; None if it keeps none.

    Raises:
        DependencyError: the portal's key was changed, and the old one is not there.
    """
    sealed = told.get(_SEALED)
    return vault.unseal(settings, _PURPOSE, sealed) if sealed else told.get(_PLAIN)


def without(told: Mapping[str, Any]) -> dict[str, Any]:
    """Return what an outbox row is to keep when its code has served."""
    return {name: value for name, value in told.items() if name not in NAMES}
