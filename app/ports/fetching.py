"""Fetching from addresses that people typed in."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Fetched:
    """What came from an address. The content is a stranger's: never show it to people."""

    status: int
    content: bytes


class Fetcher(Protocol):
    def get(self, url: str, bearer: str | None = None) -> Fetched:
        """Fetch ``url``, which anybody may have typed, without following it elsewhere.

        ``bearer`` is a token of the host's own (RFC 6750), to be shown to it.

        Raises:
            FetchError: it may not be visited, nothing came, or too much. The message says why.
        """

    def post(self, url: str, form: str, headers: Mapping[str, str]) -> Fetched:
        """Send ``form``, urlencoded, to ``url`` in the same way. Raises FetchError."""
