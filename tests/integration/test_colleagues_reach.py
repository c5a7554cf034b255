"""T3: what a manager may do about a colleague holds from the question to the deed."""

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from app import create_app
from app.models import Account
from app.services import colleagues
from app.system import System
from app.uow import UnitOfWork
from tests.factories.people import make_account, make_manager, make_organisation
from tests.web.callers import Browser


@pytest.fixture
def app(committed: System) -> Flask:
    own = committed
    return create_app(own.settings, adapters=own.adapters, database=own.database)


def test_nobody_becomes_a_manager_between_the_question_and_the_deed(
    app: Flask, committed: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A manager never suspends another: who makes the colleague one meanwhile waits."""
    home = make_organisation(committed)
    manager, colleague = make_manager(committed, home.id), make_account(committed, organisation=home)
    ask, waited = colleagues.out_of_reach, []

    def in_between(uow: UnitOfWork, account: Account) -> str | None:
        answer = ask(uow, account)
        with committed.work() as other:
            other.session.execute(text("SET LOCAL lock_timeout = '50ms'"))
            try:
                with other.session.begin_nested():
                    other.session.execute(
                        text("UPDATE account SET manager = true WHERE id = :id"), {"id": account.id}
                    )
            except OperationalError:
                waited.append(account.id)
        return answer

    browser = Browser(app)
    browser.sign_in(manager.email)
    monkeypatch.setattr(colleagues, "out_of_reach", in_between)
    reason = {"reason": "Left the company in May."}
    assert browser.post(f"/colleagues/{colleague.id}/suspend", reason).status_code == 303
    assert waited == [colleague.id]
    with committed.work() as uow:
        after = uow.session.get_one(Account, colleague.id)
        assert (after.active, after.manager) == (False, False)
