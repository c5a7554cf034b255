"""T12: one ticket, many at once, and its end in the middle of it."""

from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import Any

import pytest
from flask import Flask

from app import create_app
from app.domain.lifecycle import RESUMABLE, UploadState
from app.domain.policy import Role
from app.jobs import periodic
from app.services import cases, tickets
from app.services.intake import records
from app.services.tickets import Issued
from app.system import System
from tests.factories.people import bearer, make_account, make_actor
from tests.factories.requests import TGZ
from tests.factories.tickets import basic, holder, issue_ticket, make_case, ticket_now
from tests.integration.looking import race
from tests.web.looks import stored, uploads


@pytest.fixture
def portal(committed: System) -> Flask:
    return create_app(committed.settings, adapters=committed.adapters, database=committed.database)


def put(portal: Flask, issued: Issued, name: str = "a.tgz") -> int:
    answer = portal.test_client().put(f"/upload/{name}", data=TGZ, headers=basic(issued), buffered=True)
    return answer.status_code


def test_of_twenty_at_once_exactly_one_seals(portal: Flask, committed: System) -> None:
    issued = issue_ticket(committed)
    answers = race(20, lambda: put(portal, issued))
    assert sorted(answers) == [201] + [410] * 19  # type: ignore[type-var]
    (row,) = uploads(committed)
    assert row.state is UploadState.SEALED
    assert len(stored(committed)) == 1
    used = ticket_now(committed, issued)
    assert (used.used_uploads, used.used_bytes) == (1, len(TGZ))


def test_of_twenty_at_once_as_many_seal_as_there_are_bytes_for(portal: Flask, committed: System) -> None:
    issued = issue_ticket(committed, uploads=20, size=len(TGZ) * 5 + 1)
    answers = race(20, lambda: put(portal, issued))
    assert sorted(answers) == [201] * 5 + [413] * 15  # type: ignore[type-var]
    used = ticket_now(committed, issued)
    assert (used.used_uploads, used.used_bytes) == (5, len(TGZ) * 5)
    assert len(stored(committed)) == 5


def test_sent_while_it_is_revoked_it_is_whole_or_nothing(portal: Flask, committed: System) -> None:
    """Nothing begins afterwards, nothing waits for ever, and what is not sealed is given back."""
    issued = issue_ticket(committed, uploads=20)
    headers = bearer(committed, make_account(committed, Role.ENGINEER))
    number = count()

    def act() -> int:
        if next(number) == 6:
            path = f"/api/v1/tickets/{issued.seen.ticket.id}"
            return portal.test_client().delete(path, headers=headers).status_code
        return put(portal, issued)

    answers = race(12, act)
    assert set(answers) <= {200, 201, 409, 410}
    assert answers.count(200) == 1
    rows = uploads(committed)
    sealed = [row for row in rows if row.state is UploadState.SEALED]
    assert len(sealed) == answers.count(201) == len(stored(committed))
    assert {row.state for row in rows} <= {UploadState.SEALED, UploadState.ABANDONED}
    used = ticket_now(committed, issued)
    assert (used.used_uploads, used.used_bytes) == (len(sealed), len(TGZ) * len(sealed))
    assert put(portal, issued) == 410


def test_a_body_under_way_is_not_sealed_once_its_ticket_is_revoked(
    portal: Flask, committed: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    """T12: it was begun in time, and the ticket ends before the last byte."""
    issued = issue_ticket(committed)
    headers = bearer(committed, make_account(committed, Role.ENGINEER))
    declared = records.declared_sha256
    ended: list[int] = []

    def revoke_and_go_on(*arguments: Any, **more: Any) -> Any:
        path = f"/api/v1/tickets/{issued.seen.ticket.id}"
        # in a thread: a client within a request would share what that knows of who asks
        with ThreadPoolExecutor(1) as pool:
            answer = pool.submit(lambda: portal.test_client().delete(path, headers=headers))
        ended.append(answer.result().status_code)
        return declared(*arguments, **more)

    monkeypatch.setattr(records, "declared_sha256", revoke_and_go_on)
    status = put(portal, issued)
    assert (status, ended) == (409, [200])
    (row,) = uploads(committed)
    assert (row.state, row.sealed_at) == (UploadState.ABANDONED, None)
    assert stored(committed) == set()


def revoke_and_die(system: System, issued: Issued) -> None:
    """End the ticket, and nothing of what was begun with it."""
    with system.work(make_actor(system, Role.ENGINEER)) as uow:
        tickets.revoke(uow, issued.seen.ticket.id)


def test_a_body_is_not_sealed_though_whoever_revoked_its_ticket_died(
    portal: Flask, committed: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    """T12: the ticket's end alone is enough."""
    issued = issue_ticket(committed)
    seal = records.seal

    def revoked_first(*arguments: Any, **more: Any) -> Any:
        revoke_and_die(committed, issued)
        return seal(*arguments, **more)

    monkeypatch.setattr(records, "seal", revoked_first)
    assert put(portal, issued) == 410
    (row,) = uploads(committed)
    assert (row.state, row.sealed_at) == (UploadState.ABANDONED, None)
    assert stored(committed) == set()


@pytest.mark.parametrize("door", RESUMABLE)
def test_what_was_begun_with_a_revoked_ticket_is_swept_up_at_once(committed: System, door: str) -> None:
    revoked, good = issue_ticket(committed), issue_ticket(committed)
    for issued in (revoked, good):
        with committed.work(holder(issued)) as uow:
            records.start(uow, records.Announcement(door, "a.tgz", 100), "filesystem")
    revoke_and_die(committed, revoked)
    periodic.abandon_stale(committed)
    rows = {row.ticket_id: row for row in uploads(committed)}
    ended = rows[revoked.seen.ticket.id]
    assert (ended.state, ended.reason) == (UploadState.ABANDONED, tickets.CUT_SHORT)
    assert rows[good.seen.ticket.id].state is UploadState.RECEIVING
    assert ticket_now(committed, revoked).used_uploads == 0


def test_extended_by_many_at_once_it_has_them_all(committed: System) -> None:
    issued = issue_ticket(committed)
    engineer = make_actor(committed, Role.ENGINEER)

    def extend() -> None:
        with committed.work(engineer) as uow:
            tickets.refresh(uow, issued.seen.ticket.id, uploads=2)

    assert race(8, extend) == [None] * 8
    assert ticket_now(committed, issued).max_uploads == 17


def test_a_case_is_made_once_however_many_name_it(committed: System) -> None:
    home = make_case(committed, "CS-0").organisation_id

    def ensure() -> str | None:
        with committed.work() as uow:
            return cases.ensure(uow, home, "cs-1")

    assert race(10, ensure) == ["CS-1"] * 10
    make_case(committed, "CS-1", home)
