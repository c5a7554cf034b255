"""Codes, challenges and halves of sign-ins are good once, however many take them at once. T37; C14."""

from collections.abc import Sequence

import pytest
from flask import Flask

from app import create_app
from app.domain.errors import PortalError
from app.domain.factors import Ceremony, Factor
from app.models import Account
from app.services import challenges, half_way, recovery, totp
from app.system import System
from tests.factories.authenticator import Authenticator
from tests.factories.factors import Phone, make_app, make_codes, make_passkey
from tests.factories.people import make_account
from tests.integration.looking import race
from tests.web.callers import Browser
from tests.web.looks import deeds


@pytest.fixture
def portal(committed: System) -> Flask:
    return create_app(committed.settings, adapters=committed.adapters, database=committed.database)


@pytest.fixture
def account(committed: System) -> Account:
    return make_account(committed)


@pytest.fixture
def phone(committed: System, account: Account) -> Phone:
    return make_app(committed, account)


def half(portal: Flask, account: Account) -> Browser:
    """Give a browser whose person has typed the right password."""
    browser = Browser(portal)
    assert browser.sign_in(account.email).location == "/sign-in/second"
    return browser


def one_of(outcomes: Sequence[object]) -> bool:
    """Whether one has succeeded, and all others were told that they have not."""
    return (outcomes.count(True), outcomes.count(False)) == (1, len(outcomes) - 1)


def test_one_code_opens_one_of_many_sign_ins(
    portal: Flask, committed: System, account: Account, phone: Phone
) -> None:
    """T37: the same code from parallel sign-ins."""
    browsers = [half(portal, account) for _ in range(8)]
    tokens = [browser.csrf_token() for browser in browsers]
    code = phone.code(committed)
    waiting = list(zip(browsers, tokens, strict=True))

    def prove() -> int:
        browser, token = waiting.pop()
        return browser.ask("POST", "/sign-in/second", data={"csrf_token": token, "code": code}).status_code

    answers = race(8, prove)
    assert (answers.count(303), answers.count(401)) == (1, 7), answers
    assert len(deeds(committed, "session.begun")) == 1


def test_one_half_becomes_one_session(committed: System, account: Account) -> None:
    with committed.work() as uow:
        pending = half_way.begin(uow, account, Factor.PASSWORD, "/")

    def use() -> bool:
        try:
            with committed.work() as uow:
                half_way.use(uow, pending)
        except PortalError:
            return False
        return True

    assert one_of(race(20, use))


def test_of_many_codes_at_once_five_are_looked_at(committed: System, account: Account) -> None:
    """T37: no crowd has more tries than one after the other."""
    with committed.work() as uow:
        pending = half_way.begin(uow, account, Factor.PASSWORD, "/")

    def count_try() -> bool:
        try:
            with committed.work() as uow:
                half_way.count_try(uow, pending)
        except PortalError:
            return False
        return True

    assert race(20, count_try).count(True) == half_way.MAX_FAILURES


def test_a_recovery_code_is_taken_once(committed: System, account: Account) -> None:
    code = make_codes(committed, account)[0]

    def take() -> bool:
        with committed.work() as uow:
            return recovery.take(uow, account.id, code)

    assert one_of(race(20, take))


def test_a_code_is_taken_once(committed: System, account: Account, phone: Phone) -> None:
    code = phone.code(committed)

    def take() -> bool:
        with committed.work() as uow:
            return totp.take(uow, account.id, code)

    assert one_of(race(20, take))


def test_a_challenge_is_answered_once(committed: System, account: Account) -> None:
    with committed.work() as uow:
        asked = challenges.issue(uow, Ceremony.SIGN_IN, None).id

    def take() -> bool:
        try:
            with committed.work() as uow:
                challenges.take(uow, asked, Ceremony.SIGN_IN, None)
        except PortalError:
            return False
        return True

    assert one_of(race(20, take))


def test_what_can_be_finished_no_more_is_forgotten(committed: System, account: Account) -> None:
    make_passkey(committed, account, Authenticator())
    with committed.work() as uow:
        half_way.begin(uow, account, Factor.PASSWORD, "/")
        challenges.issue(uow, Ceremony.SIGN_IN, None)
    old = "SET expires_at = now() - interval '1 second'"
    with committed.work() as uow:
        look = uow.session.connection().exec_driver_sql
        half_way.forget_old(uow)
        challenges.forget_old(uow)
        both = "SELECT (SELECT count(*) FROM pending_sign_in) + (SELECT count(*) FROM passkey_challenge)"
        assert look(both).scalar_one() == 3  # one of them the passkey was made with
        look(f"UPDATE pending_sign_in {old}")
        look(f"UPDATE passkey_challenge {old}")
        half_way.forget_old(uow)
        challenges.forget_old(uow)
        assert look(both).scalar_one() == 0
