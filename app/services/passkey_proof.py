"""What a passkey proves: that its owner is there, now, at this portal (WebAuthn Level 3).

Whoever uses this or `passkey_making` imports it in the function that does: the library costs every
process 6 MB and a quarter of a second, and most never see a passkey.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import webauthn
from sqlalchemy import func, or_, select, update
from webauthn.helpers import base64url_to_bytes, options_to_json_dict, parse_client_data_json
from webauthn.helpers.exceptions import InvalidAuthenticationResponse, WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorTransport,
    PublicKeyCredentialDescriptor,
    UserVerificationRequirement,
)

from app.domain import passkey_origin
from app.domain.errors import InvalidInputError, StateConflictError
from app.models import Account, Passkey
from app.services.challenges import MILLISECONDS
from app.uow import UnitOfWork

#: What checking an answer raises if it is not as it should be; the library lets some of its parsers' through.
REFUSALS: Final = (WebAuthnException, ValueError, TypeError, LookupError, AttributeError, struct.error)
_REFUSED: Final = "This passkey does not fit. It may have been removed: use another way, or another passkey."


@dataclass(frozen=True, slots=True)
class Proof:
    """``copied``: there are two of this passkey, and either may have signed. It proves nothing."""

    account: Account
    passkey: Passkey
    copied: bool


def options(
    uow: UnitOfWork, challenge: bytes, held: Sequence[Passkey] = (), *, alone: bool = False
) -> dict[str, Any]:
    """Return what a browser needs to let a passkey sign, as JSON; ``held``: one of these, or any.

    With ``alone`` the device must ask for a PIN or a finger: nothing else proves who it is.
    """
    asked = webauthn.generate_authentication_options(
        rp_id=relying_party(uow),
        challenge=challenge,
        timeout=MILLISECONDS,
        allow_credentials=descriptors(held),
        user_verification=UserVerificationRequirement.REQUIRED
        if alone
        else UserVerificationRequirement.PREFERRED,
    )
    return options_to_json_dict(asked)


def check(
    uow: UnitOfWork, challenge: bytes, answer: Any, *, account_id: UUID | None = None, alone: bool = False
) -> Proof:
    """Check what a passkey signed, and note its use.

    Args:
        uow: a unit of work of the system: whose passkey it is, is not known before.
        challenge: what it was asked to sign, used up already.
        answer: the browser's PublicKeyCredential as JSON.
        account_id: whose it must be; None: anybody's.
        alone: the device must have asked for a PIN or a finger.

    Raises:
        InvalidInputError: it is unknown, or has signed something else, elsewhere, or for another account.
    """
    try:
        passkey = _known(uow, answer, account_id)
        seen = webauthn.verify_authentication_response(
            credential=answer,
            expected_challenge=challenge,
            expected_rp_id=relying_party(uow),
            expected_origin=passkey_origin.origin(uow.settings.base_url),
            credential_public_key=passkey.public_key,
            credential_current_sign_count=0,  # compared below, in the row: and only once it has signed
            require_user_verification=alone,
        )
        refuse_foreign_frames(answer)
    except REFUSALS as error:
        raise InvalidInputError(_REFUSED, cause=str(error)) from error
    return Proof(
        passkey.account,
        passkey,
        copied=not _count(uow, passkey, seen.new_sign_count, seen.credential_backed_up),
    )


def named(uow: UnitOfWork, answer: Any) -> Account | None:
    """Return whose passkey an answer says it is, be that so or not; None: it names nobody."""
    try:
        credential_id = base64url_to_bytes(answer["rawId"])
        known = uow.session.scalar(select(Passkey).where(Passkey.credential_id == credential_id))
        if known is not None:
            return known.account
        handle = base64url_to_bytes(answer["response"]["userHandle"])
        return uow.session.get(Account, UUID(bytes=handle))
    except REFUSALS:
        return None


def refuse_foreign_frames(answer: dict[str, Any]) -> None:
    """Refuse what was signed within a page of somebody else's (WebAuthn section 7.2, crossOrigin)."""
    said = parse_client_data_json(base64url_to_bytes(answer["response"]["clientDataJSON"]))
    if said.cross_origin:
        raise InvalidAuthenticationResponse("signed in another site's frame")


def relying_party(uow: UnitOfWork) -> str:
    """Return the domain that passkeys belong to. Raises StateConflictError: the portal has none."""
    name = passkey_origin.relying_party(uow.settings.base_url)
    if name is None:
        raise StateConflictError(passkey_origin.WHY_NOT)
    return name


def descriptors(held: Sequence[Passkey]) -> list[PublicKeyCredentialDescriptor]:
    """Return how browsers are told which passkeys are meant."""
    return [
        PublicKeyCredentialDescriptor(
            id=each.credential_id, transports=[AuthenticatorTransport(name) for name in each.transports]
        )
        for each in held
    ]


def _known(uow: UnitOfWork, answer: Any, account_id: UUID | None) -> Passkey:
    """Raises what is in `REFUSALS`."""
    found = uow.session.scalar(
        select(Passkey).where(Passkey.credential_id == base64url_to_bytes(answer["rawId"]))
    )
    if found is None or account_id not in {None, found.account_id}:
        raise InvalidAuthenticationResponse("no such passkey, or somebody else's")
    handle = answer["response"].get("userHandle")
    if handle is not None and base64url_to_bytes(handle) != found.account_id.bytes:
        raise InvalidAuthenticationResponse("made for another account")
    return found


def _count(uow: UnitOfWork, passkey: Passkey, count: int, backed_up: bool) -> bool:
    """Note a use; return whether the device counted on since the last one, if it counts at all."""
    noted = uow.session.scalar(
        update(Passkey)
        .where(
            Passkey.id == passkey.id,
            or_(Passkey.sign_count < count, (Passkey.sign_count == 0) & (count == 0)),
        )
        .values(sign_count=count, backed_up=backed_up, last_used_at=func.now())
        .returning(Passkey.id)
        .execution_options(synchronize_session=False)
    )
    return noted is not None
