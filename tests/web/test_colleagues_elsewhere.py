"""What a manager cannot take from others: addresses that are not theirs, and what support decides."""

import pytest
from flask import Flask
from sqlalchemy import select, text

from app.domain.factors import LinkPurpose
from app.domain.policy import Role
from app.models import Account, AuditEvent, Delivery, IdentityProvider, Organisation, OrganisationDomain
from app.services import links, sealed_codes
from app.system import System
from tests.factories.people import make_account, make_organisation
from tests.web.callers import Browser, without_what_differs
from tests.web.looks import account_of

REASON = {"reason": "Left the company in May."}


@pytest.fixture
def support(app: Flask, system: System) -> Browser:
    """Give an admin's browser."""
    browser = Browser(app)
    browser.sign_in(make_account(system, Role.ADMIN).email)
    return browser


def trail(system: System, account: Account, after: int = 0) -> list[AuditEvent]:
    with system.work() as uow:
        query = select(AuditEvent).where(AuditEvent.account_id == account.id, AuditEvent.id > after)
        return list(uow.session.scalars(query.order_by(AuditEvent.id)))


def codes(system: System, email: str) -> set[str]:
    """Return the tokens of the invitations that were mailed to ``email``."""
    with system.work() as uow:
        mails = uow.session.scalars(select(Delivery).where(Delivery.recipient == email))
        return {sealed_codes.unseal(uow.settings, mail.told) or "" for mail in mails}


def is_good(system: System, code: str) -> bool:
    with system.work() as uow:
        return links.is_good(uow, code, LinkPurpose.INVITATION)


def provider(slug: str, domain: str, organisation: Organisation | None, **other: bool) -> IdentityProvider:
    return IdentityProvider(
        slug=slug,
        name=slug,
        issuer=f"https://{slug}.example",
        client_id="diagport",
        domains=[domain],
        organisation_id=organisation.id if organisation else None,
        **other,
    )


def test_a_manager_invites_nobody_whose_address_is_of_others(
    manager_browser: Browser, home: Organisation, system: System
) -> None:
    """T2: whoever is invited elsewhere could not be let in where they belong. Nothing says whose it is."""
    globex = make_organisation(system, "globex")
    taken = make_account(system, organisation=globex)
    with system.work() as uow:
        uow.session.add_all(
            [
                OrganisationDomain(domain="globex.example", organisation_id=globex.id),
                provider("staff", "diagport.example", None, for_staff=True),
                provider("several", "several.example", None),
                provider("theirs", "theirs.example", globex),
                provider("ours", "ours.example", home),
            ]
        )
    pages = set()
    others = ("globex.example", "GLOBEX.example", "diagport.example", "several.example", "theirs.example")
    for email in (taken.email, *(f"ceo@{domain}" for domain in others)):
        answer = manager_browser.post("/colleagues/invite", {"email": email, "name": "New"})
        assert answer.status_code == 409, email
        pages.add(without_what_differs(answer).replace(email, ""))
    [page] = pages
    assert "ask support" in page
    for domain in ("ours.example", "elsewhere.example"):
        answer = manager_browser.post("/colleagues/invite", {"email": f"ceo@{domain}", "name": "New"})
        assert answer.status_code == 303, domain


def test_own_domains_win_over_a_provider_of_several(
    manager_browser: Browser, home: Organisation, system: System
) -> None:
    with system.work() as uow:
        uow.session.add(OrganisationDomain(domain="acme.example", organisation_id=home.id))
        uow.session.add(provider("several", "acme.example", None))
    answer = manager_browser.post("/colleagues/invite", {"email": "new@acme.example", "name": "New"})
    assert answer.status_code == 303


