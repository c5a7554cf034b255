"""Limits on trying passwords and tickets. T34."""

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select, update
from werkzeug.test import TestResponse

from app import create_app
from app.domain import ticket_code
from app.domain.errors import TooManyTriesError
from app.models import Account, TryCount
from app.services import tries
from app.services.tries import Kind
from app.system import System
from app.web.auth import slowing
from tests.factories.people import PASSWORD, make_account
from tests.factories.requests import TGZ
from tests.factories.tickets import basic, basic_of, issue_ticket
from tests.web.callers import Browser
from tests.web.looks import deeds, problem

HERE, NEXT_DOOR, ELSEWHERE = "203.0.113.7", "203.0.113.200", "198.51.100.7"
WRONG = "wrong horse battery"


@pytest.fixture
def account(system: System) -> Account:
    return make_account(system)


def try_from(address: str, app: Flask, email: str, password: str = WRONG) -> TestResponse:
    browser = Browser(app)
    form = {"email": email, "password": password}
    return browser.post("/sign-in", form, environ_base={"REMOTE_ADDR": address})


def fail(times: int, app: Flask, email: str, address: str = HERE) -> None:
    for _ in range(times):
        assert try_from(address, app, email).status_code == 401


def later(system: System, passed: timedelta) -> None:
    """Let so much time have passed since the first failure."""
    with system.work() as uow:
        uow.session.execute(update(TryCount).values(since=func.now() - passed))


def counted(system: System) -> dict[tuple[str, bool, str], int]:
    """Return failures by kind, whether of one subject, and network."""
    with system.work() as uow:
        uow.session.expire_all()
        return {
            (row.kind, bool(row.subject), row.network): row.failures
            for row in uow.session.scalars(select(TryCount))
        }


def test_the_eleventh_try_is_not_made(app: Flask, account: Account, system: System) -> None:
    """T34: not even with the right password; the page says when to come back."""
    fail(10, app, account.email)
    answer = try_from(HERE, app, account.email, PASSWORD)
    assert answer.status_code == 429
    assert 895 <= int(answer.headers["Retry-After"]) <= 900
    assert "Too many tries" in answer.text
    assert "You can try again in 15 minutes." in answer.text
    assert try_from(NEXT_DOOR, app, account.email, PASSWORD).status_code == 429, "the same network"
    assert len(deeds(system, "session.begun")) == 0


def test_its_owner_gets_in_from_elsewhere(app: Flask, account: Account) -> None:
    """T34: nobody is locked out by others."""
    fail(10, app, account.email)
    assert try_from(ELSEWHERE, app, account.email, PASSWORD).status_code == 303
    assert try_from(HERE, app, account.email, PASSWORD).status_code == 429


def test_somebody_else_gets_in_from_the_same_network(app: Flask, account: Account, system: System) -> None:
    fail(10, app, account.email)
    assert try_from(HERE, app, make_account(system).email, PASSWORD).status_code == 303


def test_in_whatever_letters_it_is_one_address(app: Flask, account: Account) -> None:
    for number in range(10):
        spelt = [account.email, account.email.upper(), f" {account.email} "][number % 3]
        assert try_from(HERE, app, spelt).status_code == 401
    assert try_from(HERE, app, account.email.title(), PASSWORD).status_code == 429


def test_an_address_with_a_nul_is_nobodys(app: Flask, account: Account) -> None:
    """C8: else each would have tries of its own."""
    browser = Browser(app)
    form = {"email": account.email.replace("@", "\x00@"), "password": PASSWORD}
    form["csrf_token"] = browser.csrf_token()
    assert browser.client.post("/sign-in", data=form).status_code == 401


def test_after_a_quarter_of_an_hour_it_may_be_tried_again(
    app: Flask, account: Account, system: System
) -> None:
    fail(10, app, account.email)
    later(system, timedelta(minutes=14, seconds=59))
    answer = try_from(HERE, app, account.email, PASSWORD)
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "1")
    assert "in less than a minute" in answer.text
    later(system, timedelta(minutes=15, seconds=1))
    assert try_from(HERE, app, account.email, PASSWORD).status_code == 303


def test_the_right_password_wipes_the_slate(app: Flask, account: Account, system: System) -> None:
    for _ in range(3):
        fail(9, app, account.email)
        assert try_from(HERE, app, account.email, PASSWORD).status_code == 303
    assert ("sign_in", True, "203.0.113.0/24") not in counted(system)


