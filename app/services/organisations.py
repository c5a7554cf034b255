"""Organisations: what operators and admins say of them, and that their counters are true."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from app.domain.errors import InvalidInputError, StateConflictError
from app.domain.lifecycle import STORED, UploadState
from app.domain.naming import clean_reason
from app.domain.organisations import Details
from app.models import Account, Organisation, OrganisationDomain, Upload
from app.queries import organisations
from app.services import audit, ending
from app.uow import UnitOfWork


@dataclass(frozen=True, slots=True)
class Drift:
    """An organisation whose counters were not the sums over its uploads: (bytes, uploads)."""

    slug: str
    counted: tuple[int, int]
    true: tuple[int, int]


def create(uow: UnitOfWork, slug: str, details: Details) -> Organisation:
    """Add an organisation; its short name stays.

    Raises:
        StateConflictError: the short name is taken, or one of the mail domains.
    """
    made = uow.session.scalar(
        insert(Organisation)
        .values(slug=slug, name=details.name)
        .on_conflict_do_nothing(index_elements=["slug"])
        .returning(Organisation.id)
    )
    if made is None:
        raise StateConflictError(f"There is already an organisation with the short name {slug}.")
    organisation = uow.session.get_one(Organisation, made)
    _apply(uow, organisation, details)
    audit.record(uow, "organisation.created", organisation_id=made, slug=slug, after=_as_told(organisation))
    return organisation


def change(uow: UnitOfWork, organisation_id: UUID, details: Details) -> Organisation:
    """Say something else of an organisation. What is stored already stays, even if it is more.

    Raises:
        NotFoundError: there is none, or it is not the actor's to see.
        StateConflictError: one of the mail domains is another organisation's.
    """
    organisation = organisations.get(uow.session, uow.actor, organisation_id, lock=True)
    before = _as_told(organisation)
    _apply(uow, organisation, details)
    after = _as_told(organisation)
    changed = [name for name in after if after[name] != before[name]]
    if changed:
        audit.record(
            uow,
            "organisation.changed",
            organisation_id=organisation_id,
            before={name: before[name] for name in changed},
            after={name: after[name] for name in changed},
        )
    return organisation


def suspend(uow: UnitOfWork, organisation_id: UUID, reason: str | None) -> Organisation:
    """Let nobody of an organisation in, from now on: no session, token or ticket. Nothing is deleted.

    Raises:
        NotFoundError: there is none, or it is not the actor's to see.
        InvalidInputError: the reason is none.
        StateConflictError: it is suspended already.
    """
    why = clean_reason(reason)
    organisation = organisations.get(uow.session, uow.actor, organisation_id, lock=True)
    if organisation.suspended_at is not None:
        raise StateConflictError(f"{organisation.name} is suspended already.")
    organisation.suspended_at = func.now()
    uow.session.flush()
    _sign_out(uow, organisation_id)
    audit.record(uow, "organisation.suspended", organisation_id=organisation_id, reason=why)
    return organisation


def resume(uow: UnitOfWork, organisation_id: UUID) -> Organisation:
    """Let the people of an organisation in again; they sign in anew.

    Raises:
        NotFoundError: there is none, or it is not the actor's to see.
        StateConflictError: it is not suspended.
    """
    organisation = organisations.get(uow.session, uow.actor, organisation_id, lock=True)
    if organisation.suspended_at is None:
        raise StateConflictError(f"{organisation.name} is not suspended.")
    _sign_out(uow, organisation_id)  # who was just signing in when it was suspended
    organisation.suspended_at = None
    audit.record(uow, "organisation.resumed", organisation_id=organisation_id)
    return organisation


def _sign_out(uow: UnitOfWork, organisation_id: UUID) -> None:
    ending.sign_out(uow, select(Account.id).where(Account.organisation_id == organisation_id))


def _apply(uow: UnitOfWork, organisation: Organisation, details: Details) -> None:
    organisation.name = details.name
    organisation.quota_bytes, organisation.quota_uploads = details.quota_bytes, details.quota_uploads
    before = (organisation.retention_days, organisation.retention_since)
    organisation.retention_days = details.retention_days
    organisation.retention_since = details.retention_since
    if before != (organisation.retention_days, organisation.retention_since):
        organisation.retention_changed_at = func.now()
    organisation.contacts = list(details.contacts)
    _set_domains(uow, organisation, details.domains)


def _set_domains(uow: UnitOfWork, organisation: Organisation, domains: tuple[str, ...]) -> None:
    """Raises StateConflictError: one is another organisation's; of two that claim it one gets it."""
    if {each.domain for each in organisation.domains} == set(domains):
        return
    uow.session.flush()
    of_ours = OrganisationDomain.organisation_id == organisation.id
    uow.session.execute(
        delete(OrganisationDomain)
        .where(of_ours, OrganisationDomain.domain.not_in(domains))
        .execution_options(synchronize_session=False)
    )
    for domain in sorted(domains):  # one order, so that nobody waits in a circle
        uow.session.execute(
            insert(OrganisationDomain)
            .values(domain=domain, organisation_id=organisation.id)
            .on_conflict_do_nothing(index_elements=["domain"])
        )
        if uow.session.scalar(select(of_ours).where(OrganisationDomain.domain == domain)) is not True:
            raise StateConflictError(f"{domain} is already a mail domain of another organisation.")
    uow.session.expire(organisation, ["domains"])


