"""The Dockerfile as text, and what its program stage makes, run as a container would run it. T26, F22."""

import importlib.metadata
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Final

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from app.cli.dev import ROOT
from app.cli.dev.process import Process
from app.cli.dev.services import Services
from tests.factories.bundles import make_tgz
from tests.image.dockerfile import build_program, copies, in_context, stages
from tests.live import Live, clone_database, eventually

CONFINED = Path(__file__).with_name("confined.sh")
PINNED = re.compile(r"ARG \w+_IMAGE=[\w./-]+:[\w.-]+@sha256:[0-9a-f]{64}")
#: The image's Python, of which wheels and dependencies are chosen by.
IMAGE: Final = {
    "python_version": "3.14",
    "python_full_version": "3.14.0",
    "implementation_name": "cpython",
    "platform_python_implementation": "CPython",
    "os_name": "posix",
    "sys_platform": "linux",
    "platform_system": "Linux",
    "platform_machine": "x86_64",
    "extra": "",
}


@pytest.mark.parametrize("name", ["Dockerfile", "docker/clamav/Dockerfile"])
def test_bases_are_pinned_by_digest(name: str) -> None:
    lines = (ROOT / name).read_text().splitlines()
    bases = [line for line in lines if line.startswith("FROM ")]
    given = {line.partition("=")[0].removeprefix("ARG ") for line in lines if PINNED.fullmatch(line)}
    asked = {line.split()[1] for line in bases}
    stages_of_our_own = {line.partition(" AS ")[2] for line in bases}
    assert asked <= {f"${{{argument}}}" for argument in given} | stages_of_our_own


def test_what_ships_is_nobodys_to_change() -> None:
    runtime = stages()["runtime"]
    assert "USER 10001:10001" in runtime
    assert 'VOLUME ["/tmp", "/scratch"]' in runtime
    assert "STOPSIGNAL SIGTERM" in runtime
    assert stages()[""] == ["FROM runtime"]
    assert not any("apt-get" in line for lines in stages().values() for line in lines)


def test_the_context_holds_what_is_copied_and_nothing_private() -> None:
    for stage in ("vendor", "packages", "program", "test"):
        for sources, _ in copies(stage):
            assert all((ROOT / source).exists() and in_context(source) for source in sources), sources
    private = [
        ".git",
        ".git/config",
        ".local/demo.json",
        ".env",
        "portal.env",
        ".venv/bin/python",
        "tests/live.py",
    ]
    private += [
        "node_modules/x",
        "terraform/envs/prod.tfvars",
        "app/.env",
        "static/vendor/x",
        "app/__pycache__/x.pyc",
    ]
    private += [
        ".npmrc",
        "app/x.pem",
        "app/web/tls.key",
        "app/keys.p12",
        "app/x.py.bak",
        "app/dump.sql",
        "app/settings.json",
        "app/id_ed25519",
        "migrations/dump.sql.gz",
        "migrations/versions/x.pgpass",
        "static/x.crt",
        "static/x.json",
        "static/bundle.tgz",
        "templates/.netrc",
        "templates/x.pem",
    ]
    assert [path for path in private if in_context(path)] == []


def test_the_context_leaves_out_nothing_that_is_kept() -> None:
    """What git knows below a directory that is copied gets into the image."""
    sources = [source for sources, _ in copies("program") for source in sources]
    listed = subprocess.run(["git", "ls-files", "--", *sources], cwd=ROOT, capture_output=True, text=True)
    kept = listed.stdout.split()
    assert len(kept) > len(sources), listed.stderr
    assert [path for path in kept if not in_context(path)] == []


def test_the_pinned_packages_suffice_for_the_images_python() -> None:
    """requirements.txt was resolved by an older Python here; `pip install --no-deps` would not notice."""
    text = (ROOT / "requirements.txt").read_text()
    pinned = {canonicalize_name(name) for name in re.findall(r"^([\w.-]+)==", text, re.MULTILINE)}
    wanted = set()
    for name in pinned:
        for line in importlib.metadata.distribution(name).requires or []:
            requirement = Requirement(line)
            if requirement.marker is None or requirement.marker.evaluate(IMAGE):
                wanted.add(canonicalize_name(requirement.name))
    assert wanted <= pinned


