"""One click in a mail program, or a button on a page, and those mails stop (RFC 8058)."""

import re
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask import Flask
from sqlalchemy import select

from app.domain.errors import DependencyError, NotFoundError
from app.domain.events import MANDATORY, Event
from app.domain.lifecycle import UploadState
from app.domain.policy import Role
from app.domain.subscriptions import Follow, Way
from app.models import Account, CaseFollow, Delivery, Notice, Subscription
from app.services import unsubscribing
from app.settings import Settings
from app.system import System
from tests.factories.mailbox import send_all, spread_all
from tests.factories.people import make_account
from tests.factories.tickets import make_case
from tests.factories.uploads import make_upload
from tests.fakes import FakeMailer
from tests.integration.daily import digests, make_due
from tests.web.callers import Browser, Caller
from tests.web.looks import deeds

ONE_CLICK = {"List-Unsubscribe": "One-Click"}


def link(system: System, account: Account, event: Event = Event.UPLOAD_CLEAN) -> str:
    url = unsubscribing.address(system.settings, account.id, event)
    assert url
    return url.removeprefix("http://localhost")


def wishes(system: System) -> dict[tuple[str, UUID | None, UUID | None], Way]:
    with system.work() as uow:
        uow.session.expire_all()
        return {
            (row.event, row.organisation_id, row.case_id): row.way
            for row in uow.session.scalars(select(Subscription))
        }


@pytest.mark.parametrize("multipart", [False, True])
def test_one_click_without_cookie_or_token(
    app: Flask, customer: Caller, system: System, mailer: FakeMailer, multipart: bool
) -> None:
    """By the address in the mail itself; whoever posts there says nothing else of themselves."""
    make_upload(system, customer.actor, UploadState.CLEAN)
    mails = {mail.event: mail for mail in send_all(system, mailer) if mail.to == customer.account.email}
    url = mails[Event.UPLOAD_CLEAN].unsubscribe
    assert url
    program = app.test_client(use_cookies=False)
    kind = "multipart/form-data" if multipart else "application/x-www-form-urlencoded"
    path = url.removeprefix("http://localhost")
    for _ in range(2):
        answer = program.post(path, data=ONE_CLICK, content_type=kind)
        assert (answer.status_code, answer.headers.getlist("Set-Cookie")) == (200, [])
    assert wishes(system) == {(Event.UPLOAD_CLEAN, None, None): Way.PORTAL}
    (deed,) = deeds(system, "account.unsubscribed")
    assert (deed.account_id, deed.detail) == (customer.account.id, {"event": "upload.clean"})
    assert deed.actor_id is None
    make_upload(system, customer.actor, UploadState.CLEAN)
    told = {mail.event for mail in send_all(system, mailer) if mail.to == customer.account.email}
    assert told == {Event.UPLOAD_RECEIVED}


def test_the_page_says_what_would_stop_and_its_button_does_it(
    browser: Browser, customer: Caller, system: System
) -> None:
    path = link(system, customer.account)
    for method in ("GET", "HEAD", "OPTIONS"):
        assert browser.ask(method, path).status_code == 200
    page = browser.get(path)
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert "No virus was found in a bundle of yours" in page.text
    assert customer.account.email not in page.text
    assert (wishes(system), deeds(system, "account.unsubscribed")) == ({}, [])
    (action,) = re.findall(r'<form method="post"\s+action="([^"]+)"', page.text)
    fields = dict(re.findall(r'type="hidden" name="([\w-]+)" value="([^"]*)"', page.text))
    done = browser.ask("POST", action, data=fields)
    assert done.status_code == 200
    assert "You get no more mails about this" in done.text
    assert wishes(system) == {(Event.UPLOAD_CLEAN, None, None): Way.PORTAL}


@pytest.mark.parametrize(("failures", "status"), [(2, 200), (3, 503)])
def test_a_click_is_not_lost_when_the_database_stumbles(
    app: Flask, customer: Caller, system: System, monkeypatch: pytest.MonkeyPatch, failures: int, status: int
) -> None:
    """A mail program posts once."""
    stop, left = unsubscribing.stop, [DependencyError("The database is away.")] * failures

    def stumble(*given: Any) -> None:
        stop(*given)
        if left:
            raise left.pop()

    monkeypatch.setattr(unsubscribing, "stop", stumble)
    answer = app.test_client().post(link(system, customer.account), data=ONE_CLICK)
    assert answer.status_code == status
    assert len(deeds(system, "account.unsubscribed")) == (status == 200)


def test_a_post_without_the_words_does_nothing(app: Flask, customer: Caller, system: System) -> None:
    for data in ({}, {"List-Unsubscribe": "no"}):
        answer = app.test_client().post(link(system, customer.account), data=data)
        assert answer.status_code == 400
    assert wishes(system) == {}


