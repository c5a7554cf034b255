"""What admins do about somebody: it holds at once (T11), and nobody locks the house from inside."""

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select, update

from app.domain.events import Event
from app.domain.lifecycle import UploadState
from app.domain.policy import Role
from app.models import Account, AuditEvent, Delivery, SignInSession, Upload
from app.queries.accounts import actor_of
from app.services import notices
from app.system import System
from tests.factories.people import bearer, make_account, make_organisation
from tests.factories.uploads import make_upload
from tests.web.callers import Browser, Caller
from tests.web.looks import problem

REASON = {"reason": "Left the company in May."}


class Somebody:
    """A person with a browser, a program with their token, and a thief of the browser's cookie."""

    def __init__(self, app: Flask, system: System, account: Account) -> None:
        self.account, self.browser = account, Browser(app)
        self.token = bearer(system, account)
        self.program = app.test_client(use_cookies=False)
        self.browser.sign_in(account.email)
        self.thief = Browser(app).steal(self.browser.cookie())
        assert self.gets_in() == (True, True, True)

    def gets_in(self) -> tuple[bool, bool, bool]:
        """Whether browser, thief and program get in."""
        answer = self.program.get("/api/v1/uploads", headers=self.token)
        return self.browser.signed_in(), self.thief.signed_in(), answer.status_code == 200


@pytest.fixture
def somebody(app: Flask, system: System) -> Somebody:
    return Somebody(app, system, make_account(system, organisation=make_organisation(system, "acme")))


def page_of(account: Account) -> str:
    return f"/admin/people/{account.id}"


def now(system: System, account: Account) -> Account:
    with system.work() as uow:
        return uow.session.get_one(Account, account.id)


def actions(system: System, account: Account) -> list[str]:
    with system.work() as uow:
        query = select(AuditEvent.action).where(AuditEvent.account_id == account.id)
        return list(uow.session.scalars(query.order_by(AuditEvent.id)))


def test_suspending_ends_everything_at_once(
    admin_browser: Browser, somebody: Somebody, system: System
) -> None:
    """T11. Resuming lets the person in again, not the tokens."""
    account = somebody.account
    assert admin_browser.post(f"{page_of(account)}/suspend", {"reason": "short"}).status_code == 422
    assert somebody.gets_in() == (True, True, True)
    assert admin_browser.post(f"{page_of(account)}/suspend", REASON).status_code == 303
    assert somebody.gets_in() == (False, False, False)
    assert somebody.browser.sign_in(account.email).status_code == 401
    assert REASON["reason"] in admin_browser.get(page_of(account)).text
    assert admin_browser.post(f"{page_of(account)}/suspend", REASON).status_code == 409
    assert admin_browser.post(f"{page_of(account)}/resume").status_code == 303
    assert somebody.gets_in() == (False, False, False)
    assert somebody.browser.sign_in(account.email).status_code == 303
    assert somebody.gets_in() == (True, False, False)
    assert {"account.suspended", "account.resumed"} <= set(actions(system, account))


@pytest.mark.parametrize(
    "place",
    [{"role": "engineer", "organisation": ""}, {"role": "customer", "organisation": "globex"}],
)
def test_another_role_or_organisation_ends_everything_at_once(
    admin_browser: Browser, somebody: Somebody, system: System, place: dict[str, str]
) -> None:
    """T11."""
    make_organisation(system, "globex")
    answer = admin_browser.post(page_of(somebody.account), {"name": somebody.account.name} | place)
    assert answer.status_code == 303
    assert somebody.gets_in() == (False, False, False)


def test_another_name_ends_nothing(admin_browser: Browser, somebody: Somebody) -> None:
    place = {"name": "New Name", "role": "customer", "organisation": "acme"}
    assert admin_browser.post(page_of(somebody.account), place).status_code == 303
    assert somebody.gets_in() == (True, True, True)


def test_who_manages_no_more_cannot_within_the_same_session(
    admin_browser: Browser, somebody: Somebody, system: System
) -> None:
    """T11."""
    place = {"name": "N", "role": "customer", "organisation": "acme"}
    admin_browser.post(page_of(somebody.account), place | {"manager": "y"})
    assert somebody.browser.get("/colleagues").status_code == 200
    admin_browser.post(page_of(somebody.account), place)
    assert somebody.gets_in() == (False, False, True)
    somebody.browser.sign_in(somebody.account.email)
    assert somebody.browser.get("/colleagues").status_code == 403


def test_sessions_and_tokens_are_ended_by_themselves(admin_browser: Browser, somebody: Somebody) -> None:
    admin_browser.post(f"{page_of(somebody.account)}/end-sessions")
    assert somebody.gets_in() == (False, False, True)
    admin_browser.post(f"{page_of(somebody.account)}/revoke-tokens")
    assert somebody.gets_in() == (False, False, False)


