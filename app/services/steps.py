"""What periodic work came to, written down for people. Nothing that the work needs depends on it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, func, literal, select
from sqlalchemy.dialects.postgresql import insert

from app.models import StepRun
from app.uow import UnitOfWork

_LONGEST = 500  # characters of an error

#: What a step did, in a few words that JSON has, such as ``{"rang": 3}``; None if there was nothing to do.
Outcome = Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Run:
    """How one run of a step, or several in a row that nobody wrote down, ended.

    ``seconds`` is what the last one took, ``every`` what lies between it and the next. ``failures``: how
    many of them failed since one that went well. ``result``: what it did; None if nothing, and then what
    was done before stays to be read.
    """

    name: str
    seconds: float
    every: float
    failures: int = 0
    error: str | None = None
    result: Outcome = None


def begin(uow: UnitOfWork, name: str) -> None:
    """Note that a step runs now, on some node."""
    values = {"started_at": func.now(), "finished_at": None, "next_at": None}
    _write(uow, name, values)


def end(uow: UnitOfWork, run: Run) -> None:
    """Note how a step ended. Where several nodes run it, the last that says so is right."""
    values: dict[str, Any] = {
        "started_at": func.now() - timedelta(seconds=run.seconds),
        "finished_at": func.now(),
        "next_at": func.now() + timedelta(seconds=run.every),
        "failures": StepRun.failures + run.failures if run.error else literal(0),
        "error": run.error and run.error[:_LONGEST],
    }
    first: dict[str, Any] = {"failures": run.failures}
    if run.result is not None:
        values["result"] = first["result"] = dict(run.result)
    _write(uow, run.name, values, first)


def forget_others(uow: UnitOfWork, names: Collection[str]) -> None:
    """Forget the steps that nothing runs any more: an earlier release did."""
    uow.session.execute(delete(StepRun).where(StepRun.name.not_in(names)))


def last_result(uow: UnitOfWork, name: str) -> dict[str, Any]:
    """Return what a step did when it last did something."""
    return uow.session.scalar(select(StepRun.result).where(StepRun.name == name)) or {}


def keep(uow: UnitOfWork, name: str, result: Mapping[str, Any]) -> None:
    """Note what a step did, and how far it came, though it is about to fail."""
    _write(uow, name, {"result": dict(result)}, {"started_at": func.now()})


def _write(
    uow: UnitOfWork, name: str, values: Mapping[str, Any], first: Mapping[str, Any] | None = None
) -> None:
    """Change the row of a step; ``first`` has what differs where there is none yet."""
    uow.session.execute(
        insert(StepRun)
        .values({"name": name, **values, **(first or {})})
        .on_conflict_do_update(index_elements=["name"], set_=dict(values))
    )
