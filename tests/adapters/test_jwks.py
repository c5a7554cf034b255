"""Keys that issuers publish: which are taken, how long they are kept, and how often they are fetched."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from joserfc.jwk import Key, OctKey, OKPKey

from app.adapters.jwks import GRAIN, MAX_KEYS, MAX_SETS, STALE, TTL, CachedKeys, read
from app.domain.errors import FetchError
from app.ports import Fetched
from tests.factories.issuers import ec_key, jwk_set, rsa_key
from tests.fakes import FakeFetcher

URL = "https://id.acme.example/jwks"


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def keys(fetcher: FakeFetcher, clock: Clock) -> CachedKeys:
    fetcher.pages[URL] = jwk_set(rsa_key(), ec_key())
    return CachedKeys(fetcher, clock)


def found(keys: CachedKeys, key_id: str | None = "rsa-1", algorithm: str = "RS256") -> str | None:
    key = keys.find(URL, algorithm, key_id)
    return key.id if key else None


def test_a_set_is_fetched_once_in_ten_minutes(keys: CachedKeys, fetcher: FakeFetcher, clock: Clock) -> None:
    assert (found(keys), found(keys, "ec-1", "ES256"), found(keys, None)) == ("rsa-1", "ec-1", "rsa-1")
    clock.now += TTL
    assert found(keys) == "rsa-1"
    assert fetcher.asked == [URL]
    clock.now += 1
    assert found(keys) == "rsa-1"
    assert fetcher.asked == [URL] * 2


def test_a_key_is_of_its_algorithm_alone(keys: CachedKeys) -> None:
    assert found(keys, "rsa-1", "ES256") is None
    assert found(keys, "ec-1", "RS256") is None
    assert found(keys, "rsa-1", "HS256") is None


def test_a_new_key_is_found_at_once_and_others_cost_one_fetch_in_half_a_minute(
    keys: CachedKeys, fetcher: FakeFetcher, clock: Clock
) -> None:
    assert found(keys) == "rsa-1"
    clock.now += GRAIN
    fetcher.pages[URL] = jwk_set(rsa_key("rsa-2"), ec_key())
    assert found(keys, "rsa-2") == "rsa-2"
    assert len(fetcher.asked) == 2
    for number in range(100):
        assert found(keys, f"made-up-{number}") is None
    assert len(fetcher.asked) == 2
    assert found(keys) is None  # what was rotated out is good no more
    clock.now += GRAIN
    assert found(keys, "made-up") is None
    assert len(fetcher.asked) == 3


def test_keys_outlive_their_issuer_for_an_hour(keys: CachedKeys, fetcher: FakeFetcher, clock: Clock) -> None:
    assert found(keys) == "rsa-1"
    fetcher.pages.clear()
    clock.now += STALE
    assert found(keys) == "rsa-1"
    assert found(keys) == "rsa-1"
    assert len(fetcher.asked) == 2  # and it is not asked at every token
    clock.now += 1
    with pytest.raises(FetchError):
        found(keys)
    fetcher.pages[URL] = jwk_set(rsa_key())
    clock.now += GRAIN
    assert found(keys) == "rsa-1"


def test_an_issuer_that_is_away_is_asked_twice_a_minute(
    keys: CachedKeys, fetcher: FakeFetcher, clock: Clock
) -> None:
    fetcher.pages.clear()
    for _ in range(5):
        with pytest.raises(FetchError):
            found(keys)
    assert len(fetcher.asked) == 1
    clock.now += GRAIN
    with pytest.raises(FetchError):
        found(keys)
    assert len(fetcher.asked) == 2


def test_two_keys_of_one_name_are_none_and_without_a_name_there_must_be_one(
    keys: CachedKeys, fetcher: FakeFetcher
) -> None:
    fetcher.pages[URL] = jwk_set(rsa_key(), rsa_key("rsa-2"), kid="same")
    assert found(keys, "same") is None
    assert found(keys, None) is None


def test_a_crowd_fetches_once_while_who_has_keys_goes_on(clock: Clock) -> None:
    """An issuer that hangs must not hold every thread of the portal."""
    begun, let_go = threading.Event(), threading.Event()

    class Slow(FakeFetcher):
        def get(self, url: str, bearer: str | None = None) -> Fetched:
            if self.asked:
                begun.set()
                assert let_go.wait(20)
            return super().get(url, bearer)

    fetcher = Slow()
    fetcher.pages[URL] = jwk_set(rsa_key())
    keys = CachedKeys(fetcher, clock)
    assert found(keys) == "rsa-1"
    clock.now += TTL + 1
    with ThreadPoolExecutor(30) as pool:
        first = pool.submit(found, keys)
        assert begun.wait(20)
        assert found(keys) == "rsa-1"  # by what is known
        crowd = [pool.submit(found, keys, f"made-up-{number}") for number in range(25)]
        let_go.set()
        assert [each.result(timeout=20) for each in crowd] == [None] * 25
        assert first.result(timeout=20) == "rsa-1"
    assert len(fetcher.asked) == 2


def test_the_number_of_sets_is_bounded(fetcher: FakeFetcher, clock: Clock) -> None:
    keys = CachedKeys(fetcher, clock)
    for number in range(MAX_SETS + 10):
        fetcher.pages[f"{URL}/{number}"] = jwk_set(rsa_key())
        assert keys.find(f"{URL}/{number}", "RS256", "rsa-1")
    assert len(keys._sets) == MAX_SETS


def published(*keys: Key, **more: Any) -> bytes:
    return jwk_set(*keys, **more)


UNFIT: dict[str, tuple[bytes, str]] = {
    "short RSA": (
        json.dumps({"keys": [{"kty": "RSA", "e": "AQAB", "n": "gQ" + "A" * 169}]}).encode(),
        "2,048 to 8,192 bits",
    ),
    "endless RSA": (
        json.dumps({"keys": [{"kty": "RSA", "e": "AQAB", "n": "gQ" + "A" * 3000}]}).encode(),
        "2,048 to 8,192 bits",
    ),
    "P-384": (published(ec_key("ec-384", "P-384")), "neither RSA nor"),
    "Ed25519": (published(OKPKey.generate_key("Ed25519", {"kid": "ed"})), "neither RSA nor"),
    "a shared secret": (
        json.dumps({"keys": [OctKey.generate_key(256).as_dict(private=True)]}).encode(),
        "neither RSA nor",
    ),
    "for encryption": (published(rsa_key(), use="enc"), "not for signatures"),
    "for wrapping": (published(rsa_key(), key_ops=["wrapKey"]), "not for signatures"),
    "key_ops that is no list": (published(rsa_key(), key_ops=7), "not for signatures"),
    "for RS512": (published(rsa_key(), alg="RS512"), "not for RS256"),
    "a name that is no text": (published(rsa_key(), kid=["rsa-1"]), "not text"),
    "private": (json.dumps({"keys": [rsa_key().as_dict(private=True)]}).encode(), "private"),
    "a point beside the curve": (published(ec_key(), x="AAAA"), "broken"),
    "no modulus": (b'{"keys": [{"kty": "RSA", "e": "AQAB"}]}', "broken"),
    "a modulus that is a number": (b'{"keys": [{"kty": "RSA", "e": "AQAB", "n": 7}]}', "broken"),
    "a kind that is a list": (b'{"keys": [{"kty": ["RSA"]}]}', "neither RSA nor"),
    "no object": (b'{"keys": [7]}', "not an object"),
}


@pytest.mark.parametrize(("content", "why"), UNFIT.values(), ids=UNFIT.keys())
def test_unfit_keys_are_left_out_and_the_reason_tells_nothing_of_them(content: bytes, why: str) -> None:
    report = read(Fetched(200, content))
    assert not report.keys
    assert len(report.problems) == 1
    assert report.problems[0].startswith("Key 1: ")
    assert why in report.problems[0]


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"<html>", b"[]", b"{}", b'{"keys": {}}', b"7", b"null", b"\xff", b"[" * 5000),
        json.dumps({"keys": [{}] * (MAX_KEYS + 1)}).encode(),
    ],
)
def test_what_is_no_set_is_an_error_that_quotes_nothing(content: bytes) -> None:
    with pytest.raises(FetchError) as caught:
        read(Fetched(200, content))
    assert "<html>" not in caught.value.message


def test_another_status_is_an_error_even_with_good_keys() -> None:
    with pytest.raises(FetchError, match="status 302"):
        read(Fetched(302, jwk_set(rsa_key())))


def test_a_key_may_say_what_it_is_for() -> None:
    more = {"use": "sig", "alg": "RS256", "key_ops": ["verify"], "x5t": "x"}
    assert len(read(Fetched(200, published(rsa_key(), **more))).keys) == 1
