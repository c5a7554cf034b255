"""What people choose for themselves: how and when they hear of things, how dates and numbers are written."""

from collections.abc import Mapping
from datetime import datetime, time
from uuid import UUID
from zoneinfo import available_timezones

from sqlalchemy import delete, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from app.domain.errors import InvalidInputError, NotFoundError
from app.domain.events import Event, choices_of
from app.domain.locales import LOCALES
from app.domain.policy import STAFF
from app.domain.subscriptions import Way, default_way, next_digest, of_organisations, offered
from app.models import Account, Notice, Organisation, Subscription
from app.queries import clock
from app.queries import subscriptions as subscriptions_query
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
        _put_off_digest(uow, own)
        audit.record(uow, "account.manner_chosen", person=own, before=before, after=[locale, time_zone])


def choose_notices(uow: UnitOfWork, wanted: Mapping[str, str]) -> None:
    """Let the actor hear in these ways of events, by name; of what is not named as before.

    Raises:
        InvalidInputError: an event that is not theirs to choose, or a way that is not offered for it.
    """
    own = uow.session.get_one(Account, uow.actor.id)
    chosen = subscriptions_query.general(uow.session, own.id)
    before: dict[Event, Way] = {}
    after: dict[Event, Way] = {}
    for name, way_name in wanted.items():
        event = _event(own, name)
        way = _way(event, way_name)
        was = chosen.get(event, default_way(own.role, event))
        if way is not was:
            before[event], after[event] = was, way
            _put(uow, own, event, way)
    if after:
        audit.record(uow, "account.notices_chosen", person=own, before=before, after=after)


def choose_times(uow: UnitOfWork, quiet_from: str, quiet_until: str, digest_at: str) -> None:
    """Let the actor be left in peace between two times, and have the daily mail at ``digest_at``.

    Each is "22:30" by the clock on their own wall; quiet hours may go over midnight, or both be empty.

    Raises:
        InvalidInputError: one that is no time, half of the quiet hours, or none that they would hold.
    """
    quiet = (_time(quiet_from), _time(quiet_until))
    if (quiet[0] is None) != (quiet[1] is None):
        raise InvalidInputError("Say both when quiet hours begin and when they end, or leave both empty.")
    if quiet[0] is not None and quiet[0] == quiet[1]:
        raise InvalidInputError("Let quiet hours end at another time than they begin.")
    daily = _time(digest_at)
    if daily is None:
        raise InvalidInputError("Say at what time the daily mail is to come.")
    own = uow.session.get_one(Account, uow.actor.id)
    before = _said(own)
    own.quiet_from, own.quiet_until = quiet
    if own.digest_at != daily:
        own.digest_at = daily
        _put_off_digest(uow, own)
    if before != _said(own):
        audit.record(uow, "account.times_chosen", person=own, before=before, after=_said(own))


def _said(own: Account) -> list[str | None]:
    return [f"{at:%H:%M}" if at else None for at in (own.quiet_from, own.quiet_until, own.digest_at)]


def _time(typed: str) -> time | None:
    if not typed.strip():
        return None
    try:
        return datetime.strptime(typed.strip(), "%H:%M").time()  # noqa: DTZ007  # of no day
    except ValueError:
        raise InvalidInputError("Write times like 22:30.") from None


def _put_off_digest(uow: UnitOfWork, own: Account) -> None:
    """Let what waits for the daily mail come with the next one, so that there are never two of a day."""
    at = next_digest(clock.now(uow.session), own.time_zone, own.digest_at)
    waiting = (Notice.account_id == own.id, Notice.digest_at.is_not(None))
    uow.session.execute(update(Notice).where(*waiting).values(digest_at=at))


def choose_for_organisation(uow: UnitOfWork, slug: str, name: str, way_name: str) -> None:
    """Let the actor, who is staff, hear in another way of an event of one organisation.

    Raises:
        InvalidInputError: no such organisation, event or way; to a customer there is none but the own.
    """
    own = uow.session.get_one(Account, uow.actor.id)
    home = uow.session.scalar(select(Organisation).where(Organisation.slug == slug))
    if home is None or own.role not in STAFF:
        raise InvalidInputError("Choose the organisation from the list.")
    event = _event(own, name)
    if event not in of_organisations([event]):
        raise InvalidInputError("That happens to no organisation.")
    way = _way(event, way_name)
    _put(uow, own, event, way, organisation_id=home.id)
    after = {f"{event} of {slug}": way}
    audit.record(uow, "account.notices_chosen", person=own, before={}, after=after)


def take_back(uow: UnitOfWork, subscription_id: UUID) -> None:
    """Let a wish of the actor's for one organisation or one case be as if it had never been said.

    Raises:
        NotFoundError: there is none.
    """
    narrower = or_(Subscription.organisation_id.is_not(None), Subscription.case_id.is_not(None))
    gone = uow.session.execute(
        delete(Subscription)
        .where(Subscription.id == subscription_id, Subscription.account_id == uow.actor.id, narrower)
        .returning(Subscription.event, Subscription.way)
    ).one_or_none()
    if gone is None:
        raise NotFoundError
    own = uow.session.get_one(Account, uow.actor.id)
    audit.record(uow, "account.notices_chosen", person=own, before={gone.event: gone.way}, after={})


def _event(own: Account, name: str) -> Event:
    found = next((each for each in choices_of(own.role, manager=own.manager) if each == name), None)
    if found is None:
        raise InvalidInputError("Choose what you want to hear of from the list.")
    return found


def _way(event: Event, name: str) -> Way:
    found = next((each for each in offered(event) if each == name), None)
    if found is not None:
        return found
    if Way.NOW not in offered(event) and name in [*Way]:
        raise InvalidInputError("This can only be shown in the portal.")
    raise InvalidInputError("Choose from the list how you want to hear of it.")


def _put(
    uow: UnitOfWork, own: Account, event: Event, way: Way, *, organisation_id: UUID | None = None
) -> None:
    uow.session.execute(
        insert(Subscription)
        .values(account_id=own.id, event=event, organisation_id=organisation_id, way=way)
        .on_conflict_do_update(
            index_elements=["account_id", "event", "organisation_id", "case_id"], set_={"way": way}
        )
    )
