"""Joining parts: what it costs of the quota, what it ends in, and what dies on the way. F2, F23, I7."""

from base64 import b64encode

import pytest
from sqlalchemy import update

from app.adapters.storage.filesystem import FilesystemStorage
from app.domain.lifecycle import UploadState
from app.jobs import periodic
from app.models import Organisation
from app.services import receiving
from app.services.intake import joining, records
from app.system import System
from app.web.transfer import parallel, writers
from tests.dying import Killed, after, before
from tests.factories.tickets import issue_ticket
from tests.integration.looking import hours_later, pass_time
from tests.web.callers import Caller
from tests.web.looks import document, problem, stored, uploads
from tests.web.parts import CONTENT, SIZE, check_whole, join, parts, places, wholes
from tests.web.tus import Tus


@pytest.fixture
def tus(customer: Caller) -> Tus:
    return Tus(customer, CONTENT)


def used(system: System, caller: Caller) -> tuple[int, int]:
    with system.work() as uow:
        organisation = uow.session.get_one(
            Organisation, caller.account.organisation_id, populate_existing=True
        )
        return organisation.used_bytes, organisation.used_uploads


def set_quota(system: System, caller: Caller, **quota: int) -> None:
    with system.work() as uow:
        uow.session.execute(
            update(Organisation).where(Organisation.id == caller.account.organisation_id).values(quota)
        )


def test_parts_hold_bytes_and_the_whole_takes_them_over(tus: Tus, system: System) -> None:
    """Room for exactly one bundle is enough: nothing is counted twice, and nothing is lost."""
    set_quota(system, tus.caller, quota_bytes=SIZE, quota_uploads=1)
    several = parts(tus.caller)
    assert used(system, tus.caller) == (SIZE, 0)
    answer = join(tus, places(several))
    assert used(system, tus.caller) == (SIZE, 1)
    check_whole(system, document(answer))
    problem(
        tus.ask("POST", "/tus", {"Upload-Length": "1", "Upload-Concat": "partial"}), 413, "quota_exceeded"
    )


def test_a_whole_for_which_there_is_no_room_leaves_the_parts(tus: Tus, system: System) -> None:
    several = parts(tus.caller)
    set_quota(system, tus.caller, quota_uploads=0)
    problem(join(tus, places(several)), 413, "quota_exceeded")
    assert used(system, tus.caller) == (SIZE, 0)
    set_quota(system, tus.caller, quota_uploads=1)
    check_whole(system, document(join(tus, places(several))))


def test_as_many_as_may_be_open_are_joined(tus: Tus, system: System) -> None:
    """The whole opens none: it takes the place of its parts, at once."""
    several = parts(tus.caller)
    system.settings.__dict__["max_open_uploads"] = len(several)
    refused = Tus(tus.caller).ask("POST", "/tus", {"Upload-Length": "9"})
    problem(refused, 429, "too_many_open")
    killed("begun", tus, several)
    assert Tus(tus.caller).create().place, "one is open"
    check_joined = document(join(tus, places(several)))
    assert check_joined["size"] == SIZE


def test_an_ended_part_gives_its_room_back(tus: Tus, system: System) -> None:
    several = parts(tus.caller)
    several[0].delete()
    assert used(system, tus.caller) == (SIZE - len(several[0].content), 0)


@pytest.mark.parametrize(
    ("said", "status", "code"),
    [({}, 415, "wrong_content"), ({"sha256": "0" * 64}, 422, "digest_mismatch")],
)
def test_a_whole_that_will_not_do_is_refused_for_good(
    tus: Tus, system: System, said: dict[str, str], status: int, code: str
) -> None:
    """T4, T6: row and parts end, no byte and no room is held any more."""
    several = parts(tus.caller)
    if code == "wrong_content":
        several = several[::-1]
    problem(join(tus, places(several), **said), status, code)
    assert [upload.state for upload in wholes(system)] == [UploadState.REJECTED]
    assert {upload.state for upload in uploads(system) if upload.partial} == {UploadState.DELETED}
    assert stored(system) == set()
    assert used(system, tus.caller) == (0, 0)
    assert {one.head().status_code for one in several} == {410}
    problem(join(tus, places(several)), 410, "gone")


def test_a_whole_over_the_limit_is_refused_before_anything_is_read(tus: Tus, system: System) -> None:
    several = parts(tus.caller)
    system.settings.__dict__["max_upload_bytes"] = SIZE - 1
    problem(join(tus, places(several)), 413, "too_large")
    assert wholes(system) == []
    assert {one.head().status_code for one in several} == {200}


