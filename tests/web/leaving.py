"""What ends somebody's leave to come, while a request of theirs is under way."""

from collections.abc import Callable
from contextvars import Context

from flask import Flask
from sqlalchemy import delete, func, select, update

from app.domain.policy import Role
from app.models import Account, ApiToken, SignInSession
from app.queries.accounts import actor_of
from app.services import accounts, organisations, people, sign_in
from app.system import System
from app.uow import UnitOfWork
from tests.factories.people import make_account
from tests.web.callers import Browser, Caller

Change = Callable[[UnitOfWork, Account], object]


def suspended(uow: UnitOfWork, account: Account) -> None:
    people.suspend(uow, account.id, "They left the company.")


def locked(uow: UnitOfWork, account: Account) -> None:
    """By hand: their token and their session are still there."""
    uow.session.get_one(Account, account.id).active = False


def all_suspended(uow: UnitOfWork, account: Account) -> None:
    assert account.organisation_id
    organisations.suspend(uow, account.organisation_id, "Their contract has ended.")


def moved(uow: UnitOfWork, account: Account) -> None:
    home = accounts.ensure_organisation(uow, "elsewhere")
    uow.session.get_one(Account, account.id).organisation_id = home.id


def promoted(uow: UnitOfWork, account: Account) -> None:
    row = uow.session.get_one(Account, account.id)
    row.role, row.organisation_id = Role.ENGINEER, None


def revoked(uow: UnitOfWork, account: Account) -> None:
    of_theirs = update(ApiToken).where(ApiToken.account_id == account.id)
    uow.session.execute(of_theirs.values(revoked_at=func.now()))


def expired(uow: UnitOfWork, account: Account) -> None:
    of_theirs = update(ApiToken).where(ApiToken.account_id == account.id)
    uow.session.execute(of_theirs.values(expires_at=func.now()))


def signed_out(uow: UnitOfWork, account: Account) -> None:
    uow.session.execute(delete(SignInSession).where(SignInSession.account_id == account.id))


def proved_anew(uow: UnitOfWork, account: Account) -> None:
    """In another tab: the session goes on, under another id."""
    of_theirs = select(SignInSession.id).where(SignInSession.account_id == account.id)
    before = uow.session.scalars(of_theirs).one()
    assert sign_in.confirm(uow, before, "password") != before


ENDS = [suspended, locked, all_suspended, moved, promoted, revoked]


class Halfway:
    """A change to an account that comes to pass when it is called, once."""

    def __init__(self, system: System, account: Account, change: Change) -> None:
        self._system, self._account, self._change = system, account, change
        self._admin = actor_of(make_account(system, Role.ADMIN), "127.0.0.1")

    def __call__(self) -> None:
        Context().run(self._happen)  # by somebody else: no part of the request that it happens to

    def _happen(self) -> None:
        with self._system.work(self._admin) as uow:
            self._change(uow, self._account)


class ByCookie(Caller):
    """The same person by a session, as the scripts of our pages send."""

    def __init__(self, app: Flask, system: System, account: Account) -> None:
        super().__init__(app, system, account=account)
        browser = Browser(app)
        browser.sign_in(account.email)
        self.client, self.headers = browser.client, {"X-CSRFToken": browser.csrf_token()}
