"""Calls to AWS services that bring messages: made once, and what their errors mean for the outbox.

boto3 is imported when it is first needed: it costs every process 25 MB and a fifth of a second.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from app.adapters.aws_session import OWN, Identity, session
from app.domain.errors import DeliveryRefusedError, DeliveryUncertainError, DependencyError

CONNECT_SECONDS: Final = 5.0
READ_SECONDS: Final = 15.0

#: Codes that ask to come again, whatever their status.
_LATER: Final = frozenset(
    {
        "ExpiredToken",
        "ExpiredTokenException",
        "KMSThrottling",
        "KMSThrottlingException",
        "RequestExpired",
        "RequestLimitExceeded",
        "Throttled",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)
_SERVER_ERRORS: Final = 500


class Clients:
    """Clients of one service, one for each region, as ``identity``; made anew after a fork."""

    def __init__(self, service: str, endpoint: str | None, identity: Identity = OWN) -> None:
        self._service, self._endpoint, self._identity = service, endpoint, identity
        self._made: dict[tuple[int, str | None], Any] = {}

    def of(self, region: str | None) -> Any:
        """Return the client of a region. Nothing is sent twice of its own accord: the outbox does that."""
        key = os.getpid(), region
        if key not in self._made:
            from botocore.config import Config

            self._made[key] = session(self._identity, region).client(
                self._service,  # type: ignore[call-overload]  # one of the few that are used here
                region_name=region,
                endpoint_url=self._endpoint,
                config=Config(
                    connect_timeout=CONNECT_SECONDS,
                    read_timeout=READ_SECONDS,
                    retries={"total_max_attempts": 1},
                ),
            )
        return self._made[key]


@contextmanager
def judged(service: str, final: frozenset[str] | None = None) -> Iterator[None]:
    """Turn botocore's errors into the outbox's.

    ``final``: the only codes that are refusals for good; None: every one of the caller's making (4xx)
    but those that ask to wait.

    Raises:
        DeliveryRefusedError, DeliveryUncertainError, DependencyError: as the port says.
    """
    from botocore import exceptions

    try:
        yield
    except exceptions.ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        for_good = code in final if final is not None else status < _SERVER_ERRORS and code not in _LATER
        # A role that may not be taken on is put right without losing messages.
        if for_good and error.operation_name != "AssumeRole":
            raise DeliveryRefusedError(f"{service} refused it.", cause=code) from error
        raise DependencyError(f"{service} asks to try later.", cause=code) from error
    except exceptions.ParamValidationError as error:
        raise DeliveryRefusedError(f"{service} cannot be asked like this.", cause=str(error)) from error
    except (exceptions.ReadTimeoutError, exceptions.ConnectionClosedError) as error:
        cause = type(error).__name__
        raise DeliveryUncertainError(f"{service} did not answer.", cause=cause) from error
    except exceptions.BotoCoreError as error:  # no connection, no credentials
        raise DependencyError(f"{service} cannot be reached.", cause=type(error).__name__) from error
