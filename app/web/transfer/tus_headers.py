"""The header fields of tus 1.0.0, read strictly."""

import base64
import binascii
import re
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urljoin, urlsplit
from uuid import UUID

from flask import Request

from app.domain.errors import BadRequestError, PortalError
from app.models import Upload
from app.services.intake.records import Announcement
from app.web.context import system
from app.web.transfer.digests import sha256_field

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


@dataclass(frozen=True, slots=True)
class Concat:
    """Upload-Concat: what an upload has to do with parts. Neither, where the field is absent."""

    partial: bool = False
    parts: tuple[UUID, ...] = ()  # in their order; what is final has some

    @property
    def final(self) -> bool:
        return bool(self.parts)


def concat(request: Request) -> Concat:
    """Read Upload-Concat; parts may be named by absolute or relative URLs.

    Raises:
        BadRequestError: neither ``partial`` nor ``final;`` with URLs of uploads here.
    """
    value = request.headers.get("Upload-Concat")
    if value is None:
        return Concat()
    kind, _, urls = value.strip().partition(";")
    if kind == "partial" and not urls:
        return Concat(partial=True)
    if kind == "final" and urls.split():
        return Concat(parts=tuple(_upload_at(url, request) for url in urls.split()))
    raise BadRequestError("Upload-Concat must be partial, or final; and the URLs of the parts.")


def _upload_at(url: str, request: Request) -> UUID:
    here = {system().settings.base_url, request.host_url.rstrip("/")}
    try:
        parts = urlsplit(urljoin(request.url, url))
        place, _, upload_id = parts.path.rpartition("/")
        if f"{parts.scheme}://{parts.netloc}" in here and place == "/tus":
            return UUID(upload_id)
    except ValueError as error:  # no URL, or no id
        raise BadRequestError("Upload-Concat names what is no upload here.") from error
    raise BadRequestError("Upload-Concat names what is no upload here.")


def is_final(upload: Upload) -> bool:
    """Whether an upload is made of parts."""
    return str((upload.echoed or {}).get("Upload-Concat", "")).startswith("final")


def announcement(request: Request, concat: Concat) -> Announcement:
    """Return what a creation says of the upload.

    Raises:
        BadRequestError: no length where one is needed, or metadata that is none.
    """
    said = metadata(request.headers.get("Upload-Metadata", ""))
    return Announcement(
        door="tus",
        # A part is shown to nobody; its sender has named the file in the whole.
        filename=said.get("filename") or said.get("name") or ("part" if concat.partial else None),
        size=_length(request, concat),
        case=said.get("case"),
        note=said.get("note"),
        sha256=None if concat.partial else said.get("sha256") or sha256_field(request.headers, "Repr-Digest"),
        partial=concat.partial,
    )


def _length(request: Request, concat: Concat) -> int | None:
    """Return the length in bytes; None where it is deferred, or that of the parts together."""
    deferred = request.headers.get("Upload-Defer-Length")
    if concat.final:
        if "Upload-Length" in request.headers or deferred is not None:
            raise BadRequestError("What is made of parts is as long as they are: send no length.")
        return None
    if deferred is None:
        return decimal(request, "Upload-Length")
    if deferred != "1" or "Upload-Length" in request.headers:
        raise BadRequestError("Send either Upload-Length, or Upload-Defer-Length: 1.")
    return None


def echoed(request: Request) -> dict[str, str]:
    """Return the fields of a creation that HEAD repeats as they were sent."""
    fields = {name: request.headers.get(name, "") for name in ("Upload-Metadata", "Upload-Concat")}
    if not all(value.isascii() and value.isprintable() for value in fields.values()):
        raise BadRequestError("Upload-Metadata and Upload-Concat are ASCII.")
    return {name: value for name, value in fields.items() if value}


def metadata(field: str) -> dict[str, str]:
    """Return Upload-Metadata, decoded; an empty field is no metadata.

    Raises:
        BadRequestError: not pairs of a key, each another, and base64 of UTF-8.
    """
    pairs: dict[str, str] = {}
    for item in filter(None, (part.strip() for part in field.split(","))):
        key, _, encoded = item.partition(" ")
        if key in pairs:
            raise BadRequestError(f"Upload-Metadata has {key!r} twice.")
        try:
            pairs[key] = base64.b64decode(encoded.strip(), validate=True).decode()
        except (binascii.Error, UnicodeDecodeError) as error:
            raise BadRequestError(f"Upload-Metadata: the value of {key!r} is not base64 of UTF-8.") from error
    return pairs
