"""What the ClamAV image starts, with its own clamd.conf and scripts: the portal's tests pass on it. T24, F15.

Only the places differ from the image: port, directories, and signatures that know the test virus alone.
"""

import re
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import clamd
import psutil
import pytest

from app.adapters.scanner import ClamdScanner
from app.cli.dev import ROOT
from app.cli.dev.account import account, private
from app.cli.dev.ports import free_port
from app.cli.dev.process import Process, ProcessFailedError
from app.jobs import gatekeeping
from app.services import engine
from app.services.scanning.probes import probe
from app.settings import Settings
from app.system import System
from tests.image.signature_box import SCRIPTS, Box
from tests.integration.gatehouse import later, status
from tests.live import eventually

EVERYWHERE = "0.0.0.0"  # noqa: S104  # what Compose needs


class Container:
    """The scripts of docker/clamav as the image would run them, as ClamAV's user."""

    def __init__(self, directory: Path) -> None:
        directory.chmod(0o711)
        self.owner = account("clamav", directory)
        self.port = free_port()
        self.box = Box(directory / "box")
        self.box.publish(1)
        scratch = private(directory / "scratch", self.owner)
        conf = directory / "clamd.conf"
        conf.write_text(self._adapted(self.box.current, scratch))
        self.environment = {"TMPDIR": str(scratch), "CLAMD_CONF": str(conf)}
        self.clamd = Process(
            "start",
            [SCRIPTS / "start"],
            directory / "clamd.log",
            ready=self.well,
            environment=self.environment,
            account=self.owner,
        )

    def _adapted(self, signatures: Path, scratch: Path) -> str:
        text = (SCRIPTS / "clamd.conf").read_text()
        for name, value in {
            "TCPSocket": self.port,
            "DatabaseDirectory": signatures,
            "TemporaryDirectory": scratch,
        }.items():
            text, count = re.subn(rf"^{name} .*", f"{name} {value}", text, flags=re.MULTILINE)
            assert count == 1
        return text

    def well(self) -> bool:
        """Ask the container's own health check."""
        ran = subprocess.run(
            [SCRIPTS / "clamd-health"], env=self.box.environment | self.environment, capture_output=True
        )
        return ran.returncode == 0

    @property
    def scanner(self) -> ClamdScanner:
        return ClamdScanner(f"tcp:127.0.0.1:{self.port}", timeout=30)


@pytest.fixture
def container(tmp_path: Path) -> Iterator[Container]:
    made = Container(tmp_path)
    yield made
    made.clamd.stop()


def test_its_settings_are_those_that_are_documented() -> None:
    """And ClamAV knows every option of both files."""
    text = (ROOT / "docs" / "operations" / "running.md").read_text()
    documented = re.search(r"^## clamd\n\n```text\n(.*?)```", text, re.DOTALL | re.MULTILINE)
    assert documented
    lines = (SCRIPTS / "clamd.conf").read_text().splitlines()
    assert set(documented[1].splitlines()) <= set(lines)
    told = subprocess.run(["clamconf", "--config-dir", str(SCRIPTS)], capture_output=True, text=True)
    assert 'TestDatabases = "yes"' in told.stdout
    assert "ERROR" not in told.stdout + told.stderr


def test_the_image_opens_the_gate(container: Container, committed: System) -> None:
    """From no signatures at all: `signatures ensure`, `start`, healthy; then the portal's tests."""
    assert container.well() is False
    assert container.box.run("ensure")[0] == 0
    container.clamd.start()
    container.clamd.wait_ready()
    portal = replace(committed, adapters=replace(committed.adapters, scanner=container.scanner))
    later(portal, 3600)
    assert status(portal).open is False
    gatekeeping.tend_gate(portal)
    seen = status(portal)
    assert (seen.open, seen.reason) == (True, None)
    answer = container.scanner.engine()
    assert answer.signatures == "1"
    assert answer.signatures_at is not None
    assert abs((datetime.now(UTC) - answer.signatures_at).total_seconds() - 3600) < 120
    assert engine.weakness(answer) is None


def test_it_scans_as_much_as_the_portal_sends(container: Container, settings: Settings) -> None:
    """With the full padding of production, 200 MB before the test virus."""
    container.box.run("ensure")
    container.clamd.start()
    container.clamd.wait_ready()
    assert settings.probe_padding_bytes == 200 * 10**6
    results = probe(container.scanner, settings)
    assert [result.detail for result in results if not result.passed] == []


def test_a_running_scanner_takes_the_new_set(container: Container) -> None:
    """What SelfCheck does every ten minutes is asked for here."""
    container.box.run("ensure")
    container.clamd.start()
    container.clamd.wait_ready()
    container.box.publish(2)
    assert container.box.run("update")[0] == 0
    clamd.ClamdNetworkSocket("127.0.0.1", container.port, timeout=10).reload()
    eventually(lambda: container.scanner.engine().signatures == "2", "the new set to be in use", 30)


def test_it_listens_to_this_host_alone_unless_told(container: Container) -> None:
    container.box.run("ensure")
    container.clamd.start()
    container.clamd.wait_ready()
    assert listening(container) == {"127.0.0.1"}
    container.clamd.stop()
    container.clamd.environment = container.environment | {"CLAMD_LISTEN": EVERYWHERE}
    container.clamd.start()
    container.clamd.wait_ready()
    assert listening(container) == {EVERYWHERE}


def listening(container: Container) -> set[str]:
    return {
        each.laddr.ip
        for each in psutil.Process(container.clamd.pid).net_connections("tcp")
        if each.status == psutil.CONN_LISTEN
    }


@pytest.fixture
def reachable() -> Iterator[Path]:
    """Give a directory that everybody may walk to: clamscan asks access(2), where no capability counts."""
    with tempfile.TemporaryDirectory(prefix="diagport-") as directory:
        Path(directory).chmod(0o711)
        yield Path(directory)


def test_the_real_freshclam_fetches_into_the_new_set(reachable: Path) -> None:
    """As ClamAV's user, with the image's settings; the mirror is a directory, and its files are unsigned."""
    owner = account("clamav", ROOT)
    box = Box(reachable / "box")
    box.publish(1)
    (box.directory / "programs" / "freshclam").unlink()
    for place in (box.database, box.scratch):
        private(place, owner)
        place.chmod(0o700)
    conf = reachable / "freshclam.conf"
    mirror = [f"DatabaseCustomURL file://{path}" for path in (box.directory / "mirror").iterdir()]
    official = [f"ExcludeDatabase {name}" for name in ("main", "daily", "bytecode")]
    conf.write_text(
        "\n".join([(SCRIPTS / "freshclam.conf").read_text(), "DNSDatabaseInfo no", *mirror, *official, ""])
    )

    def update() -> Process:
        process = Process(
            "signatures",
            [SCRIPTS / "signatures", "update"],
            reachable / "signatures.log",
            environment=box.environment | {"FRESHCLAM_CONF": str(conf)},
            account=owner,
        )
        process.start()
        return process

    update().finish()
    assert box.version() == 1
    before = box.current.resolve()
    (box.directory / "mirror" / "daily.cud").write_bytes(b"ClamAV-VDB:no database at all")
    with pytest.raises(ProcessFailedError, match="signatures_not_fetched"):
        update().finish()
    assert (box.current.resolve(), box.version()) == (before, 1)
