"""Admins set providers up without a shell; nobody ever reads a client secret again."""

import re
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from app.domain.policy import Role
from app.models import Account, IdentityProvider, Organisation
from app.ports import Fetched
from app.services import vault
from app.services.providers import SECRET as PURPOSE
from app.system import System
from tests.factories.people import make_account, make_organisation
from tests.oidc.hostile import Hostile
from tests.oidc.world import SECRET, sessions, sign_in
from tests.web.callers import Browser, csrf_token_in
from tests.web.looks import deeds

NEW = "/admin/providers/new"


@pytest.fixture
def admin(app: Flask, system: System) -> Browser:
    browser = Browser(app)
    browser.sign_in(make_account(system, Role.ADMIN).email)
    return browser


def fields(acme: Organisation, **more: str) -> dict[str, str]:
    return {
        "name": "Acme Ltd",
        "slug": "acme",
        "issuer": "https://id.example",
        "client_id": "diagport",
        "client_secret": SECRET,
        "audience": str(acme.id),
        "domains": "Example.com\r\n b\u00fccher.example , example.com",
        "listed": "y",
        **more,
    }


def post(admin: Browser, path: str, values: dict[str, str]) -> Any:
    return admin.ask("POST", path, data={"csrf_token": csrf_token_in(admin.get(path))} | values)


def rows(system: System) -> list[IdentityProvider]:
    with system.work() as uow:
        uow.session.expire_all()
        return list(uow.session.scalars(select(IdentityProvider).order_by(IdentityProvider.created_at)))


def made(admin: Browser, system: System, acme: Organisation, **more: str) -> tuple[str, IdentityProvider]:
    answer = post(admin, NEW, fields(acme, **more))
    assert answer.status_code == 303, answer.text
    return answer.location, rows(system)[-1]


def test_a_provider_is_added_and_people_sign_in_by_it(
    app: Flask, admin: Browser, system: System, acme: Organisation, hostile: Hostile, jane: Account
) -> None:
    path, row = made(admin, system, acme)
    assert row.domains == ["example.com", "xn--bcher-kva.example"]
    assert (row.organisation_id, row.for_staff, row.create_accounts, row.listed) == (
        acme.id,
        False,
        False,
        True,
    )
    assert row.client_secret
    assert vault.unseal(system.settings, PURPOSE, row.client_secret) == SECRET
    page = admin.get(path)
    assert "http://localhost/sign-in/with/acme/callback" in page.text
    assert "Acme Ltd" in admin.get("/admin/providers").text
    assert sign_in(Browser(app), hostile).status_code == 303
    assert "One person signs in with it" in admin.get(path).text
    assert len(sessions(system)) == 2


def test_the_secret_is_never_shown_and_never_told(admin: Browser, system: System, acme: Organisation) -> None:
    path, row = made(admin, system, acme)
    sealed = row.client_secret or ""
    answer = post(admin, path, fields(acme, name="", client_secret="another secret"))
    told = [deed.detail for deed in deeds(system, "provider.created")]
    for text in (answer.text, admin.get(path).text, admin.get("/admin/providers").text, str(told)):
        assert "client secret:" not in text
        assert "another secret" not in text
        assert sealed not in text


def test_an_empty_secret_keeps_the_one_there_is(admin: Browser, system: System, acme: Organisation) -> None:
    path, before = made(admin, system, acme)
    sealed = before.client_secret
    assert post(admin, path, fields(acme, client_secret="", name="Acme")).status_code == 303
    assert rows(system)[0].client_secret == sealed
    (deed,) = deeds(system, "provider.changed")
    assert (deed.detail["before"], deed.detail["after"]) == ({"name": "Acme Ltd"}, {"name": "Acme"})
    assert "secret_replaced" not in deed.detail
    assert post(admin, path, fields(acme, client_secret="new", name="Acme")).status_code == 303
    assert vault.unseal(system.settings, PURPOSE, rows(system)[0].client_secret or "") == "new"
    assert deeds(system, "provider.changed")[-1].detail["secret_replaced"] is True


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"name": " "}, "name of 1 to 100"),
        ({"slug": "Acme!"}, "short name"),
        ({"issuer": "id.example"}, "issuer is an address"),
        ({"issuer": "javascript:alert(1)"}, "issuer is an address"),
        ({"issuer": "https://id.example/?a=b"}, "issuer is an address"),
        ({"issuer": "https://[::1"}, "issuer is an address"),
        ({"client_id": ""}, "client ID"),
        ({"client_id": "two words"}, "client ID"),
        ({"audience": ""}, "Choose who"),
        ({"audience": "00000000-0000-0000-0000-000000000000"}, "Choose the organisation"),
        ({"domains": "jane@example.com"}, "mail domain"),
        ({"domains": "localhost"}, "mail domain"),
        ({"role": "groups"}, "name the claim"),
        ({"roles": "a = customer"}, "name the claim"),
        ({"role": "groups", "roles": "engineer"}, "line of its own"),
        ({"role": "groups", "roles": "a = engineer"}, "people can become: customer"),
        (
            {"audience": "staff", "role": "groups", "roles": "a = customer"},
            "people can become: admin, engineer",
        ),
        ({"organisation": "company", "organisations": "A = acme"}, "several organisations"),
        (
            {"audience": "several", "organisation": "c", "organisations": "A = initech"},
            "no organisation initech",
        ),
        ({"client_secret": "x" * 501}, "client secret is too long"),
    ],
)
def test_what_will_not_do(
    admin: Browser, system: System, acme: Organisation, wrong: dict[str, str], words: str
) -> None:
    answer = post(admin, NEW, fields(acme, **wrong))
    assert answer.status_code == 422
    assert words in answer.text
    assert rows(system) == []


