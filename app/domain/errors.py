"""Everything that can go wrong and be told to a person.

Each error carries the HTTP status and the stable ``code`` of the contract, so that a
service raises it once and the web layer renders it once (RFC 9457 or a page).
"""

from http import HTTPStatus
from typing import ClassVar


class PortalError(Exception):
    """Base class: ``message`` is safe to show; ``context`` is logged, never rendered."""

    status: ClassVar[int] = HTTPStatus.INTERNAL_SERVER_ERROR
    code: ClassVar[str] = "internal_error"
    retry_after: ClassVar[int | None] = None  # seconds

    def __init__(self, message: str, **context: object) -> None:
        super().__init__(message)
        self.message = message
        self.context = context


class BadRequestError(PortalError):
    """The request cannot be understood as it stands."""

    status, code = HTTPStatus.BAD_REQUEST, "bad_request"


class TruncatedBodyError(BadRequestError):
    """The body ended before the length that was promised."""

    code = "truncated"


class NotSignedInError(PortalError):
    """Credentials are missing or no longer good."""

    status, code = HTTPStatus.UNAUTHORIZED, "not_signed_in"


class ForbiddenError(PortalError):
    """Signed in, and not allowed."""

    status, code = HTTPStatus.FORBIDDEN, "forbidden"


class FreshSignInNeededError(PortalError):
    """Signed in, and too long ago for this: whoever asks proves once more who they are."""

    status, code = HTTPStatus.FORBIDDEN, "fresh_sign_in_needed"


class NotFoundError(PortalError):
    """Absent, or somebody else's: the two must give the same answer."""

    status, code = HTTPStatus.NOT_FOUND, "not_found"

    def __init__(self, message: str = "There is nothing at this address.", **context: object) -> None:
        super().__init__(message, **context)


class StateConflictError(PortalError):
    """The row is not in a state that allows this; nothing was changed."""

    status, code = HTTPStatus.CONFLICT, "state_conflict"


class OffsetConflictError(PortalError):
    """A chunk does not start where the durable bytes end (tus 1.0, 409)."""

    status, code = HTTPStatus.CONFLICT, "wrong_offset"


class GoneError(PortalError):
    """It was here once and will not come back."""

    status, code = HTTPStatus.GONE, "gone"


class TooLargeError(PortalError):
    """Over the size limit."""

    status, code = HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too_large"


class WrongContentError(PortalError):
    """Judged by content, this is not a gzip-compressed tar."""

    status, code = HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "wrong_content"


class DigestMismatchError(PortalError):
    """What arrived does not have the digest that the sender named (RFC 9530)."""

    status, code = HTTPStatus.UNPROCESSABLE_ENTITY, "digest_mismatch"


class InvalidInputError(PortalError):
    """A field was understood and is not acceptable."""

    status, code = HTTPStatus.UNPROCESSABLE_ENTITY, "invalid_input"


class LockedError(PortalError):
    """Another request is writing to this upload right now (tus: 423)."""

    status, code = HTTPStatus.LOCKED, "locked"
    retry_after = 2


class TooManyRequestsError(PortalError):
    """Too many tries."""

    status, code = HTTPStatus.TOO_MANY_REQUESTS, "too_many_requests"
    retry_after = 60


class TooManyTriesError(TooManyRequestsError):
    """Too many failed tries at a password, a code or a link; ``wait`` seconds more to go."""

    def __init__(self, message: str, wait: int, **context: object) -> None:
        super().__init__(message, **context)
        self.wait = wait


class DependencyError(PortalError):
    """Database, scanner, queue, mail or storage is away; the same request can work later."""

    status, code = HTTPStatus.SERVICE_UNAVAILABLE, "unavailable"
    retry_after = 10


class ScannerUnavailableError(DependencyError):
    """clamd cannot be reached at all: the bundle waits, no attempt is counted."""


class FetchError(DependencyError):
    """An address that somebody typed may not be visited, or gave nothing; the message says why."""


class StorageFullError(PortalError):
    """The store has no room; nothing of this request was kept beyond what was acknowledged."""

    status, code = HTTPStatus.INSUFFICIENT_STORAGE, "storage_full"
    retry_after = 300


class DeliveryUncertainError(PortalError):
    """The connection was lost after the message was handed over: it may have gone, or not."""

    status, code = HTTPStatus.BAD_GATEWAY, "delivery_uncertain"


class DeliveryRefusedError(PortalError):
    """Whoever should have taken it said no for good (SMTP 5xx, HTTP 4xx): trying again is useless."""

    status, code = HTTPStatus.BAD_GATEWAY, "delivery_refused"


class DeliveryGoneError(DeliveryRefusedError):
    """The address says that it takes nothing any more, from anybody (HTTP 410)."""
