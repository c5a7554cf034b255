"""scripts/sync-assets.sh: each release's files under its tag, and none ever changed. No AWS is asked."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from app.cli.dev import ROOT
from tests.image.aws_play import unknown_to_aws

SCRIPT = ROOT / "scripts" / "sync-assets.sh"
TAG = "0123abc"
FILES = {
    "css/page.css": "text/css; charset=utf-8",
    "js/app.js": "text/javascript; charset=utf-8",
    "img/logo.svg": "image/svg+xml",
    "vendor/htmx/LICENSE": "text/plain; charset=utf-8",
}


class Bucket:
    """A bucket, and a directory of static files to send from."""

    def __init__(self, directory: Path) -> None:
        self.script = SCRIPT
        self.place, self.static, self._bin = (directory / name for name in ("bucket", "static", "bin"))
        for made in (self.place, self.static, self._bin):
            made.mkdir()
        (self.place / "refused").touch()
        aws = self._bin / "aws"
        aws.write_text(
            f'#!/bin/sh\nexec "{sys.executable}" "{Path(__file__).with_name("bucket_aws.py")}" "$@"\n'
        )
        aws.chmod(0o755)
        for name in (*FILES, "vendor/.installed", "client/diagport.py"):
            self.write(name, f"first {name}")

    def write(self, name: str, words: str) -> None:
        (self.static / name).parent.mkdir(parents=True, exist_ok=True)
        (self.static / name).write_text(words)

    def sync(self, **changed: str) -> tuple[int, str]:
        given = {"ASSETS_BUCKET": "b", "ASSETS_TAG": TAG, "ASSETS_FROM": str(self.static)} | changed
        path = f"{self._bin}:{os.environ['PATH']}"
        ended = subprocess.run(
            [self.script],
            env={"PATH": path, "BUCKET_PLAY": str(self.place)} | {k: v for k, v in given.items() if v},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return ended.returncode, ended.stderr

    def calls(self) -> list[tuple[str, str, dict[str, str]]]:
        log = self.place / "calls.jsonl"
        return [tuple(json.loads(line)) for line in log.read_text().splitlines()] if log.exists() else []

    def put(self) -> list[str]:
        return [options["key"] for _, operation, options in self.calls() if operation == "put-object"]

    def objects(self, tag: str = TAG) -> dict[str, str]:
        found = (path for path in (self.place / tag).rglob("*") if path.is_file() and path.suffix != ".told")
        return {str(path.relative_to(self.place / tag)): path.read_text() for path in found}


@pytest.fixture
def bucket(tmp_path: Path) -> Bucket:
    return Bucket(tmp_path)


def test_a_release_is_put_whole_under_its_tag(bucket: Bucket) -> None:
    code, said = bucket.sync()
    assert code == 0, said
    assert bucket.objects() == {name: f"first {name}" for name in FILES} | {".whole": ""}
    assert bucket.put()[-1] == f"{TAG}/.whole"  # who finds it finds the rest
    for name, kind in FILES.items():
        told = json.loads((bucket.place / TAG / f"{name}.told").read_text())
        assert told["content-type"] == kind
        assert told["cache-control"] == "public, max-age=31536000, immutable"
    for service, operation, options in bucket.calls():
        assert service == "s3api"
        named = {"".join(word.capitalize() for word in name.split("-")): options[name] for name in options}
        assert unknown_to_aws("s3", operation, named) == set()


def test_once_it_is_there_nothing_is_sent_again(bucket: Bucket) -> None:
    """Nor are files asked for: a rollback comes from a checkout that is of another release."""
    assert bucket.sync()[0] == 0
    before = len(bucket.put())
    assert bucket.sync(ASSETS_FROM="")[0] == 0
    assert len(bucket.put()) == before


def test_what_is_there_is_never_changed(bucket: Bucket) -> None:
    """A page that was opened before the roll finds its release's file as it was."""
    assert bucket.sync()[0] == 0
    bucket.write("css/page.css", "second")
    assert bucket.sync(ASSETS_TAG="fedcba9")[0] == 0
    (bucket.place / TAG / ".whole").unlink()
    assert bucket.sync()[0] == 0
    assert bucket.objects()["css/page.css"] == "first css/page.css"
    assert bucket.objects("fedcba9")["css/page.css"] == "second"


