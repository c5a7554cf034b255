"""Short ways to look at rows, and to let time pass for them."""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, TypeVar
from uuid import UUID

import pytest
from sqlalchemy import func, select, update

from app.domain.policy import SYSTEM
from app.jobs import periodic
from app.models import AuditEvent, Delivery, Upload
from app.queries import uploads
from app.system import System
from tests.factories.mailbox import spread_all

T = TypeVar("T")


def fresh(system: System, upload_id: UUID) -> Upload:
    with system.work() as uow:
        uow.session.expire_all()
        return uploads.get(uow.session, SYSTEM, upload_id)


def deeds(system: System, upload_id: UUID) -> list[str]:
    """Return what the audit says was done to an upload, in order."""
    with system.work() as uow:
        rows = uow.session.scalars(
            select(AuditEvent.action).where(AuditEvent.upload_id == upload_id).order_by(AuditEvent.id)
        )
        return list(rows)


def details(system: System, upload_id: UUID) -> list[dict[str, Any]]:
    """Return what more the audit says of each deed, in order."""
    with system.work() as uow:
        rows = uow.session.scalars(
            select(AuditEvent.detail).where(AuditEvent.upload_id == upload_id).order_by(AuditEvent.id)
        )
        return list(rows)


def outbox(system: System, upload_id: UUID) -> Sequence[Delivery]:
    spread_all(system)
    with system.work() as uow:
        uow.session.expire_all()
        return uow.session.scalars(
            select(Delivery).where(Delivery.upload_id == upload_id).order_by(Delivery.recipient)
        ).all()


def pass_time(system: System, upload_id: UUID, seconds: float) -> None:
    """Make everything about an upload's row ``seconds`` older."""
    ago = timedelta(seconds=seconds)
    with system.work() as uow:
        uow.session.execute(
            update(Upload)
            .where(Upload.id == upload_id)
            .values(active_at=Upload.active_at - ago, lease_until=Upload.lease_until - ago)
        )


@contextmanager
def hours_later() -> Iterator[None]:
    """Let everything stored be older than what the sweeper leaves alone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(periodic, "_SETTLING", -1)
        yield


def make_due(system: System, upload_id: UUID) -> None:
    """Let the back-off of an upload's deliveries be over."""
    with system.work() as uow:
        uow.session.execute(
            update(Delivery).where(Delivery.upload_id == upload_id).values(next_at=func.now())
        )


def race(count: int, deed: Callable[[], T]) -> list[T | Exception]:
    """Do the same in ``count`` threads at once; return what came of each."""
    start = threading.Barrier(count)

    def one() -> T | Exception:
        start.wait(10)
        try:
            return deed()
        except Exception as error:  # noqa: BLE001 - the test looks at it
            return error

    with ThreadPoolExecutor(count) as pool:
        return [future.result(60) for future in [pool.submit(one) for _ in range(count)]]
