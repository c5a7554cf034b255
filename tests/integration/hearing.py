"""A bundle, everybody who may have to do with it, and who of them is told of what happens to it."""

from collections.abc import Iterable
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import func, select

from app.domain.events import Event
from app.domain.lifecycle import UploadState
from app.domain.policy import Actor, Role
from app.domain.subscriptions import Follow, Way
from app.models import Case, CaseFollow, Delivery, EventRecord, Notice, Subscription, Upload
from app.queries.accounts import actor_of
from app.services import notices
from app.system import System
from tests.factories.mailbox import spread_all
from tests.factories.people import make_account, make_machine, make_manager, make_organisation
from tests.factories.uploads import make_upload


class Told(NamedTuple):
    """Who was told of an event, by what they are here."""

    shown: set[str]  # in the portal
    mailed: set[str]


class World:
    """A bundle in a case, and everybody who may have to do with it."""

    def __init__(self, system: System) -> None:
        self.system = system
        home = make_organisation(system)
        self.people = {
            "sender": make_account(system, organisation=home),
            "colleague": make_account(system, organisation=home),
            "manager": make_manager(system, home.id),
            "engineer": make_account(system, Role.ENGINEER),
            "assignee": make_account(system, Role.ENGINEER),
            "admin": make_account(system, Role.ADMIN),
            "stranger": make_account(system),
            "foreign manager": make_manager(system, make_account(system).organisation_id),
            "machine": make_machine(system, home.id),
        }
        sender = actor_of(self.people["sender"], None)
        self.upload = make_upload(system, sender, UploadState.CLEAN, case="CS-7")
        with system.work() as uow:
            row = uow.session.get_one(Upload, self.upload.id)
            row.assignee_id = self.people["assignee"].id
            self.case = uow.session.scalars(select(Case).where(Case.reference == "CS-7")).one()
        spread_all(system)

    def actor(self, who: str) -> Actor:
        return actor_of(self.people[who], None)

    def follow(self, who: str, follow: Follow) -> None:
        with self.system.work() as uow:
            uow.session.add(CaseFollow(account_id=self.people[who].id, case_id=self.case.id, follow=follow))

    def wish(self, who: str, event: Event, way: Way, **where: UUID | None) -> None:
        with self.system.work() as uow:
            uow.session.add(Subscription(account_id=self.people[who].id, event=event, way=way, **where))

    def tell(self, event: Event, upload: Upload | None = None) -> Told:
        """Let it happen, once more if it has happened before, and say who was told of it."""
        upload = upload or self.upload
        with self.system.work() as uow:
            number = uow.session.scalar(select(func.count()).select_from(EventRecord))
            if event.startswith("upload."):
                notices.announce(uow, event, upload, occasion=str(number))
            else:
                notices.announce(uow, event, organisation_id=upload.organisation_id, occasion=str(number))
            record = select(EventRecord.id).order_by(EventRecord.created_at.desc())
            (record_id,) = uow.session.scalars(record.where(EventRecord.spread_at.is_(None))).all()
        spread_all(self.system)
        with self.system.work() as uow:
            shown = uow.session.scalars(select(Notice.account_id).where(Notice.record_id == record_id))
            mailed = uow.session.scalars(select(Delivery.account_id).where(Delivery.record_id == record_id))
            return Told(self._names(shown), self._names(mailed))

    def _names(self, ids: Iterable[UUID | None]) -> set[str]:
        names = {account.id: name for name, account in self.people.items()}
        return {names[each] for each in ids if each}
