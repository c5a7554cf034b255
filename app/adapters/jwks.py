"""The keys that issuers publish (RFC 7517), kept in the process for a while."""

import json
import threading
import time
from base64 import urlsafe_b64decode
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from app.domain.errors import FetchError
from app.log import get_logger
from app.ports.fetching import Fetched, Fetcher
from app.ports.keys import KeyReport, SigningKey

log = get_logger(__name__)

TTL = 600.0  # seconds for which keys are taken as they are
STALE = 3600.0  # seconds for which they are taken while nobody gives newer ones
GRAIN = 30.0  # seconds between two fetches of one set, whatever is asked
MAX_SETS, MAX_KEYS, MAX_WAITING = 200, 50, 16

_RSA_BITS = range(2048, 8193)
_ALGORITHMS = {"RSA": "RS256", "EC": "ES256"}
_PUBLIC = {"RSA": ("kty", "n", "e"), "EC": ("kty", "crv", "x", "y")}


@dataclass(slots=True)
class _Set:
    """``fetched_at`` and ``tried_at`` are of the monotonic clock; -inf: never."""

    keys: Sequence[SigningKey] = ()
    fetched_at: float = float("-inf")
    tried_at: float = float("-inf")
    lock: threading.Lock = field(default_factory=threading.Lock)  # held while it is fetched


class CachedKeys:
    """Fetches a set when it is old, and when it lacks a key that is asked for, twice a minute at most."""

    def __init__(self, fetcher: Fetcher, clock: Callable[[], float] = time.monotonic) -> None:
        self._fetcher, self._clock = fetcher, clock
        self._sets: OrderedDict[str, _Set] = OrderedDict()  # the last used is last
        self._lock = threading.Lock()
        self._waiting = threading.BoundedSemaphore(MAX_WAITING)

    def find(self, url: str, algorithm: str, key_id: str | None) -> SigningKey | None:
        """Return a key of the set; see the port."""
        kept = self._set(url)
        found = _choose(kept.keys, algorithm, key_id)
        if found is None or self._clock() - kept.fetched_at > TTL:
            self._renew(url, kept, must=found is None)
            found = _choose(kept.keys, algorithm, key_id)
        if self._clock() - kept.fetched_at > STALE:
            raise FetchError("The issuer's keys cannot be had.", url=url)
        return found

    def look(self, url: str) -> KeyReport:
        """Fetch the set now, and forget what was kept of it."""
        report = read(self._fetcher.get(url))
        with self._lock:
            self._sets.pop(url, None)
        return report

    def _set(self, url: str) -> _Set:
        with self._lock:
            kept = self._sets.setdefault(url, _Set())
            self._sets.move_to_end(url)
            if len(self._sets) > MAX_SETS:
                self._sets.popitem(last=False)
            return kept

    def _renew(self, url: str, kept: _Set, *, must: bool) -> None:
        """Fetch the set unless that was tried just now; ``must``: nothing can be done without."""
        seen = kept.fetched_at
        with self._turn(kept, must=must) as mine:
            if not mine or kept.fetched_at != seen or self._clock() - kept.tried_at < GRAIN:
                return
            kept.tried_at = self._clock()
            try:
                report = read(self._fetcher.get(url))
            except FetchError as error:
                log.warning("keys_unavailable", url=url, why=error.message, **error.context)
                return
            kept.keys, kept.fetched_at = report.keys, self._clock()
            if report.problems:
                log.warning("keys_refused", url=url, why=report.problems)

    @contextmanager
    def _turn(self, kept: _Set, *, must: bool) -> Iterator[bool]:
        """Let one fetch; some wait for it who must, and the others go on with what there is."""
        mine = kept.lock.acquire(blocking=False)
        if not mine and must and self._waiting.acquire(blocking=False):
            try:
                mine = kept.lock.acquire()
            finally:
                self._waiting.release()
        try:
            yield mine
        finally:
            if mine:
                kept.lock.release()


def _choose(keys: Sequence[SigningKey], algorithm: str, key_id: str | None) -> SigningKey | None:
    fitting = [key for key in keys if key.algorithm == algorithm and key_id in {None, key.id}]
    return fitting[0] if len(fitting) == 1 else None


def read(answer: Fetched) -> KeyReport:
    """Read a JWK set, as it was fetched.

    Raises:
        FetchError: it is none.
    """
    if answer.status != 200:
        raise FetchError(f"The address of the keys answers with status {answer.status} instead of 200.")
    try:
        members = json.loads(answer.content)["keys"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise FetchError("What lies at the address is not a JWK set.", cause=repr(error)) from error
    if not isinstance(members, list) or len(members) > MAX_KEYS:
        raise FetchError(f"The JWK set is not a list of {MAX_KEYS} keys at most.")
    keys: list[SigningKey] = []
    problems: list[str] = []
    for number, member in enumerate(members, 1):
        taken = _key(member)
        if isinstance(taken, SigningKey):
            keys.append(taken)
        else:
            problems.append(f"Key {number}: {taken}")
    return KeyReport(keys, problems)


def _key(member: Any) -> SigningKey | str:
    """Return the key, or why it is not taken."""
    # Here, because joserfc costs every process 2 MB and a tenth of a second, and few have to do with JWTs.
    from joserfc import jwk
    from joserfc.errors import JoseError

    if not isinstance(member, dict):
        return "not an object."
    if unfit := _unfit(member):
        return unfit
    kind: str = member["kty"]
    try:
        if kind == "RSA" and _bits(member["n"]) not in _RSA_BITS:
            return "an RSA key must have 2,048 to 8,192 bits."
        key = jwk.import_key({name: member[name] for name in _PUBLIC[kind]})
    except (JoseError, ValueError, KeyError, TypeError, OverflowError):
        return "broken."
    return SigningKey(member.get("kid"), _ALGORITHMS[kind], key)


def _unfit(member: dict[str, Any]) -> str | None:
    kind = member.get("kty")
    if not isinstance(kind, str) or kind not in _ALGORITHMS:
        return "neither RSA nor on the curve P-256."
    if kind == "EC" and member.get("crv") != "P-256":
        return "neither RSA nor on the curve P-256."
    if "d" in member:
        return "private. An issuer publishes public keys only: replace this one."
    if not isinstance(member.get("kid", ""), str):
        return "its name (kid) is not text."
    operations = member.get("key_ops", ["verify"])
    if member.get("use", "sig") != "sig" or not isinstance(operations, list) or "verify" not in operations:
        return "not for signatures (use, key_ops)."
    if member.get("alg", _ALGORITHMS[kind]) != _ALGORITHMS[kind]:
        return f"not for {_ALGORITHMS[kind]} (alg)."
    return None


def _bits(number: str) -> int:
    """Return the length of a number in base64url. Raises ValueError, TypeError."""
    return int.from_bytes(urlsafe_b64decode(number + "=="), "big").bit_length()
