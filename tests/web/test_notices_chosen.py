"""The account page's part about what one hears of, how, and when."""

import re
from uuid import uuid4

import pytest
from flask import Flask
from sqlalchemy import select

from app.domain.event_words import sentence
from app.domain.events import MANDATORY, Event, choices_of, heard_by
from app.domain.policy import STAFF, Role
from app.domain.subscriptions import Way, default_way
from app.models import Account, Subscription
from app.system import System
from tests.factories.people import make_manager, make_organisation
from tests.factories.tickets import make_case
from tests.web.callers import Browser, Caller
from tests.web.looks import deeds
from tests.web.test_account import own, text_of

_SELECT = re.compile(r'<select[^>]*name="([\w.]+)">(.*?)</select>', re.DOTALL)


def offered_on(page: str) -> dict[str, tuple[str, list[str]]]:
    """Return (what is chosen, what may be) for each event, as a browser would read the page."""
    section = page[page.index('id="notices"') : page.index('id="times"')]
    return {
        name: (
            re.findall(r'value="(\w+)" selected', options)[0],
            re.findall(r'<option value="(\w+)"', options),
        )
        for name, options in _SELECT.findall(section)
    }


def wishes(system: System, account: Account) -> dict[str, Way]:
    with system.work() as uow:
        rows = uow.session.execute(
            select(Subscription.event, Subscription.way).where(Subscription.account_id == account.id)
        )
        return {row.event: row.way for row in rows}


@pytest.mark.parametrize("kind", [*Role, "manager"])
def test_each_is_offered_what_they_hear_of(app: Flask, system: System, browser: Browser, kind: str) -> None:
    """What nobody can do without is said, and not offered."""
    manages = kind == "manager"
    account = make_manager(system, make_organisation(system).id) if manages else None
    who = Caller(app, system, Role.CUSTOMER if manages else Role(kind), account=account)
    role = who.account.role
    browser.sign_in(who.account.email)
    page = browser.get("/account").text
    offered = offered_on(page)
    assert list(offered) == choices_of(role, manager=manages)
    for name, (chosen, ways) in offered.items():
        assert chosen == default_way(role, Event(name))
        assert ways == (["portal", "off"] if name == Event.UPLOAD_STARTED else [*Way])
        assert sentence(Event(name), staff=role in STAFF) in text_of(page)
    for event in set(heard_by(role, manager=manages)) & MANDATORY:
        assert event not in offered
        assert sentence(event, staff=role in STAFF) in text_of(page)


def test_what_is_chosen_holds_and_is_told(app: Flask, system: System, browser: Browser) -> None:
    who = Caller(app, system, Role.ENGINEER)
    browser.sign_in(who.account.email)
    form = {name: chosen for name, (chosen, _) in offered_on(browser.get("/account").text).items()}
    form |= {"upload.clean": "digest", "upload.infected": "off"}
    assert browser.post("/account/notices", form).location == "/account?saved=notices#notices"
    assert wishes(system, who.account) == {"upload.clean": Way.DIGEST, "upload.infected": Way.OFF}
    page = browser.get("/account?saved=notices").text
    assert "From now on you hear of things as you chose." in page
    assert {name: chosen for name, (chosen, _) in offered_on(page).items()} == form
    (deed,) = deeds(system, "account.notices_chosen")
    assert deed.detail["before"] == {"upload.clean": "now", "upload.infected": "now"}
    assert deed.detail["after"] == {"upload.clean": "digest", "upload.infected": "off"}
    browser.post("/account/notices", form)
    browser.post("/account/notices")
    assert len(deeds(system, "account.notices_chosen")) == 1


@pytest.mark.parametrize(
    "form",
    [
        {"upload.clean": "loud"},
        {"upload.clean": ""},
        {"upload.recalled": "off"},  # nobody can do without it
        {"gate.opened": "off"},  # for admins
        {"upload.started": "now"},  # for staff, and never mailed
        {"no such thing": "off"},
    ],
)
def test_only_what_is_offered_is_taken(
    browser: Browser, customer: Caller, system: System, form: dict[str, str]
) -> None:
    browser.sign_in(customer.account.email)
    assert browser.post("/account/notices", {"upload.infected": "off"} | form).status_code == 422
    assert wishes(system, customer.account) == {}
    assert deeds(system, "account.notices_chosen") == []


def test_quiet_hours_and_the_hour_of_the_daily_mail(
    browser: Browser, customer: Caller, system: System
) -> None:
    browser.sign_in(customer.account.email)
    form = {"quiet_from": "21:30", "quiet_until": "06:45", "digest_at": "09:15"}
    assert browser.post("/account/times", form).location == "/account?saved=times#times"
    row = own(system, customer.account)
    assert [f"{at:%H:%M}" for at in (row.quiet_from, row.quiet_until, row.digest_at) if at] == [
        *form.values()
    ]
    page = browser.get("/account").text
    assert re.findall(r'type="time"\s+value="([\d:]+)"', page) == [*form.values()]
    (deed,) = deeds(system, "account.times_chosen")
    assert (deed.detail["before"], deed.detail["after"]) == ([None, None, "08:00"], [*form.values()])
    assert browser.post("/account/times", {"digest_at": "09:15"}).status_code == 303
    assert own(system, customer.account).quiet_from is None
    assert own(system, customer.account).quiet_until is None


