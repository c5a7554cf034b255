"""Names that people type, made safe to keep and show. None of them ever names a file of ours."""

import re
import unicodedata
from uuid import UUID

from app.domain.errors import InvalidInputError

MAX_FILENAME = 255
MAX_CASE = 64
MAX_NOTE = 2000
MAX_TITLE = 200
MAX_NAME = 200
MAX_EMAIL = 254
MIN_REASON = 10
MAX_REASON = 1000

# C0/C1 controls, and the bidirectional overrides that make "gpj.exe" read as "exe.jpg".
_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
_UNSAFE_TEXT = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_CASE = re.compile(r"[\w][\w .:/#+-]*", re.ASCII)
_EMAIL = re.compile(r"[^\s@<>,;:\"()\[\]\\\x00-\x1f]+@[^\s@<>,;:\"()\[\]\\\x00-\x1f]+")
_SHA256 = re.compile(r"[0-9a-f]{64}")


def clean_filename(raw: str | None) -> str:
    """Return the last path segment of ``raw`` without control characters, NFC, for display.

    Raises:
        InvalidInputError: nothing is left, or it is longer than 255 characters.
    """
    name = unicodedata.normalize("NFC", raw or "")
    name = _UNSAFE.sub("", name.replace("\\", "/").rsplit("/", 1)[-1]).strip()
    if not name or name in {".", ".."}:
        raise InvalidInputError("The file needs a name, for example bundle.tgz.")
    if len(name) > MAX_FILENAME:
        raise InvalidInputError(f"The file name is longer than {MAX_FILENAME} characters. Rename the file.")
    return name


def clean_case(raw: str | None) -> str | None:
    """Return the case reference as kept (upper case, single spaces), or None for nothing.

    Raises:
        InvalidInputError: too long, or characters that no case reference has.
    """
    case = " ".join((raw or "").split()).upper()
    if not case:
        return None
    if len(case) > MAX_CASE or not _CASE.fullmatch(case):
        raise InvalidInputError(
            f"A case reference has up to {MAX_CASE} letters, digits, spaces and . : / # + - characters."
        )
    return case


def clean_title(raw: str | None) -> str:
    """Return a title on one line without control characters; empty for nothing.

    Raises:
        InvalidInputError: longer than 200 characters.
    """
    title = " ".join(_UNSAFE.sub(" ", raw or "").split())
    if len(title) > MAX_TITLE:
        raise InvalidInputError(f"The title is longer than {MAX_TITLE} characters.")
    return title


def clean_name(raw: str | None) -> str:
    """Return somebody's name on one line without control characters; empty for nothing.

    Raises:
        InvalidInputError: longer than 200 characters.
    """
    name = " ".join(_UNSAFE.sub(" ", raw or "").split())
    if len(name) > MAX_NAME:
        raise InvalidInputError(f"A name has at most {MAX_NAME} characters.")
    return name


def clean_email(raw: str) -> str:
    """Return a mail address without blanks around it.

    Raises:
        InvalidInputError: it is none.
    """
    email = raw.strip()
    if len(email) > MAX_EMAIL or not _EMAIL.fullmatch(email):
        raise InvalidInputError(f"{email!r} is not a mail address.")
    return email


def plain_text(raw: str | None) -> str:
    """Return what somebody wrote without control characters, but with its line breaks."""
    return _UNSAFE_TEXT.sub("", (raw or "").replace("\r\n", "\n")).strip()


def clean_note(raw: str | None) -> str | None:
    """Return the note without control characters, or None for nothing.

    Raises:
        InvalidInputError: longer than 2,000 characters.
    """
    note = plain_text(raw)
    if len(note) > MAX_NOTE:
        raise InvalidInputError(
            f"The note is longer than {MAX_NOTE} characters. Put the details into the bundle."
        )
    return note or None


def clean_reason(raw: str | None) -> str:
    """Return why somebody did something, in their words, without control characters.

    Raises:
        InvalidInputError: shorter than 10 characters, or longer than 1,000.
    """
    reason = plain_text(raw)
    if not MIN_REASON <= len(reason) <= MAX_REASON:
        raise InvalidInputError(f"Write the reason in {MIN_REASON} to {MAX_REASON:,} characters.")
    return reason


def clean_sha256(raw: str | None) -> str | None:
    """Return a SHA-256 digest as 64 lower-case hex digits, or None for nothing.

    Raises:
        InvalidInputError: not 64 hex digits.
    """
    digest = (raw or "").strip().lower()
    if not digest:
        return None
    if not _SHA256.fullmatch(digest):
        raise InvalidInputError("sha256 must be 64 hexadecimal digits, as sha256sum prints them.")
    return digest


def storage_key(organisation_id: UUID, upload_id: UUID) -> str:
    """Return the key under which an upload's bytes lie."""
    return f"{organisation_id}/{upload_id}"
