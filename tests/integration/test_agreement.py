"""Rows and storage agree, or somebody reads where they do not. T15, I2."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest
from click.testing import CliRunner, Result
from flask.cli import FlaskGroup

from app import create_app
from app.domain.errors import DependencyError
from app.domain.lifecycle import STORED, UploadState
from app.domain.policy import Actor
from app.jobs import agreeing, periodic
from app.jobs.recording import Recorder
from app.jobs.schedule import Periodic
from app.models import Upload
from app.services import agreement, steps
from app.services.steps import Outcome
from app.system import System
from tests.factories.direct import with_bucket
from tests.factories.uploads import make_upload
from tests.integration.looking import fresh, hours_later
from tests.s3servers import S3Server

S = UploadState


def run(system: System, *arguments: str) -> Result:
    app = create_app(system.settings, adapters=system.adapters, database=system.database)
    flask = FlaskGroup(create_app=lambda: app, load_dotenv=False)
    return CliRunner().invoke(flask, ["storage", *arguments], prog_name="flask")


def file_of(system: System, upload: Upload) -> Path:
    return system.settings.storage_root / "sealed" / upload.storage_key


def prove(system: System) -> Outcome:
    """Let the scheduler run the step once, and return what it wrote down."""
    periodic_ = Periodic(agreeing.prove_storage, every=600)
    Recorder(system, periodic_).done(agreeing.prove_storage(system))
    with system.work() as uow:
        return steps.last_result(uow, agreement.STEP)


@pytest.fixture
def some(system: System, sender: Actor) -> list[Upload]:
    return [make_upload(system, sender, S.CLEAN) for _ in range(7)]


def lose(system: System, upload: Upload) -> None:
    file_of(system, upload).unlink()


def cut(system: System, upload: Upload) -> None:
    file = file_of(system, upload)
    file.chmod(0o600)
    file.write_bytes(file.read_bytes()[:-3])


def test_every_state_agrees_with_what_is_stored(system: System, sender: Actor) -> None:
    for state in UploadState:
        make_upload(system, sender, state)
    done = prove(system)
    assert done is not None
    trusted = len(STORED) - 1  # bytes that changed are known to have
    assert done["round"] == {"seen": trusted, "wrong": 0, "first": []}
    result = run(system, "verify")
    assert (result.exit_code, result.output) == (
        0,
        f"{trusted} rows compared: 0 disagree; 0 stored without a use.\n",
    )


@pytest.mark.parametrize("harm", [lose, cut])
def test_what_is_missing_or_short_is_told_and_no_longer_served(
    system: System, some: list[Upload], harm: Callable[[System, Upload], None]
) -> None:
    harm(system, some[3])
    result = run(system, "verify")
    assert result.exit_code == 1
    assert f"{some[3].id}: " in result.output
    assert "7 rows compared: 1 disagree" in result.output
    assert fresh(system, some[3].id).state is S.CLEAN, "the command changes nothing"
    done = prove(system)
    assert done is not None
    assert done["round"] == {"seen": 7, "wrong": 1, "first": [str(some[3].id)]}
    assert fresh(system, some[3].id).state is S.INTEGRITY_FAILED
    assert {fresh(system, each.id).state for each in some} == {S.CLEAN, S.INTEGRITY_FAILED}


def test_an_empty_store_is_away_and_not_full_of_holes(system: System, some: list[Upload]) -> None:
    for upload in some:
        lose(system, upload)
    with pytest.raises(DependencyError):
        agreeing.prove_storage(system)
    assert {fresh(system, each.id).state for each in some} == {S.CLEAN}


def test_a_round_goes_on_where_the_last_run_ended(
    system: System, some: list[Upload], monkeypatch: pytest.MonkeyPatch
) -> None:
    lose(system, min(some, key=lambda each: each.id))
    monkeypatch.setattr(agreeing, "_SECONDS", -1.0)
    seen = []
    for _ in range(8):
        done = prove(system)
        assert done is not None
        seen.append((done["seen"], done["wrong"], done["after"] is None))
    assert seen == [*((number, 1, False) for number in range(1, 8)), (7, 1, True)]
    again = prove(system)
    assert again is not None
    assert (again["seen"], again["wrong"], again["round"]["wrong"]) == (1, 0, 1), "of the last whole round"


def test_what_was_deleted_meanwhile_is_no_disagreement(
    system: System, some: list[Upload], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = min(some, key=lambda each: each.id)
    lose(system, first)
    look = agreement._look

    def delete_and_look(storage: object, kept: agreement.Kept) -> object:
        with system.work() as uow:
            uow.session.get_one(Upload, first.id).state = S.DELETED
        return look(storage, kept)  # type: ignore[arg-type]

    monkeypatch.setattr(agreement, "_look", delete_and_look)
    done = prove(system)
    assert done is not None
    assert done["round"]["wrong"] == 0


def test_what_has_no_row_or_a_deleted_one_is_told(
    system: System, some: list[Upload], monkeypatch: pytest.MonkeyPatch
) -> None:
    """T15: deleted, and still there."""
    with system.work() as uow:
        uow.session.get_one(Upload, some[0].id).state = S.DELETED
    nobodys = (
        system.settings.storage_root / "sealed" / some[0].storage_key.partition("/")[0] / str(UUID(int=7))
    )
    nobodys.write_bytes(b"whose?")
    assert run(system, "verify").exit_code == 0, "young ones may have a row in a moment"
    monkeypatch.setattr(agreement.strays, "__defaults__", (-1.0,))
    result = run(system, "verify")
    assert result.exit_code == 1
    for key in (some[0].storage_key, f"{nobodys.parent.name}/{nobodys.name}"):
        assert f"{key}: lies in filesystem, and no row has a use for it" in result.output
    assert "6 rows compared: 0 disagree; 2 stored without a use." in result.output
    with hours_later():
        removed = periodic.remove_strays(system)
    assert removed is not None
    assert (removed["looked at"], removed["removed"], len(removed["first"])) == (8, 2, 2)
    assert run(system, "verify").exit_code == 0


def test_in_a_bucket(system: System, sender: Actor, moto: S3Server) -> None:
    bucketed = with_bucket(system, moto)
    uploads = [make_upload(bucketed, sender, S.CLEAN) for _ in range(3)]
    assert run(bucketed, "verify").exit_code == 0
    bucketed.adapters.storage.delete(uploads[1].storage_key)
    result = run(bucketed, "verify")
    assert (result.exit_code, f"{uploads[1].id}: nothing lies under" in result.output) == (1, True)
    gone = replace(
        bucketed, adapters=replace(bucketed.adapters, storage=system.adapters.storage, other_stores=())
    )
    result = run(gone, "verify")
    assert (result.exit_code, "not set up here" in result.output) == (1, True)


def test_the_tier_of_a_bucket(system: System, moto: S3Server) -> None:
    bucketed = with_bucket(system, moto)
    assert "stay in the class they came in" in run(bucketed, "tier").output
    on = run(bucketed, "tier", "--days", "90", "--class", "GLACIER_IR")
    assert "bundles move to GLACIER_IR after 90 days." in on.output
    assert "after 90 days" in run(bucketed, "tier").output
    assert run(bucketed, "tier", "--days", "90", "--class", "GLACIER").exit_code == 1
    for wrong in (
        ("--days", "90"),
        ("--class", "GLACIER_IR"),
        ("--off", "--days", "1", "--class", "GLACIER_IR"),
    ):
        assert run(bucketed, "tier", *wrong).exit_code == 2
    assert "stay in the class they came in" in run(bucketed, "tier", "--off").output


def test_a_disk_has_no_tiers(system: System) -> None:
    result = run(system, "tier", "--off")
    assert (result.exit_code, "no S3 bucket" in result.output) == (1, True)
