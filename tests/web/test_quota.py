"""What somebody without room is told, through each door, and that nothing of it stays. T8, I7, I8."""

import random
from io import BytesIO
from uuid import UUID

import pytest
from werkzeug.test import TestResponse

from app.domain.lifecycle import UploadState
from app.services import quota
from app.system import System
from app.uow import UnitOfWork
from tests.factories.bundles import make_tgz
from tests.factories.people import make_organisation
from tests.factories.quotas import counted, set_quota, summed
from tests.factories.requests import TGZ
from tests.factories.uploads import make_upload
from tests.web.callers import Browser, Caller
from tests.web.looks import came_to_nothing, document, only_upload, problem, stored, uploads
from tests.web.tus import VERSION, metadata

SIZE = len(TGZ)
FILE = ("diag", "web-01.tgz", TGZ)


def home_of(caller: Caller) -> tuple[str, object]:
    home = caller.account.organisation
    assert home
    return home.name, home.id


@pytest.mark.parametrize("door", ["put", "form", "tus"])
def test_without_room_it_is_said_who_can_make_some(customer: Caller, system: System, door: str) -> None:
    name, _ = home_of(customer)
    set_quota(system, customer.actor.organisation_id, size=SIZE // 2)
    if door == "put":
        answer = customer.put(TGZ)
    elif door == "form":
        answer = customer.send_form(FILE)
    else:
        headers = VERSION | {"Upload-Length": str(SIZE), "Upload-Metadata": metadata(filename="a.tgz")}
        answer = customer.ask("POST", "/tus", headers=headers)
    said = problem(answer, 413, "quota_exceeded")["detail"]
    assert name in said
    assert f"{SIZE // 2:,}" in said
    assert "Ask support" in said
    assert uploads(system) == []
    assert stored(system) == set()
    assert counted(system, customer.actor.organisation_id) == (0, 0)


def test_a_browser_gets_the_same_sentence(browser: Browser, customer: Caller, system: System) -> None:
    browser.sign_in(customer.account.email)
    make_upload(system, customer.actor)
    set_quota(system, customer.actor.organisation_id, uploads=1)
    answer = browser.post("/upload", {"diag": (BytesIO(TGZ), "a.tgz")})
    assert answer.status_code == 413
    assert "has 1 bundles here, which is the most." in answer.text


def test_a_form_that_cannot_fit_is_refused_unread(customer: Caller, system: System) -> None:
    """Its length shows what its file needs at least."""
    set_quota(system, customer.actor.organisation_id, size=10**6)

    unread = BytesIO(TGZ)
    answer = customer.ask(
        "POST",
        "/upload",
        input_stream=unread,
        content_type="multipart/form-data; boundary=x",
        environ_overrides={"CONTENT_LENGTH": str(3 * 10**6)},
    )
    problem(answer, 413, "quota_exceeded")
    assert unread.tell() == 0


def test_a_form_needs_no_more_room_than_its_file(customer: Caller, system: System) -> None:
    """What is reserved is the form's length without its frame; what is held in the end, the file's."""
    set_quota(system, customer.actor.organisation_id, size=SIZE + 2)
    document(customer.send_form(("case", None, b"cs-1"), ("note", None, b"x" * 500), FILE))
    assert counted(system, customer.actor.organisation_id) == (SIZE, 1)
    problem(customer.send_form(FILE), 413, "quota_exceeded")


def chunked(caller: Caller, data: bytes) -> TestResponse:
    environ = {"wsgi.input_terminated": True, "CONTENT_LENGTH": "", "HTTP_TRANSFER_ENCODING": "chunked"}
    return caller.ask("PUT", "/upload/a.tgz", input_stream=BytesIO(data), environ_overrides=environ)


def test_without_a_length_room_is_found_as_it_comes(customer: Caller, system: System) -> None:
    home = customer.actor.organisation_id
    set_quota(system, home, size=SIZE)
    document(chunked(customer, TGZ))
    assert counted(system, home) == summed(system, home) == (SIZE, 1)


def test_without_a_length_and_room_nothing_stays(customer: Caller, system: System) -> None:
    home = customer.actor.organisation_id
    set_quota(system, home, size=SIZE - 1)
    problem(chunked(customer, TGZ), 413, "quota_exceeded")
    came_to_nothing(system, UploadState.REJECTED)
    assert counted(system, home) == (0, 0)


@pytest.mark.parametrize("ending", ["withdrawn", "deleted", "refused", "cut short"])
def test_what_ends_gives_its_room_back(customer: Caller, admin: Caller, system: System, ending: str) -> None:
    home = customer.actor.organisation_id
    set_quota(system, home, size=SIZE, uploads=1)
    if ending == "refused":
        problem(customer.put(b"PK\3\4" + bytes(SIZE - 4)), 415, "wrong_content")
    elif ending == "cut short":
        problem(
            customer.ask(
                "PUT",
                "/upload/a.tgz",
                input_stream=BytesIO(TGZ[:-1]),
                environ_overrides={"CONTENT_LENGTH": str(SIZE)},
            ),
            400,
            "truncated",
        )
    else:
        document(customer.put(TGZ))
        by = customer if ending == "withdrawn" else admin
        path = f"/api/v1/uploads/{only_upload(system).id}"
        assert by.ask("DELETE", path).status_code in {200, 204}
    assert counted(system, home) == summed(system, home) == (0, 0)
    document(customer.put(TGZ))


def test_others_have_their_own_room(customer: Caller, stranger: Caller, system: System) -> None:
    set_quota(system, customer.actor.organisation_id, uploads=0)
    problem(customer.put(TGZ), 413, "quota_exceeded")
    document(stranger.put(TGZ))
    assert make_organisation(system).used_bytes == 0


def test_near_the_limit_room_is_not_asked_for_piece_by_piece(
    customer: Caller, system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is left is less than is usually held in advance: all of it is held, and that at once."""
    asked: list[int] = []
    make_room = quota.make_room

    def count(uow: UnitOfWork, upload_id: UUID, size: int) -> int:
        asked.append(size)
        return make_room(uow, upload_id, size)

    monkeypatch.setattr(quota, "make_room", count)
    content = make_tgz({"noise.bin": random.Random(2).randbytes(4 * 1024**2)})
    home = customer.actor.organisation_id
    set_quota(system, home, size=len(content) + 1)
    document(chunked(customer, content))
    assert len(asked) == 1
    assert counted(system, home) == summed(system, home) == (len(content), 1)
