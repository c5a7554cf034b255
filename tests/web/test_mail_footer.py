"""The end of a mail: why its reader gets it, and how they stop such mails."""

import pytest
from flask import Flask

from app.domain.events import Event
from app.domain.lifecycle import UploadState
from app.domain.policy import Role
from app.domain.subscriptions import Follow
from app.models import CaseFollow
from app.services import unsubscribing
from app.system import System
from tests.factories.mailbox import send_all
from tests.factories.people import make_account
from tests.factories.tickets import make_case
from tests.factories.uploads import make_upload
from tests.fakes import FakeMailer
from tests.web.callers import Caller

CHOSEN = "You get this because you chose to hear of such things at once."
WATCHED = "You get this because you watch its case."


@pytest.mark.parametrize("watches", [True, False])
def test_it_says_which_of_the_two_it_is(
    app: Flask, customer: Caller, system: System, mailer: FakeMailer, watches: bool
) -> None:
    engineer = make_account(system, Role.ENGINEER)
    case = make_case(system, "CS-7", customer.actor.organisation_id)
    if watches:
        with system.work() as uow:
            uow.session.add(CaseFollow(account_id=engineer.id, case_id=case.id, follow=Follow.WATCH))
    make_upload(system, customer.actor, UploadState.CLEAN, case="CS-7")
    (mail,) = [
        each
        for each in send_all(system, mailer)
        if (each.to, each.event) == (engineer.email, Event.UPLOAD_CLEAN)
    ]
    assert (WATCHED in mail.text, CHOSEN in mail.text) == (watches, not watches)
    stop = unsubscribing.address(system.settings, engineer.id, Event.UPLOAD_CLEAN)
    assert mail.unsubscribe == stop
    assert f"Stop mails like this: {stop}" in mail.text
    assert f'<a class="link" href="{stop}"' in (mail.html or "")
    assert app.test_client().get((stop or "").removeprefix("http://localhost")).status_code == 200


def test_what_nobody_can_do_without_offers_no_way_out(
    customer: Caller, system: System, mailer: FakeMailer
) -> None:
    engineer = make_account(system, Role.ENGINEER)
    make_upload(system, customer.actor, UploadState.CLEAN)
    for mail in send_all(system, mailer):
        assert ("Stop mails like this" in mail.text) is (mail.unsubscribe is not None)
        assert ("Stop mails like this" in (mail.html or "")) is (mail.unsubscribe is not None)
    assert engineer.email in {mail.to for mail in mailer.sent}
