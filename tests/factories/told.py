"""Rows about telling people: channels, notices, wishes."""

from sqlalchemy import func, select

from app.domain.channels import ChannelKind
from app.domain.events import Event
from app.domain.subscriptions import Follow, Way
from app.models import (
    Account,
    Case,
    CaseFollow,
    Channel,
    KnownDevice,
    StepRun,
    Subscription,
    Upload,
    UploadSight,
)
from app.queries import cases
from app.services import channels
from app.services.channels import Address
from app.system import System
from tests.factories.mailbox import spread_all


def make_channel(
    system: System,
    kind: ChannelKind = ChannelKind.WEBHOOK,
    address: str = "https://hooks.example.com/diagport",
    secret: str | None = "whsec_test",  # noqa: S107  # no password
    events: tuple[Event, ...] = (Event.UPLOAD_CLEAN,),
) -> Channel:
    """Make a channel of all organisations that hears of ``events``."""
    with system.work() as uow:
        channel = Channel(
            kind=kind,
            name=f"{kind} of a test",
            events=[str(event) for event in events],
            sealed=channels.seal(system.settings, Address(address, secret)),
            shown=address,
        )
        uow.session.add(channel)
        uow.session.flush()
    return channel


def make_told(system: System, account: Account, upload: Upload) -> None:
    """Spread what happened, and give an account one row of each kind about what it hears of."""
    spread_all(system)
    with system.work() as uow:
        case = cases.of_upload(uow.session, upload) or uow.session.scalars(select(Case).limit(1)).one()
        uow.session.add_all(
            [
                Subscription(account_id=account.id, event=Event.UPLOAD_CLEAN, way=Way.DIGEST),
                CaseFollow(account_id=account.id, case_id=case.id, follow=Follow.WATCH),
                UploadSight(account_id=account.id, upload_id=upload.id),
                KnownDevice(account_id=account.id, token_hash="0" * 64),
            ]
        )


def make_everything_told(system: System, account: Account, upload: Upload) -> None:
    """Give one row of each kind about telling people, for an account and an upload in a case."""
    make_told(system, account, upload)
    make_channel(system)
    with system.work() as uow:
        uow.session.add(StepRun(name="test", started_at=func.now()))