def test_one_network_does_not_try_everybody(app: Flask, system: System) -> None:
    """T34: one password at many accounts is trying as well."""
    strict = system.settings.model_copy(update={"max_network_tries": 5})
    app = create_app(strict, adapters=system.adapters, database=system.database)
    for number in range(5):
        assert try_from(HERE, app, f"somebody-{number}@example.com").status_code == 401
    assert try_from(HERE, app, "somebody-else@example.com").status_code == 429
    assert try_from(ELSEWHERE, app, "somebody-else@example.com").status_code == 401


def test_answers_come_slower_after_five_failures(
    app: Flask, account: Account, system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For whoever is there and whoever is not; and never with a connection to the database in hand."""
    waited: list[float] = []
    monkeypatch.setattr(slowing, "sleep", waited.append)
    for email in (account.email, "nobody@example.com"):
        waited.clear()
        fail(10, app, email)
        assert waited == [0.25, 0.5, 1.0, 2.0, 2.0]


def test_only_a_few_wait_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    waiting: list[float] = []

    def wait_and_try_another(seconds: float) -> None:
        waiting.append(seconds)
        slowing.slow_down(20)

    monkeypatch.setattr(slowing, "sleep", wait_and_try_another)
    slowing.slow_down(20)
    assert len(waiting) == 8
    assert max(waiting) <= 2
    slowing.slow_down(20)
    assert len(waiting) == 16, "they come free again"


def test_programs_hear_it_too(app: Flask, account: Account) -> None:
    fail(10, app, account.email)
    browser = Browser(app)
    form = {"email": account.email, "password": WRONG, "csrf_token": browser.csrf_token()}
    answer = browser.client.post("/sign-in", data=form, environ_base={"REMOTE_ADDR": HERE})
    problem(answer, 429, "too_many_requests")


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("203.0.113.1", "203.0.113.254", True),
        ("203.0.113.1", "203.0.114.1", False),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("::ffff:203.0.113.1", "203.0.113.9", True),
        ("fe80::1%eth0", "fe80::2", True),
        ("", None, True),
    ],
)
def test_what_one_network_is(system: System, one: str | None, other: str | None, same: bool) -> None:
    with system.work() as uow:
        for _ in range(10):
            tries.begin(uow, Kind.CONFIRM, "somebody", one)
        if not same:
            assert tries.begin(uow, Kind.CONFIRM, "somebody", other) == 0
            return
        with pytest.raises(TooManyTriesError):
            tries.begin(uow, Kind.CONFIRM, "somebody", other)


def test_of_whom_it_was_tried_nothing_can_be_read(app: Flask, account: Account, system: System) -> None:
    fail(1, app, account.email)
    with system.work() as uow:
        rows = uow.session.scalars(select(TryCount)).all()
        tries.forget_old(uow)
        assert len(uow.session.scalars(select(TryCount)).all()) == len(rows) == 2
    assert account.email not in "".join(row.subject for row in rows)
    later(system, timedelta(minutes=16))
    with system.work() as uow:
        tries.forget_old(uow)
    assert counted(system) == {}


def test_wrong_tickets_come_to_an_end_and_right_ones_do_not(app: Flask, system: System) -> None:
    """T34, T12: by the form and as a password; whoever types wrong ones stops nobody with a right one."""
    issued = issue_ticket(system, "CS-7", uploads=3)
    wrong = ticket_code.generate()
    client, here = app.test_client(use_cookies=False), {"REMOTE_ADDR": HERE}
    browser = Browser(app)

    def form(code: str) -> int:
        return browser.post("/t", {"case": "cs-7", "code": code}, environ_base=here).status_code

    def put(headers: dict[str, str]) -> TestResponse:
        return client.put("/upload/a.tgz", data=TGZ, headers=headers, environ_base=here)

    assert put(basic(issued)).status_code == 201
    assert counted(system) == {}, "a right one costs no write"
    assert [form(wrong) for _ in range(5)] == [404] * 5
    assert [put(basic_of("CS-7", wrong)).status_code for _ in range(5)] == [401] * 5
    refused = put(basic_of("CS-7", wrong))
    problem(refused, 429, "too_many_requests")
    assert int(refused.headers["Retry-After"]) > 0
    assert form(wrong) == 429
    assert form(issued.code) == 303
    assert client.get(f"/t/{issued.code}", environ_base=here).status_code == 200


def test_wrong_tickets_in_the_address_come_to_an_end(app: Flask, system: System) -> None:
    issued = issue_ticket(system, "CS-7")
    wrong = ticket_code.generate()
    client = app.test_client(use_cookies=False)
    assert [client.get(f"/t/{wrong}").status_code for _ in range(11)] == [404] * 10 + [429]
    assert client.get(f"/t/{issued.code}").status_code == 200
