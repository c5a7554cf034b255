"""T10, T11, T12: whoever may come no more hands nothing in, though they began to send when they might.

Who only signs out meanwhile has not taken anything back: the upload is the account's.
"""

from base64 import b64encode
from collections.abc import Callable
from hashlib import sha256
from os import urandom
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, update

from app.domain.lifecycle import UploadState
from app.models import Account, Case, Organisation, Ticket
from app.services import issuers
from app.services.intake import completion
from app.settings import Settings
from app.system import System
from app.uow import UnitOfWork
from tests.factories.bundles import make_tgz
from tests.factories.issuers import make_issuer, with_jwt
from tests.factories.tickets import basic, issue_ticket
from tests.fakes import FakeFetcher
from tests.web.callers import Caller
from tests.web.leaving import ENDS, ByCookie, Change, Halfway, expired, locked, proved_anew, signed_out
from tests.web.looks import came_to_nothing, deeds, document, only_upload, problem, stored_bytes
from tests.web.test_tus_writers import Interrupted
from tests.web.tus import Tus

CONTENT = make_tgz({"etc/noise": urandom(600_000)})
SIZE = len(CONTENT)
STEP = 100_000


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"checkpoint_bytes": STEP})


@pytest.fixture
def by_cookie(app: Flask, system: System, customer: Caller) -> ByCookie:
    return ByCookie(app, system, customer.account)


def body(happens: Callable[[], None], after: int = SIZE // 2) -> dict[str, Any]:
    """Return the arguments of a request with the whole content, in which something happens on the way."""
    environ = {"CONTENT_LENGTH": str(SIZE)}
    return {"input_stream": Interrupted(CONTENT, after, happens), "environ_overrides": environ}


def unlocked(uow: UnitOfWork, account: Account) -> None:
    uow.session.get_one(Account, account.id).active = True


@pytest.mark.parametrize("change", ENDS)
def test_a_whole_body_is_not_handed_in(customer: Caller, system: System, change: Change) -> None:
    happens = Halfway(system, customer.account, change)
    answer = customer.ask("PUT", "/upload/a.tgz", **body(happens))
    problem(answer, 401, "not_signed_in")
    came_to_nothing(system, UploadState.ABANDONED)
    assert deeds(system, "upload.sealed") == []


@pytest.mark.parametrize("change", ENDS)
def test_a_chunk_stops_at_the_next_mark(customer: Caller, system: System, change: Change) -> None:
    """What was durable before stays, for whoever may come again."""
    tus = Tus(customer, CONTENT).create()
    answer = tus.patch(data=None, **body(Halfway(system, customer.account, change)))
    problem(answer, 401, "not_signed_in")
    row = only_upload(system)
    assert row.state is UploadState.RECEIVING
    assert 0 < row.received_bytes <= SIZE // 2


@pytest.mark.parametrize("checked", [False, True])
def test_a_chunk_that_was_refused_is_resumed(customer: Caller, system: System, *, checked: bool) -> None:
    """With a checksum a chunk counts as a whole or not at all."""
    digest = b64encode(sha256(CONTENT).digest()).decode()
    headers = {"Content-Digest": f"sha-256=:{digest}:"} if checked else {}
    tus = Tus(customer, CONTENT).create()
    halfway = Halfway(system, customer.account, locked)
    problem(tus.patch(data=None, headers=headers, **body(halfway)), 401, "not_signed_in")
    Halfway(system, customer.account, unlocked)()
    at = tus.offset()
    assert (at == 0) == checked
    assert document(tus.patch(at), 200)["size"] == SIZE
    assert stored_bytes(system, only_upload(system)) == CONTENT


@pytest.mark.parametrize("when", ["before", "after"])
def test_nothing_is_sealed_that_is_all_here(
    customer: Caller, system: System, when: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor when it was moved to where it would stay already; then the next request finds it."""
    complete, halfway = completion.complete, Halfway(system, customer.account, locked)

    def happens(*args: Any, **more: Any) -> completion.Sealed:
        if when == "before":
            halfway()
        sealed = complete(*args, **more)
        if when == "after":
            halfway()
        return sealed

    tus = Tus(customer, CONTENT).create()
    monkeypatch.setattr(completion, "complete", happens)
    problem(tus.patch(), 401, "not_signed_in")
    assert only_upload(system).state is UploadState.RECEIVING
    monkeypatch.setattr(completion, "complete", complete)
    Halfway(system, customer.account, unlocked)()
    assert document(tus.patch(tus.offset()), 200)["size"] == SIZE


def test_a_disabled_issuer_hands_nothing_in(
    app: Flask, customer: Caller, system: System, fetcher: FakeFetcher
) -> None:
    issuer = make_issuer(system, fetcher, customer.actor.organisation_id)
    machine = Caller(app, system, account=issuer.account)
    machine.headers = with_jwt(issuer)
    happens = Halfway(system, customer.account, lambda uow, _: issuers.disable(uow, issuer.id))
    problem(machine.ask("PUT", "/upload/a.tgz", **body(happens)), 401, "not_signed_in")
    came_to_nothing(system, UploadState.ABANDONED)


@pytest.mark.parametrize(
    ("table", "column", "says"),
    [
        (Ticket, "revoked_at", "withdrawn"),
        (Case, "closed_at", "closed"),
        (Organisation, "suspended_at", "at the moment"),
    ],
)
def test_a_dead_ticket_hands_nothing_in(
    app: Flask, customer: Caller, system: System, table: type, column: str, says: str
) -> None:
    """T12: whatever ended it, and before anybody has given up what it began."""
    issued = issue_ticket(system, organisation_id=customer.actor.organisation_id)
    guest = Caller(app, system, account=customer.account)
    guest.headers = basic(issued)
    happens = Halfway(
        system,
        customer.account,
        lambda uow, _: uow.session.execute(update(table).values({column: func.now()})),
    )
    answer = guest.ask("PUT", "/upload/a.tgz", **body(happens))
    assert says in problem(answer, 410, "gone")["detail"]
    came_to_nothing(system, UploadState.ABANDONED)


@pytest.mark.parametrize("change", [signed_out, proved_anew])
def test_who_signs_out_goes_on_sending(by_cookie: ByCookie, system: System, change: Change) -> None:
    happens = Halfway(system, by_cookie.account, change)
    answer = by_cookie.ask("PUT", "/upload/a.tgz", **body(happens))
    assert document(answer)["size"] == SIZE
    assert by_cookie.get("/api/v1/uploads").status_code == 401  # the cookie is good for nothing else


def test_a_token_that_runs_out_finishes_what_it_began(customer: Caller, system: System) -> None:
    happens = Halfway(system, customer.account, expired)
    assert document(customer.ask("PUT", "/upload/a.tgz", **body(happens)))["size"] == SIZE
    assert customer.get("/api/v1/uploads").status_code == 401


def test_by_session_the_account_counts(by_cookie: ByCookie, system: System) -> None:
    happens = Halfway(system, by_cookie.account, locked)
    problem(by_cookie.ask("PUT", "/upload/a.tgz", **body(happens)), 401, "not_signed_in")
    came_to_nothing(system, UploadState.ABANDONED)
