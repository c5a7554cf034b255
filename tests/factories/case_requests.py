"""Requests about cases and tickets that would succeed; see `tests.factories.requests`."""

from typing import Any
from uuid import uuid4

from app.domain.policy import Actor
from app.services import cases
from app.system import System
from tests.factories.forms import encode_form
from tests.factories.tickets import holder, issue_ticket, make_case, organisation_of
from tests.factories.uploads import make_upload


def case_target(system: System, owner: Actor, rule: str, content: bytes) -> object | None:
    """Return what fills the gaps of a rule about a case or a ticket; None for any other rule."""
    if rule in {"/cases", "/api/v1/cases"}:
        return organisation_of(system, owner).slug
    if "<uuid:case_id>" in rule:
        case = make_case(system, f"CS-{uuid4().hex[:8]}", owner.organisation_id)
        if rule.endswith("/reopen"):
            with system.work() as uow:
                cases.close(uow, case.id)
        return case.id
    if not ("<uuid:ticket_id>" in rule or rule.startswith("/t/") or rule == "/t"):
        return None
    issued = issue_ticket(system, "CS-1", owner.organisation_id)
    if "<uuid:ticket_id>" in rule:
        return issued.seen.ticket.id
    if rule.endswith("<uuid:upload_id>"):
        return (issued.code, make_upload(system, holder(issued), content=content).id)
    return issued.code


def case_body(method: str, rule: str, target: object, content: bytes) -> dict[str, Any] | None:
    """Return the body that such a request needs; None where ``rule`` is about something else."""
    if rule == "/t/<ticket>" and method == "POST":
        data, content_type = encode_form(("diag", "bundle.tgz", content))
        return {"data": data, "content_type": content_type}
    new = {"organisation": str(target), "reference": f"CS-{uuid4().hex[:8]}"}
    bodies: dict[tuple[str, str], dict[str, Any]] = {
        ("POST", "/api/v1/cases"): {"json": new},
        ("PATCH", "/api/v1/cases/<uuid:case_id>"): {"json": {"title": "Other words"}},
        ("POST", "/api/v1/cases/<uuid:case_id>/tickets"): {"json": {}},
        ("PATCH", "/api/v1/tickets/<uuid:ticket_id>"): {"json": {"days": 9}},
        ("PATCH", "/api/v1/uploads/<uuid:upload_id>"): {"json": {"case": "CS-2"}},
        ("POST", "/cases"): {"data": new},
        ("POST", "/cases/<uuid:case_id>"): {"data": {"title": "Other words"}},
        ("POST", "/tickets/<uuid:ticket_id>/refresh"): {"data": {"days": "9"}},
        ("POST", "/files/<uuid:upload_id>/case"): {"data": {"case": "CS-2"}},
        ("POST", "/t"): {"data": {"case": "CS-1", "code": str(target)}},
    }
    return bodies.get((method, rule))
