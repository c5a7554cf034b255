"""`flask organisations`: quotas, from a shell."""

import pytest
from click.testing import CliRunner
from flask import Flask
from flask.cli import FlaskGroup

from app.domain.lifecycle import UploadState
from app.domain.policy import Actor
from app.system import System
from tests.factories.people import make_actor, make_organisation
from tests.factories.quotas import counted
from tests.factories.uploads import make_upload


@pytest.fixture
def sender(system: System) -> Actor:
    return make_actor(system, organisation=make_organisation(system, "acme"))


def run(app: Flask, *arguments: str) -> tuple[int, str]:
    flask = FlaskGroup(create_app=lambda: app, load_dotenv=False)
    result = CliRunner().invoke(flask, ["organisations", *arguments], prog_name="flask")
    return result.exit_code, result.output


def test_what_is_used_and_allowed_is_shown(app: Flask, system: System, sender: Actor) -> None:
    size = make_upload(system, sender).size
    assert run(app, "list") == (0, f"acme: {size} of unlimited bytes, 1 of unlimited uploads\n")


def test_a_quota_is_set_and_taken_away(app: Flask, sender: Actor) -> None:
    said = (0, "acme: 0 of 500,000,000,000 bytes, 0 of unlimited uploads\n")
    assert run(app, "quota", "acme", "--bytes", "500GB") == said
    said = (0, "acme: 0 of 500,000,000,000 bytes, 0 of 20 uploads\n")
    assert run(app, "quota", "acme", "--uploads", "20") == said
    said = (0, "acme: 0 of unlimited bytes, 0 of 20 uploads\n")
    assert run(app, "quota", "acme", "--bytes", "none") == said


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("quota", "nobody", "--bytes", "1"), "There is no organisation nobody."),
        (("quota", "acme", "--bytes", "lots"), "500GB"),
        (("quota", "acme", "--bytes", "-1"), "500GB"),
        (("quota", "acme", "--uploads", "1.5"), "say a number, or none"),
        (("recount", "nobody"), "There is no organisation nobody."),
    ],
)
def test_what_will_not_do_is_said(
    app: Flask, sender: Actor, arguments: tuple[str, ...], complaint: str
) -> None:
    status, output = run(app, *arguments)
    assert status != 0
    assert complaint in output
    assert "Traceback" not in output


def test_counters_that_drifted_are_put_right(app: Flask, system: System, sender: Actor) -> None:
    """I8: and what an older release received, which counted nothing, is counted."""
    assert run(app, "recount") == (0, "1 counted.\n")
    upload = make_upload(system, sender)
    with system.work() as uow:
        uow.session.get_one(type(upload), upload.id).held_bytes = None
    with system.work() as uow:
        uow.session.get_one(type(upload.organisation), sender.organisation_id).used_bytes = 7
    status, output = run(app, "recount", "acme")
    assert status == 0
    assert f"acme: counted 7 bytes in 1 uploads, are {upload.size} in 1: put right" in output
    assert counted(system, sender.organisation_id) == (upload.size, 1)
    assert run(app, "recount") == (0, "1 counted.\n")


def test_what_an_older_release_deleted_holds_nothing_any_more(
    app: Flask, system: System, sender: Actor
) -> None:
    """I8: that release knew of no quotas, so it gave nothing back."""
    kept, gone = make_upload(system, sender), make_upload(system, sender)
    with system.work() as uow:
        uow.session.get_one(type(gone), gone.id).state = UploadState.DELETED
    assert run(app, "recount", "acme")[0] == 0
    assert counted(system, sender.organisation_id) == (kept.size, 1)
    assert run(app, "recount") == (0, "1 counted.\n")
