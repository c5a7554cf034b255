"""What people choose for themselves: which mails they get, and how dates and numbers are written."""

from collections.abc import Collection
from zoneinfo import available_timezones

from app.domain.errors import InvalidInputError
from app.domain.events import choices_of
from app.domain.locales import LOCALES
from app.models import Account
from app.services import audit
from app.uow import UnitOfWork


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
    unwanted = [str(event) for event in choices_of(own.role) if event not in wanted]
    before, own.unwanted = own.unwanted, unwanted
    if before != unwanted:
        audit.record(uow, "account.notices_chosen", person=own, before=before, after=unwanted)
