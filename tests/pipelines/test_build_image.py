"""scripts/build-image.sh and scripts/assume-role.sh, with programs that answer as told."""

import shlex
import subprocess
from pathlib import Path

import pytest

from tests.pipelines.fakes import Programs

COMMIT = "0123456789abcdef0123456789abcdef01234567"
TARGET = "444444444444.dkr.ecr.eu-west-1.amazonaws.com/diagport"


@pytest.fixture
def programs(tmp_path: Path) -> Programs:
    programs = Programs(tmp_path / "bin")
    programs.add("docker", "skopeo", "aws")
    programs.answer("aws ecr get-login-password", "secret")
    programs.answer("skopeo inspect --config", '{"rootfs": {"diff_ids": ["sha256:a", "sha256:b"]}}')
    programs.answer("skopeo inspect --authfile", status=1, errors="reading manifest: manifest unknown")
    return programs


def position(programs: Programs, words: str) -> int:
    (index,) = [index for index, call in enumerate(programs.calls()) if words in call]
    return index


@pytest.mark.parametrize(("name", "context"), [("app", "."), ("clamav", "docker/clamav")])
def test_it_is_scanned_and_then_pushed(programs: Programs, name: str, context: str) -> None:
    done = programs.run("build-image.sh", name, COMMIT, TARGET)
    assert done.returncode == 0, done.stderr
    (built,) = programs.calls("type=oci")
    assert "--attest type=sbom,generator=" in built
    assert "--attest type=provenance,mode=max" in built
    assert built.endswith(f" {context}")
    (scanned,) = programs.calls("docker run")
    assert scanned.endswith("--only-fixed --fail-on critical")
    assert position(programs, "docker run") < position(programs, "skopeo copy")
    assert programs.calls("skopeo copy")[0].endswith(f"docker://{TARGET}/{name}:{COMMIT}")
    assert "--all" in programs.calls("skopeo copy")[0]  # the SBOM goes along
    assert "secret" not in " ".join(programs.calls())


def test_every_image_it_uses_is_pinned(programs: Programs) -> None:
    programs.run("build-image.sh", "app", COMMIT)
    (scan,) = programs.calls("docker run")
    (built,) = programs.calls("type=oci")
    for call in (scan, built):
        assert "@sha256:" in call
    programs.answer("buildx inspect", status=1)
    programs.run("build-image.sh", "app", COMMIT)
    assert "@sha256:" in programs.calls("buildx create")[0]


def test_without_a_registry_nothing_is_pushed(programs: Programs) -> None:
    assert programs.run("build-image.sh", "app", COMMIT).returncode == 0
    assert programs.calls("aws") == []
    assert programs.calls("skopeo copy") == []


def test_the_tests_in_the_image_come_first(programs: Programs) -> None:
    programs.answer("--target test", status=1)
    assert programs.run("build-image.sh", "app", COMMIT, TARGET).returncode == 1
    assert programs.calls("type=oci") == []


@pytest.mark.parametrize(
    "failing", ["docker run", "type=oci", "type=docker", "skopeo inspect --config", "aws ecr"]
)
def test_what_fails_is_not_pushed(programs: Programs, failing: str) -> None:
    programs.answer(failing, status=1)
    assert programs.run("build-image.sh", "app", COMMIT, TARGET).returncode != 0
    assert programs.calls("skopeo copy") == []


def test_what_was_not_scanned_is_not_pushed(programs: Programs) -> None:
    programs.answer("oci-archive:", '{"rootfs": {"diff_ids": ["sha256:other"]}}')
    done = programs.run("build-image.sh", "app", COMMIT, TARGET)
    assert done.returncode == 1
    assert "not what was built" in done.stderr
    assert programs.calls("docker run") == []
    assert programs.calls("skopeo copy") == []


def test_a_tag_never_moves(programs: Programs) -> None:
    programs.answer("skopeo inspect --authfile", "{}")
    assert programs.run("build-image.sh", "app", COMMIT, TARGET).returncode == 0
    assert programs.calls("docker buildx") == []
    assert programs.calls("skopeo copy") == []


@pytest.mark.parametrize(
    "errors",
    [
        "connection refused",
        "name unknown: The repository with name 'diagport/app' does not exist in the registry",
    ],
)
def test_a_registry_that_does_not_answer_is_not_an_empty_one(programs: Programs, errors: str) -> None:
    programs.answer("skopeo inspect --authfile", status=1, errors=errors)
    assert programs.run("build-image.sh", "app", COMMIT, TARGET).returncode == 1
    assert programs.calls("docker buildx") == []


@pytest.mark.parametrize("arguments", [[], ["web", COMMIT], ["app"], ["app", "latest"], ["app", COMMIT[:7]]])
def test_wrong_arguments_build_nothing(programs: Programs, arguments: list[str]) -> None:
    assert programs.run("build-image.sh", *arguments).returncode == 2
    assert programs.calls() == []


def test_a_role_is_assumed_without_showing_the_token(programs: Programs) -> None:
    programs.answer("assume-role-with-web-identity", "ASIAEXAMPLE\tse/cr+et\tto'k en=\n")
    role = "arn:aws:iam::111111111111:role/diagport-terraform-plan"
    done = programs.run("assume-role.sh", role, "a job/with: odd name" * 9, WEB_IDENTITY_TOKEN="eyJhbGciOi")
    assert done.returncode == 0, done.stderr
    (call,) = programs.calls("aws sts")
    assert "eyJhbGciOi" not in call
    assert "--duration-seconds 3600" in call
    session = call.split("--role-session-name ")[1].split()[0]
    assert len(session) == 64
    shown = subprocess.run(
        ["bash", "-c", f'{done.stdout}\nprintf \'%s|%s|%s\' "$AWS_ACCESS_KEY_ID" "$AWS_SECRET_ACCESS_KEY"'],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert shown == "ASIAEXAMPLE|se/cr+et|"
    assert shlex.split(done.stdout)[-1].startswith("AWS_SESSION_TOKEN=to'k")


def test_a_role_is_assumed_for_as_long_as_asked(programs: Programs) -> None:
    programs.answer("assume-role-with-web-identity", "ASIAEXAMPLE\ts\tt\n")
    programs.run("assume-role.sh", "arn:aws:iam::1:role/x", "job", "7200", WEB_IDENTITY_TOKEN="t")
    assert "--duration-seconds 7200" in programs.calls("aws sts")[0]


@pytest.mark.parametrize(("answer", "status"), [("", 0), ("", 254), ("None\n", 0)])
def test_a_role_that_is_refused_gives_nothing(programs: Programs, answer: str, status: int) -> None:
    programs.answer("assume-role-with-web-identity", answer, status=status)
    done = programs.run("assume-role.sh", "arn:aws:iam::1:role/x", "job", WEB_IDENTITY_TOKEN="t")
    assert done.returncode != 0
    assert "export" not in done.stdout


def test_without_a_token_nobody_is_asked(programs: Programs) -> None:
    done = programs.run("assume-role.sh", "arn:aws:iam::1:role/x", "job", WEB_IDENTITY_TOKEN="")
    assert done.returncode != 0
    assert programs.calls() == []
