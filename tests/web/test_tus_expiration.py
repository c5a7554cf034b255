"""tus 1.0.0, termination and expiration: how an upload ends that nobody completes."""

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import pytest
from sqlalchemy import func, update
from werkzeug.test import TestResponse

from app.domain.lifecycle import UploadState
from app.jobs import periodic
from app.models import Upload
from app.system import System
from tests.factories.requests import TGZ
from tests.factories.tickets import basic, issue_ticket
from tests.web.callers import Caller
from tests.web.looks import came_to_nothing, only_upload, problem, stored
from tests.web.tus import Tus


@pytest.fixture
def tus(customer: Caller) -> Tus:
    return Tus(customer)


@pytest.mark.parametrize("arrived", [0, 40])
def test_termination_frees_the_bytes(tus: Tus, system: System, arrived: int) -> None:
    """204, and from then on 410."""
    tus.create().patch(0, arrived)
    assert tus.delete().status_code == 204
    came_to_nothing(system, UploadState.ABANDONED)
    problem(tus.patch(arrived), 410, "gone")
    assert tus.head().status_code == 410
    assert tus.delete().status_code == 204, "what has ended may be ended again"


def test_what_is_complete_is_withdrawn(tus: Tus, system: System, customer: Caller) -> None:
    tus.create().patch()
    assert tus.delete().status_code == 204
    gone = only_upload(system)
    assert (gone.state, gone.reason) == (UploadState.DELETED, f"Withdrawn by {customer.account.email}.")
    assert stored(system) == set()
    assert tus.head().status_code == 410
    assert tus.delete().status_code == 204, "what has ended may be ended again"


def test_what_was_downloaded_stays(tus: Tus, system: System) -> None:
    tus.create().patch()
    with system.work() as uow:
        uow.session.execute(update(Upload).values(first_downloaded_at=func.now()))
    assert "was downloaded already" in problem(tus.delete(), 409, "state_conflict")["detail"]
    assert len(stored(system)) == 1


def test_a_ticket_withdraws_nothing_that_is_complete(system: System, customer: Caller) -> None:
    """More people than one may have it."""
    customer.headers = basic(issue_ticket(system))
    tus = Tus(customer).create()
    tus.patch()
    assert "Ask support" in problem(tus.delete(), 409, "state_conflict")["detail"]
    assert len(stored(system)) == 1


def expires(answer: TestResponse) -> datetime:
    """Return Upload-Expires, which is a date of HTTP (RFC 9110 section 5.6.7)."""
    field = answer.headers["Upload-Expires"]
    assert field.endswith(" GMT")
    return parsedate_to_datetime(field)


def last_active(system: System, ago: timedelta) -> datetime:
    """Make the last byte come that long ago, by the database's clock, and return when."""
    with system.work() as uow:
        then = uow.session.scalars(
            update(Upload).values(active_at=Upload.active_at - ago).returning(Upload.active_at)
        ).one()
    return then.replace(microsecond=0)


def test_every_answer_about_an_unfinished_upload_says_until_when_it_waits(tus: Tus, system: System) -> None:
    """POST, PATCH and HEAD have Upload-Expires; what is complete expires no more."""
    kept = timedelta(seconds=system.settings.resumable_for)
    created = tus.ask("POST", "/tus", {"Upload-Length": str(len(TGZ)), "Upload-Metadata": "filename YQ=="})
    tus.place = created.location
    then = last_active(system, timedelta(days=3))
    assert expires(created) == then + timedelta(days=3) + kept
    assert expires(tus.head()) == then + kept
    assert expires(tus.patch(0, 40)) == expires(tus.head()) == then + timedelta(days=3) + kept
    assert expires(tus.head()) > datetime.now(UTC) + kept - timedelta(minutes=5)
    assert "Upload-Expires" not in tus.patch(40).headers
    assert "Upload-Expires" not in tus.head().headers


def test_what_has_expired_is_gone(tus: Tus, system: System) -> None:
    """410 to whoever wants to go on with it; a second before it was there."""
    tus.create().patch(0, 40)
    last_active(system, timedelta(seconds=system.settings.resumable_for - 1))
    periodic.abandon_stale(system)
    assert tus.head().status_code == 200
    last_active(system, timedelta(seconds=2))
    periodic.abandon_stale(system)
    came_to_nothing(system, UploadState.ABANDONED)
    assert tus.head().status_code == 410
    problem(tus.patch(40), 410, "gone")
