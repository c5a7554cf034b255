"""The header fields of tus 1.0.0, read strictly."""

import base64
import binascii
import re
from http import HTTPStatus

from flask import Request

from app.domain.errors import BadRequestError, PortalError

VERSION = "1.0.0"
_DECIMAL = re.compile(r"[0-9]{1,18}", re.ASCII)


class VersionError(PortalError):
    """The client speaks another version of tus."""

    status, code = HTTPStatus.PRECONDITION_FAILED, "tus_version"


def check_version(request: Request) -> None:
    """Raise VersionError unless the client speaks tus 1.0.0."""
    if request.headers.get("Tus-Resumable") != VERSION:
        raise VersionError(f"This is a tus {VERSION} endpoint: send Tus-Resumable: {VERSION}.")


def decimal(request: Request, name: str) -> int:
    """Return a field that must be a non-negative whole number.

    Raises:
        BadRequestError: absent, or something else.
    """
    value = request.headers.get(name, "")
    if not _DECIMAL.fullmatch(value):
        raise BadRequestError(f"{name} must be a whole number of bytes.")
    return int(value)


def metadata(field: str) -> dict[str, str]:
    """Return Upload-Metadata, decoded; an empty field is no metadata.

    Raises:
        BadRequestError: not pairs of a key and base64 of UTF-8.
    """
    pairs: dict[str, str] = {}
    for item in filter(None, (part.strip() for part in field.split(","))):
        key, _, encoded = item.partition(" ")
        try:
            pairs[key] = base64.b64decode(encoded.strip(), validate=True).decode()
        except (binascii.Error, UnicodeDecodeError) as error:
            raise BadRequestError(f"Upload-Metadata: the value of {key!r} is not base64 of UTF-8.") from error
    return pairs
