"""An issuer from the first token to its end: T11, C3, F21, and what its tokens cover (T39)."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func
from sqlalchemy.orm import Session

from app.domain.lifecycle import UploadState
from app.domain.policy import Scope
from app.models import Account, Organisation, TokenIssuer
from app.services import issuers
from app.system import System
from app.uow import UnitOfWork
from tests.factories.bundles import make_tgz
from tests.factories.issuers import (
    AUDIENCE,
    claims_of,
    ec_key,
    jwk_set,
    make_issuer,
    rsa_key,
    sign,
    with_jwt,
)
from tests.factories.people import make_organisation
from tests.factories.uploads import make_upload
from tests.fakes import FakeFetcher
from tests.web.callers import Caller
from tests.web.looks import problem

UPLOADS = "/api/v1/uploads"


def _disable(uow: UnitOfWork, issuer: TokenIssuer) -> None:
    issuers.disable(uow, issuer.id)


def _lock(uow: UnitOfWork, issuer: TokenIssuer) -> None:
    uow.session.get_one(Account, issuer.account_id).active = False


def _suspend(uow: UnitOfWork, issuer: TokenIssuer) -> None:
    home = uow.session.get_one(Organisation, issuer.account.organisation_id)
    home.suspended_at = func.now()


def _rename_audience(uow: UnitOfWork, issuer: TokenIssuer) -> None:
    uow.session.get_one(TokenIssuer, issuer.id).audience = "https://elsewhere.example"


def _other_algorithm(uow: UnitOfWork, issuer: TokenIssuer) -> None:
    uow.session.get_one(TokenIssuer, issuer.id).algorithms = ["ES256"]


@pytest.mark.parametrize("end", [_disable, _lock, _suspend, _rename_audience, _other_algorithm])
def test_a_token_is_dead_at_once(
    machine: Caller, issuer: TokenIssuer, system: System, end: Callable[[UnitOfWork, TokenIssuer], None]
) -> None:
    """T11. It may come again and again until then: it is a pass, until it expires."""
    for _ in range(3):
        assert machine.get(UPLOADS).status_code == 200
    with system.work() as uow:
        end(uow, issuer)
    problem(machine.get(UPLOADS), 401, "not_signed_in")


def test_an_issuer_that_is_enabled_again_is_believed_again(
    machine: Caller, issuer: TokenIssuer, system: System
) -> None:
    with system.work() as uow:
        issuers.disable(uow, issuer.id)
    problem(machine.get(UPLOADS), 401, "not_signed_in")
    with system.work() as uow:
        issuers.enable(uow, issuer.id)
    assert machine.get(UPLOADS).status_code == 200


def test_a_refused_jwt_and_an_unknown_token_get_the_same_answer(
    machine: Caller, issuer: TokenIssuer, caplog: pytest.LogCaptureFixture
) -> None:
    """Why it was refused stands in our log alone, and the token does not."""

    def seen(token: str) -> tuple[int, bytes, list[tuple[str, str]]]:
        answer = machine.get(UPLOADS, headers={"Authorization": f"Bearer {token}"})
        headers = [(name, value) for name, value in answer.headers if name not in {"X-Request-Id", "Date"}]
        return answer.status_code, answer.data, headers

    unknown = seen("dgp_unknown")
    tokens = {
        "expired": sign(claims_of(issuer, exp=1)),
        "no integration": sign(claims_of(issuer, iss="https://id.evil.example")),
        "not signed": sign(claims_of(issuer), rsa_key("evil"), kid="rsa-1"),
        "publishes no such key": sign(claims_of(issuer), rsa_key("evil")),
    }
    for why, token in tokens.items():
        caplog.clear()
        with caplog.at_level(logging.INFO):
            assert seen(token) == unknown, why
        assert "jwt_refused" in caplog.text
        assert why in caplog.text
        assert token not in caplog.text


def test_keys_that_cannot_be_had_let_nobody_in(machine: Caller, fetcher: FakeFetcher) -> None:
    fetcher.pages.clear()
    problem(machine.get(UPLOADS), 401, "not_signed_in")


def test_a_key_that_was_rotated_in_works_and_the_old_one_no_more(
    machine: Caller, issuer: TokenIssuer, fetcher: FakeFetcher
) -> None:
    fetcher.pages[issuer.jwks_url] = jwk_set(rsa_key("rsa-2"))
    new = sign(claims_of(issuer), rsa_key("rsa-2"))
    assert machine.get(UPLOADS, headers={"Authorization": f"Bearer {new}"}).status_code == 200
    problem(machine.get(UPLOADS), 401, "not_signed_in")


def test_no_database_connection_is_held_while_keys_are_fetched(
    machine: Caller, system: System, fetcher: FakeFetcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    held, during = 0, []
    transaction, get = system.database.transaction, fetcher.get

    @contextmanager
    def counted(*arguments: Any) -> Iterator[Session]:
        nonlocal held
        held += 1
        with transaction(*arguments) as session:
            yield session
        held -= 1

    def fetched(url: str) -> Any:
        during.append(held)
        return get(url)

    monkeypatch.setattr(system.database, "transaction", counted)
    monkeypatch.setattr(fetcher, "get", fetched)
    assert machine.get(UPLOADS).status_code == 200
    assert during == [0]


@pytest.mark.parametrize("ahead", [7200, -600])
def test_the_clock_of_the_node_does_not_count(
    machine: Caller, issuer: TokenIssuer, monkeypatch: pytest.MonkeyPatch, ahead: int
) -> None:
    """F21: the database's does."""
    now = time.time
    expired = sign(claims_of(issuer, exp=int(now()) - 120))
    monkeypatch.setattr(time, "time", lambda: now() + ahead)
    assert machine.get(UPLOADS).status_code == 200
    problem(machine.get(UPLOADS, headers={"Authorization": f"Bearer {expired}"}), 401, "not_signed_in")


