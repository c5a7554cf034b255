"""People who read once a day, what happens meanwhile, and the mails that come of it."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select, update

from app.domain.events import Event
from app.domain.lifecycle import UploadState
from app.domain.policy import Actor, Role
from app.domain.subscriptions import Way
from app.jobs import periodic
from app.models import Account, Delivery, Notice, Subscription, Upload
from app.system import System
from tests.factories.mailbox import spread_all
from tests.factories.people import make_account
from tests.factories.uploads import make_upload

BERLIN = ZoneInfo("Europe/Berlin")


def make_reader(system: System, way: Way = Way.DIGEST, role: Role = Role.ENGINEER) -> Account:
    """Make somebody in Berlin, who hears in this way of bundles that are ready, and is asleep at night."""
    account = make_account(system, role)
    with system.work() as uow:
        row = uow.session.merge(account)
        row.time_zone, row.digest_at = "Europe/Berlin", time(8)
        row.quiet_from, row.quiet_until = time(22), time(7)
        uow.session.add(Subscription(account_id=row.id, event=Event.UPLOAD_CLEAN, way=way))
    return account


def happen(system: System, sender: Actor, name: str = "bundle.tgz") -> Upload:
    """Let a bundle become ready, and be told of."""
    upload = make_upload(system, sender, UploadState.CLEAN, filename=name)
    spread_all(system)
    return upload


def digests(system: System, reader: Account) -> list[Delivery]:
    """Run the step twice, and return the daily mails that were ever made for somebody."""
    for _ in range(2):
        periodic.send_digests(system)
    with system.work() as uow:
        uow.session.expire_all()
        mine = (Delivery.event == Event.DIGEST, Delivery.account_id == reader.id)
        return list(uow.session.scalars(select(Delivery).where(*mine).order_by(Delivery.created_at)))


def make_due(system: System, moment: datetime | None = None) -> None:
    """Let the hour of everybody's daily mail have come."""
    moment = moment or datetime.now(UTC) - timedelta(minutes=1)
    with system.work() as uow:
        uow.session.execute(update(Notice).where(Notice.digest_at.is_not(None)).values(digest_at=moment))
