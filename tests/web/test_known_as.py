"""Staff reads names where somebody acted, and addresses only where no name is known."""

from sqlalchemy import update

from app.domain.lifecycle import UploadState
from app.models import Account
from app.services import holding
from app.system import System
from tests.factories.keeping import WHY
from tests.factories.uploads import make_upload
from tests.web.callers import Browser, Caller


def test_who_put_a_hold_on_is_named(
    system: System, customer: Caller, admin: Caller, engineer: Caller, browser: Browser
) -> None:
    upload = make_upload(system, customer.actor, UploadState.CLEAN)
    with system.work(admin.actor) as uow:
        holding.hold(uow, upload.id, WHY)
    browser.sign_in(engineer.account.email)
    for name, shown in (("", admin.account.email), ("Robin of Support", "Robin of Support")):
        with system.work() as uow:
            uow.session.execute(update(Account).where(Account.id == admin.account.id).values(name=name))
        assert f"put on by {shown}." in browser.get(f"/files/{upload.id}").text


def test_who_deleted_it_is_named_to_staff_alone(
    system: System, customer: Caller, engineer: Caller, browser: Browser
) -> None:
    upload = make_upload(system, customer.actor, UploadState.CLEAN)
    with system.work() as uow:
        named = update(Account).where(Account.id == engineer.account.id).values(name="Robin of Support")
        uow.session.execute(named)
    body = {"reason": WHY}
    assert engineer.ask("DELETE", f"/api/v1/uploads/{upload.id}", json=body).status_code == 204
    for who, sees in ((engineer, True), (customer, False)):
        browser.sign_in(who.account.email)
        assert ("Robin of Support" in browser.get(f"/files/{upload.id}").text) is sees
