"""The admin's pages about machines that come with tokens of ours: shown once, and revoked (T39)."""

import re
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.test import TestResponse

from app.models import Account, AccountKind, AccountLink, ApiToken, Delivery
from app.services import deliveries
from app.system import System
from tests.web.callers import Browser, Caller
from tests.web.looks import deeds

UPLOADS = "/api/v1/uploads"


@pytest.fixture
def typed(customer: Caller) -> dict[str, str]:
    organisation = str(customer.actor.organisation_id)
    return {"organisation": organisation, "name": "Build server", "write": "y", "lasts": "90"}


def make(admin_browser: Browser, typed: dict[str, str], **other: str) -> TestResponse:
    page = admin_browser.get("/admin/machines/new")
    token_id = re.search(r'name="id" type="hidden" value="([^"]+)"', page.text)
    assert token_id, page.text
    return admin_browser.post("/admin/machines/new", typed | {"id": token_id[1]} | other)


def token_in(page: TestResponse) -> str:
    found = re.search(r"dgp_[\w-]{43}", page.text)
    assert found, page.text
    return found[0]


def test_a_machine_gets_a_token_that_is_shown_once_and_can_be_revoked(
    app: Flask, admin_browser: Browser, typed: dict[str, str], system: System
) -> None:
    answer = make(admin_browser, typed, read="y")
    token = token_in(answer)
    headers = {"Authorization": f"Bearer {token}"}
    assert app.test_client().get(UPLOADS, headers=headers).status_code == 200
    with system.work() as uow:
        row = uow.session.scalars(select(ApiToken).where(ApiToken.hint == token[:8])).one()
        account = uow.session.get_one(Account, row.account_id)
    assert (account.kind, account.password_hash) == (AccountKind.MACHINE, None)
    assert row.expires_at is not None
    assert row.scopes == ["uploads:write", "uploads:read"]
    address = f"/admin/machines/{account.id}"
    for path in ("/admin/issuers", address):
        page = admin_browser.get(path)
        assert "Build server" in page.text
        assert token not in page.text
    other = token_in(
        admin_browser.post(address, {"act": "token", "id": str(UUID(int=7)), "lasts": "30", "write": "y"})
    )
    assert other != token
    assert admin_browser.post(address, {"act": "revoke", "id": str(row.id)}).status_code == 303
    assert app.test_client().get(UPLOADS, headers=headers).status_code == 401
    assert (
        app.test_client().options("/upload", headers={"Authorization": f"Bearer {other}"}).status_code == 200
    )
    assert [deed.detail["token"] for deed in deeds(system, "token.revoked")] == [str(row.id)]


def test_the_form_sent_twice_makes_one_machine(
    admin_browser: Browser, typed: dict[str, str], system: System
) -> None:
    first = make(admin_browser, typed, id=str(UUID(int=9)))
    assert first.status_code == 200
    assert make(admin_browser, typed, id=str(UUID(int=9))).status_code == 303
    with system.work() as uow:
        assert len(uow.session.scalars(select(Account).where(Account.kind == AccountKind.MACHINE)).all()) == 1


@pytest.mark.parametrize(
    ("other", "says"),
    [
        ({"lasts": "7"}, "Choose how long"),
        ({"organisation": "x"}, "Choose the organisation."),
        ({"id": "x"}, "Open this form again"),
    ],
)
def test_a_machine_is_not_made_of_nonsense(
    admin_browser: Browser, typed: dict[str, str], other: dict[str, str], says: str
) -> None:
    answer = make(admin_browser, typed, **other)
    assert answer.status_code == 422
    assert says in answer.text


def test_nobody_signs_in_as_a_machine_nor_resets_its_password(
    app: Flask, admin_browser: Browser, typed: dict[str, str], system: System
) -> None:
    make(admin_browser, typed)
    with system.work() as uow:
        email = uow.session.scalars(select(Account.email).where(Account.kind == AccountKind.MACHINE)).one()
    somebody = Browser(app)
    answer = somebody.sign_in(email)
    assert answer.status_code == Browser(app).sign_in("nobody@machines.invalid").status_code != 303
    assert not somebody.signed_in()
    somebody.post("/reset", {"email": email})
    with system.work() as uow:
        (asked,) = uow.session.scalars(select(Delivery.id))  # as for any address; a worker finds whose it is
        assert deliveries.begin(uow, asked) is None
        assert not uow.session.scalars(select(AccountLink)).all()
