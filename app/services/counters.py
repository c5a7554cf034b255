"""Adding up what triggers have marked, so that a look at the totals stays cheap."""

from typing import Final

from sqlalchemy import BigInteger, cast, delete, extract, func, select
from sqlalchemy.dialects.postgresql import insert

from app.models import Counter, CounterMark
from app.uow import UnitOfWork

_BATCH: Final = 100_000  # marks
_MINUTE: Final = "minute of"


def add_up(uow: UnitOfWork) -> bool:
    """Put the oldest marks into the totals; return whether there are more."""
    taken = (
        delete(CounterMark)
        .where(CounterMark.id.in_(select(CounterMark.id).order_by(CounterMark.id).limit(_BATCH)))
        .returning(CounterMark.name, CounterMark.label, CounterMark.amount)
        .cte("taken")
    )
    sums = select(taken.c.name, taken.c.label, func.sum(taken.c.amount)).group_by(taken.c.name, taken.c.label)
    adding = insert(Counter).from_select(["name", "label", "amount"], sums)
    # One statement: whoever looks meanwhile sees a mark in one place or the other, never in both.
    uow.session.execute(
        adding.on_conflict_do_update(
            index_elements=["name", "label"], set_={"amount": Counter.amount + adding.excluded.amount}
        )
    )
    return uow.session.scalar(select(CounterMark.id).limit(1)) is not None


def first_this_minute(uow: UnitOfWork, what: str) -> bool:
    """Whether nobody, on any node, has done ``what`` in this minute of the database's clock."""
    minute = cast(func.floor(extract("epoch", func.now()) / 60), BigInteger)
    claim = insert(Counter).values(name=_MINUTE, label=what, amount=minute)
    return (
        uow.session.scalar(
            claim.on_conflict_do_update(
                index_elements=["name", "label"],
                set_={"amount": claim.excluded.amount},
                where=Counter.amount < claim.excluded.amount,
            ).returning(Counter.name)
        )
        is not None
    )
