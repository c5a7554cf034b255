"""A hold, a download and a deletion at the same moment: one comes first, and the other sees it. T15."""

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select

from app.domain.errors import StateConflictError
from app.domain.lifecycle import UploadState
from app.domain.policy import SYSTEM, Actor, Role
from app.domain.retention import RetentionSince
from app.jobs.deliver import spread_event
from app.models import Delivery, EventRecord, Upload
from app.services import cases, deadlines, downloads, holding, removal
from app.services.lifecycle import HeldError, locked
from app.system import System
from app.uow import UnitOfWork
from tests.factories.keeping import WHY, admin, case_of, pass_days, run, set_policy
from tests.factories.people import make_actor
from tests.factories.uploads import make_upload
from tests.integration.looking import deeds, fresh, race

ROUNDS = 8
DELETED, CLEAN = UploadState.DELETED, UploadState.CLEAN
Deed = Callable[[UnitOfWork], object]


def hold(upload: Upload) -> Deed:
    return lambda uow: holding.hold(uow, upload.id, WHY)


def hold_case(_upload: Upload) -> Deed:
    return lambda uow: holding.hold_case(uow, case_of(uow, "CS-1").id, WHY)


def do(system: System, actor: Actor, deed: Deed) -> None:
    with system.work(actor) as uow:
        deed(uow)


@pytest.mark.parametrize("how", [hold, hold_case])
@pytest.mark.parametrize("who", ["support", "sender"])
def test_who_deletes_waits_for_a_hold_that_is_just_put_on(
    committed: System, how: Callable[[Upload], Deed], who: str
) -> None:
    sender = make_actor(committed)
    upload = make_upload(committed, sender, CLEAN, case="CS-1")
    actor = sender if who == "sender" else make_actor(committed, Role.ENGINEER)
    end = removal.withdraw if who == "sender" else removal.delete
    with ThreadPoolExecutor(1) as pool:
        with committed.work(admin(committed)) as uow:
            how(upload)(uow)
            second = pool.submit(do, committed, actor, lambda uow: end(uow, upload.id))
            with pytest.raises(TimeoutError):  # it waits
                second.result(0.3)
        with pytest.raises(HeldError):
            second.result(30)
    assert fresh(committed, upload.id).state is CLEAN


@pytest.mark.parametrize("how", [hold, hold_case])
def test_of_a_hold_and_a_deletion_at_once_nothing_held_is_deleted(
    committed: System, how: Callable[[Upload], Deed]
) -> None:
    dice = random.Random(15)
    sender, boss = make_actor(committed), admin(committed)
    for _ in range(ROUNDS):
        upload = make_upload(committed, sender, CLEAN, case="CS-1")
        acts: list[Deed] = [how(upload), lambda uow, upload=upload: removal.delete(uow, upload.id)]  # type: ignore[misc]
        dice.shuffle(acts)
        came = race(2, lambda acts=acts: do(committed, boss, acts.pop()))  # type: ignore[misc]
        refused = [each for each in came if each is not None]
        gone = fresh(committed, upload.id).state is DELETED
        assert ("upload.deleted" in deeds(committed, upload.id)) is gone
        if how is hold:  # there is nothing left to hold, or nothing that may be deleted
            assert [type(each) for each in refused] == [StateConflictError if gone else HeldError]
        else:
            assert [type(each) for each in refused] == ([] if gone else [HeldError])
            with committed.work(boss) as uow:
                holding.release_case(uow, case_of(uow, "CS-1").id, WHY)


def test_a_bundle_does_not_slip_out_of_a_case_that_is_just_held(committed: System) -> None:
    sender = make_actor(committed)
    upload = make_upload(committed, sender, CLEAN, case="CS-1")
    with ThreadPoolExecutor(1) as pool:
        with committed.work(admin(committed)) as uow:
            hold_case(upload)(uow)
            second = pool.submit(do, committed, sender, lambda uow: cases.attach(uow, upload.id, "CS-2"))
            with pytest.raises(TimeoutError):
                second.result(0.3)
        with pytest.raises(HeldError):
            second.result(30)
    assert fresh(committed, upload.id).case_reference == "CS-1"


def test_telling_of_a_bundle_and_deleting_it_do_not_wait_in_a_circle(committed: System) -> None:
    upload = make_upload(committed, make_actor(committed), CLEAN)
    with committed.work() as uow:
        told = select(EventRecord.id).where(
            EventRecord.upload_id == upload.id, EventRecord.spread_at.is_(None)
        )
        record_id = str(uow.session.scalars(told.limit(1)).one())
    with ThreadPoolExecutor(1) as pool:
        with committed.work() as uow:
            locked(uow, upload.id)
            second = pool.submit(spread_event, committed, record_id)
            with pytest.raises(TimeoutError):  # it waits, and holds nothing meanwhile
                second.result(0.3)
            removal.delete(uow, upload.id)
        second.result(30)
    with committed.work() as uow:
        left = uow.session.scalars(select(Delivery.event).where(Delivery.upload_id == upload.id)).all()
    assert left == [], "nobody is told of what is gone"


class Due:
    """A bundle whose time is over, and an engineer who has just been allowed to fetch it."""

    def __init__(self, system: System) -> None:
        self.sender, self.engineer = make_actor(system), make_actor(system, Role.ENGINEER)
        set_policy(system, self.sender.organisation_id, 10, RetentionSince.DOWNLOADED)
        self.upload = make_upload(system, self.sender, CLEAN)
        pass_days(system, 9)
        run(system)
        pass_days(system, 2)
        with system.work(self.engineer) as uow:
            self.asked = downloads.leave_for_all(uow, self.upload.id)

    def download(self, uow: UnitOfWork) -> None:
        downloads.note(uow, *self.asked, None)

    def expire(self, uow: UnitOfWork) -> None:
        deadlines.delete(uow, self.upload.id)


def test_a_download_that_came_first_keeps_it(committed: System) -> None:
    """Whoever deletes does not wait: it comes again."""
    due = Due(committed)
    with committed.work(due.engineer) as uow:
        due.download(uow)
        uow.session.flush()
        do(committed, SYSTEM, due.expire)
    do(committed, SYSTEM, due.expire)
    now = fresh(committed, due.upload.id)
    assert now.state is CLEAN
    assert now.expires_at
    assert now.last_downloaded_at
    assert (now.expires_at - now.last_downloaded_at).days == 10


def test_a_deletion_that_came_first_ends_the_download(committed: System) -> None:
    due = Due(committed)
    with ThreadPoolExecutor(1) as pool:
        with committed.work() as uow:
            due.expire(uow)
            second = pool.submit(do, committed, due.engineer, due.download)
            with pytest.raises(TimeoutError):
                second.result(0.3)
        with pytest.raises(StateConflictError):
            second.result(30)
    assert fresh(committed, due.upload.id).state is DELETED
    assert "upload.downloaded" not in deeds(committed, due.upload.id)


def test_of_a_download_and_the_end_at_once_one_wins(committed: System) -> None:
    dice = random.Random(16)
    for _ in range(4):
        due = Due(committed)
        acts = [(due.engineer, due.download), (SYSTEM, due.expire)]
        dice.shuffle(acts)
        race(2, lambda acts=acts: do(committed, *acts.pop()))  # type: ignore[misc]
        done = set(deeds(committed, due.upload.id)) & {"upload.downloaded", "upload.deleted"}
        gone = fresh(committed, due.upload.id).state is DELETED
        assert done == ({"upload.deleted"} if gone else {"upload.downloaded"})
