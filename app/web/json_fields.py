"""A request's JSON object, read strictly: what is not understood is refused, not passed over."""

import re

from flask import Request

from app.domain.errors import BadRequestError, InvalidInputError

_HALF = re.compile(r"[\ud800-\udfff]")


class JsonFields:
    """The members of the object that a request carries, of which only ``known`` ones may be there.

    Raises:
        BadRequestError: it is no JSON object.
        InvalidInputError: it has a member that means nothing here.
    """

    def __init__(self, request: Request, *known: str) -> None:
        document = request.get_json(silent=True)
        if not isinstance(document, dict):
            raise BadRequestError("Send a JSON object, as application/json.")
        if unknown := sorted(set(document) - set(known)):
            raise InvalidInputError(f"{unknown[0][:50]!r} means nothing here. Known are: {', '.join(known)}.")
        self._document = document

    def __contains__(self, name: str) -> bool:
        return name in self._document

    def text(self, name: str) -> str | None:
        """Return a text; None where there is none, or null. Raises InvalidInputError."""
        value = self._document.get(name)
        if value is not None and not _is_text(value):
            raise InvalidInputError(f"{name} must be a text.")
        return value

    def number(self, name: str) -> int | None:
        """Return a whole number; None where there is none, or null. Raises InvalidInputError."""
        value = self._document.get(name)
        if value is not None and (not isinstance(value, int) or isinstance(value, bool)):
            raise InvalidInputError(f"{name} must be a whole number.")
        return value

    def texts(self, name: str) -> list[str]:
        """Return a list of texts; empty where there is none, or null. Raises InvalidInputError."""
        value = self._document.get(name) or []
        if not isinstance(value, list) or not all(_is_text(item) for item in value):
            raise InvalidInputError(f"{name} must be a list of texts.")
        return value


def _is_text(value: object) -> bool:
    """Whether it is made of characters: JSON can spell halves of them (RFC 8259 section 8.2)."""
    return isinstance(value, str) and not _HALF.search(value)