def test_a_token_for_two_of_our_integrations_is_nobodys(
    machine: Caller, issuer: TokenIssuer, system: System, fetcher: FakeFetcher
) -> None:
    """Who came could not be told; with one of the two audiences it can."""
    other = make_issuer(
        system, fetcher, make_organisation(system).id, audience="other", client_id=issuer.client_id
    )
    both = sign(claims_of(issuer, aud=[AUDIENCE, "other"]))
    problem(machine.get(UPLOADS, headers={"Authorization": f"Bearer {both}"}), 401, "not_signed_in")
    assert machine.get(UPLOADS, headers=with_jwt(other)).status_code == 200


def test_a_machine_sees_its_organisation_alone(machine: Caller, stranger: Caller, system: System) -> None:
    """T2."""
    foreign = make_upload(system, stranger.actor, UploadState.CLEAN)
    problem(machine.get(f"{UPLOADS}/{foreign.id}"), 404, "not_found")
    problem(machine.get(f"{UPLOADS}/{foreign.id}/content"), 404, "not_found")
    assert machine.get(UPLOADS).json == {"items": [], "next_cursor": None}


def test_a_token_covers_what_it_asks_for_of_what_it_may(
    app: Flask, system: System, fetcher: FakeFetcher, customer: Caller
) -> None:
    issuer = make_issuer(system, fetcher, customer.actor.organisation_id, scopes=["uploads:write"])
    machine = Caller(app, system, account=issuer.account)
    for asked in ("uploads:write uploads:read admin", "uploads:read", "", "admin", "openid profile"):
        headers = with_jwt(issuer, scope=asked)
        reading = problem(machine.get(UPLOADS, headers=headers), 403, "forbidden")
        assert f"scope {Scope.READ}." in reading["detail"]
        sent = machine.put(make_tgz({"a": b"b"}), headers=headers)
        assert sent.status_code == (201 if Scope.WRITE in asked.split() else 403), asked


@pytest.mark.parametrize(("since", "noted"), [(50, False), (70, True)])
def test_its_use_is_noted_once_a_minute(
    machine: Caller, issuer: TokenIssuer, system: System, since: int, noted: bool
) -> None:
    with system.work() as uow:
        row = uow.session.get_one(TokenIssuer, issuer.id)
        row.last_used_at = func.now() - timedelta(seconds=since)
        uow.session.flush()
        uow.session.refresh(row)
        before = row.last_used_at
    assert machine.get(UPLOADS).status_code == 200
    with system.work() as uow:
        after = uow.session.get_one(TokenIssuer, issuer.id).last_used_at
    assert (after != before) is noted


def test_a_jwt_is_a_bearer_token_and_nothing_else(machine: Caller, issuer: TokenIssuer) -> None:
    token = sign(claims_of(issuer), ec_key())
    for headers in (
        {"Authorization": f"Token {token}"},
        {"Authorization": f"JWT {token}"},
        {"Authorization": "Bearer", "X-Token": token},
        {"Authorization": "", "Cookie": f"diagport={token}"},
    ):
        problem(machine.get(f"{UPLOADS}?access_token={token}", headers=headers), 401, "not_signed_in")