def test_after_a_failure_it_goes_on(bucket: Bucket) -> None:
    (bucket.place / "refused").write_text(f"{TAG}/js/app.js\n")
    code, said = bucket.sync()
    assert code == 1
    assert f"{TAG}/js/app.js: " in said
    assert "AccessDenied" in said
    assert ".whole" not in bucket.objects()
    (bucket.place / "refused").write_text("")
    assert bucket.sync()[0] == 0
    assert set(bucket.objects()) == {*FILES, ".whole"}


@pytest.mark.parametrize(
    ("changed", "word"),
    [
        ({"ASSETS_BUCKET": ""}, "ASSETS_BUCKET"),
        ({"ASSETS_TAG": ""}, "ASSETS_TAG"),
        ({"ASSETS_TAG": "latest"}, "ASSETS_TAG"),
        ({"ASSETS_TAG": "../0123abc"}, "ASSETS_TAG"),
    ],
)
def test_what_is_missing_is_said(bucket: Bucket, changed: dict[str, str], word: str) -> None:
    code, said = bucket.sync(**changed)
    assert (code, word in said, bucket.put()) == (2, True, [])


@pytest.mark.parametrize(("name", "word"), [("img/new.webp", "new.webp"), ("js/app.js.map", "app.js.map")])
def test_a_kind_that_nobody_has_named_stops_it_first(bucket: Bucket, name: str, word: str) -> None:
    bucket.write(name, "?")
    code, said = bucket.sync()
    assert (code, word in said, bucket.put()) == (2, True, [])


def test_without_the_vendors_files_nothing_is_sent(bucket: Bucket) -> None:
    (bucket.static / "vendor" / ".installed").unlink()
    code, said = bucket.sync()
    assert (code, "install.sh vendor" in said, bucket.put()) == (2, True, [])


def checkout(directory: Path, bucket: Bucket) -> tuple[Path, str]:
    """Make a repository of the script and the files; return its directory, and the commit."""
    root = directory / "checkout"
    (root / "scripts").mkdir(parents=True)
    bucket.script = root / "scripts" / SCRIPT.name
    bucket.script.write_bytes(SCRIPT.read_bytes())
    bucket.script.chmod(0o755)
    bucket.static.rename(root / "static")
    (root / ".gitignore").write_text("static/vendor/\n")
    who = ["-c", "user.name=Test", "-c", "user.email=test@example.com"]
    for words in (["init", "-q"], ["add", "."], [*who, "commit", "-qm", "Files"]):
        subprocess.run(["git", "-C", root, *words], check=True)
    head = subprocess.run(
        ["git", "-C", root, "rev-parse", "HEAD"], check=True, capture_output=True, text=True
    )
    return root, head.stdout.strip()


def test_from_a_checkout_it_must_be_that_release(bucket: Bucket, tmp_path: Path) -> None:
    root, commit = checkout(tmp_path, bucket)
    code, said = bucket.sync(ASSETS_FROM="")
    assert (code, f"not {TAG}" in said, bucket.put()) == (3, True, [])
    page = root / "static" / "css" / "page.css"
    page.write_text("not committed")
    code, said = bucket.sync(ASSETS_FROM="", ASSETS_TAG=commit)
    assert (code, "as it was committed" in said, bucket.put()) == (3, True, [])
    page.write_text("first css/page.css")
    assert bucket.sync(ASSETS_FROM="", ASSETS_TAG=commit[:9])[0] == 0
    assert set(bucket.objects(commit[:9])) == {*FILES, ".whole"}


def test_every_file_of_ours_has_a_kind(bucket: Bucket) -> None:
    """The real ones: a new kind of file must be named before a deployment finds it."""
    code, said = bucket.sync(ASSETS_FROM=str(ROOT / "static"))
    assert code == 0, said
    sent = {key.removeprefix(f"{TAG}/") for key in bucket.put()}
    assert {"vendor/tabler/tabler.min.css", "js/app.js", "img/logo.svg"} <= sent
    assert not any(key.startswith("client/") or key.endswith(".installed") for key in sent)
