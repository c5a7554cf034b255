"""Every process counts the same tries, however many come at once. T34."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import cycle

import pytest
from flask import Flask
from sqlalchemy import text

from app import create_app
from app.db import Database
from app.services import tries
from app.services.tries import Kind
from app.system import System
from tests.factories.people import PASSWORD, make_account
from tests.fakes import FakeQueue
from tests.web.callers import Browser


@pytest.fixture
def processes(committed: System) -> list[Flask]:
    """Give two of the web, each with connections of its own to the one database."""
    made = []
    for _ in range(2):
        database = Database.connect(committed.settings.database_url.get_secret_value())
        own = replace(committed, database=database)
        made.append(create_app(own.settings, adapters=own.adapters, database=database))
    return made


def test_twenty_at_once_to_two_processes_are_ten_tries(
    processes: list[Flask], committed: System, queue: FakeQueue
) -> None:
    """T34: nor does it matter that Redis is away."""
    queue.down = True
    account = make_account(committed)
    browsers = [Browser(app) for _, app in zip(range(20), cycle(processes), strict=False)]
    tokens = [browser.csrf_token() for browser in browsers]

    def guess(number: int) -> int:
        form = {"email": account.email, "password": f"wrong horse {number:02}"}
        form["csrf_token"] = tokens[number]
        return browsers[number].ask("POST", "/sign-in", data=form).status_code

    with ThreadPoolExecutor(10) as pool:
        answers = sorted(pool.map(guess, range(20)))
    assert answers == [401] * 10 + [429] * 10
    form = {"email": account.email, "password": PASSWORD}
    for app in processes:
        assert Browser(app).post("/sign-in", form).status_code == 429
        elsewhere = {"REMOTE_ADDR": "198.51.100.7"}
        assert Browser(app).post("/sign-in", form, environ_base=elsewhere).status_code == 303
    for app in processes:
        app.extensions["diagport"].database.engine.dispose()


def test_who_fails_and_who_succeeds_do_not_wait_for_each_other(committed: System) -> None:
    """Both change two rows, in one order: in two, Postgres would end one of them as a deadlock."""

    def one(number: int) -> None:
        with committed.work() as uow:
            tries.begin(uow, Kind.SECOND_FACTOR, f"subject {number % 2}", "203.0.113.7")
        if number % 3 == 0:
            with committed.work() as uow:
                tries.succeeded(uow, Kind.SECOND_FACTOR, f"subject {number % 2}", "203.0.113.7")

    loose = committed.settings.model_copy(update={"max_tries": 1000})
    committed = replace(committed, settings=loose)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(one, range(120)))
    with committed.work() as uow:
        left = uow.session.execute(
            text("SELECT failures FROM try_count WHERE subject = '' AND kind = 'second_factor'")
        ).scalar_one()
    assert left == 120 - 40
