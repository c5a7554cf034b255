"""What a closed gate looks like from outside: `/readyz`, `/metrics`, the banner, the health section. T24."""

import pytest
from flask import Flask

from app.domain.lifecycle import UploadState
from app.domain.verdict import Engine
from app.services import engine, gate
from app.services.gate import Probe
from app.system import System
from tests.factories.uploads import make_upload
from tests.web.callers import Browser, Caller

WHY = "The scanner did not find the test virus in a bundle."
PAUSED = "The virus check is paused."


@pytest.fixture
def closed(system: System) -> System:
    """Give the product with a closed gate."""
    with system.work() as uow:
        answer = Engine("ClamAV 1.4.6", "27000")
        engine.report(uow, answer)
        probes = [Probe("Passes a harmless bundle", True, seconds=0.25), Probe("Finds it", False, WHY)]
        gate.conclude(uow, gate.begin(uow), answer, probes)
    return system


def reopen(system: System) -> None:
    with system.work() as uow:
        gate.report(uow, [Probe("Finds it", True)], "ClamAV", None)


def metrics(app: Flask) -> dict[str, float]:
    lines = app.test_client().get("/metrics").text.splitlines()
    pairs = (line.rpartition(" ") for line in lines if not line.startswith("#"))
    return {name: float(value) for name, _, value in pairs}


def test_readyz_says_why_and_goes_on_taking_uploads(closed: System, app: Flask, customer: Caller) -> None:
    answer = app.test_client().get("/readyz")
    assert (answer.status_code, answer.get_json()["status"]) == (200, "degraded")
    assert answer.get_json()["checks"]["gate"] == {"ok": False, "detail": WHY}
    sent = customer.put(b"\x1f\x8b")
    assert sent.status_code == 415, "judged by its content as ever"
    reopen(closed)
    assert app.test_client().get("/readyz").get_json()["checks"]["gate"] == {"ok": True, "detail": "open"}


def test_metrics_tell_open_from_closed(closed: System, app: Flask) -> None:
    found = metrics(app)
    assert found["diagport_gate_open"] == 0
    assert found["diagport_gate_probe_age_seconds"] >= 0
    assert "diagport_signatures_age_seconds" not in found, "they have no date"
    reopen(closed)
    assert metrics(app)["diagport_gate_open"] == 1


def test_a_customer_reads_what_it_means_for_them_on_every_page(
    closed: System, browser: Browser, customer: Caller
) -> None:
    assert PAUSED not in browser.get("/sign-in").text, "nobody's business"
    upload = make_upload(closed, customer.actor)
    browser.sign_in(customer.account.email)
    for path in ("/", "/files", f"/files/{upload.id}"):
        page = browser.get(path).text
        assert PAUSED in page
        assert "You can send bundles. They wait until the check works again." in page
        assert WHY not in page


def test_the_banner_goes_when_it_opens(
    closed: System, app: Flask, browser: Browser, customer: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser.sign_in(customer.account.email)
    assert PAUSED in browser.get("/").text
    reopen(closed)
    app.extensions.pop("diagport.scanner")  # as it does by itself after a few seconds
    assert PAUSED not in browser.get("/").text


def test_staff_reads_why(closed: System, browser: Browser, engineer: Caller) -> None:
    browser.sign_in(engineer.account.email)
    page = browser.get("/").text
    assert PAUSED in page
    assert WHY in page


def test_the_overview_shows_each_probe(closed: System, browser: Browser, admin: Caller) -> None:
    browser.sign_in(admin.account.email)
    page = browser.get("/").text
    for words in ("Closed", "Passes a harmless bundle", "in 0.2 s", "Finds it", WHY, "Last tested", "Failed"):
        assert words in page


def test_a_waiting_bundle_is_not_turned_clean(closed: System, customer: Caller) -> None:
    upload = make_upload(closed, customer.actor)
    seen = customer.get(f"/api/v1/uploads/{upload.id}")
    assert (seen.status_code, seen.get_json()["state"]) == (202, UploadState.SEALED)
