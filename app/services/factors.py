"""Second factors of an account: every change leaves a trail, tells their owner, and ends other sessions."""

from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import delete, select

from app.domain.errors import InvalidInputError
from app.domain.factors import Factor
from app.models import Account, Identity, Passkey, PasskeyChallenge, Totp
from app.queries import factors
from app.services import accounts, audit, ending, passkeys, recovery, sessions, totp
from app.uow import UnitOfWork

if TYPE_CHECKING:
    from app.services.passkey_proof import Proof


def own(uow: UnitOfWork) -> Account:
    """Return the actor's account, locked: of what changes its factors at once, one waits for the other."""
    return uow.session.execute(
        select(Account).where(Account.id == uow.actor.id).with_for_update(of=Account, key_share=True)
    ).scalar_one()


def prove(uow: UnitOfWork, account: Account, typed: str | None) -> Factor | None:
    """Return which second factor of ``account`` the code is that was typed; None if of none. It is used up.

    Who used a recovery code is told so: somebody else may have found it.
    """
    if totp.take(uow, account.id, typed):
        return Factor.TOTP
    if not recovery.take(uow, account.id, typed):
        return None
    left = factors.of(uow.session, account.id).codes
    audit.record(uow, "factor.code_used", person=account, before=left + 1, after=left)
    accounts.tell_changed(uow, account, f"A recovery code was used. Codes that are left: {left}.")
    return Factor.RECOVERY_CODE


def refuse_copied(uow: UnitOfWork, proof: "Proof") -> None:
    """Write down that a passkey was refused because there are two of it, and tell its owner."""
    audit.record(uow, "factor.passkey_copied", person=proof.account, passkey=proof.passkey.name)
    accounts.tell_changed(
        uow,
        proof.account,
        f"The passkey {proof.passkey.name} was refused: somebody may have copied it. Remove it.",
    )


def confirm_app(uow: UnitOfWork, session_id: UUID | None, typed: str | None) -> None:
    """Put the proposed app to use. Raises InvalidInputError: ``typed`` is not its code."""
    account = own(uow)
    before = state(uow, account)
    if not totp.confirm(uow, account, typed):
        raise InvalidInputError(
            "This is not the code that the app shows now. Wait for the next one, and look that your"
            " phone's clock is right."
        )
    _changed(uow, account, "factor.app_added", before, "An authenticator app was added.", session_id)


def remove_app(uow: UnitOfWork, session_id: UUID | None) -> None:
    """Remove the app; with the last second factor the recovery codes go."""
    account = own(uow)
    before = state(uow, account)
    if totp.remove(uow, account):
        _forget_useless(uow, account)
        _changed(uow, account, "factor.app_removed", before, "The authenticator app was removed.", session_id)


def add_passkey(
    uow: UnitOfWork, session_id: UUID | None, challenge: bytes, answer: Any, name: str | None
) -> Passkey:
    """Keep a passkey that the actor's browser made; see `passkey_making.register`."""
    from app.services import passkey_making  # here: `passkey_proof` says why

    account = own(uow)
    before = state(uow, account)
    passkey = passkey_making.register(uow, account, challenge, answer, name)
    _changed(
        uow, account, "factor.passkey_added", before, f"A passkey was added: {passkey.name}.", session_id
    )
    return passkey


def rename_passkey(uow: UnitOfWork, passkey_id: UUID, name: str | None) -> None:
    """Give a passkey another name. Raises NotFoundError, InvalidInputError."""
    account = own(uow)
    before = state(uow, account)
    passkeys.rename(uow, passkeys.own(uow, passkey_id), name)
    audit.record(uow, "factor.passkey_renamed", person=account, before=before, after=state(uow, account))


def remove_passkey(uow: UnitOfWork, session_id: UUID | None, passkey_id: UUID) -> None:
    """Remove a passkey; with the last second factor the recovery codes go.

    Raises:
        NotFoundError: there is none, or it is somebody else's.
        InvalidInputError: without it the actor could not sign in any more.
    """
    account = own(uow)
    before = state(uow, account)
    passkey = passkeys.own(uow, passkey_id)
    if account.password_hash is None and len(before["passkeys"]) == 1 and not _has_provider(uow, account):
        raise InvalidInputError("You sign in with this passkey alone. Set a password or add another first.")
    uow.session.delete(passkey)
    uow.session.flush()
    _forget_useless(uow, account)
    _changed(
        uow, account, "factor.passkey_removed", before, f"A passkey was removed: {passkey.name}.", session_id
    )


def renew_codes(uow: UnitOfWork, session_id: UUID | None) -> list[str]:
    """Make new recovery codes and return them, for this once.

    Raises:
        InvalidInputError: there is no second factor for them to stand in for.
    """
    account = own(uow)
    if not factors.of(uow.session, account.id).second:
        raise InvalidInputError("Add an authenticator app or a passkey first.")
    before = state(uow, account)
    codes = recovery.renew(uow, account)
    _changed(uow, account, "factor.codes_made", before, "New recovery codes were made.", session_id)
    return codes


def reset(uow: UnitOfWork, account: Account) -> None:
    """Take every second factor from somebody who has lost theirs, and end what they have open.

    For an admin: whoever has the password, or a way back to it by mail, gets in with that alone. Who they
    are at providers is forgotten, too: it may be somebody else who was let in there. If it was themselves,
    they are known again when they next sign in there.
    """
    before = state(uow, account) | {"providers": _known_as(uow, account)}
    recovery.forget(uow, account)
    ending.sign_out(uow, [account.id])
    for held in (Totp, Passkey, PasskeyChallenge, Identity):
        uow.session.execute(
            delete(held).where(held.account_id == account.id).execution_options(synchronize_session=False)
        )
    after = state(uow, account) | {"providers": _known_as(uow, account)}
    audit.record(uow, "factor.reset", person=account, before=before, after=after)
    accounts.tell_changed(
        uow,
        account,
        "Your second factor was reset: authenticator app, passkeys and recovery codes are gone,"
        " and so are links to other sign-ins, for example your company's.",
    )


def state(uow: UnitOfWork, account: Account) -> dict[str, Any]:
    """Return what an account has, for the trail."""
    held = factors.of(uow.session, account.id)
    return {
        "app": held.app_since is not None,
        "passkeys": [each.name for each in held.passkeys],
        "recovery_codes": held.codes,
    }


def _changed(
    uow: UnitOfWork, account: Account, action: str, before: dict[str, Any], what: str, session_id: UUID | None
) -> None:
    """Write it down, tell the owner, and end the other sessions (ASVS 7.4.3)."""
    audit.record(uow, action, person=account, before=before, after=state(uow, account))
    accounts.tell_changed(uow, account, what)
    sessions.end_others(uow, session_id, and_tokens=False)


def _forget_useless(uow: UnitOfWork, account: Account) -> None:
    if not factors.of(uow.session, account.id).second:
        recovery.forget(uow, account)


def _known_as(uow: UnitOfWork, account: Account) -> list[str]:
    """Return who somebody is at providers, for the trail. For staff alone: tenants see no providers."""
    held = uow.session.scalars(select(Identity).where(Identity.account_id == account.id))
    return sorted(f"{each.provider.slug}: {each.subject}" for each in held)


def _has_provider(uow: UnitOfWork, account: Account) -> bool:
    known = select(Identity.id).where(Identity.account_id == account.id)
    return bool(uow.session.scalar(select(known.exists())))
