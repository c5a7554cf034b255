"""What is held, or being scanned, is not deleted, whoever or whatever would do so. T15."""

from datetime import timedelta

import pytest
from sqlalchemy import func, update

from app.domain.errors import InvalidInputError, StateConflictError
from app.domain.lifecycle import UploadState
from app.domain.policy import Actor
from app.models import Upload
from app.services import cases, holding, removal, retention
from app.services.lifecycle import HeldError
from app.system import System
from tests.factories.keeping import WHY, admin, case_of, pass_days, run, set_policy, state_after
from tests.factories.uploads import make_upload
from tests.integration.looking import fresh

DELETED, CLEAN = UploadState.DELETED, UploadState.CLEAN


def test_a_hold_outranks_every_date(system: System, sender: Actor) -> None:
    """T15."""
    set_policy(system, sender.organisation_id, 10)
    upload = make_upload(system, sender, CLEAN)
    boss = admin(system)
    with system.work(boss) as uow:
        holding.hold(uow, upload.id, WHY)
    assert state_after(system, upload.id, 100) is CLEAN
    with system.work(boss) as uow:
        uow.session.execute(update(Upload).values(expires_at=upload.created_at))  # as if nobody had known
    run(system)
    assert fresh(system, upload.id).state is CLEAN
    with system.work(boss) as uow:
        assert holding.release(uow, upload.id, WHY).expires_at
    assert state_after(system, upload.id, 1) is DELETED


def test_a_case_on_hold_keeps_all_of_it(system: System, sender: Actor) -> None:
    """T15."""
    set_policy(system, sender.organisation_id, 10)
    upload = make_upload(system, sender, CLEAN, case="CS-1")
    boss = admin(system)
    with system.work(boss) as uow:
        case = holding.hold_case(uow, case_of(uow, "CS-1").id, WHY)
    pass_days(system, 20)
    with pytest.raises(HeldError), system.work() as uow:  # before any date was written anew
        removal.delete(uow, upload.id)
    run(system)
    assert fresh(system, upload.id).expires_at is None
    with pytest.raises(HeldError, match="has to be kept for now"), system.work(sender) as uow:
        cases.attach(uow, upload.id, "CS-2")
    with system.work(boss) as uow:
        holding.release_case(uow, case.id, WHY)
    assert state_after(system, upload.id, 1) is DELETED


def test_what_is_being_scanned_is_left_alone(system: System, sender: Actor) -> None:
    """T15: until its lease is over."""
    set_policy(system, sender.organisation_id, 10)
    upload = make_upload(system, sender, UploadState.SCANNING)
    pass_days(system, 9)
    run(system)
    pass_days(system, 9)
    with system.work() as uow:
        uow.session.execute(update(Upload).values(lease_until=func.now() + timedelta(minutes=1)))
    run(system)
    assert fresh(system, upload.id).state is UploadState.SCANNING
    with system.work() as uow:
        uow.session.execute(update(Upload).values(lease_until=None))
    run(system)
    assert fresh(system, upload.id).state is DELETED


def test_an_extension_must_lie_ahead(system: System, sender: Actor) -> None:
    upload = make_upload(system, sender, CLEAN)
    with pytest.raises(InvalidInputError, match="after today"), system.work(admin(system)) as uow:
        retention.keep(uow, upload.id, upload.created_at, WHY)
    with pytest.raises(StateConflictError), system.work(admin(system)) as uow:
        holding.release(uow, upload.id, WHY)
