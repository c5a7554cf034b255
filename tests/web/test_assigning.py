"""Whose work a bundle is: take, hand over, give back; and who has looked at it. T1, T2, I9."""

from datetime import timedelta
from uuid import uuid4

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from app.domain.events import Event
from app.domain.headlines import headline
from app.domain.lifecycle import UploadState
from app.domain.policy import Role
from app.models import Account, AuditEvent, EventRecord, Upload, UploadSight
from app.system import System
from tests.factories.inbox import assign
from tests.factories.mailbox import spread_all
from tests.factories.people import make_account
from tests.factories.uploads import make_upload
from tests.web.callers import Browser, Caller
from tests.web.looks import deeds, only_upload, problem

NOTE = "The second node is <still> down.\nCall them before noon."


@pytest.fixture
def upload(system: System, customer: Caller) -> Upload:
    return make_upload(system, customer.actor, UploadState.CLEAN, filename="web-01.tgz", case="CS-7")


@pytest.fixture
def other(app: Flask, system: System) -> Caller:
    """Give another engineer."""
    return Caller(app, system, Role.ENGINEER)


def post(who: Caller, upload: Upload, act: str, **form: str) -> int:
    return who.ask("POST", f"/files/{upload.id}/{act}", data=form).status_code


def whose(system: System) -> object:
    with system.work() as uow:
        return uow.session.scalars(select(Upload.assignee_id)).one()


def trail(system: System) -> list[tuple[str, object, object]]:
    return [
        (row.actor_label, row.detail["before"], row.detail["after"])
        for row in deeds(system, "upload.assigned")
    ]


def told(system: System, account: Account) -> list[EventRecord]:
    with system.work() as uow:
        query = select(EventRecord).where(
            EventRecord.event == Event.UPLOAD_ASSIGNED, EventRecord.account_id == account.id
        )
        return list(uow.session.scalars(query))


def test_take_hand_over_and_give_back_leave_their_trail(
    engineer: Caller, other: Caller, upload: Upload, system: System
) -> None:
    me, them = engineer.account, other.account
    assert post(engineer, upload, "take") == 303
    assert post(engineer, upload, "take") == 303, "twice is once"
    assert whose(system) == me.id
    assert post(engineer, upload, "hand-over", to=str(them.id), note=NOTE, was=str(me.id)) == 303
    assert whose(system) == them.id
    assert post(other, upload, "give-back", was=str(them.id)) == 303
    assert whose(system) is None
    assert trail(system) == [
        (me.email, "nobody", me.email),
        (me.email, me.email, them.email),
        (them.email, them.email, "nobody"),
    ]
    assert [row.detail.get("why") for row in deeds(system, "upload.assigned")] == [None, NOTE, None]


def test_who_is_handed_something_is_told_and_who_takes_it_is_not(
    browser: Browser, engineer: Caller, other: Caller, upload: Upload, system: System
) -> None:
    post(engineer, upload, "take")
    assert told(system, engineer.account) == []
    for _ in range(2):  # each time it becomes theirs
        post(engineer, upload, "hand-over", to=str(other.account.id), note=NOTE)
        post(engineer, upload, "give-back")
    first, _ = told(system, other.account)
    assert first.told == {"by": engineer.account.name or engineer.account.email, "note": NOTE}
    assert first.payload["assignee"] == other.account.email
    spread_all(system)
    browser.sign_in(other.account.email)
    page = browser.get("/notices").text
    line = headline(first.event, first.payload, staff=True)
    assert page.count(f"{line}</a>") == 2
    assert "&lt;still&gt; down." in page
    browser.sign_in(engineer.account.email)
    assert line not in browser.get("/notices").text


def test_what_somebody_else_has_is_not_taken_but_told(
    app: Flask, engineer: Caller, other: Caller, upload: Upload, system: System
) -> None:
    assign(system, upload, other.account)
    detail = problem(
        engineer.ask("POST", f"/files/{upload.id}/take", headers={"Accept": "application/json"}),
        409,
        "state_conflict",
    )["detail"]
    assert detail == f"{other.account.name} has taken this bundle already."
    browser = Browser(app)
    browser.sign_in(engineer.account.email)
    page = browser.post(f"/files/{upload.id}/take", {"back": "new"})
    assert page.status_code == 409
    assert other.account.name in page.text
    assert whose(system) == other.account.id


def test_a_page_that_is_out_of_date_changes_nothing(
    engineer: Caller, other: Caller, admin: Caller, upload: Upload, system: System
) -> None:
    """What the page showed is not so any more: whoever has it keeps it."""
    assign(system, upload, other.account)
    for was in ("", str(admin.account.id), "rubbish"):
        assert post(engineer, upload, "hand-over", to=str(admin.account.id), was=was) == 409
        assert post(engineer, upload, "give-back", was=was) == 409
    assert whose(system) == other.account.id
    assert trail(system) == []


