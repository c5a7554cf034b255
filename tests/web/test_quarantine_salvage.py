"""All but the infected members of a bundle: what is in the tar, and when there is none. T3, T20."""

import io
import tarfile

import pytest

from app.domain.lifecycle import UploadState
from app.models import Scan, Upload
from app.system import System
from tests.factories.quarantine import OTHERS, VIRUS, make_infected
from tests.factories.uploads import make_upload
from tests.web.callers import Browser, Caller
from tests.web.looks import deeds, problem


@pytest.fixture
def infected(customer: Caller, system: System) -> Upload:
    return make_infected(system, customer.actor, filename="web-01.tar.gz")


def path_of(upload: Upload) -> str:
    return f"/quarantine/{upload.id}/clean-members"


def test_the_rest_comes_as_a_tar_with_a_note(
    browser: Browser, engineer: Caller, system: System, infected: Upload
) -> None:
    browser.sign_in(engineer.account.email)
    answer = browser.get(path_of(infected))
    assert answer.status_code == 200
    assert answer.mimetype == "application/x-tar"
    assert answer.headers["Content-Disposition"] == "attachment; filename=web-01-without-infected.tar"
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert b"fake-malware" not in answer.data
    with tarfile.open(fileobj=io.BytesIO(answer.data)) as tar:
        got = {info.name: tar.extractfile(info).read() for info in tar if info.isreg()}  # type: ignore[union-attr]
    assert {name: got.pop(name) for name in OTHERS} == OTHERS
    assert VIRUS not in got
    [note] = got.values()
    assert VIRUS in note.decode()
    assert "Fake.Malware" in note.decode()
    [deed] = deeds(system, "upload.salvaged")
    assert (deed.actor_label, deed.upload_id) == (engineer.account.email, infected.id)
    assert "range" not in deed.detail
    assert deeds(system, "upload.downloaded") == []


@pytest.mark.parametrize("state", [state for state in UploadState if state is not UploadState.INFECTED])
def test_only_what_is_infected_is_given_out_in_part(
    engineer: Caller, customer: Caller, system: System, state: UploadState
) -> None:
    upload = make_upload(system, customer.actor, state)
    document = problem(engineer.get(path_of(upload)), 409, "state_conflict")
    assert "Only what is infected is given out in part." in document["detail"]
    assert deeds(system, "upload.salvaged") == []


@pytest.mark.parametrize(
    "change",
    [
        {"complete": False},
        {"findings": [{"member": VIRUS, "signature": "Fake.Malware", "entry": None}]},
        {"findings": [{"member": VIRUS, "signature": "Fake.Malware"}]},
        {"findings": []},
    ],
    ids=repr,
)
def test_nothing_is_given_out_unless_all_else_is_proven(
    engineer: Caller, system: System, infected: Upload, change: dict[str, object]
) -> None:
    with system.work() as uow:
        scan = uow.session.get_one(Scan, infected.id)
        for name, value in change.items():
            setattr(scan, name, value)
    document = problem(engineer.get(path_of(infected)), 409, "state_conflict")
    assert document["detail"] == (
        "Not everything else in this bundle is proven clean, so no part of it can be given out."
    )
    assert deeds(system, "upload.salvaged") == []


def test_customers_get_no_part_of_it(customer: Caller, stranger: Caller, infected: Upload) -> None:
    """T3: not even their own."""
    for who in (customer, stranger):
        problem(who.get(path_of(infected)), 403, "forbidden")
