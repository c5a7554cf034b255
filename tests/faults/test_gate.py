"""The gate of a whole product closes and opens, and nothing is lost or said twice. T24, F12."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.factories.bundles import make_tgz
from tests.factories.eicar import eicar
from tests.factories.engines import OwnClamd
from tests.faults.lab import Lab

OVERDUE = (
    "WITH tests AS ("
    "UPDATE scanner_test SET tested_at = tested_at - interval '10 minutes', probing_since = NULL)"
    " UPDATE gate SET probed_at = probed_at - interval '10 minutes'"
)


@pytest.fixture
def clamd(tmp_path: Path) -> Iterator[OwnClamd]:
    own = OwnClamd(tmp_path / "own")
    own.start()
    yield own
    own.process.stop()


@contextmanager
def _devel_clamd(path: Path) -> Iterator[None]:
    """Answer every question with the version of a clamd that somebody built."""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()

        def serve() -> None:
            with suppress(OSError):
                while True:
                    with server.accept()[0] as connection:
                        connection.recv(100)
                        connection.sendall(b"ClamAV devel/27000/Sun Oct 11 08:00:00 2026\n")

        threading.Thread(target=serve, daemon=True).start()
        yield
        server.shutdown(socket.SHUT_RDWR)


def gate_of(lab: Lab) -> tuple[bool, str]:
    """Return whether it is open, and the word for it all."""
    answer = lab.live.get("/readyz")
    assert answer.status_code == 200
    return answer.json()["checks"]["gate"]["ok"], answer.json()["status"]


def subjects(lab: Lab) -> list[str]:
    """Return those of the mails to this product's admin about the gate, in order."""
    mails = lab.live.mails(f"{lab.live.url}/")
    to = lab.live.accounts["admin"]["email"]
    return [mail["subject"] for mail in mails if mail["to"] == to and "Virus check" in mail["subject"]]


def test_it_closes_while_a_bundle_arrives_which_waits_and_is_ready_when_it_opens(
    make_lab: Callable[..., Lab], clamd: OwnClamd, bundle: Callable[..., bytes]
) -> None:
    lab = make_lab(DIAGPORT_CLAMD_ADDRESS=clamd.address)
    assert gate_of(lab) == (True, "ready"), "it is open when the product has started"
    lab.put(bundle())
    lab.all_kept()
    clamd.start(AlertExceedsMax=None)
    lab.live.sql(OVERDUE)
    lab.wait(lambda: not gate_of(lab)[0], "a closed gate", 30)
    assert gate_of(lab) == (False, "degraded")
    asked = lab.live.sql("SELECT count(*) FROM upload WHERE rescan_asked_at IS NOT NULL")
    assert asked == [(1,)], "what turned clean since the last test that passed"
    late = lab.put(bundle(seed=1))
    virus = lab.live.put(make_tgz({"bad": eicar()}))["id"]
    lab.live.sql(OVERDUE)
    probed = "SELECT probed_at > now() - interval '1 minute' FROM gate"
    lab.wait(lambda: lab.live.sql(probed) == [(True,)], "one more test", 30)
    assert (lab.state(late), lab.state(virus)) == ("sealed", "sealed")
    assert lab.live.get(f"/api/v1/uploads/{late}/content", "engineer").status_code == 409
    clamd.start()
    lab.live.sql(OVERDUE)
    lab.wait(lambda: gate_of(lab)[0], "an open gate", 30)
    lab.all_kept()
    lab.wait(lambda: lab.state(virus) == "infected", "the virus", 30)
    lab.wait(lambda: len(subjects(lab)) >= 2, "both mails", 30)
    assert subjects(lab) == ["Virus check stopped", "Virus check works again"]
    deeds = lab.live.sql("SELECT action FROM audit_event WHERE action IN ('gate.closed', 'gate.opened')")
    assert [action for (action,) in deeds] == ["gate.opened", "gate.closed", "gate.opened"]


def test_a_product_that_starts_with_a_bad_scanner_takes_bundles_and_shows_none(
    make_lab: Callable[..., Lab], clamd: OwnClamd, bundle: Callable[..., bytes]
) -> None:
    clamd.start(AlertEncrypted=None)
    lab = make_lab(DIAGPORT_CLAMD_ADDRESS=clamd.address)
    assert gate_of(lab) == (False, "degraded")
    waiting = lab.put(bundle())
    assert lab.state(waiting) == "sealed"
    clamd.start()
    lab.live.sql(OVERDUE)
    lab.all_kept()


def test_a_production_worker_refuses_an_engine_that_nobody_can_vouch_for(
    make_lab: Callable[..., Lab], tmp_path: Path
) -> None:
    """T29: what answers here names no version."""
    stub = tmp_path / "stub.sock"
    lab = make_lab()
    worker = lab.live.application.python("picky", "worker.py", "scan")
    with _devel_clamd(stub):
        settings = {
            "DIAGPORT_ENVIRONMENT": "production",
            "DIAGPORT_BASE_URL": "https://upload.example.com",
            "DIAGPORT_CLAMD_ADDRESS": f"unix:{stub}",
        }
        worker.environment = {**worker.environment, **settings}
        worker.start()
        assert worker.popen is not None
        assert worker.popen.wait(30) == 1
    assert "Nobody can tell whether ClamAV devel has known security holes." in worker.log.read_text()
