"""T10, T11: a link to the bytes is worth what its user may do now, not what they might when it was made."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import delete, func, update
from werkzeug.test import TestResponse

from app.domain.lifecycle import UploadState
from app.domain.policy import Role, Scope
from app.models import Account, ApiToken, SignInSession, Upload
from app.services import accounts, quarantine, removal
from app.services.lifecycle import transition
from app.system import System
from app.uow import UnitOfWork
from tests.factories.quarantine import make_released
from tests.factories.uploads import make_upload
from tests.web.callers import Browser, Caller
from tests.web.looks import deeds

Change = Callable[[UnitOfWork, Account, Upload], object]


class Asker:
    """An engineer, who has the address of a file and asks for it now and then."""

    def __init__(self, app: Flask, system: System, means: str) -> None:
        self.caller = Caller(app, system, Role.ENGINEER)
        self.browser = Browser(app)
        self.means = means
        if means == "session":
            self.browser.sign_in(self.caller.account.email)

    def ask(self, upload: Upload, headers: dict[str, str]) -> TestResponse:
        path = f"/download/{upload.id}"
        if self.means == "token":
            return self.caller.get(path, headers=headers)
        return self.browser.get(path, headers={"Accept": "*/*"} | headers)


@pytest.fixture(params=["session", "token"])
def asker(app: Flask, system: System, request: pytest.FixtureRequest) -> Asker:
    return Asker(app, system, request.param)


def locked(_uow: UnitOfWork, account: Account, _upload: Upload) -> None:
    account.active = False


def password_changed(uow: UnitOfWork, account: Account, _upload: Upload) -> None:
    accounts.set_password(uow, account, "another horse battery")


def demoted(uow: UnitOfWork, account: Account, _upload: Upload) -> None:
    """They are with another customer now."""
    home = accounts.ensure_organisation(uow, "elsewhere")
    account.role, account.organisation_id = Role.CUSTOMER, home.id


def found_infected(uow: UnitOfWork, _account: Account, upload: Upload) -> None:
    transition(uow, upload.id, UploadState.INFECTED)


def found_changed(uow: UnitOfWork, _account: Account, upload: Upload) -> None:
    transition(uow, upload.id, UploadState.INTEGRITY_FAILED)


def deleted(uow: UnitOfWork, _account: Account, upload: Upload) -> None:
    removal.delete(uow, upload.id, "Deleted.")


CHANGES = [
    (locked, 401),
    (password_changed, 401),
    (demoted, 404),
    (found_infected, 409),
    (found_changed, 409),
    (deleted, 409),
]
HEADERS: tuple[dict[str, str], ...] = ({}, {"Range": "bytes=10-19"})


def refuses_from_then_on(asker: Asker, system: System, upload: Upload, change: Change, status: int) -> None:
    for headers in HEADERS:
        assert asker.ask(upload, headers).status_code in {200, 206}
    fetched = len(deeds(system, "upload.downloaded"))
    content = asker.ask(upload, {}).data
    with system.work() as uow:
        change(uow, uow.session.get_one(Account, asker.caller.account.id), upload)
    for headers in HEADERS:
        answer = asker.ask(upload, headers)
        assert answer.status_code == status
        assert content[10:20] not in answer.data
    assert len(deeds(system, "upload.downloaded")) == fetched + 1


@pytest.mark.parametrize(("change", "status"), [pytest.param(*each, id=each[0].__name__) for each in CHANGES])
def test_whoever_may_no_longer_is_refused_at_once(
    asker: Asker, customer: Caller, system: System, change: Change, status: int
) -> None:
    upload = make_upload(system, customer.actor, UploadState.CLEAN)
    refuses_from_then_on(asker, system, upload, change, status)


def test_a_release_that_is_taken_back_counts_no_more(asker: Asker, customer: Caller, system: System) -> None:
    upload = make_released(system, customer.actor)
    refuses_from_then_on(asker, system, upload, lambda uow, _, it: quarantine.withdraw(uow, it.id), 409)


def test_what_was_released_is_for_staff_alone(asker: Asker, customer: Caller, system: System) -> None:
    """Who was an engineer, and is now a customer of the organisation that sent it."""
    upload = make_released(system, customer.actor)

    def demote(uow: UnitOfWork, account: Account, upload: Upload) -> None:
        account.role, account.organisation_id = Role.CUSTOMER, upload.organisation_id

    refuses_from_then_on(asker, system, upload, demote, 409)


def end_session(uow: UnitOfWork, account: Account, _upload: Upload) -> None:
    uow.session.execute(delete(SignInSession).where(SignInSession.account_id == account.id))


def idle_session(uow: UnitOfWork, _account: Account, _upload: Upload) -> None:
    uow.session.execute(update(SignInSession).values(last_seen_at=func.now() - timedelta(minutes=31)))


@pytest.mark.parametrize("change", [end_session, idle_session])
def test_a_session_that_is_over(app: Flask, customer: Caller, system: System, change: Change) -> None:
    upload = make_upload(system, customer.actor, UploadState.CLEAN)
    refuses_from_then_on(Asker(app, system, "session"), system, upload, change, 401)


def revoke(uow: UnitOfWork, account: Account, _upload: Upload) -> None:
    of_theirs = update(ApiToken).where(ApiToken.account_id == account.id)
    uow.session.execute(of_theirs.values(revoked_at=func.now()))


def expire(uow: UnitOfWork, account: Account, _upload: Upload) -> None:
    of_theirs = update(ApiToken).where(ApiToken.account_id == account.id)
    uow.session.execute(of_theirs.values(expires_at=func.now()))


def narrow(uow: UnitOfWork, account: Account, _upload: Upload) -> None:
    of_theirs = update(ApiToken).where(ApiToken.account_id == account.id)
    uow.session.execute(of_theirs.values(scopes=[scope for scope in Scope if scope is not Scope.DOWNLOAD]))


@pytest.mark.parametrize(("change", "status"), [(revoke, 401), (expire, 401), (narrow, 403)])
def test_a_token_that_is_over(
    app: Flask, customer: Caller, system: System, change: Change, status: int
) -> None:
    upload = make_upload(system, customer.actor, UploadState.CLEAN)
    refuses_from_then_on(Asker(app, system, "token"), system, upload, change, status)


def test_the_address_alone_is_worth_nothing(
    app: Flask, customer: Caller, stranger: Caller, system: System
) -> None:
    """Another person's session, another organisation's, or none."""
    upload = make_upload(system, customer.actor, UploadState.CLEAN)
    nobody, other = Browser(app), Browser(app)
    other.sign_in(stranger.account.email)
    assert nobody.get(f"/download/{upload.id}").status_code == 303
    assert other.get(f"/download/{upload.id}").status_code == 404
    assert deeds(system, "upload.downloaded") == []
