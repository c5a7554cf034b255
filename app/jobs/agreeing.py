"""Proving that storage and rows agree. `flask storage verify` does the same at once."""

from time import monotonic
from typing import Any
from uuid import UUID

from app.log import get_logger
from app.services import agreement, integrity, steps, sweeping
from app.services.agreement import STEP, Disagreement
from app.services.steps import Outcome
from app.system import System

log = get_logger(__name__)

_SECONDS = 60.0  # after which a run leaves the rest to the next
_NAMED = 5  # uploads whose ids are told


def prove_storage(system: System) -> Outcome:
    """Compare rows with what is stored, going on where the last run ended. What is wrong is reported.

    The result has how many rows were ``seen`` in this round and how many are ``wrong`` with the ids of
    the ``first``; ``after`` is where the round stands, None at its end. ``round`` has the same three of
    the last round that came to its end.
    """
    with system.work() as uow:
        if not sweeping.lead(uow, STEP):
            return None
        before = steps.last_result(uow, STEP)
    done: dict[str, Any] = {"seen": 0, "wrong": 0, "first": []}
    if before.get("after"):
        done |= {name: before[name] for name in done if name in before}
    done["round"], done["after"] = before.get("round"), before.get("after")
    deadline = monotonic() + _SECONDS
    start = UUID(done["after"]) if done["after"] else None
    for kept, wrong in agreement.compared(system.work, system.adapters, start):
        done["seen"] += 1
        done["after"] = str(kept.upload_id)
        if wrong:
            _report(system, wrong)
            done["wrong"] += 1
            done["first"] = [*done["first"], str(kept.upload_id)][:_NAMED]
        if monotonic() > deadline:
            return done
    done["after"] = None
    done["round"] = {name: done[name] for name in ("seen", "wrong", "first")}
    return done


def _report(system: System, wrong: Disagreement) -> None:
    """Say so in the log, and to staff where a verdict rests on what is not there."""
    kept = wrong.kept
    log.error("storage_disagrees", upload_id=kept.upload_id, why=str(wrong))
    found = wrong.found[1] if wrong.found else None
    storage = system.adapters.store(kept.storage_name)
    integrity.report(system.work, storage, kept.upload_id, kept.version, found)