class Contained(Live):
    """The product out of the image's files, each process confined as its container is."""

    def __init__(self, services: Services, database_url: str, directory: Path, program: Path) -> None:
        self.writable = [directory / name for name in ("tmp", "scratch", "storage")]
        for place in self.writable:
            place.mkdir(parents=True)
        settings = {
            "TMPDIR": str(self.writable[1]),
            "PYTHONDONTWRITEBYTECODE": "1",
            "DIAGPORT_HEARTBEATS": str(self.writable[0]),
            "DIAGPORT_SCAN_LARGE_BYTES": str(10**6),
        }
        super().__init__(services, database_url, directory, settings, redis_db=7)
        self._program = program
        self.application.processes["gate"] = self.application.python("gate", "worker.py", "gate")
        for process in self.application:
            process.argv = self.confined(*map(str, process.argv))

    def confined(self, *command: str) -> list[str]:
        places = [str(place) for place in (self._program, *self.writable)]
        return ["unshare", "--mount", str(CONFINED), *places, "--", *command]

    def run(self, *command: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            self.confined(sys.executable, *command),
            capture_output=True,
            text=True,
            env=os.environ | self.application.environment,
        )

    def well(self, role: str) -> bool:
        return self.run("docker/healthcheck.py", role).returncode == 0


@pytest.fixture(scope="module")
def container(
    services: Services, template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Contained]:
    directory = tmp_path_factory.mktemp("container")
    tried = subprocess.run(
        ["unshare", "--mount", "mount", "--bind", "/srv", "/srv"], capture_output=True, text=True
    )
    if tried.returncode:
        if os.environ.get("CI"):  # a pipeline is set up for this; that it no longer is must not go unseen
            pytest.fail(f"mounting is not permitted here: {tried.stderr.strip()}")
        pytest.skip(f"mounting is not permitted here: {tried.stderr.strip()}")
    program = directory / "program"
    build_program(program)
    (program / "docker" / "selftest.py").write_text((ROOT / "docker" / "selftest.py").read_text())
    with Contained(
        services, clone_database(services, template, "contained"), directory / "run", program
    ) as live:
        yield live


def test_all_of_it_works_where_nothing_can_be_written(container: Contained) -> None:
    """A bundle is taken, scanned, told of and fetched, while but three directories can be changed."""
    blocked = container.run("-c", "open('/srv/app/x', 'w')")
    assert "Read-only file system" in blocked.stderr
    for size in (1_000, 3 * 10**6):  # one for each of the two scan workers
        bundle = make_tgz({"etc/hostname": b"web-01\n", "var/log/syslog": os.urandom(size)})
        sent = container.put(bundle)
        assert container.settled(sent["id"])["state"] == "clean"
        fetched = container.get(f"/api/v1/uploads/{sent['id']}/content", "engineer")
        assert fetched.content == bundle
    eventually(lambda: container.mails(sent["id"]), "the mail")
    for path in ("/sign-in", "/static/vendor/tabler/tabler.min.css"):
        assert container.get(path).status_code == 200
    for process in container.application:
        assert process.running
        assert "Read-only file system" not in process.log.read_text()


def test_the_image_tests_itself(container: Contained) -> None:
    """What `docker build --target test` asks of the program, asked of the same files."""
    ran = container.run("docker/selftest.py", "program", "portal")
    assert (ran.returncode, ran.stdout) == (0, "The image is whole.\n"), ran.stdout + ran.stderr


def test_each_role_has_a_health_check_that_notices(container: Contained) -> None:
    beats = container.writable[0]
    for role in container.application.processes:
        eventually(partial(container.well, role), f"{role} to be well")
    for role in ("scan", "deliver", "scheduler", "gate"):
        process: Process = container.application[role]
        process.kill()
        file = beats / f"{role}.heartbeat"
        os.utime(file, (0, file.stat().st_mtime - 301))
        assert container.well(role) is False
    container.application["web"].kill()
    assert container.well("web") is False
    assert container.well("nonsense") is False


def test_logs_are_lines_of_json(container: Contained) -> None:
    for process in container.application:
        for line in process.log.read_text().splitlines():
            assert "level" in json.loads(line), line
