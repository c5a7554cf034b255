"""How long an answer takes tells nobody who there is. T35, C17."""

import gc
import random
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from time import perf_counter

import pytest
from argon2 import PasswordHasher
from flask import Flask
from werkzeug.test import TestResponse

from app import create_app
from app.domain.factors import LinkPurpose
from app.services import passwords
from app.system import System
from tests.factories.links import make_link
from tests.factories.people import make_account
from tests.web.callers import Browser, without_csrf_tokens

Try = Callable[[], TestResponse]


@pytest.fixture
def _real_argon2(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let passwords cost what they cost people."""
    monkeypatch.setattr(passwords, "_hasher", cache(PasswordHasher))
    monkeypatch.setattr(passwords, "_hash_of_nobody", cache(lambda: PasswordHasher().hash("nobody's")))


@pytest.fixture
def app(committed: System) -> Flask:
    """Give a portal that lets itself be asked as often as somebody with many networks could ask."""
    patient = {"max_tries": 10**6, "max_network_tries": 10**6}
    own = replace(committed, settings=committed.settings.model_copy(update=patient))
    return create_app(own.settings, adapters=own.adapters, database=own.database)


def auc(present: list[float], absent: list[float]) -> float:
    """Return the area under the ROC curve: how often somebody present took longer than somebody absent."""
    won = sum((one > other) + (one == other) / 2 for one in present for other in absent)
    return won / (len(present) * len(absent))


def measure(present: Try, absent: Try, times: int) -> tuple[float, set[tuple[int, str]]]:
    """Make so many tries of each, mixed; return the AUC and every answer that there was."""
    took, answers = timed(present, absent, times)
    return auc(took[True], took[False]), answers


def timed(present: Try, absent: Try, times: int) -> tuple[dict[bool, list[float]], set[tuple[int, str]]]:
    """Make so many tries of each, mixed; return the seconds of each and every answer that there was."""
    tries = {True: present, False: absent}
    order = random.sample([True, False] * times, 2 * times)
    took: dict[bool, list[float]] = {True: [], False: []}
    answers = set()
    for one in (present, absent):
        one()  # what is only made once
    with without_collecting():
        for which in order:
            begun = perf_counter()
            answer = tries[which]()
            took[which].append(perf_counter() - begun)
            answers.add((answer.status_code, without_csrf_tokens(answer.text)))
    return took, answers


@contextmanager
def without_collecting() -> Iterator[None]:
    """Let no garbage be collected in the middle of somebody's answer."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def asking(app: Flask, path: str, **fields: str) -> Try:
    """Return a try that posts a form, always with the same token."""
    browser = Browser(app)
    form = {"csrf_token": browser.csrf_token()} | fields
    return lambda: browser.client.post(path, data=form, headers={"Accept": "text/html"})


def pair(app: Flask, committed: System, path: str, **fields: str) -> tuple[Try, Try]:
    """Return tries as somebody who is there and as somebody who is not, whose address is as long."""
    email = make_account(committed).email
    nobody = email.replace("customer", "nobodyyy")
    return asking(app, path, email=email, **fields), asking(app, path, email=nobody, **fields)


def same(answers: set[tuple[int, str]]) -> bool:
    """Whether all answers are one, but for the address that was typed, and files that somebody edits."""
    told = {(status, page.replace("nobodyyy", "customer")) for status, page in answers}
    return len({(status, re.sub(r"\?v=\w+", "", page)) for status, page in told}) == 1


def settled(present: Try, absent: Try, times: int) -> float:
    """Return the AUC over up to four rounds together, until it is within 0.45-0.55.

    Of 400 tries, chance alone puts one in twelve outside; of 1,600, one in two thousand. What really
    takes longer stays outside, however many there are.
    """
    took: dict[bool, list[float]] = {True: [], False: []}
    for _ in range(4):
        more, answers = timed(present, absent, times)
        assert same(answers), answers
        took = {which: took[which] + more[which] for which in took}
        value = auc(took[True], took[False])
        if 0.45 <= value <= 0.55:
            break
    return value


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.usefixtures("_real_argon2")
def test_sign_in_takes_as_long_for_nobody(app: Flask, committed: System) -> None:
    """T35: 400 tries, interleaved, with the parameters that people have."""
    value = settled(*pair(app, committed, "/sign-in", password="wrong horse battery"), 200)
    assert 0.45 <= value <= 0.55


@pytest.mark.usefixtures("_real_argon2")
def test_sign_in_takes_about_as_long_for_nobody(app: Flask, committed: System) -> None:
    """T35, in short: of 60 tries, chance alone stays in this band 9,999 times of 10,000."""
    value, answers = measure(*pair(app, committed, "/sign-in", password="wrong horse battery"), 30)
    assert same(answers), answers
    assert 0.2 <= value <= 0.8


@pytest.mark.usefixtures("_real_argon2")
def test_a_portal_that_hashed_nothing_for_nobody_would_be_noticed(
    app: Flask, committed: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What finds nothing above finds something here."""
    honest = passwords.verify
    monkeypatch.setattr(passwords, "verify", lambda typed, kept: kept is not None and honest(typed, kept))
    value, _ = measure(*pair(app, committed, "/sign-in", password="wrong horse battery"), 10)
    assert value > 0.9


def test_reset_takes_as_long_for_nobody(app: Flask, committed: System) -> None:
    """T35: it does the same, whoever is asked for."""
    assert 0.45 <= settled(*pair(app, committed, "/reset"), 200) <= 0.55


def test_a_dead_link_takes_as_long_as_none(app: Flask, committed: System) -> None:
    """T35: an invitation that was used, and one that never was."""
    account = make_account(committed)
    used = make_link(committed, account.id, LinkPurpose.INVITATION)
    make_link(committed, account.id, LinkPurpose.INVITATION)  # which ended it
    client = app.test_client()

    def following(token: str) -> Try:
        return lambda: client.get(f"/activate/{token}")

    present, absent = following(used), following("A" * 43)
    assert present().status_code == absent().status_code == 410
    for _ in range(3):
        value, _ = measure(present, absent, 200)
        if 0.45 <= value <= 0.55:
            break
    assert 0.45 <= value <= 0.55
