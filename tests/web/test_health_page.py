"""The health page says what is wrong and what to do about it, whatever is away."""

import os
import re
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select, text

from app import create_app
from app.domain.events import Event
from app.domain.jobs import JobName, QueueName
from app.domain.policy import Role
from app.domain.verdict import Engine
from app.models import AuditEvent, Delivery
from app.ports import HasTiers, Tier
from app.services import engine, steps
from app.services.steps import Run
from app.settings import Settings
from app.system import System
from app.web.admin import runbook
from app.web.health import keeping
from app.web.health.part import RUNBOOK
from app.web.health.seen import see
from app.web.probing import Prober
from tests.factories.broken_jobs import broken_job
from tests.factories.direct import with_bucket
from tests.factories.told import make_channel
from tests.factories.uploads import make_upload
from tests.fakes import FakeQueue, FakeScanner
from tests.s3servers import S3Server
from tests.web.callers import Browser, Caller
from tests.web.looks import problem


@pytest.fixture
def sick(system: System, customer: Caller) -> System:
    """Give a product that has something wrong in every part that rows tell of."""
    make_upload(system, customer.actor)
    make_channel(system)
    proof = {
        "seen": 7,
        "wrong": 2,
        "first": ["an-upload"],
        "after": None,
        "round": {"seen": 7, "wrong": 2, "first": []},
    }
    with system.work() as uow:
        engine.report(uow, Engine("ClamAV 1.4.6", "27000", None))
        steps.end(uow, Run("ring_scans", 0.1, 2, 3, "DependencyError: <b>away</b>"))
        steps.end(uow, Run("prove_storage", 0.1, 600, result=proof))
        steps.end(
            uow, Run("remove_strays", 0.1, 600, result={"looked at": 9, "removed": 1, "first": ["a/key"]})
        )
        for statement in (
            "UPDATE upload SET sealed_at = now() - interval '20 minutes'",
            "UPDATE gate SET changed_at = now() - interval '1 hour'",
            "UPDATE channel SET paused_at = now(), paused_why = 'It answered 410.'",
            "UPDATE delivery SET dead_at = now(), failures = 30, last_error = 'refused'",
        ):
            uow.session.execute(text(statement))
        died = {"recipient": "x@example.com", "dedupe_key": "k", "dead_at": func.now(), "failures": 3}
        uow.session.add(Delivery(event=Event.GATE_CLOSED, **died))
    return system


def document(who: Caller) -> dict[str, Any]:
    answer = who.get("/admin/health", headers={"Accept": "application/json"})
    assert answer.status_code == 200
    found: dict[str, Any] = answer.get_json()
    return found


def parts(who: Caller) -> dict[str, dict[str, Any]]:
    return {part["name"]: part for part in document(who)["parts"]}


def test_all_is_well(system: System, admin: Caller, browser: Browser) -> None:
    with system.work() as uow:
        steps.end(uow, Run("ring_scans", 0.1, 2, result={"rang": 3}))
    found = document(admin)
    assert {part["name"]: part["ok"] for part in found["parts"]} == dict.fromkeys(RUNBOOK, True) | {
        "proof": None,
        "backup": None,
    }
    assert found["status"] == "well"
    assert found["steps"][0]["result"] == {"rang": 3}
    assert {each["queue"] for each in found["workers"]} == set(QueueName)
    browser.sign_in(admin.account.email)
    page = browser.get("/admin/health")
    assert (page.status_code, "All is well." in page.text) == (200, True)
    assert "Remind workers of virus checks" in page.text
    assert "3 asked for again" in page.text


def test_each_wrong_thing_explains_itself(sick: System, admin: Caller, browser: Browser) -> None:
    found = parts(admin)
    sentences = {name: part["sentence"] for name, part in found.items() if part["ok"] is False}
    assert sentences == {
        "queues": "Virus checks: 1 wait, the oldest for 20 minutes.",
        "proof": "Bundles whose stored bytes are not as they should be: 2.",
        "scheduler": "Periodic work that fails: Remind workers of virus checks.",
        "mail": "Mails that were given up within a day: 1.",
        "channels": "One channel is paused: what it should hear of waits.",
    }
    assert found["proof"]["facts"]["First that differ"] == "an-upload"
    assert found["proof"]["facts"]["First removed"] == "a/key"
    assert found["channels"]["facts"] == {"webhook of a test": "It answered 410."}
    browser.sign_in(admin.account.email)
    page = browser.get("/admin/health").text
    for name, sentence in sentences.items():
        assert sentence in page
        assert f'href="/admin/health/runbook#{RUNBOOK[name]}"' in page
    assert "&lt;b&gt;away&lt;/b&gt;" in page


def test_the_runbook_has_a_section_for_each_part(admin: Caller, browser: Browser) -> None:
    sections = runbook.sections()
    assert {section.anchor for section in sections} == set(RUNBOOK.values())
    for section in sections:
        words = " ".join(piece for block in section.blocks for line in block.lines for piece in line)
        assert "First look: " in words
        assert {"text", "list"} <= {block.kind for block in section.blocks}, section.title
    browser.sign_in(admin.account.email)
    page = browser.get("/admin/health/runbook").text
    assert set(re.findall(r'<h2 class="section__title" id="([a-z-]+)"', page)) == set(RUNBOOK.values())
    assert "<code>flask" not in page
    assert "flask storage verify" in page
    assert "`" not in page


