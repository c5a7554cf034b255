"""T13: what is done from a shell, by a job, or by nobody who is known, is told so."""

import os
import pwd

import pytest
from click.testing import CliRunner
from flask import Flask
from flask.cli import FlaskGroup

from app.domain.policy import SYSTEM
from app.system import System
from tests.factories.people import make_machine, make_organisation
from tests.web.callers import Browser, Caller
from tests.web.looks import deeds


def quota_set(app: Flask, slug: str) -> None:
    """Set a quota as an operator does."""
    flask = FlaskGroup(create_app=lambda: app, load_dotenv=False)
    result = CliRunner().invoke(flask, ["organisations", "quota", slug, "--uploads", "9"], prog_name="flask")
    assert result.exit_code == 0, result.output


def test_a_command_names_the_user_of_the_operating_system(app: Flask, system: System) -> None:
    slug = make_organisation(system).slug
    quota_set(app, slug)
    (row,) = deeds(system, "organisation.quota_set")
    assert (row.actor_label, row.means) == ("system", "command line")
    assert row.on_behalf_of == pwd.getpwuid(os.getuid()).pw_name


def test_a_user_without_a_name_is_told_by_number(
    app: Flask, system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in containers."""
    slug = make_organisation(system).slug
    monkeypatch.setattr(os, "getuid", lambda: 4_294_967_000)
    quota_set(app, slug)
    (row,) = deeds(system, "organisation.quota_set")
    assert row.on_behalf_of == "user 4294967000"


def test_what_the_portal_does_by_itself_says_so(system: System) -> None:
    make_organisation(system)
    row = deeds(system, "organisation.created")[-1]
    assert (row.actor_id, row.actor_label, row.means, row.on_behalf_of) == (
        None,
        "system",
        SYSTEM.means,
        None,
    )


def test_a_refused_sign_in_names_what_was_typed_and_from_where(app: Flask, system: System) -> None:
    browser = Browser(app)
    browser.post("/sign-in", {"email": "x" * 240 + "@example.com", "password": "no such password"})
    (row,) = deeds(system, "session.refused")
    assert row.address == "127.0.0.1"
    assert row.request_id
    assert row.detail["email"] == "x" * 240 + "@example.com"
    assert len(row.detail["email"]) <= 254


def test_a_machine_acts_for_its_organisation(app: Flask, system: System) -> None:
    home = make_organisation(system)
    machine = Caller(app, system, account=make_machine(system, home.id))
    assert machine.put(b"no archive").status_code == 415
    (row,) = deeds(system, "upload.started")
    assert (row.actor_label, row.on_behalf_of) == (machine.account.email, home.name)
    assert row.means
    assert row.means.startswith("token ")