@pytest.mark.parametrize(
    ("quiet_from", "quiet_until", "digest_at", "says"),
    [
        ("22:00", "", "08:00", "Say both when quiet hours begin and when they end"),
        ("", "07:00", "08:00", "Say both when quiet hours begin and when they end"),
        ("07:00", "07:00", "08:00", "Let quiet hours end at another time than they begin."),
        ("", "", "", "Say at what time the daily mail is to come."),
        ("10 pm", "07:00", "08:00", "Write times like 22:30."),
        ("24:00", "07:00", "08:00", "Write times like 22:30."),
        ("22:00+02:00", "07:00", "08:00", "Write times like 22:30."),
    ],
)
def test_times_that_will_not_do_are_shown_again(
    browser: Browser,
    customer: Caller,
    system: System,
    quiet_from: str,
    quiet_until: str,
    digest_at: str,
    says: str,
) -> None:
    browser.sign_in(customer.account.email)
    form = {"quiet_from": quiet_from, "quiet_until": quiet_until, "digest_at": digest_at}
    answer = browser.post("/account/times", form)
    assert answer.status_code == 422
    assert says in text_of(answer.text[answer.text.index('id="times-error"') :])
    assert f'value="{quiet_from}"' in answer.text
    assert own(system, customer.account).quiet_from is None
    assert deeds(system, "account.times_chosen") == []


def test_staff_wish_otherwise_for_one_organisation(app: Flask, system: System, browser: Browser) -> None:
    who, acme = Caller(app, system, Role.ENGINEER), make_organisation(system, "acme")
    browser.sign_in(who.account.email)
    form = {"organisation": "acme", "event": "upload.clean", "way": "off"}
    for way in ("off", "portal"):
        assert browser.post("/account/wishes", form | {"way": way}).location == "/account?saved=wishes#wishes"
    with system.work() as uow:
        (row,) = uow.session.scalars(select(Subscription)).all()
    assert (row.organisation_id, row.way) == (acme.id, Way.PORTAL)
    page = browser.get("/account").text
    says = f"{acme.name} A bundle was checked, and is ready to download: in the portal only"
    assert says in text_of(page)
    assert browser.post(f"/account/wishes/{row.id}/take-back").status_code == 303
    assert says not in text_of(browser.get("/account").text)
    assert wishes(system, who.account) == {}
    assert [deed.detail["after"] for deed in deeds(system, "account.notices_chosen")] == [
        {"upload.clean of acme": "off"},
        {"upload.clean of acme": "portal"},
        {},
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        {"organisation": "nobody"},
        {"event": ""},
        {"event": "gate.closed"},
        {"event": "upload.recalled"},
        {"way": "x"},
    ],
)
def test_wishes_that_will_not_do_are_shown_again(
    app: Flask, system: System, browser: Browser, wrong: dict[str, str]
) -> None:
    make_organisation(system, "acme")
    browser.sign_in(Caller(app, system, Role.ENGINEER).account.email)
    form = {"organisation": "acme", "event": "upload.clean", "way": "off"} | wrong
    answer = browser.post("/account/wishes", form)
    assert answer.status_code == 422
    assert 'id="wishes-error"' in answer.text
    chosen = re.findall(r'value="([\w.]+)" selected', answer.text[answer.text.index('id="wishes"') :])
    assert set(form.values()) - set(wrong.values()) <= set(chosen)


def test_a_customer_wishes_for_no_organisation(browser: Browser, customer: Caller, system: System) -> None:
    """T2: the own one, another, and none are the same."""
    browser.sign_in(customer.account.email)
    own_one, another = customer.account.organisation, make_organisation(system, "acme")
    for slug in (own_one.slug if own_one else "", another.slug, "no-such"):
        form = {"organisation": slug, "event": "upload.clean", "way": "off"}
        assert browser.post("/account/wishes", form).status_code == 422
    assert wishes(system, customer.account) == {}
    assert 'id="wish-organisation"' not in browser.get("/account").text


def test_a_wish_for_one_case_is_listed(browser: Browser, customer: Caller, system: System) -> None:
    """As unsubscribing makes it of a case that is watched; not of one that they may not see any more."""
    for home in (customer.actor.organisation_id, None):
        case = make_case(system, "CS-5" if home else "CS-6", home)
        with system.work() as uow:
            wish = {"event": Event.UPLOAD_CLEAN, "case_id": case.id, "way": Way.PORTAL}
            uow.session.add(Subscription(account_id=customer.account.id, **wish))
    browser.sign_in(customer.account.email)
    page = text_of(browser.get("/account").text)
    assert "Case CS-5 No virus was found in a bundle of yours, and support has it: in the portal only" in page
    assert "CS-6" not in page


def test_nobody_takes_back_what_another_wished(
    app: Flask, system: System, browser: Browser, customer: Caller
) -> None:
    """T2: whose it is, it is as one that is not there; and a general one is not taken back here."""
    home, other = (
        customer.account.organisation,
        Caller(app, system, organisation=customer.account.organisation),
    )
    case = make_case(system, "CS-1", home.id if home else None)
    rows = [
        Subscription(account_id=other.account.id, event=Event.UPLOAD_CLEAN, case_id=case.id, way=Way.OFF),
        Subscription(account_id=customer.account.id, event=Event.UPLOAD_CLEAN, way=Way.OFF),
    ]
    with system.work() as uow:
        uow.session.add_all(rows)
    browser.sign_in(customer.account.email)
    for id_ in (*(row.id for row in rows), uuid4()):
        assert browser.post(f"/account/wishes/{id_}/take-back").status_code == 404
    assert len(wishes(system, customer.account)) == len(wishes(system, other.account)) == 1
