"""Codes cannot be guessed, from however many networks they are typed. T34, T37."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import count

import pytest
from flask import Flask
from sqlalchemy import func, select, update
from werkzeug.test import TestResponse

from app import create_app
from app.models import Account, PendingSignIn, TryCount
from app.system import System
from tests.factories.factors import Phone, make_app, make_passkey
from tests.factories.people import PASSWORD
from tests.web.callers import Browser, Caller
from tests.web.looks import deeds
from tests.web.test_own_factors import mails
from tests.web.test_passkeys import enter

LAST = 6  # wrong codes of an account in all networks, where two are enough in one
_networks = count(1)


@pytest.fixture
def app(system: System, monkeypatch: pytest.MonkeyPatch) -> Flask:
    """Give a portal of little patience that makes nobody wait."""
    for module in ("second", "again"):
        monkeypatch.setattr(f"app.web.auth.{module}.slow_down", lambda _failures: None)
    strict = system.settings.model_copy(update={"max_tries": LAST // 3})
    return create_app(strict, adapters=system.adapters, database=system.database)


@pytest.fixture
def phone(customer: Caller, system: System) -> Phone:
    return make_app(system, customer.account)


def half(app: Flask, account: Account) -> Browser:
    browser = Browser(app)
    assert browser.sign_in(account.email).location == "/sign-in/second"
    return browser


def prove(browser: Browser, code: str, path: str = "/sign-in/second", **more: str) -> TestResponse:
    """Type the code in a network from which nobody has come before."""
    here = {"REMOTE_ADDR": f"2001:db8:0:{next(_networks):x}::1"}
    data = {"csrf_token": browser.csrf_token(), "code": code} | more
    return browser.ask("POST", path, data=data, environ_base=here)


def wrong_codes(app: Flask, account: Account) -> Iterator[int]:
    """Type wrong codes as somebody who knows the password: yield how each is answered."""
    while True:
        browser = half(app, account)
        for _ in range(5):
            yield prove(browser, "000000").status_code


def halves(system: System) -> list[PendingSignIn]:
    with system.work() as uow:
        return list(uow.session.scalars(select(PendingSignIn)))


def test_the_fifth_wrong_code_ends_the_half(
    app: Flask, customer: Caller, phone: Phone, system: System
) -> None:
    """T37: not even the right one helps then; the password does."""
    browser = half(app, customer.account)
    answers = [prove(browser, "000000") for _ in range(5)]
    assert [answer.status_code for answer in answers] == [401] * 5
    assert ["Sign in again" in answer.text for answer in answers] == [False] * 4 + [True]
    assert halves(system) == []
    assert prove(browser, phone.code(system)).location == "/sign-in"
    assert not browser.signed_in()
    assert prove(half(app, customer.account), phone.code(system)).location == "/"
    assert len(deeds(system, "session.refused")) == 5


def test_the_fifth_may_be_right(app: Flask, customer: Caller, phone: Phone, system: System) -> None:
    browser = half(app, customer.account)
    assert [prove(browser, "000000").status_code for _ in range(4)] == [401] * 4
    assert prove(browser, phone.code(system)).location == "/"


def test_all_networks_together_come_to_an_end(
    app: Flask, customer: Caller, phone: Phone, system: System
) -> None:
    """T34, T37: the owner hears of it once, and gets in by passkey; nobody else's codes are counted."""
    tries = wrong_codes(app, customer.account)
    assert [next(tries) for _ in range(LAST)] == [401] * LAST
    (warning,) = mails(system, customer.account)
    assert warning.startswith("Somebody typed your password and then several wrong codes.")
    browser = half(app, customer.account)
    refused = prove(browser, phone.code(system))
    assert refused.status_code == 429
    assert "for your account" in refused.text
    assert 895 <= int(refused.headers["Retry-After"]) <= 900
    key = make_passkey(system, customer.account)
    assert enter(Browser(app), key).status_code == 200
    with system.work() as uow:
        uow.session.execute(update(TryCount).values(since=func.now() - timedelta(minutes=16)))
    assert prove(browser, phone.code(system)).status_code == 303


def test_coming_in_does_not_forgive_the_others(
    app: Flask, customer: Caller, phone: Phone, system: System
) -> None:
    """Or whoever waits for the owner to sign in has as many tries again; nor is the mail sent twice."""
    tries = wrong_codes(app, customer.account)
    assert [next(tries) for _ in range(LAST - 1)] == [401] * (LAST - 1)
    assert prove(half(app, customer.account), phone.code(system)).status_code == 303
    assert [next(tries), next(tries)] == [401, 429]
    assert len(mails(system, customer.account)) == 1


def test_from_one_network_fewer_will_do(app: Flask, customer: Caller, phone: Phone, system: System) -> None:
    """T34."""
    browser = half(app, customer.account)
    codes = ["000000", "000000", phone.code(system)]
    here = [browser.post("/sign-in/second", {"code": code}) for code in codes]
    assert [answer.status_code for answer in here] == [401, 401, 429]
    assert "from your network" in here[-1].text
    assert prove(browser, phone.code(system)).status_code == 303


def test_to_prove_it_once_more_is_counted_as_well(
    app: Flask, browser: Browser, customer: Caller, system: System
) -> None:
    """T3, T34: by somebody with a stolen session, from wherever they come."""
    browser.sign_in(customer.account.email)
    make_app(system, customer.account)
    tried = [prove(browser, "000000", "/sign-in/again", password=PASSWORD) for _ in range(LAST + 1)]
    assert [answer.status_code for answer in tried] == [401] * LAST + [429]
