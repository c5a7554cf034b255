"""The clean members of an infected bundle: to staff, only what is proven clean, and watched. I3, T26."""

import io
import tarfile
from random import Random

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session

from app.domain.lifecycle import UploadState
from app.models import Scan, Upload
from app.system import System
from app.web import guard
from app.web.outgoing import CutShortError
from tests.factories.bundles import make_tgz
from tests.factories.uploads import make_upload
from tests.integration.looking import fresh
from tests.web.callers import Caller
from tests.web.looks import deeds, problem

FILES = {
    "etc/hostname": b"web-01\n",
    "var/bad": b"the infected one",
    "var/log/noise": Random(2).randbytes(3_000_000),
    "var/log/last": b"end\n",
}
BUNDLE = make_tgz(FILES)
FOUND = {"member": "var/bad", "signature": "Eicar-Test-Signature", "entry": 1}


@pytest.fixture
def infected(customer: Caller, system: System, session: Session) -> Upload:
    upload = make_upload(
        system, customer.actor, UploadState.INFECTED, content=BUNDLE, filename="Web 01.TAR.GZ"
    )
    judge(session, upload, complete=True, findings=[FOUND])
    return upload


def judge(session: Session, upload: Upload, **values: object) -> None:
    session.execute(update(Scan).where(Scan.upload_id == upload.id).values(**values))
    session.commit()


def address(upload: Upload) -> str:
    return f"/quarantine/{upload.id}/clean-members"


def test_all_but_the_infected_member(
    engineer: Caller, admin: Caller, infected: Upload, system: System
) -> None:
    for who in (engineer, admin):
        answer = who.get(address(infected))
        assert answer.status_code == 200
        assert answer.mimetype == "application/x-tar"
        assert 'filename="Web 01-without-infected.tar"' in answer.headers["Content-Disposition"]
        assert answer.headers["Content-Security-Policy"] == "sandbox"
        assert answer.headers["Cache-Control"] == "private, no-store"
        assert "Content-Length" not in answer.headers
        assert FILES["var/bad"] not in answer.data
        with tarfile.open(fileobj=io.BytesIO(answer.data)) as tar:
            got = {info.name: tar.extractfile(info).read() for info in tar if info.isreg()}  # type: ignore[union-attr]
        assert {name: got.get(name) for name in FILES} == {**FILES, "var/bad": None}
    traces = [(deed.actor_label, deed.upload_id) for deed in deeds(system, "upload.salvaged")]
    assert traces == [(who.account.email, infected.id) for who in (engineer, admin)]
    assert deeds(system, "upload.downloaded") == []


def test_head_sends_and_notes_nothing(engineer: Caller, infected: Upload, system: System) -> None:
    answer = engineer.ask("HEAD", address(infected))
    assert (answer.status_code, answer.data) == (200, b"")
    assert deeds(system, "upload.salvaged") == []


def test_customers_get_nothing_of_it(customer: Caller, stranger: Caller, infected: Upload) -> None:
    assert [who.get(address(infected)).status_code for who in (customer, stranger)] == [403, 403]


@pytest.mark.parametrize(
    "values",
    [
        {"complete": False},
        {"findings": []},
        {"findings": [FOUND, {"member": "after the end", "signature": "X", "entry": None}]},
        {"findings": [{"member": "old row", "signature": "X"}]},
        {"storage_version": "1-2-3"},
    ],
)
def test_with_any_doubt_there_is_no_part_of_it(
    engineer: Caller, infected: Upload, system: System, session: Session, values: dict[str, object]
) -> None:
    judge(session, infected, **values)
    problem(engineer.get(address(infected)), 409, "state_conflict")
    assert deeds(system, "upload.salvaged") == []


@pytest.mark.parametrize("state", [state for state in UploadState if state is not UploadState.INFECTED])
def test_only_infected_bundles_are_taken_apart(
    engineer: Caller, customer: Caller, system: System, state: UploadState
) -> None:
    upload = make_upload(system, customer.actor, state, content=BUNDLE)
    assert engineer.get(address(upload)).status_code == 409


@pytest.mark.parametrize("what", ["swap", "another finding", "blocked", "swap before"])
def test_it_is_cut_when_the_ground_is_gone(
    engineer: Caller,
    infected: Upload,
    system: System,
    session: Session,
    monkeypatch: pytest.MonkeyPatch,
    what: str,
) -> None:
    """T26: also when a second scan finds more in the meantime."""
    for name in ("OBJECT_SECONDS", "ROW_SECONDS", "FRESH"):
        monkeypatch.setattr(guard, name, 0.0)
    path = system.settings.storage_root / "sealed" / infected.storage_key
    if what == "swap before":
        path.chmod(0o600)
        problem(engineer.get(address(infected)), 409, "state_conflict")
        assert fresh(system, infected.id).state is UploadState.INTEGRITY_FAILED
        return
    answer = engineer.client.get(address(infected), headers=engineer.headers, buffered=False)
    parts = answer.iter_encoded()
    next(parts)
    if what == "swap":
        path.chmod(0o600)
    elif what == "another finding":
        judge(session, infected, findings=[FOUND, FOUND | {"entry": 2}])
    else:
        session.execute(update(Upload).values(state=UploadState.DELETED))
        session.commit()
    with pytest.raises(CutShortError):
        b"".join(parts)
    answer.close()
    assert len(deeds(system, "upload.download_cut")) == 1
    failed = fresh(system, infected.id).state is UploadState.INTEGRITY_FAILED
    assert failed is (what == "swap")