@pytest.mark.parametrize("to", ["globex", "staff"])
@pytest.mark.parametrize("suspended", [False, True])
def test_an_admins_invitation_moves_who_was_invited_elsewhere_and_never_came(
    manager_browser: Browser, support: Browser, home: Organisation, system: System, to: str, suspended: bool
) -> None:
    """No organisation keeps an address by having been first, nor by suspending whoever it is of."""
    globex = make_organisation(system, "globex")
    manager_browser.post("/colleagues/invite", {"email": "ceo@new.example", "name": "Squatted"})
    account = account_of(system, "ceo@new.example")
    assert account
    [old] = codes(system, account.email)
    assert is_good(system, old)
    if suspended:
        manager_browser.post(f"/colleagues/{account.id}/suspend", REASON)
    before = trail(system, account)[-1].id
    asked = {"role": "customer", "organisation": "globex", "manager": "y"}
    staff = {"role": "engineer", "organisation": ""}
    form = {"email": "CEO@new.example", "name": "Chief"} | (asked if to == "globex" else staff)
    assert support.post("/admin/people/invite", form).status_code == 303
    after = account_of(system, account.email)
    assert after
    expected = ("Chief", Role.CUSTOMER, globex.id, True) if to == "globex" else (
        "Chief", Role.ENGINEER, None, False
    )  # fmt: skip
    assert (after.id, after.active) == (account.id, True)
    assert (after.name, after.role, after.organisation_id, after.manager) == expected
    [new] = codes(system, account.email) - {old}
    assert (is_good(system, old), is_good(system, new)) == (False, True)
    events = trail(system, account, before)
    assert [event.action for event in events] == [
        *(["account.resumed"] if suspended else []),
        "account.changed",
        "account.invited",
    ]
    changed = events[-2].detail
    assert (changed["before"]["organisation"], changed["before"]["name"]) == ("acme", "Squatted")
    assert (changed["after"]["organisation"], changed["after"]["name"]) == (
        "globex" if to == "globex" else None,
        "Chief",
    )
    assert manager_browser.get(f"/colleagues/{account.id}").status_code == 404


@pytest.mark.parametrize("why", ["came", "same organisation", "suspended by support", "staff"])
def test_an_admins_invitation_takes_nobody_over_who_is_where_they_belong(
    support: Browser, home: Organisation, system: System, why: str
) -> None:
    make_organisation(system, "globex")
    where = {"role": "engineer", "organisation": ""} if why == "staff" else {
        "role": "customer", "organisation": "acme"
    }  # fmt: skip
    support.post("/admin/people/invite", {"email": "a@new.example", "name": "A"} | where)
    account = account_of(system, "a@new.example")
    assert account
    if why == "came":
        with system.work() as uow:
            uow.session.execute(text("UPDATE account SET activated_at = now()"))
    if why == "suspended by support":
        support.post(f"/admin/people/{account.id}/suspend", REASON)
    slug = "acme" if why == "same organisation" else "globex"
    form = {"email": account.email, "name": "B", "role": "customer", "organisation": slug}
    assert support.post("/admin/people/invite", form).status_code == 409
    after = account_of(system, account.email)
    assert after
    assert (after.name, after.organisation_id) == ("A", account.organisation_id)


def test_support_suspends_whom_a_manager_suspended(
    manager_browser: Browser, support: Browser, home: Organisation, system: System
) -> None:
    """The manager cannot hold the state against support, and cannot let them in again afterwards."""
    colleague = make_account(system, organisation=home)
    ours, theirs = f"/admin/people/{colleague.id}", f"/colleagues/{colleague.id}"
    manager_browser.post(f"{theirs}/suspend", REASON)
    assert manager_browser.post(f"{theirs}/keep-out", REASON).status_code == 404
    assert f"{ours}/keep-out" in support.get(ours).text
    assert "Suspend for support" in support.get(f"{ours}/keep-out").text
    assert support.post(f"{ours}/keep-out", {"reason": "Known to the police."}).status_code == 303
    assert [event.action for event in trail(system, colleague)][-2:] == ["account.suspended"] * 2
    assert manager_browser.post(f"{theirs}/resume").status_code == 403
    assert "police" not in manager_browser.get(theirs).text
    page = support.get(ours).text
    assert "Known to the police." in page
    assert f"{ours}/keep-out" not in page
    for act in ("keep-out", "suspend"):  # once is enough
        assert support.post(f"{ours}/{act}", REASON).status_code == 409
    assert support.post(f"{ours}/resume").status_code == 303
    assert account_of(system, colleague.email).active  # type: ignore[union-attr]
