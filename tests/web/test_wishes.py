"""What may be wished for one organisation, on the account page."""

from app.models import Organisation
from app.system import System
from tests.web.callers import Browser, Caller


def test_what_is_only_shown_in_the_portal_is_not_offered_otherwise(
    browser: Browser, engineer: Caller, system: System
) -> None:
    with system.work() as uow:
        uow.session.add(Organisation(slug="acme", name="Acme"))
    browser.sign_in(engineer.account.email)
    page = browser.get("/account").text
    offered = page[page.index('id="wish-event"') :].partition("</select>")[0]
    assert 'value="upload.clean"' in offered
    assert 'value="upload.started"' not in offered
    form = {"organisation": "acme", "event": "upload.started", "way": "now"}
    answer = browser.post("/account/wishes", form)
    assert (answer.status_code, "This can only be shown in the portal." in answer.text) == (422, True)
    assert browser.post("/account/wishes", form | {"way": "off"}).status_code == 303
