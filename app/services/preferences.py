"""What people choose for themselves: which mails they get, and how dates and numbers are written."""

from collections.abc import Collection
from zoneinfo import available_timezones

from sqlalchemy import delete

from app.domain.errors import InvalidInputError
from app.domain.events import choices_of
from app.domain.locales import LOCALES
from app.domain.subscriptions import Way
from app.models import Account, Subscription
from app.queries import subscriptions as subscriptions_query
from app.services import audit
from app.uow import UnitOfWork

#: Of one's subscriptions those that hold wherever a narrower one does not.
GENERAL = (Subscription.organisation_id.is_(None), Subscription.case_id.is_(None))


def choose_manner(uow: UnitOfWork, locale: str | None, time_zone: str | None) -> None:
    """Let the actor read dates and numbers as in ``locale`` (BCP 47), in ``time_zone`` (tz database).

    Raises:
        InvalidInputError: one that is not known.
    """
    if locale not in LOCALES:
        raise InvalidInputError("Choose how dates and numbers are written from the list.")
    if time_zone not in available_timezones():
        raise InvalidInputError("Choose a time zone from the list.")
    own = uow.session.get_one(Account, uow.actor.id)
    before = [own.locale, own.time_zone]
    own.locale, own.time_zone = locale, time_zone
    if before != [locale, time_zone]:
        audit.record(uow, "account.manner_chosen", person=own, before=before, after=[locale, time_zone])


def choose_notices(uow: UnitOfWork, wanted: Collection[str]) -> None:
    """Let the actor get only these of the mails that somebody in their role may do without."""
    own = uow.session.get_one(Account, uow.actor.id)
    before = subscriptions_query.general(uow.session, own.id)
    unwanted = [event for event in choices_of(own.role, manager=own.manager) if event not in wanted]
    uow.session.execute(delete(Subscription).where(Subscription.account_id == own.id, *GENERAL))
    uow.session.add_all(Subscription(account_id=own.id, event=event, way=Way.OFF) for event in unwanted)
    if set(before) != set(unwanted):
        audit.record(uow, "account.notices_chosen", person=own, before=sorted(before), after=sorted(unwanted))
