"""An organisation's counters are the sums over its uploads, whatever was done in whatever order: I8."""

from collections.abc import Callable
from uuid import UUID

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import update

from app.domain.errors import PortalError
from app.models import Organisation, Upload
from app.services import organisations, quota, removal, sweeping
from app.services.intake import records
from app.services.intake.records import Announcement
from app.system import System
from app.uow import UnitOfWork
from tests.factories.people import make_actor
from tests.factories.quotas import counted, set_quota, summed
from tests.integration.looking import pass_time

QUOTA = 1000
sizes = st.integers(1, 400)


class Uploads(RuleBasedStateMachine):
    """``held`` is what ought to be held, by upload; parts are in ``parts``."""

    system: System

    begun, stored = Bundle("begun"), Bundle("stored")

    @initialize()
    def begin_empty(self) -> None:
        self.actor = make_actor(self.system)
        self.held: dict[UUID, int] = {}
        self.parts: set[UUID] = set()
        set_quota(self.system, self.actor.organisation_id, size=QUOTA, uploads=6)

    def begin(self, announced: Announcement, reserved: int) -> UUID | None:
        partial = announced.partial
        fits = sum(self.held.values()) + reserved <= QUOTA
        fits &= partial or len(self.held.keys() - self.parts) < 6
        try:
            with self.system.work(self.actor) as uow:
                upload = records.start(uow, announced, "filesystem")
        except quota.QuotaError:
            assert not fits
            return None
        assert fits
        self.held[upload.id] = reserved
        if partial:
            self.parts.add(upload.id)
        return upload.id

    @rule(target=begun, size=sizes, partial=st.booleans())
    def begin_known(self, size: int, partial: bool) -> UUID | None:
        return self.begin(Announcement("tus", "a.tgz", size, partial=partial), size)

    @rule(target=begun, at_most=st.integers(0, 300))
    def begin_unknown(self, at_most: int) -> UUID | None:
        return self.begin(Announcement("form", "a.tgz", at_most=at_most), at_most)

    @rule(upload=begun, size=sizes)
    def receive(self, upload: UUID | None, size: int) -> None:
        """More has come than was said: it is counted, or there is no room for it."""
        if upload not in self.held:
            return
        before = sum(self.held.values()) - self.held[upload]
        try:
            with self.system.work(self.actor) as uow:
                held = quota.make_room(uow, upload, size)
        except quota.QuotaError:
            assert before + size > QUOTA
        else:
            assert held >= size
            self.held[upload] = held

    @rule(target=stored, upload=consumes(begun), size=sizes)
    def seal(self, upload: UUID | None, size: int) -> UUID | None:
        if upload not in self.held:
            return None
        fits = sum(self.held.values()) - self.held[upload] + size <= QUOTA or size <= self.held[upload]
        try:
            with self.system.work(self.actor) as uow:
                uow.session.execute(update(Upload).where(Upload.id == upload).values(declared_bytes=None))
                records.seal(uow, upload, size=size, sha256="0" * 64, version="1")
        except quota.QuotaError:
            assert not fits
        else:
            assert fits
            self.held[upload] = size
        return upload

    @rule(upload=begun, reject=st.booleans())
    def end(self, upload: UUID | None, reject: bool) -> None:
        self.leave(upload, lambda uow, id_: (records.reject if reject else records.abandon)(uow, id_, "x"))

    @rule(upload=stored | begun)
    def delete(self, upload: UUID | None) -> None:
        if upload not in self.parts:  # nobody sees those
            self.leave(upload, lambda uow, id_: removal.delete(uow, id_, "x"))

    @rule(upload=begun)
    def expire(self, upload: UUID | None) -> None:
        if upload is None:
            return
        pass_time(self.system, upload, 30 * 24 * 3600)
        with self.system.work() as uow:
            sweeping.abandon_stale(uow)
            ended = uow.session.get_one(Upload, upload, populate_existing=True).held_bytes is None
        if ended:
            self.held.pop(upload, None)

    @rule()
    def recount(self) -> None:
        with self.system.work() as uow:
            assert organisations.recount(uow, self.actor.organisation_id or UUID(int=0)) is None

    @rule(size=sizes, uploads=st.integers(0, 3))
    def drift(self, size: int, uploads: int) -> None:
        """Somebody has meddled; the next count puts it right."""
        home = self.actor.organisation_id or UUID(int=0)
        with self.system.work() as uow:
            uow.session.execute(
                update(Organisation)
                .where(Organisation.id == home)
                .values(
                    used_bytes=Organisation.used_bytes + size,
                    used_uploads=Organisation.used_uploads + uploads,
                )
            )
            drift = organisations.recount(uow, home)
            assert drift
            assert drift.counted == (drift.true[0] + size, drift.true[1] + uploads)

    def leave(self, upload: UUID | None, end: Callable[[UnitOfWork, UUID], object]) -> None:
        if upload is None:
            return
        try:
            with self.system.work(self.actor) as uow:
                end(uow, upload)
        except PortalError:
            return
        self.held.pop(upload, None)

    @invariant()
    def the_counters_are_the_sums(self) -> None:
        if not hasattr(self, "actor"):
            return
        home = self.actor.organisation_id
        expected = (sum(self.held.values()), len(self.held.keys() - self.parts))
        assert counted(self.system, home) == summed(self.system, home) == expected
        assert expected[0] <= QUOTA


def test_whatever_is_done_the_counters_are_the_sums(system: System) -> None:
    run_state_machine_as_test(
        type("Here", (Uploads,), {"system": system}),
        settings=settings(
            max_examples=6,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