def test_factors_are_reset_and_a_new_password_is_the_owners_to_choose(
    admin_browser: Browser, somebody: Somebody, system: System
) -> None:
    account = somebody.account
    assert admin_browser.post(f"{page_of(account)}/reset-factors").status_code == 303
    assert somebody.gets_in() == (False, False, True)
    assert admin_browser.post(f"{page_of(account)}/send-reset").status_code == 303
    with system.work() as uow:
        mails = set(uow.session.scalars(select(Delivery.event).where(Delivery.recipient == account.email)))
    assert mails == {Event.ACCOUNT_CHANGED, Event.ACCOUNT_RESET}
    assert now(system, account).password_hash == account.password_hash
    assert {"factor.reset", "account.reset_sent"} <= set(actions(system, account))
    assert admin_browser.post(f"{page_of(account)}/invite-again").status_code == 409


def test_who_was_invited_can_be_invited_again_and_nothing_else(
    admin_browser: Browser, system: System
) -> None:
    admin_browser.post("/admin/people/invite", {"email": "n@acme.example", "name": "N", "role": "engineer"})
    with system.work() as uow:
        account = uow.session.scalars(select(Account).where(Account.email == "n@acme.example")).one()
    assert admin_browser.post(f"{page_of(account)}/send-reset").status_code == 409
    assert admin_browser.post(f"{page_of(account)}/invite-again").status_code == 303
    assert actions(system, account).count("account.invited") == 2
    page = admin_browser.get(page_of(account)).text
    assert [act in page for act in ("/invite-again", "/suspend", "/send-reset", "/resume")] == [
        True, True, False, False
    ]  # fmt: skip


def test_an_admin_does_not_take_their_own_leave(
    admin_browser: Browser, admin: Caller, system: System
) -> None:
    make_account(system, Role.ADMIN)
    mine = page_of(admin.account)
    assert admin_browser.post(f"{mine}/suspend", REASON).status_code == 403
    demoted = admin_browser.post(mine, {"name": "N", "role": "engineer", "organisation": ""})
    assert demoted.status_code == 403
    assert "You cannot take away your own admin rights. Ask another admin." in demoted.text
    assert f'action="{mine}"' in demoted.text, "in the form, not on a page of its own"
    assert admin_browser.signed_in()
    assert f"{mine}/suspend" not in admin_browser.get(mine).text
    assert (
        admin_browser.post(mine, {"name": "New Name", "role": "admin", "organisation": ""}).status_code == 303
    )
    assert (now(system, admin.account).name, now(system, admin.account).role) == ("New Name", Role.ADMIN)


@pytest.mark.parametrize("act", ["delete", "suspend%00", "SUSPEND", "password"])
def test_there_are_no_other_acts(admin_browser: Browser, somebody: Somebody, act: str) -> None:
    assert admin_browser.get(f"{page_of(somebody.account)}/{act}").status_code == 404
    assert admin_browser.post(f"{page_of(somebody.account)}/{act}", REASON).status_code == 404


def test_what_is_dangerous_needs_a_fresh_sign_in_and_keeps_the_reason(
    admin_browser: Browser, somebody: Somebody, system: System
) -> None:
    with system.work() as uow:
        uow.session.execute(
            update(SignInSession).values(confirmed_at=SignInSession.confirmed_at - timedelta(hours=1))
        )
    path = f"{page_of(somebody.account)}/suspend"
    answer = admin_browser.post(path, REASON)
    assert answer.headers["Location"].startswith("/sign-in/again")
    assert somebody.gets_in() == (True, True, True)
    with system.work() as uow:
        uow.session.execute(
            update(SignInSession).values(confirmed_at=SignInSession.confirmed_at + timedelta(hours=1))
        )
    assert REASON["reason"] in admin_browser.get(path).text


def test_what_was_sent_stays_with_the_organisation_it_was_sent_for(
    app: Flask, admin_browser: Browser, somebody: Somebody, system: System
) -> None:
    """T2: who has moved sees nothing of it, hears nothing of it, and cannot go on with it."""
    make_organisation(system, "globex")
    account = somebody.account
    sender = actor_of(account, None)
    sent = make_upload(system, sender, UploadState.CLEAN, filename="secret-name.tgz", case="CS-77")
    with system.work() as uow:
        uow.session.execute(update(Upload).values(idempotency_key="key"))
    admin_browser.post(page_of(account), {"name": "N", "role": "customer", "organisation": "globex"})
    moved = Caller(app, system, account=now(system, account))
    for path in (f"/files/{sent.id}", f"/api/v1/uploads/{sent.id}", f"/download/{sent.id}"):
        problem(moved.get(path), 404, "not_found")
    for path in ("/", "/files", "/cases", "/api/v1/uploads?q=secret"):
        assert "secret-name" not in moved.get(path).text
        assert "CS-77" not in moved.get(path).text
    with system.work() as uow:
        upload = uow.session.get_one(Upload, sent.id)
        assert upload.organisation_id == sender.organisation_id
        notices.announce(uow, Event.UPLOAD_RECALLED, upload, occasion="test")
        told = uow.session.scalars(select(Delivery.recipient).where(Delivery.event == Event.UPLOAD_RECALLED))
        assert account.email not in set(told)
    # The key that it came under is free: the same program sends its next bundle under it.
    answer = moved.put(b"\x1f\x8b", headers={"Idempotency-Key": "key"})
    assert (answer.status_code, sent.filename in answer.text) == (415, False)
