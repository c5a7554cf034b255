"""How soon people hear: acknowledgement to mail, verdict to the notice on an engineer's open page."""

import json
import time
from collections.abc import Callable
from http.client import HTTPConnection
from urllib.parse import urlsplit

import requests
from playwright.sync_api import Page, sync_playwright

from bench.report import Report, at_most, percentile
from bench.stack import Stack, stack
from tests.e2e.browser import CHROMIUM, FLAGS
from tests.e2e.sources import real_bundle

BUNDLES = 15
POLL = 0.02  # seconds
PATIENCE = 60.0  # seconds
MAIL, NOTICE = at_most(5.0), at_most(5.0)  # seconds, the slowest of twenty

METHOD = f"""
The whole product on an idle machine: web, scan, deliver, scheduler, PostgreSQL, Redis, clamd, mail sink.
{BUNDLES} times the same real bundle by PUT, one after the other, and looked every {POLL * 1000:.0f} ms: for
the receipt in the mail sink, for the engineer's mail that it is ready, and for the number at the bell of a
page that an engineer has open in Chromium, which asks every few seconds. The verdict's moment is the
database's.
"""


def run() -> Report:
    content = real_bundle(5_000_000)
    receipts: list[float] = []
    mails: list[float] = []
    notices: list[float] = []
    with stack() as product, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = _engineers_page(product, browser.new_page())
        for number in range(BUNDLES + 1):
            waited = _one(product, page, content)
            if number:  # the first warms up
                for taken, seconds in zip((receipts, mails, notices), waited, strict=True):
                    taken.append(seconds)
    report = Report("telling", METHOD + f"The bundle has {len(content):,} bytes.")
    for what, taken, target in (
        ("acknowledgement to the sender's receipt in the sink", receipts, MAIL),
        ("acknowledgement to the engineer's mail in the sink, scan included", mails, MAIL),
        ("verdict to the notice on the engineer's open page", notices, NOTICE),
    ):
        report.add(f"{what}: p50", percentile(taken, 0.5), "s")
        report.add(f"{what}: p95", percentile(taken, 0.95), "s", target)
    report.raw = {"receipts": receipts, "mails": mails, "notices": notices}
    return report


def _one(product: Stack, page: Page, content: bytes) -> tuple[float, float, float]:
    """Send one bundle; return the seconds to receipt, to mail and, from the verdict, to notice."""
    before = _unread(page)
    upload_id, sent = _send(product, content)
    at = _watch(
        lambda: _mailed(product, upload_id, "Received"),
        lambda: _mailed(product, upload_id, "Ready"),
        lambda: _unread(page) > before,
    )
    return at[0] - sent, at[1] - sent, at[2] - _verdict_at(product, upload_id)


def _engineers_page(product: Stack, page: Page) -> Page:
    account = product.account("engineer")
    page.goto(f"{product.url}/sign-in")
    page.get_by_label("Mail address").fill(account["email"])
    page.get_by_label("Password").fill(account["password"])
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_selector("#bell")
    return page


def _unread(page: Page) -> int:
    return int(page.evaluate("document.getElementById('bell-count').textContent") or 0)


def _send(product: Stack, content: bytes) -> tuple[str, float]:
    """Return the upload's id, and when it was acknowledged."""
    parts = urlsplit(product.url)
    connection = HTTPConnection(parts.hostname or "", parts.port, timeout=PATIENCE)
    connection.request("PUT", "/upload/telling.tgz", content, product.token("acme"))
    upload = json.load(connection.getresponse())
    return upload["id"], time.time()


def _watch(*seen: Callable[[], bool]) -> list[float]:
    """Return when each was first seen. Raises RuntimeError: one was not."""
    deadline, at = time.time() + PATIENCE, [0.0] * len(seen)
    while not all(at):
        for number, look in enumerate(seen):
            if not at[number] and look():
                at[number] = time.time()
        if time.time() > deadline:
            raise RuntimeError("That was never told.")
        time.sleep(POLL)
    return at


def _mailed(product: Stack, upload_id: str, title: str) -> bool:
    mails = requests.get(f"{product.services.mail_url}/messages", timeout=10).json()
    return any(upload_id in mail["text"] and title in mail["subject"] for mail in reversed(mails))


def _verdict_at(product: Stack, upload_id: str) -> float:
    with product.connect() as connection:
        query = "SELECT extract(epoch FROM scanned_at)::float8 FROM scan WHERE upload_id = %s"
        [(moment,)] = connection.execute(query, (upload_id,)).fetchall()
    return float(str(moment))
