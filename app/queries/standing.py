"""Whether whoever began a request may still come: asked while bytes travel, which may take hours."""

from sqlalchemy import ColumnElement, select, true

from app.domain.policy import Actor
from app.models import Account, ApiToken, Case, Organisation, SignInSession, Ticket, TokenIssuer


def still_good(actor: Actor, *, fetching: bool = False) -> ColumnElement[bool]:
    """Say that nobody has taken back what ``actor`` came with: part of any query, or one of its own.

    The account is active, with the role and the organisation that it had, which is not suspended; its
    token is not revoked, its token issuer not disabled. A ticket is not revoked, its case open. What
    merely ran out (an idle session, an expired token or ticket) may finish what it began.

    Who signs out stops what they fetch (``fetching``), and not what they send: an upload belongs to
    the account, which goes on with it after the next sign-in, and not to a cookie.

    The system itself always may.
    """
    if actor.id is None:
        return true()
    if actor.ticket_id:
        return _ticket_stands(actor)
    by = actor.came_by
    facts = [
        Account.id == actor.id,
        Account.active,
        Account.role == actor.role,
        Account.organisation_id.is_not_distinct_from(actor.organisation_id),
        ~select(Organisation.id)
        .where(Organisation.id == actor.organisation_id, Organisation.suspended_at.is_not(None))
        .exists(),
    ]
    if by.token_id:
        token = select(ApiToken.id).where(ApiToken.id == by.token_id, ApiToken.revoked_at.is_(None))
        facts.append(token.exists())
    if by.issuer_id:
        issuer = select(TokenIssuer.id).where(
            TokenIssuer.id == by.issuer_id, TokenIssuer.disabled_at.is_(None)
        )
        facts.append(issuer.exists())
    if by.session_begun and fetching:
        # Not by its id, which is another after every proof of who it is (`sign_in.confirm`).
        session = select(SignInSession.id).where(
            SignInSession.account_id == actor.id, SignInSession.created_at == by.session_begun
        )
        facts.append(session.exists())
    return select(Account.id).where(*facts).exists()


def _ticket_stands(actor: Actor) -> ColumnElement[bool]:
    return (
        select(Ticket.id)
        .join(Case, Case.id == Ticket.case_id)
        .join(Organisation, Organisation.id == Case.organisation_id)
        .where(
            Ticket.id == actor.ticket_id,
            Ticket.revoked_at.is_(None),
            Case.closed_at.is_(None),
            Organisation.id == actor.organisation_id,
            Organisation.suspended_at.is_(None),
        )
        .exists()
    )
