"""Bundles that are somebody's work, cases that somebody watches, and notices."""

from uuid import UUID, uuid4

from sqlalchemy import func, select, update

from app.domain.events import Event
from app.domain.lifecycle import UploadState
from app.domain.payloads import as_json
from app.domain.policy import Actor, Role
from app.domain.subscriptions import Follow
from app.models import Account, Case, CaseFollow, EventRecord, Notice, Upload
from app.services.facts import of_upload
from app.system import System
from tests.factories.people import make_account
from tests.factories.uploads import make_upload


def assign(system: System, upload: Upload, account: Account | None) -> None:
    """Make it somebody's work, or nobody's, without a word to anybody."""
    with system.work() as uow:
        uow.session.execute(
            update(Upload).where(Upload.id == upload.id).values(assignee_id=account.id if account else None)
        )


def make_assigned(system: System, owner: Actor) -> Upload:
    """Make an upload of the owner's that somebody of support works on."""
    upload = make_upload(system, owner, UploadState.CLEAN)
    assign(system, upload, make_account(system, Role.ENGINEER))
    return upload


def watch(system: System, account: Account, organisation_id: UUID | None, reference: str) -> None:
    """Let somebody watch a case that there is."""
    with system.work() as uow:
        case_id = uow.session.scalars(
            select(Case.id).where(Case.organisation_id == organisation_id, Case.reference == reference)
        ).one()
        uow.session.add(CaseFollow(account_id=account.id, case_id=case_id, follow=Follow.WATCH))


def make_notice(
    system: System,
    account_id: UUID | None,
    upload: Upload,
    event: Event = Event.UPLOAD_CLEAN,
    *,
    age: int = 0,
) -> UUID:
    """Tell somebody of an upload, ``age`` seconds ago; return the notice's id."""
    with system.work() as uow:
        kept = uow.session.get_one(Upload, upload.id)
        at = uow.session.scalars(select(func.now() - func.make_interval(0, 0, 0, 0, 0, 0, age))).one()
        record = EventRecord(
            event=event,
            payload=as_json(of_upload(kept)),
            upload_id=kept.id,
            organisation_id=kept.organisation_id,
            dedupe_key=uuid4().hex,
            spread_at=at,
            created_at=at,
        )
        notice = Notice(account_id=account_id, record=record, created_at=at)
        uow.session.add(notice)
        uow.session.flush()
        return notice.id


def inbox_target(system: System, owner: Actor, rule: str) -> object | None:
    """Return what fills the gap of a rule about a notice, or somebody's work; None for any other rule."""
    if rule.endswith("/give-back"):
        return make_assigned(system, owner).id
    if "<uuid:notice_id>" in rule:
        return make_notice(system, owner.id, make_upload(system, owner, UploadState.CLEAN))
    return None
