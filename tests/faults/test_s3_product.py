"""The whole product with its bundles in S3: every door, a web that dies, and its memory. F1, T26."""

import hashlib
import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
import requests

from app.adapters.storage.s3.storage import S3Storage
from tests.faults.lab import Lab, Sender, Tus
from tests.s3servers import S3Server

MIB = 1024**2


class S3Lab:
    """A product under test and its bucket, which keeps no versions: so it sends what is fetched itself."""

    def __init__(self, server: S3Server, make_lab: Callable[..., Lab], **settings: str) -> None:
        self.bucket = server.bucket()
        self.client = server.client
        self.storage = S3Storage(server.account(self.bucket))
        self.lab = make_lab(**server.settings(self.bucket), **settings)
        self.live = self.lab.live

    def fetch(self, upload_id: str) -> requests.Response:
        return self.live.get(f"/api/v1/uploads/{upload_id}/content", "engineer")

    def all_kept(self) -> None:
        """Check that each acknowledged upload is clean, fetched whole, and where it belongs."""
        for upload_id, sha256 in self.lab.ledger.items():
            self.lab.wait(lambda id_=upload_id: self.lab.state(id_) == "clean", f"clean {upload_id}")  # type: ignore[misc]
            fetched = self.fetch(upload_id)
            assert fetched.status_code == 200, fetched.text
            assert hashlib.sha256(fetched.content).hexdigest() == sha256
        names = {item["Key"] for item in self.client.list_objects_v2(Bucket=self.bucket).get("Contents", ())}
        keys = {key for (key,) in self.live.sql("SELECT storage_key FROM upload WHERE state = 'clean'")}
        assert {name for name in names if "." not in name} == {f"files/{key}" for key in keys}
        assert not [name for name in names if name.startswith("incoming/")]


@pytest.mark.parametrize("kind", ["moto", "swift"])
def test_every_door_leads_into_the_bucket(
    kind: str,
    request: pytest.FixtureRequest,
    make_lab: Callable[..., Lab],
    bundle: Callable[..., bytes],
    tmp_path: Path,
) -> None:
    s3 = S3Lab(request.getfixturevalue(kind), make_lab)
    live = s3.live
    token = f"Authorization: Bearer {live.accounts['acme']['token']}"
    for seed, arguments in enumerate(
        (["-T", "@", f"{live.url}/upload/a.tgz"], ["-F", "diag=@@", f"{live.url}/upload"])
    ):
        path = tmp_path / f"{seed}.tgz"
        path.write_bytes(bundle(2 * MIB, seed))
        command = [argument.replace("@@", f"@{path}") for argument in arguments]
        command = [str(path) if argument == "@" else argument for argument in command]
        done = subprocess.run(
            ["curl", "-sS", "--fail-with-body", "-H", token, *command],
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr + done.stdout
        s3.lab.acknowledged(json.loads(done.stdout), path.read_bytes())
    for wrong in ((), (b"no bundle" * 1000,)):  # chunked: nobody knows before that nothing comes
        refused = live.request("PUT", "/upload/wrong.tgz", "acme", data=iter(wrong))
        assert refused.status_code == 415, refused.text
    tus = Tus(live, bundle(11 * MIB, 3))
    for start in range(0, len(tus.content), 4 * MIB):
        answer = tus.patch(start, start + 4 * MIB)
    s3.lab.acknowledged(json.loads(answer.body), tus.content)

    s3.all_kept()

    ready = live.get("/readyz")
    assert ready.status_code == 200
    assert {"storage", "storage_filesystem"} <= set(ready.json()["checks"])
    (upload_id,) = list(s3.lab.ledger)[-1:]
    ranged = live.get(f"/api/v1/uploads/{upload_id}/content", "engineer", headers={"Range": "bytes=9-99"})
    assert (ranged.status_code, ranged.content) == (206, tus.content[9:100])


def test_killed_in_mid_chunk_it_goes_on_on_another_host(
    swift: S3Server, make_lab: Callable[..., Lab], bundle: Callable[..., bytes]
) -> None:
    """F1. Nothing of the unfinished upload is anywhere but in the bucket and the database."""
    s3 = S3Lab(swift, make_lab, DIAGPORT_CHECKPOINT_BYTES=str(3 * MIB))
    tus = Tus(s3.live, bundle(20 * MIB, 4))
    assert tus.patch(0, 5 * MIB).status == 204
    sender = tus.begin(5 * MIB, len(tus.content) - 5 * MIB)
    sender.send(tus.content[5 * MIB : 18 * MIB])
    s3.lab.wait(lambda: tus.durable() > 12 * MIB, "a checkpoint in mid-chunk", 30)
    s3.lab["web"].kill()
    s3.lab.restart("web")

    assert 12 * MIB < tus.offset() <= 18 * MIB
    finished = tus.patch(tus.offset())

    assert finished.status == 200, finished.body
    s3.lab.acknowledged(json.loads(finished.body), tus.content)
    s3.all_kept()
    sender.close()


def test_what_took_the_place_of_a_clean_object_is_never_sent_whole(
    moto: S3Server, make_lab: Callable[..., Lab], bundle: Callable[..., bytes]
) -> None:
    """T26."""
    s3 = S3Lab(moto, make_lab)
    upload_id = s3.lab.put(bundle(MIB, 5))
    s3.all_kept()
    (key,) = s3.live.sql("SELECT storage_key FROM upload")[0]
    s3.client.put_object(Bucket=s3.bucket, Key=f"files/{key}", Body=bundle(MIB, 6))

    assert s3.fetch(upload_id).status_code == 409
    assert s3.lab.state(upload_id) == "integrity_failed"


def test_memory_stays_flat_while_a_large_bundle_passes(
    swift: S3Server, make_lab: Callable[..., Lab], bundle: Callable[..., bytes]
) -> None:
    s3 = S3Lab(swift, make_lab)
    s3.lab.put(bundle(MIB, 7))  # whatever is loaded at the first upload
    sender = Sender(s3.live, "PUT", "/upload/large.tgz", 100 * MIB)
    before = _resident(s3.lab)
    content = bundle(MIB, 7)
    most = before
    sender.send(content)
    for _ in range(90):
        sender.send(bytes(MIB))
        most = max(most, _resident(s3.lab))
    sender.close()

    assert most - before < 40 * MIB


def _resident(lab: Lab) -> int:
    web = psutil.Process(lab["web"].pid)
    return sum(process.memory_info().rss for process in [web, *web.children(recursive=True)])
