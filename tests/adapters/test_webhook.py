"""Webhooks: signed so that anybody can verify it, never private (T40), and what each answer means."""

import base64
import hashlib
import hmac
import json
import re
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.adapters import envelope
from app.adapters.guarded_http import GuardedHttp
from app.adapters.webhook import Webhook, signatures
from app.cli.dev import ROOT
from app.domain.channels import ChannelKind
from app.domain.errors import (
    DeliveryGoneError,
    DeliveryRefusedError,
    DeliveryUncertainError,
    DependencyError,
    PortalError,
)
from app.ports import Message
from tests.adapters.hook_sink import SECRET_WORDS, Answer, HookSink, answer, hang_up, never_answer
from tests.adapters.sink import Sink
from tests.adapters.test_guarded_http import ELSEWHERE, HERE

SOURCE = "https://upload.example.com"
KEY = base64.b64encode(bytes(range(32))).decode()
MESSAGE = Message(
    key="ab" * 32,
    to="",
    subject="Ready",
    text="",
    kind=ChannelKind.WEBHOOK,
    secret=f"whsec_{KEY}",
    event="upload.clean",
    version=1,
    at=datetime(2026, 11, 20, 12, 0, tzinfo=UTC),
    url=f"{SOURCE}/files/7",
    payload={"id": "7", "filename": "büro <1>.tgz", "size": 3, "case": None},
)


@pytest.fixture
def sink() -> Iterator[HookSink]:
    with HookSink() as sink:
        yield sink


def webhook(timeout: float = 5) -> Webhook:
    return Webhook(GuardedHttp(loopback=True, timeout=timeout), SOURCE)


