"""What is known of the scanner, one row each, so that pages need not ask it."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, String, Text, func
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base


class EngineStatus(Base):
    """What the scanner last said of itself: one row, so that pages need not ask it."""

    __tablename__ = "engine_status"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, default=1)
    engine: Mapped[str] = mapped_column(String(100))
    signatures: Mapped[str | None] = mapped_column(String(32))
    signatures_at: Mapped[datetime | None]
    seen_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Gate(Base):
    """Whether anything may turn clean. Closed until the scanner has proven that it finds what it must."""

    __tablename__ = "gate"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, default=1)
    open: Mapped[bool]
    reason: Mapped[str | None] = mapped_column(Text)  # a sentence for people, while closed
    changed_at: Mapped[datetime] = mapped_column(server_default=func.now())
    probing_since: Mapped[datetime | None]  # written by the release before 0020, read by nobody
    probed_at: Mapped[datetime | None]  # when the one began whose results are below
    passed_at: Mapped[datetime | None]  # when the last one began in which the scanner did all it must
    signatures: Mapped[str | None] = mapped_column(String(200))  # engine and signatures that were probed
    probes: Mapped[list[dict[str, Any]]]  # each a `services.gate.Probe`


class ScannerTest(Base):
    """What one scanner was last found to do: workers may have one each (`services.scanners`)."""

    __tablename__ = "scanner_test"

    place: Mapped[str] = mapped_column(String(255), primary_key=True)  # the same for all who use it
    # Engine and signatures that were tested. Like what follows, None until a test has ended.
    engine: Mapped[str | None] = mapped_column(String(200))
    tested_at: Mapped[datetime | None]  # when the last test that has ended began
    ended_at: Mapped[datetime | None]
    passed_at: Mapped[datetime | None]  # when the last one began in which it did all it must
    failed: Mapped[str | None] = mapped_column(Text)  # why nothing may turn clean by it, for people
    probing_since: Mapped[datetime | None]  # when the test that is under way began
