"""The state machine's only door: I9, I11."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import update

from app.domain.errors import StateConflictError
from app.domain.lifecycle import JUDGED, RESCANNABLE, SETTLED, TRANSITIONS, UploadState
from app.domain.policy import Actor
from app.models import Upload
from app.services.lifecycle import transition
from app.system import System
from tests.factories.people import make_actor
from tests.factories.uploads import make_upload
from tests.integration.looking import deeds, fresh, race


def put_into(system: System, upload: Upload, state: UploadState) -> None:
    with system.work() as uow:
        uow.session.execute(update(Upload).where(Upload.id == upload.id).values(state=state))


def move(system: System, upload: Upload, to: UploadState, epoch: int | None = None) -> bool:
    try:
        with system.work() as uow:
            moved = transition(uow, upload.id, to, epoch=epoch, reason="a test")
    except StateConflictError:
        return False
    assert moved.state is to
    return True


@pytest.mark.parametrize("source", UploadState)
def test_only_the_listed_moves_are_made(system: System, sender: Actor, source: UploadState) -> None:
    upload = make_upload(system, sender)
    for target in UploadState:
        put_into(system, upload, source)
        before = deeds(system, upload.id)
        allowed = target in TRANSITIONS[source]
        assert move(system, upload, target) is allowed
        assert fresh(system, upload.id).state is (target if allowed else source)
        assert deeds(system, upload.id) == before + [f"upload.{target}"] * allowed


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(walk=st.lists(st.sampled_from(UploadState), max_size=12))
def test_any_walk_ends_where_the_map_says_with_one_audit_row_per_step(
    system: System, sender: Actor, walk: list[UploadState]
) -> None:
    upload = make_upload(system, sender)
    expected, trail = UploadState.SEALED, deeds(system, upload.id)
    for target in walk:
        allowed = target in TRANSITIONS[expected]
        assert move(system, upload, target) is allowed
        if allowed:
            expected = target
            trail.append(f"upload.{target}")
    assert fresh(system, upload.id).state is expected
    assert deeds(system, upload.id) == trail


def test_settled_states_lead_nowhere_but_away() -> None:
    """Only another scan changes a verdict, and only towards another verdict."""
    away = {UploadState.DELETED, UploadState.INTEGRITY_FAILED}
    for state in SETTLED:
        assert TRANSITIONS[state] - away <= (JUDGED if state in RESCANNABLE else set())


def test_an_old_fence_moves_nothing(system: System, sender: Actor) -> None:
    upload = make_upload(system, sender, UploadState.SCANNING)
    before = deeds(system, upload.id)
    assert not move(system, upload, UploadState.CLEAN, epoch=upload.epoch - 1)
    assert deeds(system, upload.id) == before
    assert move(system, upload, UploadState.CLEAN, epoch=upload.epoch)


def test_of_eight_that_race_one_wins(committed: System) -> None:
    upload = make_upload(committed, make_actor(committed), UploadState.RECEIVING)
    targets = iter([UploadState.REJECTED, UploadState.ABANDONED] * 4)

    def one() -> UploadState:
        with committed.work() as uow:
            return transition(uow, upload.id, next(targets)).state

    outcomes = race(8, one)
    won = [outcome for outcome in outcomes if isinstance(outcome, UploadState)]
    assert len(won) == 1
    assert sum(isinstance(outcome, StateConflictError) for outcome in outcomes) == 7
    assert fresh(committed, upload.id).state is won[0]
    assert deeds(committed, upload.id).count(f"upload.{won[0]}") == 1
    assert deeds(committed, upload.id)[-1] == f"upload.{won[0]}"
