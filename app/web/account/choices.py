"""What the account page shows of how somebody hears of things."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from app.domain.event_words import sentence
from app.domain.events import MANDATORY, Event, choices_of, heard_by
from app.domain.policy import STAFF, Role
from app.domain.subscriptions import Way, default_way, of_organisations, offered
from app.models import Account
from app.queries import subscriptions, uploads
from app.uow import UnitOfWork

#: The ways as people read them.
WAYS: Final[dict[Way, str]] = {
    Way.NOW: "By mail at once",
    Way.DIGEST: "In the daily mail",
    Way.PORTAL: "In the portal only",
    Way.OFF: "Not at all",
}


class Choice(NamedTuple):
    """One event: when that is, and the ways to hear of it as (name, words)."""

    event: Event
    says: str
    way: Way
    ways: list[tuple[Way, str]]


def shown(uow: UnitOfWork) -> dict[str, Any]:
    """Return what the page shows of it to whoever asks."""
    own = uow.session.get_one(Account, uow.actor.id)
    chosen = subscriptions.general(uow.session, own.id)
    choices = [
        Choice(event, _says(own.role, event), chosen.get(event, default_way(own.role, event)), _ways(event))
        for event in choices_of(own.role, manager=own.manager)
    ]
    heard = heard_by(own.role, manager=own.manager)
    return {
        "choices": choices,
        "always": [_says(own.role, event) for event in heard if event in MANDATORY],
        "times": {
            "quiet_from": own.quiet_from and f"{own.quiet_from:%H:%M}",
            "quiet_until": own.quiet_until and f"{own.quiet_until:%H:%M}",
            "digest_at": f"{own.digest_at:%H:%M}",
        },
        "time_zone": own.time_zone,
        "followed": subscriptions.followed(uow.session, uow.actor),
        "narrower": [
            (wish, _says(own.role, wish.event), WAYS[wish.way])
            for wish in subscriptions.narrower(uow.session, uow.actor)
        ],
        "organisations": uploads.organisations(uow.session, uow.actor),
        "narrow_choices": [
            (each, _says(own.role, each))
            for each in of_organisations(c.event for c in choices)
            if Way.NOW in offered(each)  # any way may be picked beside it
        ],
        "all_ways": list(WAYS.items()),
        "said": None,
        "typed": {},
    }


def complaint(section: str, error: str, typed: Mapping[str, str]) -> dict[str, Any]:
    """Return what the page shows besides, where the form of ``section`` was not as it should be."""
    return {"said": (section, error), "typed": dict(typed)}


def _ways(event: Event) -> list[tuple[Way, str]]:
    return [(way, WAYS[way]) for way in offered(event)]


def _says(role: Role, event: Event) -> str:
    return sentence(event, staff=role in STAFF)
