"""The inbox: what is new, mine, watched and assigned; every row once, whatever it is narrowed to."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, update
from sqlalchemy.orm import Session

from app.domain.lifecycle import UploadState
from app.domain.policy import Actor, Role
from app.models import Account, Upload
from app.queries import inbox
from app.queries.inbox import InboxFilters, Tab
from app.system import System
from tests.factories.inbox import assign, make_notice, watch
from tests.factories.people import make_account
from tests.factories.uploads import make_upload
from tests.web.callers import Browser, Caller
from tests.web.looks import problem

JSON = {"Accept": "application/json"}


@pytest.fixture
def leaver(system: System) -> Account:
    """Give somebody of support who was suspended."""
    account = make_account(system, Role.ENGINEER)
    with system.work() as uow:
        uow.session.execute(update(Account).where(Account.id == account.id).values(active=False))
    return account


def names(who: Caller, query: str = "") -> list[str]:
    answer = who.get(f"/inbox{query}", headers=JSON)
    assert answer.status_code == 200, answer.text
    return sorted(item["filename"] for item in answer.get_json()["items"])


def counts(who: Caller, query: str = "") -> dict[str, int]:
    told: dict[str, int] = who.get(f"/inbox{query}", headers=JSON).get_json()["counts"]
    return told


def row(who: Caller, query: str = "") -> dict[str, Any]:
    (item,) = who.get(f"/inbox{query}", headers=JSON).get_json()["items"]
    assert isinstance(item, dict)
    return item


def test_new_is_what_waits_and_is_nobodys(engineer: Caller, customer: Caller, system: System) -> None:
    for state in UploadState:
        make_upload(system, customer.actor, state, filename=f"{state}.tgz")
    assert names(engineer) == ["clean.tgz", "unscannable.tgz"]
    assert counts(engineer) == {"new": 2, "mine": 0, "watched": 0, "assigned": 0}


def test_what_is_taken_moves_from_new_to_mine_and_assigned(
    engineer: Caller, admin: Caller, customer: Caller, system: System
) -> None:
    upload = make_upload(system, customer.actor, UploadState.CLEAN, filename="a.tgz")
    assert engineer.ask("POST", f"/files/{upload.id}/take").status_code == 303
    assert [names(engineer, f"?tab={tab}") for tab in Tab] == [[], ["a.tgz"], [], ["a.tgz"]]
    assert [names(admin, f"?tab={tab}") for tab in Tab] == [[], [], [], ["a.tgz"]]
    assert row(admin, "?tab=assigned")["assignee"] == {
        "id": str(engineer.account.id), "email": engineer.account.email, "name": engineer.account.name,
    }  # fmt: skip


@pytest.mark.parametrize("gone", [{"active": False}, {"role": Role.CUSTOMER}])
def test_what_somebody_had_who_left_is_new_again(
    engineer: Caller, customer: Caller, browser: Browser, system: System, gone: dict[str, object]
) -> None:
    leaver = make_account(system, Role.ENGINEER)
    upload = make_upload(system, customer.actor, UploadState.CLEAN, filename="a.tgz")
    make_upload(system, customer.actor, UploadState.CLEAN, filename="b.tgz")
    assign(system, upload, leaver)
    assert names(engineer) == ["b.tgz"]
    home = {"organisation_id": customer.account.organisation_id} if "role" in gone else {}
    with system.work() as uow:
        uow.session.execute(update(Account).where(Account.id == leaver.id).values(**gone, **home))
        uow.session.expire_all()
    assert names(engineer) == ["a.tgz", "b.tgz"]
    assert counts(engineer)["new"] == 2
    browser.sign_in(engineer.account.email)
    for path in ("/inbox", "/inbox?tab=assigned", f"/files/{upload.id}"):
        assert ("Suspended" if "active" in gone else "Not in support now") in browser.get(path).text
    assert engineer.ask("POST", f"/files/{upload.id}/take").status_code == 303
    assert names(engineer) == ["b.tgz"]


def test_watched_is_what_belongs_to_cases_that_one_watches(
    engineer: Caller, admin: Caller, customer: Caller, stranger: Caller, system: System
) -> None:
    for owner in (customer, stranger):
        make_upload(system, owner.actor, UploadState.CLEAN, filename="a.tgz", case="CS-1")
    make_upload(system, customer.actor, UploadState.RECEIVING, filename="b.tgz", case="CS-1")
    make_upload(system, customer.actor, UploadState.DELETED, filename="c.tgz", case="CS-1")
    make_upload(system, customer.actor, UploadState.CLEAN, filename="d.tgz", case="CS-2")
    watch(system, engineer.account, customer.actor.organisation_id, "CS-1")
    assert names(engineer, "?tab=watched") == ["a.tgz", "b.tgz"]
    assert counts(engineer)["watched"] == 2
    assert names(admin, "?tab=watched") == []


def test_organisation_and_case_narrow_lists_and_counts(
    engineer: Caller, customer: Caller, stranger: Caller, system: System
) -> None:
    make_upload(system, customer.actor, UploadState.CLEAN, filename="ours.tgz", case="CS-1")
    make_upload(system, stranger.actor, UploadState.CLEAN, filename="theirs.tgz", case="CS-2")
    assert customer.account.organisation
    slug = customer.account.organisation.slug
    assert names(engineer, f"?organisation={slug}") == names(engineer, "?case=cs-1") == ["ours.tgz"]
    assert counts(engineer, f"?organisation={slug}")["new"] == 1
    assert names(engineer, f"?organisation={slug}&case=CS-2") == []
    assert names(engineer, "?organisation=nobody") == []
    problem(engineer.get("/inbox?tab=none", headers=JSON), 400, "bad_request")
    problem(engineer.get("/inbox?cursor=garbage", headers=JSON), 400, "bad_request")


def test_unread_is_what_changed_since_one_has_looked(
    browser: Browser, engineer: Caller, customer: Caller, system: System
) -> None:
    upload = make_upload(system, customer.actor, UploadState.CLEAN)
    assert row(engineer)["unread"]
    browser.sign_in(engineer.account.email)
    browser.get(f"/files/{upload.id}")
    assert not row(engineer)["unread"]
    with system.work() as uow:
        moved = update(Upload).where(Upload.id == upload.id)
        uow.session.execute(moved.values(active_at=func.now() + timedelta(seconds=1)))
    assert row(engineer)["unread"]
    with system.work() as uow:
        uow.session.execute(moved.values(active_at=func.now()))
    assert not row(engineer)["unread"]
    make_notice(system, engineer.account.id, upload)
    assert row(engineer)["unread"], "told of it and not looked since"
    assert "inbox__row--unread" in browser.get("/inbox").text
    browser.get(f"/files/{upload.id}")
    assert "inbox__row--unread" not in browser.get("/inbox").text


def test_what_one_has_read_another_has_not(
    browser: Browser, engineer: Caller, admin: Caller, customer: Caller, system: System
) -> None:
    upload = make_upload(system, customer.actor, UploadState.CLEAN)
    browser.sign_in(engineer.account.email)
    browser.get(f"/files/{upload.id}")
    assert (row(engineer)["unread"], row(admin)["unread"]) == (False, True)


def test_engineers_begin_at_the_inbox(browser: Browser, engineer: Caller) -> None:
    browser.sign_in(engineer.account.email)
    page = browser.get("/")
    assert '<h1 class="title">Inbox</h1>' in page.text
    assert engineer.get("/", headers=JSON).get_json()["tab"] == "new"
    fragment = browser.get("/inbox", headers={"HX-Request": "true"})
    assert fragment.text.strip() in browser.get("/inbox").text


def test_counts_end_at_a_hundred(engineer: Caller, customer: Caller, system: System) -> None:
    upload = make_upload(system, customer.actor, UploadState.CLEAN)
    with system.work() as uow:
        _multiply(uow.session, upload, inbox.MOST + 3)
    assert counts(engineer)["new"] == inbox.MOST + 1
    with system.work() as uow:
        uow.session.execute(update(Upload).values(assignee_id=engineer.account.id))
    assert counts(engineer) == {"new": 0, "mine": 101, "watched": 0, "assigned": 101}


def _multiply(session: Session, upload: Upload, times: int) -> list[Upload]:
    """Put so many rows beside one, alike but for what must differ."""
    own = {"id", "search", "storage_key"}
    columns = {each.key for each in Upload.__mapper__.column_attrs} - own
    values = {key: getattr(upload, key) for key in columns}
    rows = [Upload(storage_key=str(uuid4()), **values) for _ in range(times)]
    session.add_all(rows)
    session.flush()
    return rows


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_every_row_is_on_one_page_and_once(
    engineer: Caller, customer: Caller, leaver: Account, system: System, data: st.DataObject
) -> None:
    """However many came at one moment, and whoever works on them, somebody who has left too."""
    first = make_upload(system, customer.actor, UploadState.CLEAN, case=f"CS-{uuid4().hex[:8]}")
    case = first.case_reference or ""
    watch(system, engineer.account, customer.actor.organisation_id, case)
    workers = {"me": engineer.account.id, "left": leaver.id, "nobody": None}
    wanted: dict[Tab, list[UUID]] = {tab: [] for tab in Tab}
    with pytest.MonkeyPatch.context() as patch, system.work() as uow:
        patch.setattr(inbox, "PAGE_SIZE", data.draw(st.integers(1, 4), "page size"))
        for row in [uow.session.merge(first), *_multiply(uow.session, first, data.draw(st.integers(0, 9)))]:
            whose = data.draw(st.sampled_from(sorted(workers)), "whose")
            row.assignee_id = workers[whose]
            row.created_at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(
                seconds=data.draw(st.integers(0, 2))
            )
            wanted[Tab.WATCHED].append(row.id)
            for tab in {"me": (Tab.MINE, Tab.ASSIGNED), "left": (Tab.NEW, Tab.ASSIGNED)}.get(
                whose, (Tab.NEW,)
            ):
                wanted[tab].append(row.id)
        uow.session.flush()
        for tab, ids in wanted.items():
            seen = list(_walk(uow.session, engineer.actor, tab, InboxFilters(case=case)))
            assert [(row.created_at, row.id) for row in seen] == sorted(
                ((row.created_at, row.id) for row in seen), reverse=True
            )
            assert sorted(row.id for row in seen) == sorted(ids), tab
        assert inbox.counts(uow.session, engineer.actor, InboxFilters(case=case)) == {
            tab: len(ids) for tab, ids in wanted.items()
        }


def _walk(session: Session, actor: Actor, tab: Tab, filters: InboxFilters) -> Iterator[Upload]:
    cursor: str | None = ""
    while cursor is not None:
        page = inbox.page(session, actor, tab, filters, cursor)
        yield from (row.upload for row in page.items)
        cursor = page.next_cursor