def _as_told(organisation: Organisation) -> dict[str, object]:
    """Return what the trail keeps of it."""
    return {
        "name": organisation.name,
        "domains": [each.domain for each in organisation.domains],
        "bytes": organisation.quota_bytes,
        "uploads": organisation.quota_uploads,
        "days": organisation.retention_days,
        "since": str(organisation.retention_since),
        "contacts": organisation.contacts,
    }


def set_quota(uow: UnitOfWork, slug: str, *, size: int | None, uploads: int | None) -> Organisation:
    """Let an organisation store up to ``size`` bytes in so many ``uploads``; None: as much as there is room.

    What is stored already stays, even if it is more.

    Raises:
        NotFoundError: there is no such organisation.
        InvalidInputError: less than nothing.
    """
    if min(size or 0, uploads or 0) < 0:
        raise InvalidInputError("A quota is not negative.")
    organisation = organisations.by_slug(uow.session, slug)
    uow.session.refresh(organisation, with_for_update={"key_share": True})
    before = {"bytes": organisation.quota_bytes, "uploads": organisation.quota_uploads}
    organisation.quota_bytes, organisation.quota_uploads = size, uploads
    audit.record(
        uow,
        "organisation.quota_set",
        organisation_id=organisation.id,
        before=before,
        after={"bytes": size, "uploads": uploads},
    )
    return organisation


def recount(uow: UnitOfWork, organisation_id: UUID) -> Drift | None:
    """Put an organisation's counters right; return what was wrong, None if nothing was.

    Exact whatever happens meanwhile: who changes a sum changes the counter in the same transaction,
    and waits for the row that is held here, or was waited for.
    """
    uow.session.execute(  # what a release received that knew no quotas
        update(Upload)
        .where(
            Upload.organisation_id == organisation_id,
            Upload.held_bytes.is_(None),
            Upload.state.in_([*STORED, UploadState.RECEIVING]),
            ~Upload.partial,
        )
        .values(held_bytes=func.coalesce(Upload.size, Upload.declared_bytes, Upload.received_bytes))
    )
    uow.session.execute(  # what such a release ended
        update(Upload)
        .where(
            Upload.organisation_id == organisation_id,
            Upload.held_bytes.is_not(None),
            Upload.state.not_in([*STORED, UploadState.RECEIVING]),
        )
        .values(held_bytes=None)
    )
    row = uow.session.execute(
        select(Organisation.slug, Organisation.used_bytes, Organisation.used_uploads)
        .where(Organisation.id == organisation_id)
        .with_for_update(key_share=True)
    ).one()
    held, number = uow.session.execute(
        select(func.coalesce(func.sum(Upload.held_bytes), 0), func.count().filter(~Upload.partial)).where(
            Upload.organisation_id == organisation_id, Upload.held_bytes.is_not(None)
        )
    ).one()
    drift = Drift(row.slug, (row.used_bytes, row.used_uploads), (int(held or 0), int(number)))
    if drift.counted == drift.true:
        return None
    uow.session.execute(
        update(Organisation)
        .where(Organisation.id == organisation_id)
        .values(used_bytes=drift.true[0], used_uploads=drift.true[1])
        .execution_options(synchronize_session=False)
    )
    audit.record(
        uow,
        "organisation.recounted",
        organisation_id=organisation_id,
        before=drift.counted,
        after=drift.true,
    )
    return drift
