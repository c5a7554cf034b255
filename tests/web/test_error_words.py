"""Error pages say what helps whoever reads them, and nothing that is not so."""

from flask import Flask

from tests.web.callers import Browser, Caller
from tests.web.test_tries import HERE, fail, try_from

FOREIGN = "A bundle of another organisation"


def test_a_stranger_hears_nothing_of_bundles(browser: Browser, customer: Caller) -> None:
    assert FOREIGN not in browser.get("/nowhere").text
    browser.sign_in(customer.account.email)
    assert FOREIGN in browser.get("/nowhere").text


def test_a_question_that_is_not_understood_is_not_a_broken_upload(browser: Browser, customer: Caller) -> None:
    browser.sign_in(customer.account.email)
    page = browser.get("/files?state=nonsense").text
    assert ("Not understood" in page, "one piece" in page) == (True, False)


def test_only_who_sends_a_bundle_is_told_to_split_it(browser: Browser, customer: Caller) -> None:
    browser.sign_in(customer.account.email)
    page = browser.ask("POST", "/sign-in", data={"email": "x" * 2_000_000})
    assert (page.status_code, "split the bundle" in page.text) == (413, False)


def test_who_tried_too_often_is_shown_the_way_to_a_new_password(app: Flask, customer: Caller) -> None:
    fail(10, app, customer.account.email)
    page = try_from(HERE, app, customer.account.email)
    assert (page.status_code, 'href="/reset"' in page.text) == (429, True)