@pytest.mark.parametrize("to", ["", "7", "customer", "gone", "nobody", "machine"])
def test_only_support_that_is_there_gets_work(
    app: Flask, engineer: Caller, customer: Caller, machine: Caller, upload: Upload, system: System, to: str
) -> None:
    gone = make_account(system, Role.ENGINEER)
    with system.work() as uow:
        uow.session.execute(update(Account).where(Account.id == gone.id).values(active=False))
    ids = {"customer": customer.account.id, "gone": gone.id, "nobody": uuid4(), "machine": machine.account.id}
    chosen = str(ids.get(to, to))
    assert post(engineer, upload, "hand-over", to=chosen) == 422
    browser = Browser(app)
    browser.sign_in(engineer.account.email)
    again = browser.post(f"/files/{upload.id}/hand-over", {"to": chosen, "note": NOTE})
    assert again.status_code == 422
    assert "Choose somebody of the support team." in again.text
    assert "&lt;still&gt; down." in again.text, "what was typed stands there"
    assert str(gone.id) not in browser.get(f"/files/{upload.id}/hand-over").text
    assert whose(system) is None


@pytest.mark.parametrize("state", [UploadState.DELETED, UploadState.REJECTED, UploadState.ABANDONED])
def test_nobody_works_on_what_is_gone(
    app: Flask, engineer: Caller, customer: Caller, system: System, state: UploadState
) -> None:
    upload = make_upload(system, customer.actor, state)
    assert post(engineer, upload, "take") == 409
    assert post(engineer, upload, "hand-over", to=str(engineer.account.id)) == 409
    browser = Browser(app)
    browser.sign_in(engineer.account.email)
    assert "Take it" not in browser.get(f"/files/{upload.id}").text
    assert browser.get(f"/files/{upload.id}/hand-over").status_code == 409


def test_customers_learn_nothing_of_whose_work_it_is(
    app: Flask, customer: Caller, manager_browser: Browser, engineer: Caller, upload: Upload, system: System
) -> None:
    """T1: nobody who is not of support takes anything, or reads who has or has seen it."""
    post(engineer, upload, "take")
    staff = Browser(app)
    staff.sign_in(engineer.account.email)
    staff.get(f"/files/{upload.id}")
    browser = Browser(app)
    browser.sign_in(customer.account.email)
    for path in (f"/files/{upload.id}", f"/files/{upload.id}/receipt", "/files", "/", "/notices"):
        page = browser.get(path).text
        assert engineer.account.email not in page
        assert engineer.account.name not in page
        for word in ("Whose work", "Last seen by", "somebody&#39;s work", "Take it"):
            assert word not in page, path
    document = customer.get(f"/api/v1/uploads/{upload.id}").get_json()
    assert "assignee" not in document
    assert engineer.get(f"/api/v1/uploads/{upload.id}").get_json()["assignee"]["email"] == (
        engineer.account.email
    )
    for act in ("take", "give-back", "hand-over"):
        assert browser.post(f"/files/{upload.id}/{act}").status_code == 403
        assert manager_browser.post(f"/files/{upload.id}/{act}").status_code == 403


def test_the_page_leads_back_to_where_one_came_from(
    browser: Browser, engineer: Caller, upload: Upload, system: System
) -> None:
    browser.sign_in(engineer.account.email)
    assert browser.post(f"/files/{upload.id}/take", {"back": "watched"}).location == "/inbox?tab=watched"
    for back in ("", "//evil.example"):
        given = browser.post(f"/files/{upload.id}/give-back", {"back": back})
        assert given.location == f"/files/{upload.id}"
    form = browser.get(f"/files/{upload.id}/hand-over?back=new").text
    assert 'name="back" value="new"' in form
    assert only_upload(system).assignee_id is None


def test_support_reads_who_of_their_colleagues_has_looked(
    app: Flask, engineer: Caller, other: Caller, customer: Caller, upload: Upload, system: System
) -> None:
    pages: dict[str, str] = {}
    for who in (customer, other, engineer):
        browser = Browser(app)
        browser.sign_in(who.account.email)
        browser.get(f"/files/{upload.id}")
        pages[who.account.email] = browser.get(f"/files/{upload.id}").text
    page = pages[engineer.account.email]
    seen = page[page.index("Last seen by") :]
    assert other.account.name in seen[:400]
    assert customer.account.name not in seen[:400]
    assert engineer.account.name not in seen[:400]
    assert "None of your colleagues" in pages[other.account.email]
    with system.work() as uow:
        assert set(uow.session.scalars(select(UploadSight.account_id))) == {
            who.account.id for who in (customer, other, engineer)
        }
        assert not uow.session.scalars(
            select(AuditEvent).where(AuditEvent.action.like("%sight%") | AuditEvent.action.like("%seen%"))
        ).all()


@pytest.mark.parametrize(("seconds", "written"), [(30, False), (90, True)])
def test_a_page_that_renews_itself_does_not_write_every_time(
    browser: Browser, engineer: Caller, upload: Upload, system: System, seconds: int, written: bool
) -> None:
    browser.sign_in(engineer.account.email)
    browser.get(f"/files/{upload.id}")
    ago = timedelta(seconds=seconds)
    with system.work() as uow:
        uow.session.execute(update(UploadSight).values(seen_at=func.now() - ago))
        uow.session.execute(update(Upload).values(active_at=func.now() - timedelta(hours=1)))
    browser.get(f"/files/{upload.id}", headers={"HX-Request": "true"})
    with system.work() as uow:
        since = uow.session.scalars(select(func.now() - UploadSight.seen_at)).one()
    assert since == (timedelta(0) if written else ago)