def verifies(secret: str, headers: Any, body: bytes) -> bool:
    """Verify as docs/channels.md tells people to."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    mine = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    theirs = [each.split(",", 1)[1] for each in headers["webhook-signature"].split()]
    return any(hmac.compare_digest(mine, each) for each in theirs)


def test_it_is_an_event_that_its_secret_verifies(sink: HookSink) -> None:
    webhook().send(replace(MESSAGE, to=sink.url))
    (got,) = sink.got
    assert verifies(f"whsec_{KEY}", got.headers, got.body)
    assert not verifies(f"whsec_{KEY}", got.headers, got.body + b" ")
    assert not verifies("whsec_" + base64.b64encode(bytes(32)).decode(), got.headers, got.body)
    assert abs(int(got.headers["webhook-timestamp"]) - time.time()) < 60
    assert got.headers["webhook-id"] == got.headers["Idempotency-Key"] == MESSAGE.key
    assert got.headers["Content-Type"] == "application/cloudevents+json"
    assert got.path == "/hooks/abcdefghijkl"
    assert json.loads(got.body) == {
        "specversion": "1.0",
        "id": MESSAGE.key,
        "source": SOURCE,
        "type": "diagport.upload.clean",
        "subject": "7",
        "time": "2026-11-20T12:00:00+00:00",
        "datacontenttype": "application/json",
        "dataversion": 1,
        "data": {**MESSAGE.payload, "url": MESSAGE.url},
    }


def test_the_lines_in_the_docs_verify_it(sink: HookSink) -> None:
    lines = re.findall(r"```python\n(.*?)```", (ROOT / "docs/channels.md").read_text(), re.DOTALL)
    told: dict[str, Any] = {}
    exec(lines[0], told)  # noqa: S102  # our own
    webhook().send(replace(MESSAGE, to=sink.url, secret=f"{MESSAGE.secret} whsec_AAAA"))
    (got,) = sink.got
    assert told["is_from_diagport"](MESSAGE.secret, got.headers, got.body)
    assert not told["is_from_diagport"](MESSAGE.secret, got.headers, got.body + b" ")
    old = {**dict(got.headers), "webhook-timestamp": "1"}
    assert not told["is_from_diagport"](MESSAGE.secret, old, got.body)


def test_while_a_secret_is_exchanged_either_verifies(sink: HookSink) -> None:
    old = "whsec_" + base64.b64encode(b"o" * 32).decode()
    webhook().send(replace(MESSAGE, to=sink.url, secret=f"{MESSAGE.secret} {old}"))
    (got,) = sink.got
    assert verifies(str(MESSAGE.secret), got.headers, got.body)
    assert verifies(old, got.headers, got.body)


def test_a_known_signature() -> None:
    """The example of the Standard Webhooks libraries."""
    body = b'{"test": 2432232314}'
    secret, key, at = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330"
    assert signatures(secret, key, at, body) == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


_PLAIN = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=30)


@given(
    payload=st.dictionaries(st.text(max_size=10), _PLAIN, max_size=6),
    key=st.binary(min_size=24, max_size=64),
    at=st.integers(0, 2**40),
)
def test_any_event_round_trips_and_any_signature_verifies(
    payload: dict[str, Any], key: bytes, at: int
) -> None:
    message = replace(MESSAGE, payload=payload)
    text = envelope.as_text(message, SOURCE)
    assert text.isascii()
    known = json.loads(text)
    assert known == envelope.envelope(message, SOURCE)
    assert known["data"] == {**payload, "url": MESSAGE.url}
    secret = "whsec_" + base64.b64encode(key).decode()
    headers = {
        "webhook-id": message.key,
        "webhook-timestamp": str(at),
        "webhook-signature": signatures(secret, message.key, str(at), text.encode()),
    }
    assert verifies(secret, headers, text.encode())
    assert not verifies(secret, headers | {"webhook-timestamp": str(at + 1)}, text.encode())


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_whoever_says_so_has_taken_it(sink: HookSink, status: int) -> None:
    sink.answer = status
    webhook().send(replace(MESSAGE, to=sink.url))
    assert len(sink.got) == 1


def failure(sink: HookSink, given_answer: int | Answer, timeout: float = 5) -> PortalError:
    sink.answer = given_answer
    with pytest.raises(PortalError) as raised:
        webhook(timeout).send(replace(MESSAGE, to=sink.url))
    assert len(sink.got) == 1  # it never comes twice of its own accord
    said = f"{raised.value.message} {raised.value.context}"
    assert SECRET_WORDS.decode() not in said
    assert "abcdefghijkl" not in said  # the path may be a secret
    return raised.value


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 599])
def test_some_ask_to_come_again(sink: HookSink, status: int) -> None:
    """F24: 5xx after it was accepted."""
    error = failure(sink, status)
    assert type(error) is DependencyError
    assert str(status) in error.message


@pytest.mark.parametrize("status", [300, 301, 302, 307, 308, 400, 401, 403, 404, 413, 422, 499])
def test_the_rest_is_final(sink: HookSink, status: int) -> None:
    assert type(failure(sink, answer(status, Location="http://127.0.0.1:1/"))) is DeliveryRefusedError


def test_gone_is_more_than_final(sink: HookSink) -> None:
    assert isinstance(failure(sink, 410), DeliveryGoneError)


def test_of_what_was_handed_over_nobody_knows(sink: HookSink) -> None:
    """F24: hangs, and cuts."""
    assert type(failure(sink, hang_up)) is DeliveryUncertainError
    sink.got.clear()
    assert type(failure(sink, never_answer, timeout=0.2)) is DeliveryUncertainError


def test_nobody_there_costs_nothing() -> None:
    """F24: down."""
    with HookSink() as sink:
        url = sink.url
    with pytest.raises(DependencyError) as raised:
        webhook().send(replace(MESSAGE, to=url))
    assert "abcdefghijkl" not in f"{raised.value.message} {raised.value.context}"
    assert raised.value.__cause__ is None


@pytest.mark.parametrize("host", [*HERE, *ELSEWHERE, "127.1", "2130706433", "100.64.0.1"])
@pytest.mark.parametrize("scheme", ["https", "http"])
def test_nothing_private_is_told_anything(scheme: str, host: str) -> None:
    """T40."""
    sink = Sink()
    try:
        with pytest.raises(DependencyError):
            Webhook(GuardedHttp(timeout=1), SOURCE).send(
                replace(MESSAGE, to=f"{scheme}://{host}:{sink.port}/")
            )
        assert sink.visits() == 0
    finally:
        sink.close()


def test_a_redirect_inwards_and_a_name_that_changes_lead_nowhere(sink: HookSink) -> None:
    """T40: 302 to something private; rebinding."""
    private = Sink()
    try:
        sink.answer = answer(302, Location=f"http://127.0.0.1:{private.port}/")
        with pytest.raises(DeliveryRefusedError):
            webhook().send(replace(MESSAGE, to=sink.url))
        answers = iter([["10.0.0.1"], ["127.0.0.1"]])
        with pytest.raises(DependencyError, match="private network"):
            Webhook(GuardedHttp(resolve=lambda *_: next(answers)), SOURCE).send(
                replace(MESSAGE, to=f"https://rebinds.example:{private.port}/")
            )
        assert next(answers) == ["127.0.0.1"]  # asked once
        assert private.visits() == 0
    finally:
        private.close()
