"""A bundle that leaves its case: what was told of it stays, and who followed the case goes on following."""

from uuid import UUID

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import ProgrammingError

from app.domain.events import Event
from app.domain.lifecycle import UploadState
from app.domain.policy import Actor, Role
from app.domain.subscriptions import Follow, Way
from app.models import Account, Base, Case, CaseFollow, Delivery, EventRecord, Notice, Subscription, Upload
from app.services import cases, notices
from app.system import System
from tests.factories.mailbox import spread_all
from tests.factories.people import make_account, make_actor
from tests.factories.tickets import make_case
from tests.factories.uploads import make_upload


@pytest.fixture
def sender(system: System) -> Actor:
    return make_actor(system)


@pytest.fixture
def upload(system: System, sender: Actor) -> Upload:
    make_account(system, Role.ENGINEER)
    return make_upload(system, sender, UploadState.INFECTED, case="CS-TYPO")


def rows(system: System) -> list[int | None]:
    tables: tuple[type[Base], ...] = (EventRecord, Notice, Delivery)
    with system.work() as uow:
        return [uow.session.scalar(select(func.count()).select_from(table)) for table in tables]


def case_ids(system: System) -> dict[str, UUID]:
    with system.work() as uow:
        return {row.reference: row.id for row in uow.session.execute(select(Case.reference, Case.id))}


def of_records(system: System, upload: Upload) -> set[UUID | None]:
    with system.work() as uow:
        return set(uow.session.scalars(select(EventRecord.case_id).where(EventRecord.upload_id == upload.id)))


def attach(system: System, actor: Actor, upload: Upload, case: str | None) -> None:
    with system.work(actor) as uow:
        cases.attach(uow, upload.id, case)


@pytest.mark.parametrize("to", ["CS-1", None])
@pytest.mark.parametrize("spread", [False, True])
def test_what_was_told_stays_when_the_case_goes(
    system: System, sender: Actor, upload: Upload, to: str | None, *, spread: bool
) -> None:
    """F27: the customer mends a typing mistake, and no mail is lost by it."""
    if spread:
        spread_all(system)
    before = rows(system)
    attach(system, sender, upload, to)
    assert set(case_ids(system)) == ({to} if to else set())
    assert rows(system) == before
    assert before[0]
    assert of_records(system, upload) == {case_ids(system)[to] if to else None}
    spread_all(system)
    assert all(rows(system))


def test_a_case_that_stays_keeps_what_is_of_others(system: System, sender: Actor, upload: Upload) -> None:
    other = make_upload(system, sender, UploadState.CLEAN, case="CS-TYPO")
    attach(system, sender, upload, "CS-1")
    ids = case_ids(system)
    assert of_records(system, upload) == {ids["CS-1"]}
    assert of_records(system, other) == {ids["CS-TYPO"]}


def follows(system: System, reference: str) -> dict[UUID, Follow]:
    with system.work() as uow:
        mine = CaseFollow.case_id == case_ids(system)[reference]
        query = select(CaseFollow.account_id, CaseFollow.follow).where(mine)
        return {row.account_id: row.follow for row in uow.session.execute(query)}


def test_who_watched_the_case_watches_the_one_that_takes_its_place(
    system: System, sender: Actor, upload: Upload
) -> None:
    """Colleagues and staff alike, whoever moves the bundle; what they said of the other case goes before."""
    watcher, muter, both = (make_account(system, Role.ENGINEER) for _ in range(3))
    make_case(system, "CS-1", sender.organisation_id)
    ids, event = case_ids(system), Event.UPLOAD_CLEAN
    assert sender.id

    def follow(account_id: UUID, reference: str, how: Follow) -> CaseFollow:
        return CaseFollow(account_id=account_id, case_id=ids[reference], follow=how)

    def wish(account: Account, reference: str, way: Way) -> Subscription:
        return Subscription(account_id=account.id, event=event, case_id=ids[reference], way=way)

    with system.work() as uow:
        uow.session.add_all(
            [
                follow(watcher.id, "CS-TYPO", Follow.WATCH),
                follow(muter.id, "CS-TYPO", Follow.MUTE),
                follow(both.id, "CS-TYPO", Follow.WATCH),
                follow(both.id, "CS-1", Follow.MUTE),
                follow(sender.id, "CS-TYPO", Follow.MUTE),
                wish(watcher, "CS-TYPO", Way.DIGEST),
                wish(both, "CS-TYPO", Way.DIGEST),
                wish(both, "CS-1", Way.OFF),
            ]
        )
    attach(system, sender, upload, "CS-1")
    assert set(case_ids(system)) == {"CS-1"}
    assert follows(system, "CS-1") == {
        watcher.id: Follow.WATCH,
        muter.id: Follow.MUTE,
        both.id: Follow.MUTE,
        sender.id: Follow.MUTE,
    }
    with system.work() as uow:
        wished = uow.session.execute(select(Subscription.account_id, Subscription.way)).all()
    assert {tuple(row) for row in wished} == {(watcher.id, Way.DIGEST), (both.id, Way.OFF)}


def test_who_watched_hears_of_what_had_not_been_told_yet(
    system: System, sender: Actor, upload: Upload
) -> None:
    spread_all(system)
    admin = make_account(system, Role.ADMIN)  # hears of verdicts of cases that they watch alone
    with system.work() as uow:
        uow.session.add(
            CaseFollow(account_id=admin.id, case_id=case_ids(system)["CS-TYPO"], follow=Follow.WATCH)
        )
        notices.announce(uow, Event.UPLOAD_INFECTED, uow.session.get_one(Upload, upload.id), occasion="again")
    attach(system, sender, upload, "CS-1")
    spread_all(system)
    with system.work() as uow:
        assert len(uow.session.scalars(select(Notice).where(Notice.account_id == admin.id)).all()) == 1


@pytest.mark.parametrize("ours", [True, False], ids=["heir is theirs", "both are theirs"])
def test_no_customer_reaches_another_organisations_case(system: System, sender: Actor, *, ours: bool) -> None:
    """T2."""
    mine = make_case(system, "CS-1", sender.organisation_id)
    theirs, heir = (make_case(system, name, make_actor(system).organisation_id) for name in ("CS-2", "CS-3"))
    with (
        pytest.raises(ProgrammingError, match="cases of different organisations"),
        system.work(sender) as uow,
    ):
        uow.session.execute(select(func.case_succeeds((mine if ours else theirs).id, heir.id)))