def test_what_was_wished_more_narrowly_stops_too(app: Flask, customer: Caller, system: System) -> None:
    """And a case that is watched; what was turned off stays off, and other events stay as they are."""
    me, home = customer.account.id, customer.actor.organisation_id
    watched, wished, off = (make_case(system, name, home) for name in ("CS-1", "CS-2", "CS-3"))
    event, other = Event.UPLOAD_CLEAN, Event.UPLOAD_INFECTED
    with system.work() as uow:
        uow.session.add(CaseFollow(account_id=me, case_id=watched.id, follow=Follow.WATCH))
        uow.session.add_all(
            [
                Subscription(account_id=me, event=event, case_id=wished.id, way=Way.DIGEST),
                Subscription(account_id=me, event=event, case_id=off.id, way=Way.OFF),
                Subscription(account_id=me, event=other, way=Way.DIGEST),
            ]
        )
    assert app.test_client().post(link(system, customer.account), data=ONE_CLICK).status_code == 200
    assert wishes(system) == {
        (event, None, None): Way.PORTAL,
        (event, None, watched.id): Way.PORTAL,
        (event, None, wished.id): Way.PORTAL,
        (event, None, off.id): Way.OFF,
        (other, None, None): Way.DIGEST,
    }


def test_what_waits_is_not_mailed_any_more(
    app: Flask, customer: Caller, system: System, mailer: FakeMailer
) -> None:
    make_upload(system, customer.actor, UploadState.CLEAN)
    spread_all(system)
    app.test_client().post(link(system, customer.account), data=ONE_CLICK)
    told = {mail.event for mail in send_all(system, mailer) if mail.to == customer.account.email}
    assert told == {Event.UPLOAD_RECEIVED}
    with system.work() as uow:
        mine = (Notice.account_id == customer.account.id, Notice.record.has(event=Event.UPLOAD_CLEAN))
        assert len(uow.session.scalars(select(Notice).where(*mine)).all()) == 1


def test_the_daily_mail_stops(app: Flask, customer: Caller, system: System, mailer: FakeMailer) -> None:
    """One that waits in the outbox, what waits for the next one, and all that would come."""
    me = customer.account
    with system.work() as uow:
        for event in (Event.UPLOAD_CLEAN, Event.UPLOAD_RECEIVED):
            uow.session.add(Subscription(account_id=me.id, event=event, way=Way.DIGEST))
    make_upload(system, customer.actor, UploadState.CLEAN)
    spread_all(system)
    make_due(system)
    assert len(digests(system, me)) == 1
    make_upload(system, customer.actor, UploadState.CLEAN)
    spread_all(system)
    app.test_client().post(link(system, me, Event.DIGEST), data=ONE_CLICK)
    make_due(system)
    assert len(digests(system, me)) == 1
    assert [mail for mail in send_all(system, mailer) if mail.to == me.email] == []
    assert set(wishes(system).values()) == {Way.PORTAL}


@pytest.mark.parametrize("event", Event)
def test_only_what_is_not_mandatory_can_be_unsubscribed(settings: Settings, event: Event) -> None:
    account_id = uuid4()
    url = unsubscribing.address(settings, account_id, event)
    if event in MANDATORY:
        assert url is None
    else:
        assert unsubscribing.read(settings, str(url).rpartition("/")[2]) == (account_id, event)


def test_a_mandatory_mail_and_one_to_no_account_offer_no_way_out(
    customer: Caller, system: System, mailer: FakeMailer
) -> None:
    make_account(system, Role.ADMIN)
    upload = make_upload(system, customer.actor, UploadState.CLEAN)
    send_all(system, mailer)
    with system.work() as uow:
        uow.session.add(
            Delivery(event=Event.GATE_OPENED, recipient="x@example.com", dedupe_key="0" * 64, told={})
        )
        uow.session.add(
            Delivery(
                event=Event.UPLOAD_RECALLED,
                account_id=customer.account.id,
                upload_id=upload.id,
                recipient=customer.account.email,
                dedupe_key="1" * 64,
                told={"downloaded_by": []},
            )
        )
    assert [mail.unsubscribe for mail in send_all(system, mailer)] == [None, None]


def test_keys_change_and_links_stay_good(system: System, customer: Caller) -> None:
    token = link(system, customer.account).rpartition("/")[2]
    old = system.settings.secret_key
    new = system.settings.model_copy(update={"secret_key": type(old)("another key that is long enough")})
    with pytest.raises(NotFoundError):
        unsubscribing.read(new, token)
    both = new.model_copy(update={"old_secret_keys": (old,)})
    assert unsubscribing.read(both, token) == (customer.account.id, Event.UPLOAD_CLEAN)


def test_a_wrong_link_does_nothing(app: Flask, browser: Browser, customer: Caller, system: System) -> None:
    """Any bit of it, another event, another account, and words that are no token at all."""
    path = link(system, customer.account)
    base, _, good = path.rpartition("/")
    wrong = {good[:-1], good + "A", "x", "%C3%A9", "A" * 200, "-", good.lower(), good + "=", "=" + good}
    wrong |= {good[:at] + ("A" if good[at] != "A" else "B") + good[at + 1 :] for at in range(len(good))}
    for token in sorted(wrong):
        assert app.test_client().post(f"{base}/{token}", data=ONE_CLICK).status_code == 404, token
    page = browser.get(f"{base}/{good[:-1]}")
    assert page.status_code == 404
    assert "This link is not whole, or too old." in page.text
    nobody = unsubscribing.address(system.settings, uuid4(), Event.UPLOAD_CLEAN)
    answer = app.test_client().post(str(nobody).removeprefix("http://localhost"), data=ONE_CLICK)
    assert answer.status_code == 404
    assert wishes(system) == {}
