"""/admin/people/import: looked at first, done only as it was shown, all or nobody."""

import html
import io
import re

import pytest
from sqlalchemy import func, select

from app.models import Account, Delivery
from app.system import System
from tests.factories.people import make_account, make_organisation
from tests.web.callers import Browser, Caller

PATH = "/admin/people/import"
HEAD = "mail,name,role,organisation,manager\n"
LIST = HEAD + 'a@acme.example,"Ada, Countess",customer,acme,yes\nb@support.example,Ben,engineer,,\n'
_TEXT = re.compile(r"<textarea[^>]*>\r?\n?(.*?)</textarea>", re.DOTALL)


@pytest.fixture
def at_desk(browser: Browser, admin: Caller, system: System) -> Browser:
    """Give an admin's browser, where there is an organisation acme."""
    make_organisation(system, "acme")
    browser.sign_in(admin.account.email)
    return browser


def shown(page: str) -> str:
    """Return the list that the page would send back."""
    found = _TEXT.search(page)
    assert found
    return html.unescape(found[1])


def invited(system: System) -> set[str]:
    with system.work() as uow:
        query = select(Account.email).where(Account.activated_at.is_(None))
        return set(uow.session.scalars(query))


def test_nothing_is_done_before_it_is_confirmed_and_then_what_was_shown(
    at_desk: Browser, system: System
) -> None:
    answer = at_desk.post(PATH, {"text": LIST})
    assert answer.status_code == 200
    assert invited(system) == set()
    for words in ("Ada, Countess", "Customer, manager", "Invite all 2"):
        assert words in answer.text
    confirmed = {"text": shown(answer.text), "confirmed": "yes"}
    done = at_desk.post(PATH, confirmed)
    assert done.headers["Location"] == "/admin/people?state=invited&done=2"
    assert "2 people were invited." in at_desk.get(done.headers["Location"]).text
    assert invited(system) == {"a@acme.example", "b@support.example"}
    with system.work() as uow:
        ada = uow.session.scalars(select(Account).where(Account.email == "a@acme.example")).one()
        assert (ada.name, ada.manager) == ("Ada, Countess", True)
        mails = uow.session.scalar(select(func.count()).select_from(Delivery))
    again = at_desk.post(PATH, confirmed)  # a second press of the button
    assert (again.status_code, again.text.count("There is already an account")) == (422, 2)
    with system.work() as uow:
        assert uow.session.scalar(select(func.count()).select_from(Delivery)) == mails


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_a_file_of_a_spreadsheet_is_taken(at_desk: Browser, system: System, encoding: str) -> None:
    data = "Organisation;Name;E-Mail\r\nacme;J\u00f6rg;j@acme.example\r\n".encode(encoding)
    answer = at_desk.post(PATH, {"text": "", "file": (io.BytesIO(data), "people.csv")})
    assert answer.status_code == 200
    assert "J\u00f6rg" in answer.text
    at_desk.post(PATH, {"text": shown(answer.text), "confirmed": "yes"})
    assert invited(system) == {"j@acme.example"}


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("nobody,N,customer,acme,", "This is not a mail address."),
        ("A@ACME.example,Twin,customer,acme,", "Line 2 has this address too."),
        ("Taken@Acme.example,T,customer,acme,", "There is already an account with this address."),
        ("c@acme.example,C,customer,nowhere,", "There is no organisation with the short name nowhere."),
        ("c@acme.example,C,admin,acme,", "Engineers and admins belong to no organisation."),
        ("c@acme.example,<script>alert(1)</script>,boss,acme,", "There is no role boss."),
    ],
)
def test_one_bad_line_keeps_everybody_out(
    at_desk: Browser, system: System, line: str, complaint: str
) -> None:
    taken = make_account(system)
    with system.work() as uow:
        uow.session.merge(taken).email = "taken@acme.example"
    for confirmed in ({}, {"confirmed": "yes"}):
        answer = at_desk.post(PATH, {"text": LIST + line} | confirmed)
        assert answer.status_code == 422
        assert complaint in html.unescape(answer.text)
        assert "One line of 3 will not do" in answer.text
        assert 'name="confirmed"' not in answer.text
        assert "<script>alert" not in answer.text
        assert invited(system) == set()
    corrected = shown(answer.text).replace(shown(answer.text).splitlines()[3], "c@acme.example,C,,acme,")
    assert at_desk.post(PATH, {"text": corrected}).status_code == 200


@pytest.mark.parametrize("text", ["", HEAD, "name\nAda", '"a@b.example', "{{7*7}}\n"])
def test_what_is_no_list_is_refused_with_a_sentence(at_desk: Browser, system: System, text: str) -> None:
    answer = at_desk.post(PATH, {"text": text, "confirmed": "yes"})
    assert answer.status_code == 422
    assert "49" not in answer.text or "{{7*7}}" not in text
    assert invited(system) == set()


def test_no_more_than_a_thousand_at_a_time(at_desk: Browser, system: System) -> None:
    text = HEAD + "".join(f"p{n}@acme.example,Person {n},customer,acme,\n" for n in range(1001))
    answer = at_desk.post(PATH, {"text": text, "confirmed": "yes"})
    assert (answer.status_code, "The list has 1,001 people." in answer.text) == (422, True)
    assert invited(system) == set()
