"""scripts/renew_pins.py, on Dockerfiles like ours and on ours."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from app.cli.dev import ROOT
from scripts.renew_pins import renewed
from tests.pipelines.fakes import Programs

OLD, NEW = "a" * 64, "b" * 64
BASE = f"ARG BASE=python:3.14-slim@sha256:{OLD}\nFROM ${{BASE}}\nRUN true\n"
FETCHED = (
    f"ARG CA_SHA256={OLD}\n"
    "ADD --checksum=sha256:${CA_SHA256} --chmod=0444 \\\n    https://example.com/ca.pem /etc/ca.pem\n"
)


def sha(letters: str) -> str:
    return f"sha256:{letters}"


def test_tags_and_files_get_their_digest_of_today() -> None:
    asked: list[str] = []

    def ask(what: str) -> str:
        asked.append(what)
        return sha(NEW)

    text, said = renewed(BASE + FETCHED, ask, ask)
    assert text == (BASE + FETCHED).replace(OLD, NEW)
    assert asked == ["python:3.14-slim", "https://example.com/ca.pem"]
    assert said == [
        "python:3.14-slim: aaaaaaaaaaaa -> bbbbbbbbbbbb",
        "https://example.com/ca.pem: aaaaaaaaaaaa -> bbbbbbbbbbbb",
    ]


def test_what_is_of_today_stays() -> None:
    assert renewed(BASE, lambda _: sha(OLD), lambda _: sha(OLD)) == (BASE, [])


@pytest.mark.parametrize("answer", ["", "latest", "sha256:abc", NEW])
def test_what_is_no_digest_is_not_written(answer: str) -> None:
    with pytest.raises(ValueError, match="has no digest"):
        renewed(BASE, lambda _: answer, lambda _: answer)


def test_a_checksum_that_nothing_uses_is_said() -> None:
    with pytest.raises(ValueError, match="no ADD uses CA_SHA256"):
        renewed(FETCHED.splitlines()[0], lambda _: sha(NEW), lambda _: sha(NEW))


def test_every_base_of_ours_is_found() -> None:
    """All that is built upon is pinned, and this finds it."""
    for path in (ROOT / "Dockerfile", ROOT / "docker" / "clamav" / "Dockerfile"):
        asked: list[str] = []

        def ask(what: str, asked: list[str] = asked) -> str:
            asked.append(what)
            return sha(NEW)

        text, _ = renewed(path.read_text(), ask, ask)
        assert (
            text.count(NEW)
            == len(asked)
            == path.read_text().count("@sha256:") + path.read_text().count("ADD ")
        )


@pytest.mark.parametrize(("status", "digest"), [(0, NEW), (1, OLD)])
def test_files_change_only_when_everything_could_be_asked(tmp_path: Path, status: int, digest: str) -> None:
    programs = Programs(tmp_path / "bin")
    programs.add("docker")
    programs.answer("inspect python:3.14-slim", sha(NEW) + "\n")
    programs.answer("inspect node:24", sha(NEW) + "\n", status=status)
    (tmp_path / "Dockerfile").write_text(BASE)
    (tmp_path / "Other").write_text(f"FROM node:24@sha256:{OLD}\n")
    done = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "renew_pins.py"), "Dockerfile", "Other"],
        cwd=tmp_path,
        env={**os.environ, "PATH": f"{programs.directory}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == status
    assert (tmp_path / "Dockerfile").read_text() == BASE.replace(OLD, digest)
    assert digest in (tmp_path / "Other").read_text()