def test_without_the_file_the_page_says_where_it_is(
    admin: Caller, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runbook, "sections", lambda: ())
    browser.sign_in(admin.account.email)
    assert "docs/operations/health.md" in browser.get("/admin/health/runbook").text


def test_everything_outside_the_database_may_be_away(
    app: Flask, admin: Caller, browser: Browser, queue: FakeQueue, scanner: FakeScanner, settings: Settings
) -> None:
    """F7, F12."""
    queue.down = scanner.down = True
    settings.storage_root.rename(settings.storage_root.with_name("elsewhere"))
    browser.sign_in(admin.account.email)
    page = browser.get("/admin/health")
    assert page.status_code == 200
    for words in ("The job queue is away.", "The virus scanner cannot be reached.", "Redis does not say."):
        assert words in page.text
    wrong = {name for name, part in parts(admin).items() if part["ok"] is False}
    assert wrong == {"storage", "redis", "queues", "workers", "scanner", "scheduler"}


def test_a_backup_is_as_old_as_its_file(
    system: System, admin: Caller, settings: Settings, tmp_path: Path
) -> None:
    assert parts(admin)["backup"]["sentence"] == "Not known here: nobody tells the portal of backups."
    hint = tmp_path / "backed-up"
    told = replace(system, settings=settings.model_copy(update={"backup_hint": hint}))

    def backup() -> tuple[bool | None, str]:
        found = keeping.backup(see(told))
        return found.ok, found.sentence

    app = create_app(told.settings, adapters=told.adapters, database=told.database)
    with app.app_context():
        assert backup()[0] is False
        hint.touch()
        assert backup() == (True, "A backup was made lately.")
        os.utime(hint, (time.time() - 3 * 86400,) * 2)
        assert backup() == (False, "The last backup is more than two days old.")


def test_a_bucket_and_its_cheaper_class(system: System, moto: S3Server) -> None:
    bucketed = with_bucket(system, moto)
    app = create_app(bucketed.settings, adapters=bucketed.adapters, database=bucketed.database)
    app.extensions["diagport.prober"] = Prober(patience=30)  # moto may be slow where tests crowd
    admin, store = Caller(app, bucketed, Role.ADMIN), bucketed.adapters.storage
    assert isinstance(store, HasTiers)

    def facts() -> dict[str, str]:
        stores = [part for part in document(admin)["parts"] if part["name"] == "storage"]
        assert [(part["title"], part["ok"]) for part in stores] == [
            ("Storage (s3)", True),
            ("Storage (filesystem)", True),
        ]
        found: dict[str, str] = stores[0]["facts"]
        return found

    assert facts()["Moves to a cheaper class"] == "never"
    store.set_tier(Tier(90, "GLACIER_IR"))
    assert facts()["Moves to a cheaper class"] == "to GLACIER_IR after 90 days"
    assert facts()["Place"] == store.place


@pytest.mark.parametrize(("act", "rung"), [("retry", True), ("forget", False)])
def test_a_failed_job_is_retried_or_forgotten(
    system: System, admin: Caller, browser: Browser, queue: FakeQueue, act: str, rung: bool
) -> None:
    job_id = broken_job(system)
    failed = queue.failed(job_id)
    browser.sign_in(admin.account.email)
    page = browser.get("/admin/health").text
    assert "&lt;script&gt;no&lt;/script&gt;" in page
    assert f'action="/admin/health/jobs/{job_id}"' in page
    assert "ValueError" in browser.get(f"/admin/health/jobs/{job_id}").text
    answer = browser.post(f"/admin/health/jobs/{job_id}", {"act": act})
    assert (answer.status_code, answer.location) == (303, "/admin/health#queues")
    assert ((JobName.DELIVER, failed.argument) in queue.rung) is rung
    assert queue.broken == {}
    with system.work() as uow:
        told = uow.session.scalars(select(AuditEvent).where(AuditEvent.action.like("job.%"))).one()
    assert (told.action, told.detail["argument"]) == (
        {"retry": "job.retried", "forget": "job.forgotten"}[act],
        failed.argument,
    )
    assert browser.post(f"/admin/health/jobs/{job_id}", {"act": act}).status_code == 404


@pytest.mark.parametrize(("job", "argument"), [(None, "0" * 32), (JobName.DELIVER, "$(touch /tmp/x)")])
def test_what_is_no_job_of_ours_is_never_rung_for(
    system: System, admin: Caller, browser: Browser, queue: FakeQueue, job: JobName | None, argument: str
) -> None:
    """T28: others may write to Redis."""
    job_id = broken_job(system, job, argument)
    browser.sign_in(admin.account.email)
    answer = browser.post(f"/admin/health/jobs/{job_id}", {"act": "retry"})
    assert (answer.status_code, queue.rung) == (409, [])
    assert job_id in queue.broken
    assert browser.post(f"/admin/health/jobs/{job_id}", {"act": "run"}).status_code == 400
    assert browser.post(f"/admin/health/jobs/{job_id}", {"act": "forget"}).status_code == 303


def test_it_is_for_admins(engineer: Caller, customer: Caller) -> None:
    for who in (engineer, customer):
        problem(who.get("/admin/health"), 403, "forbidden")
