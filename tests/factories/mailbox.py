"""The mails that wait in the outbox, sent; and the links in them."""

import re

from sqlalchemy import select, text

from app.jobs.deliver import deliver, spread_event
from app.models import Delivery, EventRecord
from app.ports import Message
from app.system import System
from tests.fakes import FakeMailer


def spread_all(system: System) -> None:
    """Let what happened reach the outbox of everybody whom it concerns."""
    with system.work() as uow:
        waiting = uow.session.scalars(select(EventRecord.id).where(EventRecord.spread_at.is_(None))).all()
    for record_id in waiting:
        spread_event(system, str(record_id))


def send_all(system: System, mailer: FakeMailer) -> list[Message]:
    """Send what waits, whatever it waits for; return the mails of just now."""
    before = len(mailer.sent)
    spread_all(system)
    with system.work() as uow:
        uow.session.execute(text("UPDATE delivery SET next_at = now() WHERE sent_at IS NULL"))
        waiting = uow.session.scalars(
            select(Delivery.id).where(Delivery.sent_at.is_(None), Delivery.dead_at.is_(None))
        ).all()
    for row_id in waiting:
        deliver(system, str(row_id))
    return mailer.sent[before:]


def link_in(mail: Message) -> str:
    """Return the path of the only link in a mail that brings one."""
    (path,) = re.findall(r"^http://localhost(/(?:activate|reset)/[\w-]{43})$", mail.text, re.MULTILINE)
    return str(path)
