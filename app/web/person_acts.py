"""What can be done about somebody, with the words for it: for admins, and for managers some of it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from app.domain.errors import NotFoundError
from app.domain.people import PersonState
from app.models import Account
from app.services import people
from app.uow import UnitOfWork

_ACTIVE, _INVITED = PersonState.ACTIVE, PersonState.INVITED


@dataclass(frozen=True, slots=True)
class Act:
    """``name`` ends the address; ``done`` is said afterwards. With ``reason`` somebody must say why."""

    name: str
    states: frozenset[PersonState]  # in which there is a point in it
    title: str
    text: str
    button: str
    icon: str
    done: str
    do: Callable[[UnitOfWork, UUID, str | None], Account]
    danger: bool = False
    reason: bool = False


def _without_reason(
    service: Callable[[UnitOfWork, UUID], Account],
) -> Callable[[UnitOfWork, UUID, str | None], Account]:
    return lambda uow, account_id, _reason: service(uow, account_id)


ACTS: Final = {
    act.name: act
    for act in (
        Act(
            "invite-again",
            frozenset({_INVITED}),
            "Invite again",
            "They get a new mail. The link in the one before stops working.",
            "Send the invitation",
            "again",
            "A new invitation is on its way.",
            _without_reason(people.invite_again),
        ),
        Act(
            "send-reset",
            frozenset({_ACTIVE}),
            "Send a link for a new password",
            "They get a mail and choose a new password themselves. Nobody else sees it.",
            "Send the link",
            "again",
            "A mail with a link is on its way.",
            _without_reason(people.send_reset),
        ),
        Act(
            "reset-factors",
            frozenset({_ACTIVE}),
            "Reset the second factor",
            (
                "For who has lost their phone and their codes: authenticator app, passkeys and recovery"
                " codes go, and they are signed out. First be sure that it is really they who ask."
            ),
            "Reset it",
            "shield",
            "The second factor is gone. They set up a new one after signing in.",
            _without_reason(people.reset_factors),
            danger=True,
        ),
        Act(
            "end-sessions",
            frozenset({_ACTIVE}),
            "Sign out everywhere",
            "Every browser in which they are signed in asks them to sign in again.",
            "Sign them out",
            "cross",
            "They are signed out everywhere.",
            _without_reason(people.end_sessions),
        ),
        Act(
            "revoke-tokens",
            frozenset({_ACTIVE}),
            "Revoke all API tokens",
            "Programs that use these tokens are refused at once, for good.",
            "Revoke them",
            "bin",
            "All their API tokens are revoked.",
            _without_reason(people.revoke_tokens),
            danger=True,
        ),
        Act(
            "suspend",
            frozenset({_ACTIVE, _INVITED}),
            "Suspend",
            "They are signed out and cannot come back until you resume them. Their API tokens end for good.",
            "Suspend them",
            "stop",
            "They cannot sign in any more.",
            people.suspend,
            danger=True,
            reason=True,
        ),
        Act(
            "keep-out",
            frozenset({PersonState.SUSPENDED}),
            "Suspend for support",
            "A manager suspended them, and can let them in again. After this only an admin can.",
            "Suspend for support",
            "stop",
            "Managers cannot let them in again any more.",
            people.suspend,
            danger=True,
            reason=True,
        ),
        Act(
            "resume",
            frozenset({PersonState.SUSPENDED}),
            "Let them in again",
            "They can sign in again as before. API tokens that they had stay revoked.",
            "Resume them",
            "unlock",
            "They can sign in again.",
            _without_reason(people.resume),
        ),
    )
}

#: What managers may do about their colleagues.
OF_MANAGERS: Final = frozenset({"invite-again", "end-sessions", "suspend", "resume"})


def act_named(name: str, among: frozenset[str] = frozenset(ACTS)) -> Act:
    """Return an act. Raises NotFoundError: there is none of this name, or not for whoever asks."""
    if name not in among:
        raise NotFoundError
    return ACTS[name]


def acts_for(state: PersonState, among: frozenset[str] = frozenset(ACTS)) -> list[Act]:
    """Return what can be done about somebody in this state."""
    return [act for name, act in ACTS.items() if name in among and state in act.states]
