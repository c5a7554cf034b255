"""What periodic work came to, one row per step, so that a page can say it."""

from datetime import datetime
from typing import Any

from sqlalchemy import String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base


class StepRun(Base):
    """The last run of one step of `jobs.schedule`, on whichever node."""

    __tablename__ = "step_run"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]  # None: it runs, or died
    next_at: Mapped[datetime | None]
    failures: Mapped[int] = mapped_column(server_default="0", default=0)  # in a row
    error: Mapped[str | None] = mapped_column(Text)  # of the last run; None: it went well
    result: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"), default=dict)  # what it did
