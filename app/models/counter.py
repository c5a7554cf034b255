"""Totals of what happened since the portal was installed. Rows that are deleted later take nothing off."""

from sqlalchemy import Float, Identity, String
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base


class Counter(Base):
    """What the marks that were added up so far come to."""

    __tablename__ = "counter"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)  # of `queries.counters.Counted`
    label: Mapped[str] = mapped_column(String(100), primary_key=True)  # a state, an outcome: never a person
    amount: Mapped[float] = mapped_column(Float(53))


class CounterMark(Base):
    """One more, not added up yet. Triggers write it with the change that it counts (migration 0015).

    A row of its own, so that nobody waits for another to count.
    """

    __tablename__ = "counter_mark"

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    name: Mapped[str] = mapped_column(String(40))
    label: Mapped[str] = mapped_column(String(100))
    amount: Mapped[float] = mapped_column(Float(53))