STEPS = {
    "before anything": before(joining, "begin"),
    "not committed": after(joining, "begin"),
    "begun": before(parallel, "join"),
    "nothing written": before(receiving._Checkpoints, "step"),
    "written in part": before(parallel._Parts, "close"),
    "written, not noted": before(parallel._Claim, "note"),
    "noted": after(parallel, "_copy"),
    "sealed, not committed": after(FilesystemStorage, "seal"),
    "in the transaction": after(records, "seal"),
    "committed": before(parallel, "tidy"),
    "parts ended, bytes left": before(FilesystemStorage, "delete"),
}


def killed(step: str, tus: Tus, several: list[Tus]) -> None:
    """Join parts, and die at ``step``."""
    with pytest.MonkeyPatch.context() as patch:
        STEPS[step](patch)
        with pytest.raises(Killed):
            join(tus, places(several))


@pytest.mark.parametrize("ask", ["join again", "head"])
@pytest.mark.parametrize("step", STEPS)
def test_killed_on_the_way_it_is_joined_when_somebody_asks(
    tus: Tus, system: System, step: str, ask: str
) -> None:
    """F2: the parts can be joined again, or the whole is there; one upload either way."""
    several = parts(tus.caller)
    killed(step, tus, several)
    if ask == "head" and wholes(system):
        tus.place = f"/tus/{wholes(system)[0].id}"
        assert tus.offset() == SIZE
    body = document(join(tus, places(several)))
    periodic.abandon_stale(system)
    with hours_later():
        periodic.remove_strays(system)
    check_whole(system, body)
    assert used(system, tus.caller) == (SIZE, 1)


def test_parts_left_behind_are_swept_up(tus: Tus, system: System) -> None:
    """Nobody asked again: the sweeper ends them at once, not only when they expire."""
    several = parts(tus.caller)
    killed("committed", tus, several)
    periodic.abandon_stale(system)
    (whole,) = wholes(system)
    assert stored(system) == {whole.storage_key}
    assert used(system, tus.caller) == (SIZE, 1)
    assert join(tus, places(several)).location == f"/tus/{whole.id}"


def test_parts_are_kept_for_as_long_as_the_whole_that_they_are_promised_to(tus: Tus, system: System) -> None:
    """F2: the whole is young, so what it is made of stays, however long ago that came."""
    several = parts(tus.caller)
    killed("begun", tus, several)
    for upload in uploads(system):
        if upload.partial:
            pass_time(system, upload.id, 30 * 24 * 3600)
    periodic.abandon_stale(system)
    check_whole(system, document(join(tus, places(several))))


def test_while_somebody_joins_others_are_told_to_wait(
    tus: Tus, system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F23: 423 to who wants to join too; HEAD has no offset yet."""
    several = parts(tus.caller)
    killed("begun", tus, several)
    (whole,) = wholes(system)
    tus.place = f"/tus/{whole.id}"
    monkeypatch.setattr(writers, "PATIENCE_SECONDS", 0.1)
    with system.adapters.storage.append(whole.storage_key, 0):
        answer = join(tus, places(several))
        problem(answer, 423, "locked")
        assert answer.headers["Retry-After"]
        asked = tus.head()
        assert asked.status_code == 200
        assert "Upload-Offset" not in asked.headers
        assert asked.headers["Upload-Length"] == str(SIZE)
    assert tus.offset() == SIZE
    check_whole(system, document(join(tus, places(several))))


def test_a_whole_that_was_begun_can_be_withdrawn_with_its_parts(tus: Tus, system: System) -> None:
    several = parts(tus.caller)
    killed("begun", tus, several)
    tus.place = f"/tus/{wholes(system)[0].id}"
    assert tus.delete().status_code == 204
    assert stored(system) == set()
    assert used(system, tus.caller) == (0, 0)


def test_a_ticket_is_used_once_however_many_parts_it_brings(system: System, customer: Caller) -> None:
    """A part needs a use that is left; the whole takes it."""
    code = issue_ticket(system).code
    customer.headers = {"Authorization": "Basic " + b64encode(f"CS-1:{code}".encode()).decode()}
    several = parts(customer)
    check_whole(system, document(join(Tus(customer), places(several))))
    answer = Tus(customer).ask("POST", "/tus", {"Upload-Length": "9", "Upload-Concat": "partial"})
    problem(answer, 410, "gone")
