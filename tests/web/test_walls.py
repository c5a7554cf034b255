"""T2: with tenancy taken out of the queries nothing foreign is shown, because the database shows none."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from sqlalchemy import true
from werkzeug.test import TestResponse

from app import create_app
from app.cli.dev.services import Services
from app.domain.lifecycle import UploadState
from app.domain.policy import Actor
from app.queries import cases, transfers, uploads
from app.services import quota
from app.system import System
from app.uow import UnitOfWork
from tests.architecture.access_matrix import read_matrix
from tests.factories.people import bearer
from tests.factories.requests import request_for
from tests.factories.tickets import basic
from tests.integration.walls import House, portals_database, two_houses
from tests.web.callers import Browser

#: What needs a code in its address, which nobody of another organisation knows, or says the same to all.
LEFT_OUT = ("<ticket>", "/static/")
READS = sorted(
    rule for method, rule in read_matrix() if method == "GET" and not any(map(rule.count, LEFT_OUT))
)
STATES = (UploadState.CLEAN, UploadState.INFECTED)
JSON, HTML = {"Accept": "application/json"}, {"Accept": "text/html"}


class Portal:
    """The portal, entered as it is in production, by us and by them."""

    def __init__(self, system: System, ours: House, theirs: House) -> None:
        self.system, self.ours, self.theirs = system, ours, theirs
        self.app: Flask = create_app(system.settings, adapters=system.adapters, database=system.database)
        self.program = self.app.test_client(use_cookies=False)
        self.browser = Browser(self.app)
        self.browser.sign_in(ours.manager.email)
        self.tokens = [bearer(system, ours.customer), bearer(system, ours.machine), basic(ours.ticket)]

    def shown(self, path: str) -> Iterator[str]:
        """Ask as each of us; yield every answer, its head included."""
        for who in self.tokens:
            yield _all_of(self.program.get(path, headers=who | JSON, buffered=True))
        yield _all_of(self.browser.client.get(path, headers=HTML, buffered=True))


def _all_of(answer: TestResponse) -> str:
    return f"{answer.data.decode(errors='replace')}{answer.headers}"


def paths(other: House) -> Iterator[str]:
    """Yield every address that is read, its gaps filled with each id of the other house."""
    ticket = other.ticket.seen.ticket
    ids: dict[str, tuple[object, ...]] = {
        "upload_id": tuple(upload.id for upload in other.uploads),
        "case_id": (ticket.case_id,),
        "ticket_id": (ticket.id,),
        "token_id": (other.token_id,),
        "session_id": (other.session_id,),
        "organisation_id": (other.organisation_id,),
    }
    for rule in READS:
        if "<" not in rule:
            yield from (rule, f"{rule}?q=secret", f"{rule}?organisation={other.slug}")
            continue
        name = rule.partition(":")[2].partition(">")[0]
        for target in ids.get(name, (other.customer.id, other.machine.id)):
            yield request_for("GET", rule, target)["path"]


@pytest.fixture
def portal(system: System, services: Services, template: str) -> Iterator[Portal]:
    with portals_database(services, template, f"filters_{uuid4().hex[:8]}") as database:
        yield Portal(*two_houses(system, database, STATES))


@contextmanager
def _as_they_are(
    database: Any, queue: Any, settings: Any, actor: Actor, request_id: str | None = None
) -> Iterator[UnitOfWork]:
    """Open a unit of work behind the walls of the actor's organisation, whatever ``sees_all`` now says."""
    organisation_id = actor.organisation_id
    with database.transaction(organisation_id) as session:
        uow = UnitOfWork(session, actor, settings, request_id)
        yield uow
    uow.ring(queue)


def no_filter(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take tenancy out of the queries: everybody sees all, and everything is everybody's own."""
    monkeypatch.setattr(Actor, "sees_all", True)
    for module in (uploads, transfers, quota):
        monkeypatch.setattr(module, "sent_by", lambda _actor: true())
    assert "WHERE upload.organisation_id" not in str(uploads.parts_visible_to(_customer()))
    assert "WHERE" not in str(cases.visible_to(_customer()))


def _customer() -> Actor:
    return Actor(id=uuid4(), label="x", role=None, organisation_id=uuid4())


def foreign(portal: Portal, asked: Iterable[str]) -> list[tuple[str, str]]:
    """Return (address, word) of everything of theirs that we are shown; what was asked is echoed."""
    return [
        (path, word)
        for path in asked
        for shown in portal.shown(path)
        for word in portal.theirs.needles
        if word in shown and word not in path
    ]


def test_without_the_filter_the_walls_hold(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    """THE test: queries that forget whom they are for show nothing foreign."""
    everything = list(paths(portal.theirs))
    no_filter(monkeypatch)
    bare = {path for path, _ in foreign(portal, everything)}
    # The control: the filter really is out, and what is looked for would be found.
    assert {"/files", "/cases", "/api/v1/uploads", "/api/v1/cases"} <= bare
    assert any(path.startswith("/files/") for path in bare)

    monkeypatch.setattr("app.system.unit_of_work", _as_they_are)
    assert foreign(portal, sorted(bare)) == []
    own = f"secret-of-{portal.ours.slug}"
    assert own in "".join(portal.shown("/files"))
    assert own in "".join(portal.shown("/api/v1/uploads"))
