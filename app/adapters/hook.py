"""One POST to an address that an admin typed in, and what its answer means for the outbox."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from app.adapters.guarded_http import GuardedHttp
from app.domain.errors import DeliveryGoneError, DeliveryRefusedError, DependencyError, FetchError

#: Statuses below 500 that ask to come again.
_LATER: Final = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS})


def post(http: GuardedHttp, url: str, body: bytes, headers: Mapping[str, str]) -> None:
    """Send ``body``. Nothing of the answer but its status is looked at, and no error names the path.

    Raises:
        DeliveryRefusedError: it was told not to come like this again; DeliveryGoneError: at all.
        DeliveryUncertainError: it was handed over, and no answer came.
        DependencyError: it surely did not go, or the other side failed and says so.
    """
    try:
        status = http.tell(url, body, headers)
    except FetchError as error:
        # Not the error itself: its context has the address, which may be a secret.
        raise DependencyError(error.message, cause=error.context.get("cause")) from None
    if HTTPStatus(200) <= status < HTTPStatus.MULTIPLE_CHOICES:
        return
    answered = f"It answered {_in_words(status)}."
    if status == HTTPStatus.GONE:
        raise DeliveryGoneError(answered)
    if status in _LATER or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise DependencyError(answered)
    raise DeliveryRefusedError(answered)


def _in_words(status: int) -> str:
    try:
        return f"{status} ({HTTPStatus(status).phrase})"
    except ValueError:  # one of their own
        return str(status)