def test_one_short_name_and_one_domain_lead_to_one_provider(
    admin: Browser, system: System, acme: Organisation
) -> None:
    made(admin, system, acme)
    assert post(admin, NEW, fields(acme, domains="")).status_code == 409
    answer = post(admin, NEW, fields(acme, slug="other"))
    assert answer.status_code == 422
    assert "example.com leads to Acme Ltd already" in answer.text


def test_names_of_directories_have_equals_signs(admin: Browser, system: System, acme: Organisation) -> None:
    lines = "CN=Support,OU=Groups = Engineer\r\n\r\nboss=admin"
    path, row = made(admin, system, acme, audience="staff", role="groups", roles=lines)
    assert row.for_staff
    assert row.mapping == {
        "role": "groups",
        "roles": {"CN=Support,OU=Groups": "engineer", "boss": "admin"},
    }
    assert "CN=Support,OU=Groups = engineer\nboss = admin" in admin.get(path).text


def test_a_provider_that_people_are_known_by_stays_the_one_it_is(
    app: Flask, admin: Browser, system: System, acme: Organisation, hostile: Hostile, jane: Account
) -> None:
    """Else the subjects of another issuer would be taken for its own."""
    path, _ = made(admin, system, acme)
    elsewhere = fields(acme, issuer="https://other.example")
    assert post(admin, path, elsewhere).status_code == 303
    assert post(admin, path, fields(acme)).status_code == 303
    sign_in(Browser(app), hostile)
    answer = post(admin, path, elsewhere)
    assert answer.status_code == 409
    assert "add another provider" in answer.text
    assert rows(system)[0].issuer == "https://id.example"


def test_disabling_it_ends_what_was_opened_by_it(
    app: Flask, admin: Browser, system: System, acme: Organisation, hostile: Hostile, jane: Account
) -> None:
    """T11."""
    path, _ = made(admin, system, acme)
    person = Browser(app)
    sign_in(person, hostile)
    assert person.signed_in()
    assert post(admin, path, {"act": "disable"}).status_code == 303
    assert not person.signed_in()
    assert admin.signed_in()
    assert "Nobody signs in with it" in admin.get(path).text
    assert [deed.detail["sessions"] for deed in deeds(system, "provider.disabled")] == [1]
    assert post(admin, path, {"act": "enable"}).status_code == 303
    assert sign_in(person, hostile).status_code == 303
    assert post(admin, path, {"act": "explode"}).status_code == 400


def test_trying_it(admin: Browser, system: System, acme: Organisation, hostile: Hostile) -> None:
    path, _ = made(admin, system, acme)
    assert "its keys can be had" in post(admin, path, {"act": "try"}).text
    hostile.metadata["issuer"] = "https://id.example/"
    assert "calls itself by another name" in post(admin, path, {"act": "try"}).text
    hostile.metadata = {"id_token_signing_alg_values_supported": ["HS256", "none"]}
    assert "neither RS256 nor ES256" in post(admin, path, {"act": "try"}).text
    hostile.answers["/jwks"] = Fetched(200, b'{"keys": []}')
    assert "publishes no keys" in post(admin, path, {"act": "try"}).text
    hostile.answers["openid-configuration"] = Fetched(500, b"<script>alert(1)</script>")
    page = post(admin, path, {"act": "try"}).text
    assert "status 500" in page
    assert "alert(1)" not in page


def test_only_admins(app: Flask, system: System, acme: Organisation, jane: Account) -> None:
    """T1."""
    for account in (jane, make_account(system, Role.ENGINEER), make_account(system, organisation=acme)):
        browser = Browser(app)
        browser.sign_in(account.email)
        assert browser.get("/admin/providers").status_code == 403
        assert browser.get(NEW).status_code == 403
        assert browser.post(NEW, fields(acme)).status_code == 403
    assert rows(system) == []


def test_the_form_offers_every_organisation(admin: Browser, system: System, acme: Organisation) -> None:
    globex = make_organisation(system, "globex")
    offered = re.findall(r'<option value="([^"]*)"', admin.get(NEW).text)
    assert {"", "staff", "several", str(acme.id), str(globex.id)} == set(offered)
