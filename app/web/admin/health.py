"""The health page: every part of the portal, what is wrong with it, and what to do about it."""

from typing import Any, Final, NamedTuple
from uuid import UUID

from flask import jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.domain.errors import BadRequestError, PortalError
from app.domain.jobs import QueueName
from app.domain.policy import Permission
from app.models import StepRun
from app.ports.queue import QueueState, WorkerState
from app.services import failed_jobs
from app.web.access import requires
from app.web.admin import runbook
from app.web.admin.blueprint import blueprint
from app.web.context import system, work
from app.web.errors import wants_json
from app.web.health import parts as health_parts
from app.web.health import steps as health_steps
from app.web.health.part import Part
from app.web.health.seen import Seen, see

_ACTS: Final = {"retry": failed_jobs.retry, "forget": failed_jobs.forget}


#: What is done in each queue, for people.
_QUEUES: Final = {
    QueueName.SCAN: "Virus checks",
    QueueName.SCAN_LARGE: "Virus checks of large bundles, and second ones",
    QueueName.DELIVER: "Events, mails and messages",
}


class _Row(NamedTuple):
    """One step as the page shows it; ``trouble`` is empty where there is none."""

    title: str
    run: StepRun
    trouble: str
    did: str


@blueprint.get("/health", endpoint="health")
@requires(Permission.HEALTH_READ)
def show_health() -> ResponseReturnValue:
    """Show how every part is. It is asked now, and an answer is waited for no longer than two seconds."""
    seen = see(system())
    parts = health_parts.parts(system(), seen)
    queues: dict[QueueName, QueueState] = _or(seen.told["queues"], {})
    crew: list[WorkerState] = _or(seen.told["crew"], [])
    if wants_json():
        return jsonify(_document(parts, seen, queues, crew))
    return render_template(
        "admin/health.html",
        parts=parts,
        queues=queues,
        crew=crew,
        summary=health_parts.summary(parts),
        names=_QUEUES,
        steps=_rows(seen),
        probes=seen.gate.probes,
    )


@blueprint.get("/health/runbook", endpoint="runbook")
@requires(Permission.HEALTH_READ)
def show_runbook() -> ResponseReturnValue:
    """Show what to do about what is red."""
    return render_template("admin/runbook.html", sections=runbook.sections())


@blueprint.get("/health/jobs/<uuid:job_id>", endpoint="failed_job")
@requires(Permission.HEALTH_READ)
def show_job(job_id: UUID) -> ResponseReturnValue:
    """Show one job that failed."""
    failed = system().adapters.queue.failed(str(job_id))
    return render_template("admin/failed_job.html", failed=failed)


@blueprint.post("/health/jobs/<uuid:job_id>")
@requires(Permission.HEALTH_READ, fresh=True)
def act_on_job(job_id: UUID) -> ResponseReturnValue:
    """Do what the button says: ring for the job again, or forget that it failed."""
    act = _ACTS.get(request.form.get("act", ""))
    if act is None:
        raise BadRequestError("act is retry or forget.")
    queue = system().adapters.queue
    failed = queue.failed(str(job_id))
    with work() as uow:
        act(uow, failed)
    queue.forget(failed.id)
    return redirect(url_for("admin.health", _anchor="queues"), code=303)


def _or(answer: Any, instead: Any) -> Any:
    return instead if isinstance(answer, PortalError) else answer


def _rows(seen: Seen) -> list[_Row]:
    """Return the steps, what is in trouble first."""
    late = set(health_parts.late(seen))
    rows = []
    for step in health_steps.in_order(seen.steps):
        trouble = health_steps.trouble(step) or ("Should have run by now." if step.name in late else "")
        rows.append(_Row(health_steps.title(step.name), step, trouble, health_steps.did(step.result)))
    return sorted(rows, key=lambda row: not row.trouble)


def _document(
    parts: list[Part],
    seen: Seen,
    queues: dict[QueueName, QueueState],
    crew: list[WorkerState],
) -> dict[str, object]:
    """Return all of it for a program. Moments are RFC 3339, ages are seconds."""
    return {
        "status": "attention" if any(part.ok is False for part in parts) else "well",
        "parts": [
            {
                "name": part.name,
                "title": part.title,
                "ok": part.ok,
                "sentence": part.sentence,
                "facts": {
                    fact.name: fact.value if isinstance(fact.value, str) else fact.value.isoformat()
                    for fact in part.facts
                },
                "runbook": url_for("admin.runbook", _anchor=part.runbook),
            }
            for part in parts
        ],
        "queues": {
            name: {
                "depth": state.depth,
                "oldest": state.oldest,
                "failed": [
                    {
                        "id": job.id,
                        "job": job.job,
                        "argument": job.argument,
                        "failed_at": _moment(job.failed_at),
                    }
                    for job in state.failed
                ],
            }
            for name, state in queues.items()
        },
        "workers": [
            {
                "name": each.name,
                "queue": each.queue,
                "state": each.state,
                "job": each.job,
                "since": _moment(each.since),
            }
            for each in crew
        ],
        "steps": [_step(step) for step in seen.steps],
    }


def _step(step: StepRun) -> dict[str, object]:
    return {
        "name": step.name,
        "started_at": _moment(step.started_at),
        "finished_at": _moment(step.finished_at),
        "next_at": _moment(step.next_at),
        "failures": step.failures,
        "error": step.error,
        "result": step.result,
    }


def _moment(moment: Any) -> str | None:
    return moment.isoformat() if moment else None
