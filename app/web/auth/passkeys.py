"""Passkeys at the door: to sign in with nothing else, as the second factor, and once more in between.

Scripts ask and answer in JSON (static/js/passkey.js). Nobody can guess what a passkey signs: what is
counted are the answers of strangers, so that they do not come without end.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

from flask import g, jsonify, request
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response

from app.domain.errors import ForbiddenError, InvalidInputError, NotSignedInError
from app.domain.factors import Ceremony, Factor
from app.domain.policy import Permission, Role
from app.models import Account, Passkey
from app.queries import accounts as accounts_query
from app.queries import factors as held
from app.services import accounts, factors, half_way, sign_in, tries
from app.services.tries import Kind
from app.web import ceremony
from app.web.access import public, requires
from app.web.auth.blueprint import blueprint
from app.web.auth.entering import enter, proved, renewed
from app.web.auth.second import pending
from app.web.context import actor, system, system_work

if TYPE_CHECKING:
    from app.services.passkey_proof import Proof


@blueprint.post("/sign-in/passkey/options")
@public
def passkey_options() -> ResponseReturnValue:
    """Ask for any passkey that knows whose it is."""
    return _ask(Ceremony.SIGN_IN, None, alone=True)


@blueprint.post("/sign-in/passkey")
@public
def sign_in_by_passkey() -> ResponseReturnValue:
    """Let the passkey's owner in: the device has asked for a PIN or a finger."""
    with system_work() as uow:
        tries.begin(uow, Kind.PASSKEY, None, request.remote_addr)
    proof = _prove(Ceremony.SIGN_IN, None, alone=True)
    with system_work() as uow:
        may = accounts_query.by_email(uow.session, proof.account.email) is not None
        if not may:
            sign_in.refused(uow, proof.account.email, request.remote_addr)
    if not may:
        raise ForbiddenError("Your account is closed. Ask your administrator.")
    _refuse_where_provider_only(proof.account.role, proof.account.email)
    with system_work() as uow:
        tries.succeeded(uow, Kind.PASSKEY, None, request.remote_addr)
    return _go_on(proved(proof.account, Factor.PASSKEY, ceremony.text("next")))


@blueprint.post("/sign-in/second/passkey/options")
@public
def second_passkey_options() -> ResponseReturnValue:
    """Ask for a passkey of whoever is half signed in."""
    half = _half()
    return _ask(Ceremony.SECOND, half.account_id, _passkeys_of(half.account_id))


@blueprint.post("/sign-in/second/passkey")
@public
def prove_second_by_passkey() -> ResponseReturnValue:
    """Let whoever is half signed in go on."""
    half = _half()
    _prove(Ceremony.SECOND, half.account_id)
    with system().work(accounts_query.actor_of(half.account, request.remote_addr), g.request_id) as uow:
        used = half_way.use(uow, half.id)
    return _go_on(enter(used.account, [Factor(used.factor), Factor.PASSKEY], used.target))


@blueprint.post("/sign-in/again/passkey/options")
@requires(Permission.SESSION_CONFIRM)
def again_passkey_options() -> ResponseReturnValue:
    """Ask for a passkey of whoever is signed in, and for a PIN or a finger: nothing else is proved."""
    _refuse_where_provider_only(actor().role, actor().email)
    return _ask(Ceremony.CONFIRM, actor().id, _passkeys_of(actor().id), alone=True)


@blueprint.post("/sign-in/again/passkey")
@requires(Permission.SESSION_CONFIRM)
def confirm_by_passkey() -> ResponseReturnValue:
    """Go on as somebody who proved anew who they are."""
    _refuse_where_provider_only(actor().role, actor().email)
    _prove(Ceremony.CONFIRM, actor().id, alone=True)
    return _go_on(renewed([Factor.PASSKEY], ceremony.text("next")))


def _ask(
    purpose: Ceremony, account_id: UUID | None, held: Sequence[Passkey] = (), *, alone: bool = False
) -> ResponseReturnValue:
    from app.services import passkey_proof  # here: it says why

    challenge = ceremony.begin(purpose, account_id)
    with system_work() as uow:
        return jsonify(passkey_proof.options(uow, challenge, held, alone=alone))


def _prove(purpose: Ceremony, account_id: UUID | None, *, alone: bool = False) -> "Proof":
    """Raises GoneError, InvalidInputError, ForbiddenError: it proves nothing."""
    from app.services import passkey_proof  # here: it says why

    challenge, said = ceremony.finish(purpose, account_id), ceremony.answer()
    try:
        with system_work() as uow:
            proof = passkey_proof.check(uow, challenge, said, account_id=account_id, alone=alone)
    except InvalidInputError:
        with system_work() as uow:
            known = uow.session.get_one(Account, account_id) if account_id else passkey_proof.named(uow, said)
            if known is not None:  # of what is nobody's, the trail would fill with strangers' rubbish
                sign_in.refused(uow, known.email, request.remote_addr)
        raise
    if proof.copied:
        with system().work(accounts_query.actor_of(proof.account, request.remote_addr), g.request_id) as uow:
            factors.refuse_copied(uow, proof)
        raise ForbiddenError("There may be a copy of this passkey, so it is not taken. Use another way.")
    return proof


def _refuse_where_provider_only(role: Role | None, email: str) -> None:
    """Raises ForbiddenError, and leaves a trace of it, if people in this role come through a provider."""
    if role is not None and not accounts.may_have_password(system().settings, role):
        with system_work() as uow:
            sign_in.refused(uow, email, request.remote_addr)
        raise ForbiddenError("Your role signs in through your company's own sign-in.")


def _half() -> Any:
    half = pending()
    if half is None:
        raise NotSignedInError("That took too long. Sign in again.")
    return half


def _passkeys_of(account_id: UUID | None) -> Sequence[Passkey]:
    with system_work() as uow:
        return held.of(uow.session, account_id).passkeys


def _go_on(answer: Response) -> ResponseReturnValue:
    """Say in JSON where an answer leads: scripts follow redirects without the page."""
    return jsonify(next=answer.location)
