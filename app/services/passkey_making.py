"""Making passkeys (WebAuthn Level 3). Imported when somebody does: see `passkey_proof`."""

from typing import Any

import webauthn
from sqlalchemy.dialects.postgresql import insert
from webauthn.helpers import options_to_json_dict
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    AuthenticatorTransport,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from app.domain import passkey_origin
from app.domain.errors import InvalidInputError, StateConflictError
from app.models import Account, Passkey
from app.queries import factors
from app.services import passkeys
from app.services.challenges import MILLISECONDS
from app.services.passkey_proof import REFUSALS, descriptors, refuse_foreign_frames, relying_party
from app.uow import UnitOfWork

_MOST = 20  # of one account


def options(uow: UnitOfWork, account: Account, challenge: bytes) -> dict[str, Any]:
    """Return what a browser needs to make a passkey for ``account``, as JSON.

    Raises:
        StateConflictError: it has more than enough.
    """
    held = factors.of(uow.session, account.id).passkeys
    if len(held) >= _MOST:
        raise StateConflictError(f"You have {_MOST} passkeys. Remove one first.")
    asked = webauthn.generate_registration_options(
        rp_id=relying_party(uow),
        rp_name="Diagport",
        user_id=account.id.bytes,
        user_name=account.email,
        user_display_name=account.name,
        challenge=challenge,
        timeout=MILLISECONDS,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.PREFERRED,  # with it nothing needs to be typed
            user_verification=UserVerificationRequirement.PREFERRED,
        ),
        exclude_credentials=descriptors(held),
    )
    return options_to_json_dict(asked)


def register(uow: UnitOfWork, account: Account, challenge: bytes, answer: Any, name: str | None) -> Passkey:
    """Keep the passkey that a browser made.

    Raises:
        InvalidInputError: it was not made for this, here, now; or it has no name.
        StateConflictError: it is known already.
    """
    clean = passkeys.clean_name(name)
    try:
        made = webauthn.verify_registration_response(
            credential=answer,
            expected_challenge=challenge,
            expected_rp_id=relying_party(uow),
            expected_origin=passkey_origin.origin(uow.settings.base_url),
        )
        refuse_foreign_frames(answer)
    except REFUSALS as error:
        raise InvalidInputError("This passkey could not be checked. Try again.", cause=str(error)) from error
    passkey_id = uow.session.scalar(
        insert(Passkey)
        .values(
            account_id=account.id,
            name=clean,
            credential_id=made.credential_id,
            public_key=made.credential_public_key,
            sign_count=made.sign_count,
            transports=_transports(answer),
            backed_up=made.credential_backed_up,
        )
        .on_conflict_do_nothing(index_elements=["credential_id"])
        .returning(Passkey.id)
    )
    if passkey_id is None:
        raise StateConflictError("This passkey is known already.")
    return uow.session.get_one(Passkey, passkey_id)


def _transports(answer: dict[str, Any]) -> list[str]:
    """Return the ways in which the device can be reached, of those that we know."""
    said = answer["response"].get("transports")
    return [each.value for each in AuthenticatorTransport if isinstance(said, list) and each.value in said]
